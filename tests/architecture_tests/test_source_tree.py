"""Tests of the checker itself: a rule that finds nothing must be able to find something."""

import ast
from pathlib import Path

from tests.architecture_tests.source_tree import Module, dotted_uses, find_cycle, imports, is_below


def _module(source: str) -> Module:
    return Module("sample", Path("sample.py"), ast.parse(source))


def test_imports_are_found_in_every_form_and_depth() -> None:
    source = "import a.b as c\nfrom d import e, f\ndef g():\n    import h\n"
    assert set(imports(_module(source))) == {"a.b", "d.e", "d.f", "h"}


def test_uses_of_a_name_are_found_with_their_line() -> None:
    source = "import time\nfrom time import monotonic\nstamp = time.time()\n"
    assert set(dotted_uses(_module(source))) == {("time.monotonic", 2), ("time.time", 3)}


def test_a_cycle_is_found_and_its_absence_too() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": set()}) is None
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def test_a_name_is_below_itself_and_its_parents_only() -> None:
    assert is_below("a.b", "a")
    assert is_below("a", "a")
    assert not is_below("ab", "a")
