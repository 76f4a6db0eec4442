"""Parameters against a strategy's CONFIG_SCHEMA: what is taken, and what is refused how."""

import math
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.strategies.errors import ParameterError, StrategyLoadError
from trading.strategies.schema import Schema, parse_schema

SCHEMA: dict[str, Any] = {
    "fast_period": {
        "type": "int",
        "default": 20,
        "min": 2,
        "max": 500,
        "below": "slow_period",
        "aliases": ["fast"],
    },
    "slow_period": {"type": int, "default": 50, "min": 2, "max": 500, "aliases": ["slow"]},
    "risk": {"type": "float", "default": 0.01, "min": 0, "max": 1},
    "quantity": {"type": "decimal", "default": None, "min": "0.001"},
    "note": {"type": "str", "default": ""},
    "is_loud": {"type": bool, "default": False},
    "side": {"type": "str", "default": "long", "choices": ["long", "short"]},
}
DEFAULTS = {
    "fast_period": 20,
    "slow_period": 50,
    "risk": 0.01,
    "quantity": None,
    "note": "",
    "is_loud": False,
    "side": "long",
}


def schema() -> Schema:
    return parse_schema(SCHEMA, "file.py: Strategy")


def test_defaults_are_filled_in() -> None:
    assert schema().validate({}) == DEFAULTS


def test_what_is_given_wins() -> None:
    given = {"fast": 5, "risk": 1, "quantity": 0.1, "note": "test run", "is_loud": True}
    assert schema().validate(given) == DEFAULTS | {
        "fast_period": 5,
        "risk": 1.0,
        "quantity": Decimal("0.1"),
        "note": "test run",
        "is_loud": True,
    }


def test_the_configuration_cannot_be_changed() -> None:
    config = schema().validate({})
    with pytest.raises(TypeError):
        config["risk"] = 1.0  # type: ignore[index]


def test_the_schema_of_the_concept_paper_is_understood() -> None:
    parsed = parse_schema({"risk": {"type": "float", "default": 0.01}}, "f")
    assert parsed.validate({"risk": 0.02}) == {"risk": 0.02}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"fast_perod": 5}, "parameters.fast_perod: found an unknown key, allowed fast_period?"),
        ({"zzz": 5}, "parameters.zzz: found an unknown key, allowed fast_period, slow_period"),
        ({7: 5}, "parameters.7: found an unknown key"),
        ({"fast_period": 1}, "parameters.fast_period: found 1, allowed a whole number from 2"),
        ({"fast": 501}, "parameters.fast: found 501, allowed a whole number from 2 to 500"),
        ({"fast_period": "20"}, "parameters.fast_period: found the text '20', allowed a"),
        ({"fast_period": 20.0}, "parameters.fast_period: found 20.0, allowed a whole number"),
        ({"fast_period": True}, "parameters.fast_period: found True, allowed a whole number"),
        ({"fast_period": None}, "parameters.fast_period: found None, allowed a whole number"),
        ({"fast_period": 60}, "found 60, allowed less than slow_period, which is 50"),
        ({"fast": 60, "slow": 60}, "parameters.fast: found 60, allowed less than slow, which"),
        ({"fast": 5, "fast_period": 5}, "found fast and fast_period, allowed one of them"),
        ({"risk": 1.5}, "parameters.risk: found 1.5, allowed a number from 0.0 to 1.0"),
        ({"risk": math.nan}, "parameters.risk: found nan, allowed a number"),
        ({"risk": 10**400}, "parameters.risk: found 1"),
        ({"risk": False}, "parameters.risk: found False"),
        ({"quantity": "a lot"}, "parameters.quantity: found a lot, allowed a number from 0.001"),
        ({"quantity": "NaN"}, "parameters.quantity: found NaN"),
        ({"quantity": Decimal("sNaN")}, "parameters.quantity: found Decimal('sNaN')"),
        ({"quantity": 0}, "parameters.quantity: found 0"),
        ({"note": 5}, "parameters.note: found 5, allowed a text of at most 500 characters"),
        ({"note": "x" * 501}, "parameters.note: found xxx"),
        ({"is_loud": "yes"}, "parameters.is_loud: found the text 'yes', allowed true"),
        ({"is_loud": 1}, "parameters.is_loud: found 1, allowed true or false"),
        ({"side": "both"}, "parameters.side: found both, allowed long or short"),
        ({"side": ["long"]}, "parameters.side: found ['long'], allowed long or short"),
    ],
)
def test_a_wrong_parameter_is_refused_in_one_line(given: dict[Any, Any], line: str) -> None:
    with pytest.raises(ParameterError) as caught:
        schema().validate(given)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_the_error_tells_its_parts() -> None:
    with pytest.raises(ParameterError) as caught:
        schema().validate({"risk": 2}, where="instances.trend.config")
    assert caught.value.key == "instances.trend.config.risk"
    assert caught.value.found == "2"
    assert caught.value.allowed == "a number from 0.0 to 1.0"


