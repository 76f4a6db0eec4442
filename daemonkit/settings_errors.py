"""Turn what pydantic says of a configuration into lines for the person who wrote it."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from daemonkit.errors import FOUND_NOTHING, FOUND_UNKNOWN_KEY, ConfigurationError
from daemonkit.secrets import Secret, looks_secret
from daemonkit.yaml_reader import KeyPath, describe_kind, dotted

_MISTAKES_MAX = 50
_SHOWN_MAX = 80
_HIDDEN = "a value that is not shown"
_TEXT = "text"

# The commonest of pydantic's words, said the way a person would look for them in the file.
_ALLOWED = {
    "string_type": _TEXT,
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_pattern_mismatch": "text of the form {pattern}",
    "path_type": "a path",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
}
_PREFIXES = ("Input should be ", "Value error, ", "Assertion failed, ")


class Sources:
    """Know where each value came from: a line of the file or an environment variable."""

    def __init__(self, path: Path | None, lines: Mapping[KeyPath, int]) -> None:
        self._file = "configuration" if path is None else str(path)
        self._lines = lines
        self.variables: dict[KeyPath, str] = {}

    def place(self, path: KeyPath) -> tuple[str, str, str]:
        """Return the file, the key and the line to name for a value."""
        if name := self.variables.get(path):
            return "environment", name, ""
        line = self._lines.get(path) if path else None
        return self._file, dotted(path), f"line {line}" if line else ""


def mistakes_of(
    model: type[BaseModel], values: dict[str, Any], sources: Sources, error: ValidationError
) -> list[ConfigurationError]:
    """Return at least one mistake, unknown keys first: a misspelt key also leaves one missing."""
    groups: dict[tuple[KeyPath, bool], list[ErrorDetails]] = {}
    for each in error.errors(include_url=False)[:_MISTAKES_MAX]:
        path = _present_path(each["loc"], values, keep_last=each["type"] == "missing")
        groups.setdefault((path, each["type"] == "extra_forbidden"), []).append(each)
    ordered = sorted(groups.items(), key=lambda item: not item[0][1])
    return [
        _unknown_key(model, path, sources) if is_unknown else _mistake(path, sources, details)
        for (path, is_unknown), details in ordered
    ]


def _mistake(
    path: KeyPath, sources: Sources, details: Sequence[ErrorDetails]
) -> ConfigurationError:
    """Return one mistake; a union gives one detail for each of its members."""
    first = details[0]
    context = first.get("ctx", {})
    found = _shown(first["input"])
    if first["type"].startswith("union_tag"):
        # The mapping says of which kind it is, and that is where the mistake is.
        path = (*path, context["discriminator"].strip("'"))
        found = repr(context["tag"]) if "tag" in context else FOUND_NOTHING
    file, key, line = sources.place(path)
    if first["type"] in {"missing", "union_tag_not_found"}:
        return ConfigurationError(file, key, FOUND_NOTHING, "a value: this key is required")
    if looks_secret(dotted(path)) or any(each["type"] == "secret" for each in details):
        found = _HIDDEN
    allowed = " or ".join(dict.fromkeys(_allowed(each) for each in details))
    return ConfigurationError(file, key, found, allowed, line)


def _unknown_key(model: type[BaseModel], path: KeyPath, sources: Sources) -> ConfigurationError:
    file, key, line = sources.place(path)
    names = sorted(_keys_allowed(model, path[:-1]))
    close = get_close_matches(str(path[-1]), names, n=1, cutoff=0.6) if path else []
    allowed = close[0] if close else ", ".join(names)
    return ConfigurationError(file, key, FOUND_UNKNOWN_KEY, allowed, line)


def _shown(value: Any) -> str:
    if isinstance(value, Secret):
        return _HIDDEN
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN_MAX else value[:_SHOWN_MAX] + "…")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return describe_kind(value)
    return repr(value) if isinstance(value, float) or abs(value) < 10**30 else "a huge number"


def _allowed(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if words := _ALLOWED.get(error["type"]):
        text = words.format_map(context)
        is_unquoted = text == _TEXT and isinstance(error["input"], bool | int | float)
        return f"{text}: put it in quotes" if is_unquoted else text
    text = str(context.get("expected_tags", error["msg"])).removesuffix(".")
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix)
    return text


def _present_path(loc: tuple[int | str, ...], values: Any, *, keep_last: bool) -> KeyPath:
    """Return the part of an error's place that is in the data; the rest names types of unions."""
    path: list[int | str] = []
    for position, part in enumerate(loc):
        if _holds(values, part):
            values = values[part]
        elif not (keep_last and position == len(loc) - 1):
            continue
        path.append(part)
    return tuple(path)


def _holds(values: Any, part: int | str) -> bool:
    if isinstance(values, dict):
        return part in values
    return isinstance(values, list) and isinstance(part, int) and part < len(values)


def _keys_allowed(model: type[BaseModel], path: KeyPath) -> set[str]:
    """Return the keys that the model knows at this place."""
    kinds: list[Any] = [model]
    for part in path:
        kinds = [inner for kind in kinds for inner in _step(kind, part)]
    return {
        field.alias or name
        for kind in kinds
        if _is_model(kind)
        for name, field in kind.model_fields.items()
    }


def _step(kind: Any, part: str | int) -> Iterable[Any]:
    """Yield the types that may stand under this key."""
    if _is_model(kind):
        for name, field in kind.model_fields.items():
            if part in {name, field.alias}:
                yield from _members(field.annotation)
    elif get_args(kind):
        # dict[str, X] and list[X]: the last argument is what stands at any key.
        yield from _members(get_args(kind)[-1])


def _members(kind: Any) -> list[Any]:
    """Return the alternatives of a union, or the type itself, or that behind an Annotated."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _members(get_args(kind)[0])
    if origin in {Union, UnionType}:
        return [each for member in get_args(kind) for each in _members(member)]
    return [kind]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
