"""Secrets as values, and the one function that takes them out of any text for people.

Knows nothing of files or logs; whoever writes text for people calls redact() first.
"""

import re
from collections.abc import Mapping
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, NoReturn, Self

from daemonkit.redaction import Redactor

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

MASK = "****"

_PLAIN = frozenset({int, float, bool, type(None)})

# `key` and `auth` count as words only, also inside camelCase: not keyboard, not author.
_SECRET_KEY = re.compile(
    r"(?i:token|secret|passw|passphrase|credential|apikey)|(?i:key|auth)(?![a-z])"
)
_NOT_SECRET_KEY = re.compile(r"(?:file|path|folder|dir|env|name)$", re.IGNORECASE)


def looks_secret(key: str) -> bool:
    """Tell whether the value under this (dotted) key must not be shown in an error."""
    return bool(_SECRET_KEY.search(key)) and not _NOT_SECRET_KEY.search(key)


_REDACTOR = Redactor()


def redact(text: str) -> str:
    """Return the text without any secret of this process and without anything like a token."""
    return _REDACTOR.redact(text)


def redact_values(value: Any) -> Any:
    """Return a value as JSON knows it with every text in it redacted."""
    texts: list[str] = []
    copy = _copy(value, texts)
    together = "\n".join(texts)
    # One look at all of them is nearly always the only one: a status has dozens.
    return copy if redact(together) == together else _redact_each(copy)


def _copy(value: Any, texts: list[str]) -> Any:
    """Return a value as JSON knows it, and gather its texts."""
    # By type where that tells: numbers are many, and to learn what is no mapping costs the most.
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, str):
        texts.append(value)
        return value
    if kind is dict or isinstance(value, Mapping):
        return {
            key: item if type(item) in _PLAIN else _copy(item, texts) for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_copy(item, texts) for item in value]
    return value


def _redact_each(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _redact_each(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_redact_each(item) for item in value]
    return value


def hide(value: str) -> None:
    """Take this text out of everything that is redacted from now on."""
    _REDACTOR.add(value)


class Secret:
    """Hold a text that shows itself only to reveal(), and that redact() takes out of all text."""

    __slots__ = ("__weakref__", "_redactor", "_value")
    _redactor: Redactor
    _value: str

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError("a secret is text")
        object.__setattr__(self, "_value", value)
        object.__setattr__(self, "_redactor", _REDACTOR)
        _REDACTOR.add(value)

    def __del__(self) -> None:
        if hasattr(self, "_redactor"):
            self._redactor.retire(self._value)

    def reveal(self) -> str:
        """Return the secret itself; call it only where it leaves the process."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = (each.reveal().encode("utf-8", "surrogatepass") for each in (self, other))
        return compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a secret does not change")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is never pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret has no state to show")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Let settings declare a field of this type: text comes in, only the mask goes out."""
        from pydantic_core import core_schema  # noqa: PLC0415 - only pydantic asks for it

        return core_schema.no_info_plain_validator_function(
            _secret_of_setting,
            serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: "CoreSchema", handler: "GetJsonSchemaHandler"
    ) -> "JsonSchemaValue":
        """Describe the field as a password."""
        return {"type": "string", "format": "password", "writeOnly": True}


def _secret_of_setting(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, str):
        return Secret(value)
    from pydantic_core import PydanticCustomError  # noqa: PLC0415 - only pydantic asks for it

    # A number that was meant as text is a secret too: hide it before anyone shows the error.
    hide(str(value))
    raise PydanticCustomError("secret", "text, in quotes when it looks like a number")
