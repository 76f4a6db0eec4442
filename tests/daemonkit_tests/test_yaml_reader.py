import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from daemonkit.errors import ConfigurationError
from daemonkit.yaml_reader import DEPTH_MAX, SIZE_MAX, VALUES_MAX, parse_yaml, read_yaml


def values(text: str | bytes) -> dict[str, Any]:
    return parse_yaml(text.encode() if isinstance(text, str) else text, "c.yaml").values


def refusal(text: str | bytes) -> str:
    with pytest.raises(ConfigurationError) as caught:
        values(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"), ("on", "on"), ("yes", "yes"), ("No", "No"), ("y", "y"),
        ("true", True), ("False", False), ("TRUE", True), ("tRue", "tRue"),
        ("null", None), ("~", None), ("", None), ("nULL", "nULL"),
        ("0", 0), ("-7", -7), ("+7", 7), ("007", "007"), ("-012", "-012"), ("0o17", 15),
        ("0x1F", 31), ("0b1", "0b1"), ("1_000", "1_000"), ("12:30", "12:30"),
        ("12:30:45", "12:30:45"), ("2026-11-20", "2026-11-20"),
        ("-1001234567890", -1001234567890), ("1.5", 1.5), (".5", 0.5), ("5.", 5.0),
        ("1e3", 1000.0), ("1.5E-3", 0.0015), ("00.5", "00.5"), ("1.2.3", "1.2.3"),
        (".inf", math.inf), ("-.Inf", -math.inf), ("1e999", math.inf), ("9" * 200, "9" * 200),
        ("BTC/USDT", "BTC/USDT"), ("'true'", "true"), ('"12"', "12"), ("!!str 12", "12"),
        ("|\n  a\n  b\n", "a\nb\n"), (">-\n  a\n  b\n", "a b"),
        ("[1, [a, {b: c}]]", [1, ["a", {"b": "c"}]]), ("=", "="), ("0.1", 0.1),
    ],
)  # fmt: skip
def test_a_scalar_means_what_it_says(text: str, value: Any) -> None:
    found = values(f"key: {text}\n")["key"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(values("key: .nan")["key"])


def test_keys_are_the_text_they_are() -> None:
    assert list(values("on: 1\n1: 2\nnull: 3\n1.0: 4\n'quoted key': 5\n")) == [
        "on", "1", "null", "1.0", "quoted key",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "\n", "# nothing but a comment\n", "---\n", "~", "\ufeff", "{}"]
)
def test_a_file_without_values_is_an_empty_mapping(text: str) -> None:
    assert values(text) == {}


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    assert values(b"\xef\xbb\xbfname: x\r\nmode: spot\r\n") == {"name": "x", "mode": "spot"}


def test_the_line_of_every_value_is_known() -> None:
    document = parse_yaml(b"a: 1\nb:\n  c:\n    - x\n    - y: 2\n", "c.yaml")
    assert document.lines[("a",)] == 1
    assert document.lines[("b",)] == 2
    assert document.lines[("b", "c")] == 3
    assert document.lines[("b", "c", 1, "y")] == 5


