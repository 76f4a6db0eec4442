"""Quickly made values are what dataclasses make, only sooner."""

import copy
import dataclasses
import inspect
import pickle

import pytest

from trading.model.values import copier, quickly_made, replace


@dataclasses.dataclass(frozen=True, slots=True)
class Plain:
    """Hold what a dataclass makes of it."""

    name: str
    size: int = 3
    note: str = ""


@quickly_made
@dataclasses.dataclass(frozen=True, slots=True)
class Quick:
    """Hold the same."""

    name: str
    size: int = 3
    note: str = ""


def test_it_is_made_from_the_same_arguments() -> None:
    assert inspect.signature(Quick) == inspect.signature(Plain)
    assert dataclasses.astuple(Quick("a", note="b")) == ("a", 3, "b")
    with pytest.raises(TypeError, match=r"Quick.__init__\(\) missing 1 required .* 'name'"):
        Quick()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        Quick("a", size_s=1)  # type: ignore[call-arg]


def test_it_is_frozen_once_it_is_made() -> None:
    made = replace(Quick("a"), size=4)
    assert type(made) is Quick
    for value in (made, Quick("a")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            value.size = 5  # type: ignore[misc]
        with pytest.raises(dataclasses.FrozenInstanceError):
            del value.size
        assert not hasattr(value, "__dict__")


def test_a_copy_with_changes_leaves_the_first_as_it_was() -> None:
    first = Quick("a", 1, "x")
    assert replace(first, size=2, note="y") == Quick("a", 2, "y")
    assert replace(first) == first
    assert dataclasses.replace(first, size=2) == replace(first, size=2)
    assert first == Quick("a", 1, "x")
    with pytest.raises(AttributeError):
        replace(first, nothing=1)  # type: ignore[call-arg]


def test_a_copier_does_what_replace_does_with_the_fields_that_it_names() -> None:
    rename = copier(Quick, "note", "name")
    first = Quick("a", 2, "x")
    assert rename(first, "y", "b") == replace(first, note="y", name="b") == Quick("b", 2, "y")
    assert type(rename(first, "y", "b")) is Quick
    assert first == Quick("a", 2, "x")
    with pytest.raises(TypeError, match=r"Quick: found \('colour',\), allowed its fields"):
        copier(Quick, "colour")


def test_it_compares_hashes_shows_and_travels_as_any_other() -> None:
    made = Quick("a", 1)
    assert hash(made) == hash(Quick("a", 1))
    assert repr(made) == "Quick(name='a', size=1, note='')"
    assert copy.deepcopy(made) == made
    assert pickle.loads(pickle.dumps(made)) == made
    assert dataclasses.asdict(made) == {"name": "a", "size": 1, "note": ""}


def test_what_needs_more_than_its_fields_is_refused() -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Listed:
        names: list[str] = dataclasses.field(default_factory=list)

    @dataclasses.dataclass(frozen=True, slots=True)
    class Checked:
        size: int

        def __post_init__(self) -> None:
            raise AssertionError

    for cls in (Listed, Checked):
        with pytest.raises(TypeError, match="allowed nothing else"):
            quickly_made(cls)
