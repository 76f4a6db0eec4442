"""Read YAML the way people mean it: only true and false are booleans, and nothing is guessed.

YAML 1.1, PyYAML's dialect, reads `off` as false, `12:30` as 750, `1_0` as 10 and dates as
objects. This reader follows the core schema of YAML 1.2, keeps keys as the text they are, refuses
duplicate keys, tags and merge keys, and bounds size, depth and what aliases may unfold to.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from daemonkit.errors import ConfigurationError

SIZE_MAX = 1024 * 1024
DEPTH_MAX = 32
VALUES_MAX = 50_000
_KEY_LENGTH_MAX = 200

# Written in C when the wheel has it: it parses by events, so deep nesting costs no stack.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
# A leading zero marks an identifier, not a number: 007 stays text. The lengths keep int() cheap.
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})")
_OCTAL = re.compile(r"0o[0-7]{1,99}")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,99}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,99}|[0-9]{1,99}(\.[0-9]{0,99})?)([eE][-+]?[0-9]{1,4})?")
_INFINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)")

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """Hold the values of a file and the line each of them stands on."""

    values: dict[str, Any]
    lines: dict[KeyPath, int]


def read_yaml(path: Path) -> YamlDocument:
    """Read a file that holds one mapping; anything else is a ConfigurationError."""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise ConfigurationError(path, found=found, allowed="a readable file") from error
    return parse_yaml(data, path)


def parse_yaml(data: bytes, name: Path | str) -> YamlDocument:
    """Read bytes that hold one mapping; anything else is a ConfigurationError."""
    if len(data) > SIZE_MAX:
        raise ConfigurationError(name, found="a file over 1 MiB", allowed="at most 1 MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        # Not chained: the decoder's message quotes the bytes.
        raise ConfigurationError(
            name, f"line {line}", found="bytes that are not UTF-8", allowed="UTF-8 text"
        ) from None
    return _Reader(text, str(name)).read()


class _Reader:
    """Build plain values out of the parser's events, one document, without recursion limits."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._values = 0
        self._lines: dict[KeyPath, int] = {}
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._events: Iterator[Any] = iter(())

    def read(self) -> YamlDocument:
        try:
            self._events = yaml.parse(self._text, Loader=_LOADER)
            values = self._document()
        except yaml.YAMLError as error:
            raise self._syntax_error(error) from None
        if values is None:
            values = {}
        if not isinstance(values, dict):
            raise self._error(1, found=describe_kind(values), allowed="a mapping of keys to values")
        return YamlDocument(values, self._lines)

    def _document(self) -> Any:
        values: Any = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error(_line(event), found="a second document", allowed="one")
                values = self._value(next(self._events), ())
        return values

    def _value(self, event: Any, path: KeyPath) -> Any:
        """Build the value that starts with this event; its depth is the length of its path."""
        self._count(event, 1)
        if len(path) > DEPTH_MAX:
            raise self._error(
                _line(event), found="deeper nesting", allowed=f"at most {DEPTH_MAX} levels"
            )
        self._lines[path] = _line(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._values
        value = self._node(event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._values - before + 1)
        return value

    def _node(self, event: Any, path: KeyPath) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            self._check_tag(event, "tag:yaml.org,2002:map")
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            self._check_tag(event, "tag:yaml.org,2002:seq")
            return self._sequence(path)
        self._check_tag(event, "tag:yaml.org,2002:str")
        # The first flag is set for plain text without a tag, which may mean a number or so.
        return scalar_value(event.value) if event.implicit[0] else event.value

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event)
            if key in mapping:
                first = self._lines[(*path, key)]
                raise ConfigurationError(
                    self._name,
                    dotted((*path, key)),
                    found=f"the key twice, on lines {first} and {_line(event)}",
                    allowed="once",
                )
            mapping[key] = None
            mapping[key] = self._value(next(self._events), (*path, key))
            self._lines[(*path, key)] = _line(event)
        return mapping

    def _key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise self._error(
                _line(event), found="a key that is not text", allowed="plain text as a key"
            )
        key: str = event.value
        if key == "<<" and event.implicit[0]:
            raise self._error(_line(event), found="a merge key (<<)", allowed="the keys themselves")
        if not key or len(key) > _KEY_LENGTH_MAX:
            found = "an empty key" if not key else "a very long key"
            raise self._error(_line(event), found=found, allowed="the name of a setting")
        return key

    def _sequence(self, path: KeyPath) -> list[Any]:
        items: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._value(event, (*path, len(items))))
        return items

    def _alias(self, event: Any) -> Any:
        # An anchor is known only once its value is complete, so no value can contain itself.
        # The name is not shown: a password that starts with * looks like an alias.
        if event.anchor not in self._anchors:
            raise self._error(
                _line(event),
                found="an alias (*name) of nothing",
                allowed="a text that starts with * in quotes",
            )
        value, size = self._anchors[event.anchor]
        self._count(event, size)
        # A copy: what is laid over one place must not show in another.
        return deepcopy(value)

    def _count(self, event: Any, values: int) -> None:
        self._values += values
        if self._values > VALUES_MAX:
            raise self._error(
                _line(event), found="too many values", allowed=f"at most {VALUES_MAX}"
            )

    def _check_tag(self, event: Any, allowed: str) -> None:
        if event.tag not in {None, "!", allowed}:
            # The tag is not shown: a password that starts with ! looks like one.
            raise self._error(
                _line(event), found="a tag (!…)", allowed="a text that starts with ! in quotes"
            )

    def _error(self, line: int, *, found: str, allowed: str) -> ConfigurationError:
        return ConfigurationError(self._name, f"line {line}", found=found, allowed=allowed)

    def _syntax_error(self, error: yaml.YAMLError) -> ConfigurationError:
        """Say where the text stops being YAML, without quoting it: it may hold secrets."""
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 0
        lines = self._text.split("\n")
        indent = re.match(r"\s*", lines[line - 1] if 0 < line <= len(lines) else "")
        if indent is not None and "\t" in indent[0]:
            return self._error(line, found="a tab", allowed="spaces to indent")
        problem = getattr(error, "problem", None) or "characters that YAML does not allow"
        problem = _QUOTED.sub(lambda quote: quote[0] if len(quote[0]) <= 3 else "…", str(problem))
        key = f"line {line}" if line else ""
        return ConfigurationError(self._name, key, found=problem, allowed="valid YAML")


def scalar_value(text: str) -> Any:
    """Return what a plain scalar means in YAML 1.2: null, boolean, number or the text itself."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text[0] in "tT"
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text) or _HEX.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text) and not _looks_like_identifier(text):
        return float(text)
    if infinite := _INFINITE.fullmatch(text):
        return float(f"{infinite[1]}inf")
    return float("nan") if _NAN.fullmatch(text) else text


def _looks_like_identifier(text: str) -> bool:
    digits = text.lstrip("+-")
    return digits.isdigit() or (digits[:1] == "0" and digits[1:2].isdigit())


def describe_kind(value: Any) -> str:
    """Return what kind of value this is, without the value."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple | set):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "a number" if isinstance(value, int | float) else "text"


def dotted(path: KeyPath) -> str:
    """Return a path as people write it: accounts.main.symbols[0]."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
