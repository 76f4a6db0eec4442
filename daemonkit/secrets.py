"""Secrets, and the one function that takes them out of any text before a person sees it.

Knows nothing of files or logs; whoever writes text for people calls redact() first.
"""

import html
import json
import re
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import quote, quote_plus

from daemonkit.printable import printable

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

MASK = "****"
REDACTED = "[secret]"

# Shorter values would blot out ordinary words and numbers all over the logs.
LENGTH_MIN = 6
_LINE_LENGTH_MIN = 16

# A Telegram token anywhere, also one that was never registered (a URL in a library's error).
# The look-behind and the possessive digits keep a long run of digits linear.
_TELEGRAM_TOKEN = re.compile(r"(?<![0-9])[0-9]{6,}+(?::|%3[Aa])[A-Za-z0-9_-]{30,}")
_URL_CREDENTIALS = re.compile(r"://[^\s/:@]{0,200}:[^\s/@]{1,200}@")

# `key` and `auth` count as words only, also inside camelCase: not keyboard, not author.
_SECRET_KEY = re.compile(
    r"(?i:token|secret|passw|passphrase|credential|apikey)|(?i:key|auth)(?![a-z])"
)
_NOT_SECRET_KEY = re.compile(r"(?:file|path|folder|dir|env|name)$", re.IGNORECASE)


def looks_secret(key: str) -> bool:
    """Tell whether the value under this (dotted) key must not be shown in an error."""
    return bool(_SECRET_KEY.search(key)) and not _NOT_SECRET_KEY.search(key)


class Redactor:
    """Replace registered secrets in text, whole or escaped the ways Python and the web do it."""

    def __init__(self, retired_max: int = 256) -> None:
        self._lock = threading.Lock()
        self._live: Counter[str] = Counter()
        self._gone: deque[str] = deque()
        self._retired: OrderedDict[str, None] = OrderedDict()
        self._retired_max = retired_max
        self._needles: tuple[str, ...] = ()

    def add(self, value: str) -> None:
        """Hide the value from now on; count one more holder of it."""
        with self._lock:
            self._retire_gone()
            self._live[value] += 1
            if self._live[value] == 1:
                self._retired.pop(value, None)
                self._rebuild()

    def retire(self, value: str) -> None:
        """Note that one holder of the value is gone; it stays hidden among the last retired."""
        # Called from __del__, which may run anywhere, also inside add(): so no lock here.
        self._gone.append(value)

    def redact(self, text: str) -> str:
        """Return the text without any registered secret and without anything like a token."""
        hits = [needle for needle in self._needles if needle in text]
        if hits:
            text = _cover(text, hits)
        if ":" in text or "%3" in text:
            text = _TELEGRAM_TOKEN.sub(REDACTED, text)
        if "@" in text:
            text = _URL_CREDENTIALS.sub(f"://{REDACTED}@", text)
        return text

    def _retire_gone(self) -> None:
        changed = False
        while self._gone:
            value = self._gone.popleft()
            self._live[value] -= 1
            if self._live[value] <= 0:
                del self._live[value]
                self._retired[value] = None
        # Renewed session tokens come and go for months; only the live ones and the last few count.
        while len(self._retired) > self._retired_max:
            self._retired.popitem(last=False)
            changed = True
        if changed:
            self._rebuild()

    def _rebuild(self) -> None:
        needles: set[str] = set()
        for value in (*self._live, *self._retired):
            needles.update(_forms(value))
        self._needles = tuple(needles)


def _cover(text: str, needles: Iterable[str]) -> str:
    """Replace every stretch of text that belongs to a needle; overlapping ones go as a whole."""
    spans = sorted(span for needle in needles for span in _spans(text, needle))
    pieces: list[str] = []
    shown_to = 0
    for start, end in spans:
        if start >= shown_to:
            pieces += [text[shown_to:start], REDACTED]
        shown_to = max(shown_to, end)
    return "".join(pieces) + text[shown_to:]


def _spans(text: str, needle: str) -> Iterator[tuple[int, int]]:
    start = text.find(needle)
    while start >= 0:
        yield start, start + len(needle)
        start = text.find(needle, start + 1)


def _forms(value: str) -> set[str]:
    """Return the value as it looks raw, in repr, in JSON, in URLs, in HTML and made printable."""
    lines = [line.strip() for line in value.splitlines()] if "\n" in value else []
    # A key in PEM form is often logged line by line; its first and last line are no secret.
    parts = [line for line in lines if len(line) >= _LINE_LENGTH_MIN and line[:5] != "-----"]
    forms = {form for part in (value, value.strip(), *parts) for form in _escaped(part)}
    return {form for form in forms if len(form) >= LENGTH_MIN}


def _escaped(value: str) -> set[str]:
    if value.isalnum() and value.isascii():
        return {value}
    raw = value.encode("utf-8", "surrogatepass")
    url = (quote(raw, safe=""), quote(raw), quote_plus(raw))
    quoted = {
        _inside_quotes(value),
        _inside_quotes(_inside_quotes(value)),
        repr(value)[1:-1],
        ascii(value)[1:-1],
        repr(raw)[2:-1],
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
    }
    shown = {printable(form) for form in (value, *quoted)}
    web = {
        *url,
        *(_lower_escapes(form) for form in url),
        html.escape(value),
        html.escape(value, False),
    }
    return {value, *quoted, *shown, *web}


def _inside_quotes(value: str) -> str:
    """Return the value as repr writes it inside a longer text with both kinds of quotes."""
    return repr(value + "'\"")[1:-4]


def _lower_escapes(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), text)


_REDACTOR = Redactor()


def redact(text: str) -> str:
    """Return the text without any secret of this process and without anything like a token."""
    return _REDACTOR.redact(text)


def hide(value: str) -> None:
    """Take this text out of everything that is redacted from now on."""
    _REDACTOR.add(value)


class Secret:
    """Hold a text that shows itself only to reveal(), and that redact() takes out of all text."""

    __slots__ = ("__weakref__", "_value")
    _value: str

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError("a secret is text")
        object.__setattr__(self, "_value", value)
        _REDACTOR.add(value)

    def __del__(self, redactor: Redactor = _REDACTOR) -> None:
        if hasattr(self, "_value"):
            redactor.retire(self._value)

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
