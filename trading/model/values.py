"""Frozen values that cost little to make and to copy with changes; nothing else of them differs.

A frozen dataclass sets each field through `object.__setattr__`, and `dataclasses.replace` makes
it anew through a dictionary: ten microseconds for an order. A value is therefore filled while it
is still of a class without the lock, of the same slots, and only then becomes what it is.
"""

import dataclasses
import sys
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    # What type checkers know of the one holds for the other.
    from dataclasses import replace as replace  # noqa: PLC0414 - exported from here
else:

    def replace(value, /, **changes):
        """Return a copy of a value of a class that is `quickly_made`, with these changes."""
        return value._replaced(changes)  # noqa: SLF001 - it is put there below


Value = TypeVar("Value")
Member = TypeVar("Member", bound=Enum)

_MAKE: Final = """
def __init__(self, {arguments}):
    _thaw(self, "__class__", _Draft)
    {settings}
    self.__class__ = _Value

def _replaced(self, changes):
    draft = _new(_Draft)
    {copies}
    for name, value in changes.items():
        setattr(draft, name, value)
    draft.__class__ = _Value
    return draft
"""

_COPY: Final = """
def copy(value, {arguments}):
    draft = _new(_Draft)
    {settings}
    draft.__class__ = _Value
    return draft
"""


def quickly_made(cls: type[Value]) -> type[Value]:
    """Make a frozen, slotted dataclass of plain fields cheap to make; it has no subclasses."""
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    given = cls.__dict__["__init__"]
    if hasattr(cls, "__post_init__") or not all(_is_plain(one) for one in fields):
        raise TypeError(f"{cls.__qualname__}: found more than plain fields, allowed nothing else")
    names = [one.name for one in fields]
    source = _MAKE.format(
        arguments=", ".join(names),
        settings="\n    ".join(f"self.{name} = {name}" for name in names),
        copies="\n    ".join(f"draft.{name} = self.{name}" for name in names),
    )
    draft = type(f"{cls.__name__}Draft", (), {"__slots__": tuple(names)})
    type.__setattr__(cls, "_draft", draft)
    scope: dict[str, Any] = {
        "_Draft": draft,
        "_Value": cls,
        "_new": object.__new__,
        "_thaw": object.__setattr__,
    }
    exec(source, scope)  # noqa: S102 - as dataclasses do; the names are those of fields
    made = scope["__init__"]
    made.__defaults__ = given.__defaults__
    made.__annotations__ = given.__annotations__
    made.__qualname__ = given.__qualname__
    for name in ("__init__", "_replaced"):
        setattr(cls, name, scope[name])
    return cls


def copier(cls: type[Value], *names: str) -> Callable[..., Value]:
    """Return what copies a `quickly_made` value with new values for these fields, in this order.

    Does what `replace` does in half the time, for what is copied again and again.
    """
    fields = [one.name for one in dataclasses.fields(cls)]  # type: ignore[arg-type]
    if not set(names) <= set(fields):
        raise TypeError(f"{cls.__qualname__}: found {names}, allowed its fields")
    source = _COPY.format(
        arguments=", ".join(names),
        settings="\n    ".join(
            f"draft.{name} = {name if name in names else f'value.{name}'}" for name in fields
        ),
    )
    scope: dict[str, Any] = {
        "_Draft": cls._draft,  # type: ignore[attr-defined] # put there by quickly_made
        "_Value": cls,
        "_new": object.__new__,
    }
    exec(source, scope)  # noqa: S102 - as above
    made: Callable[..., Value] = scope["copy"]
    return made


def quickly_found(cls: type[Member]) -> type[Member]:
    """Let the members of an enumeration be plain attributes of it, as they are from 3.12 on.

    In Python 3.11 a descriptor hands them out, which takes three times as long.
    """
    if sys.version_info < (3, 12):
        for name, member in cls.__members__.items():
            type.__setattr__(cls, name, member)
    return cls


def _is_plain(field: "dataclasses.Field[Any]") -> bool:
    return field.init and not field.kw_only and field.default_factory is dataclasses.MISSING
