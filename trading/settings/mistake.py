"""What a check of a configuration finds: a key, what stands there, and what may."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_NAMED_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Mistake:
    """Name a key of `config.yaml` that does not fit the others."""

    key: str
    found: str
    allowed: str


def named(names: Iterable[str]) -> str:
    """Return names in a row, the first of them only when they are many."""
    words = list(names)
    return ", ".join(words[:_NAMED_MAX]) + (", …" if len(words) > _NAMED_MAX else "")