def test_a_parameter_without_a_default_must_be_given() -> None:
    parsed = parse_schema({"window": {"type": "int"}}, "f")
    assert parsed.validate({"window": 3}) == {"window": 3}
    for nothing in ({}, {"window": None}):
        with pytest.raises(ParameterError, match=r"parameters\.window: found (nothing|None)"):
            parsed.validate(nothing)


def test_what_may_be_left_out_may_be_given_as_nothing() -> None:
    assert schema().validate({"quantity": None})["quantity"] is None


def test_a_strategy_without_parameters_says_so() -> None:
    with pytest.raises(ParameterError, match="allowed none: the strategy has no parameters"):
        parse_schema({}, "f").validate({"risk": 1})


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (None, "CONFIG_SCHEMA: found None, allowed a dict of parameters"),
        ([], "CONFIG_SCHEMA: found [], allowed a dict"),
        ({"a b": {"type": "int"}}, "CONFIG_SCHEMA: found a b, allowed names as in Python"),
        ({5: {"type": "int"}}, "CONFIG_SCHEMA: found 5"),
        ({"a": 5}, "CONFIG_SCHEMA.a: found 5, allowed a dict with type and default"),
        ({"a": {}}, "CONFIG_SCHEMA.a.type: found nothing, allowed int, float, decimal"),
        ({"a": {"type": "number"}}, "CONFIG_SCHEMA.a.type: found number"),
        ({"a": {"type": list}}, "CONFIG_SCHEMA.a.type: found <class 'list'>"),
        ({"a": {"type": "int", "minimum": 5}}, "CONFIG_SCHEMA.a.minimum: found an unknown key"),
        ({"a": {"type": "int", "default": 0.5}}, "a.default: found 0.5, allowed a whole number"),
        ({"a": {"type": "int", "default": 5, "min": 6}}, "a.default: found 5, allowed a whole"),
        ({"a": {"type": "int", "min": "x"}}, "CONFIG_SCHEMA.a.min: found x"),
        ({"a": {"type": "str", "min": 5}}, "CONFIG_SCHEMA.a: found min, max or below"),
        ({"a": {"type": "int", "below": "b"}}, "CONFIG_SCHEMA.a.below: found b, allowed a param"),
        ({"a": {"type": "str", "choices": "ab"}}, "CONFIG_SCHEMA.a.choices: found ab, allowed a"),
        ({"a": {"type": "str", "choices": [5]}}, "CONFIG_SCHEMA.a.choices: found 5"),
        ({"a": {"type": "int", "aliases": "b"}}, "a.aliases: found b, allowed a list of names"),
        (
            {"a": {"type": "int"}, "b": {"type": "int", "aliases": ["a"]}},
            "CONFIG_SCHEMA.a: found the same name twice",
        ),
        ({f"a{n}": {"type": "int"} for n in range(101)}, "found 101 parameters, allowed at most"),
    ],
)
def test_a_schema_that_cannot_be_understood_is_refused_in_one_line(raw: Any, line: str) -> None:
    with pytest.raises(StrategyLoadError) as caught:
        parse_schema(raw, "file.py: Strategy")
    assert str(caught.value).startswith("file.py: Strategy: CONFIG_SCHEMA")
    assert line in str(caught.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*SCHEMA, "fast", "slow", "other"]), anything))
def test_whatever_is_given_is_taken_as_allowed_or_refused(parameters: dict[str, Any]) -> None:
    config: Mapping[str, Any] = DEFAULTS
    with suppress(ParameterError):
        config = schema().validate(parameters)
    assert set(config) == set(SCHEMA)
    assert 2 <= config["fast_period"] < config["slow_period"] <= 500
    assert 0 <= config["risk"] <= 1
    assert config["side"] in ("long", "short")


@given(st.dictionaries(st.text(max_size=5), anything) | anything)
def test_whatever_is_a_schema_is_understood_or_refused(raw: Any) -> None:
    with suppress(StrategyLoadError):
        assert isinstance(parse_schema(raw, "f"), Schema)
