"""Answers in which one field at a time is missing, empty or of another kind."""

import copy
from collections.abc import Iterator
from typing import Any, Final

_MISSING: Final = object()
ODD: Final[tuple[Any, ...]] = (
    _MISSING,
    None,
    "",
    "x",
    "NaN",
    "Infinity",
    "-1",
    [],
    {},
    True,
    1e400,
)
Path = tuple[str | int, ...]


def mutations(answer: Any) -> Iterator[tuple[Path, Any, Any]]:
    """Yield each place of an answer, what stands there instead, and the answer with it."""
    for path in _paths(answer):
        for odd in ODD:
            changed = copy.deepcopy(answer)
            place = changed
            for key in path[:-1]:
                place = place[key]
            if odd is _MISSING:
                del place[path[-1]]
            else:
                place[path[-1]] = odd
            yield path, "missing" if odd is _MISSING else odd, changed


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (*path, key)
        yield from _paths(item, (*path, key))