def test_an_alias_is_a_copy_of_what_its_anchor_holds() -> None:
    found = values("a: &x {b: 1}\nc: *x\nd: [*x, *x]\n")
    assert found == {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}, {"b": 1}]}
    found["c"]["b"] = 2
    assert found["a"]["b"] == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\na: 2\n", "c.yaml: a: found the key twice, on lines 1 and 2, allowed once"),
        ("a:\n  b: 1\n  b: 2\n",
         "c.yaml: a.b: found the key twice, on lines 2 and 3, allowed once"),
        ("- a\n- b\n", "c.yaml: line 1: found a list, allowed a mapping of keys to values"),
        ("just text", "c.yaml: line 1: found text, allowed a mapping of keys to values"),
        ("a: 1\n---\nb: 2\n", "c.yaml: line 2: found a second document, allowed one"),
        ("a:\n\tb: 1\n", "c.yaml: line 2: found a tab, allowed spaces to indent"),
        ("a: *nothing\n",
         ("c.yaml: line 1: found an alias (*name) of nothing, allowed a text that starts with * "
         "in quotes")),
        ("a: &x [*x]\n",
         ("c.yaml: line 1: found an alias (*name) of nothing, allowed a text that starts with * "
         "in quotes")),
        ("a: !thing 1\n",
         "c.yaml: line 1: found a tag (!…), allowed a text that starts with ! in quotes"),
        ("a: !!python/object/apply:os.system [id]\n",
         "c.yaml: line 1: found a tag (!…), allowed a text that starts with ! in quotes"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n",
         "c.yaml: line 3: found a merge key (<<), allowed the keys themselves"),
        ("? [a, b]\n: 1\n",
         "c.yaml: line 1: found a key that is not text, allowed plain text as a key"),
        ("'': 1\n", "c.yaml: line 1: found an empty key, allowed the name of a setting"),
        (b"a: 1\nb: \xff\n",
         "c.yaml: line 2: found bytes that are not UTF-8, allowed UTF-8 text"),
        ("a: 1".encode("utf-16"),
         "c.yaml: line 1: found bytes that are not UTF-8, allowed UTF-8 text"),
        (b"a: 1\nb: [1, 2\n", ("c.yaml: line 3: found did not find expected ',' or ']', "
         "allowed valid YAML")),
        (b"x" * (SIZE_MAX + 1), "c.yaml: found a file over 1 MiB, allowed at most 1 MiB"),
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_refused_with_its_line(text: str | bytes, line: str) -> None:
    assert refusal(text) == line


@pytest.mark.parametrize("text", [b"a: \x00\n", b"a: \x1b[2J\n", b"\x00" * 100])
def test_control_characters_are_refused(text: bytes) -> None:
    assert "allowed valid YAML" in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "key: @secret9\n", "key: *secret9\n", "key: !secret9\n", "key: 'secret9\n",
        "secret9\nother: x", "%secret9\n", "key: `secret9\n", "key: {secret9: [}\n",
        'key: "\\q secret9"\n',
    ],
)  # fmt: skip
def test_a_syntax_error_never_quotes_the_text(text: str) -> None:
    assert "secret9" not in refusal(text)


def test_deep_nesting_is_refused_without_a_deep_stack() -> None:
    for text in ("a: " + "[" * 500_000, "a: " + "{b: " * 200_000, "- " * 300_000):
        assert f"found deeper nesting, allowed at most {DEPTH_MAX} levels" in refusal(text)


def test_aliases_cannot_unfold_without_bound() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 9):
        laughs += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    assert f"found too many values, allowed at most {VALUES_MAX}" in refusal(laughs)


def test_a_file_of_very_many_values_is_refused() -> None:
    assert "found too many values" in refusal("a: [" + "1," * 60_000 + "]")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="found No such file or directory"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigurationError, match="found Is a directory"):
        read_yaml(tmp_path)


def assert_one_line(error: ConfigurationError) -> None:
    assert len(str(error).splitlines()) == 1


yaml_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
@example(b"a: &x 1\nb: *x")
def test_any_bytes_are_values_or_one_error(data: bytes) -> None:
    try:
        assert isinstance(parse_yaml(data, "c.yaml").values, dict)
    except ConfigurationError as error:
        assert_one_line(error)


@given(st.dictionaries(st.text(min_size=1, max_size=8), yaml_like, max_size=5))
def test_what_is_dumped_in_quotes_is_read_back(data: dict[str, Any]) -> None:
    text = yaml.safe_dump(data, default_style='"', allow_unicode=False)
    # Written so, a number carries a tag, which is refused.
    with suppress(ConfigurationError):
        assert values(text).keys() == data.keys()
