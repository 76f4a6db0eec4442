"""Configuration: YAML below, the environment above, a pydantic model over both.

Every mistake becomes one line that names the file, the key, the value found and those allowed.
Values of keys that look secret are never shown.
"""

import logging
import stat
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from daemonkit.errors import FOUND_NOTHING, FOUND_UNKNOWN_KEY, ConfigurationError
from daemonkit.secrets import Secret, looks_secret
from daemonkit.yaml_reader import KeyPath, YamlDocument, describe_kind, dotted, read_yaml

log = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)

_ENVIRONMENT = "environment"
_ERRORS_MAX = 50
_SHOWN_MAX = 80


class Settings(BaseModel):
    """Base of every configuration model: unknown keys are errors, values do not change."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )


@dataclass(frozen=True, slots=True)
class EnvironmentValue:
    """Hold a setting that came from an environment variable, so errors can name the variable."""

    name: str
    value: str

    def __repr__(self) -> str:
        return f"EnvironmentValue({self.name})"


def from_environment(
    environ: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, EnvironmentValue]:
    """Return an overlay for load_settings: dotted key → variable; unset and empty ones are out."""
    return {
        key: EnvironmentValue(name, environ[name])
        for key, name in names.items()
        if environ.get(name)
    }


def load_settings(
    model: type[M], path: Path | None, *, environment: Mapping[str, Any] | None = None
) -> M:
    """Read the file, lay the environment over it (dotted keys or nested) and check it all.

    All mistakes go to the log; the first one is the ConfigurationError.
    """
    document = YamlDocument({}, {}) if path is None else read_yaml(path)
    sources = _Sources(path, document.lines)
    values = deepcopy(document.values)
    for key, value in (environment or {}).items():
        _lay_over(values, tuple(key.split(".")), value, sources)
    _register_secrets(values, "")
    if path is not None:
        _warn_if_shared(path, values)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)[:_ERRORS_MAX]
    mistakes = [_mistake(model, values, sources, each) for each in details]
    first = mistakes[0]
    first.others = [str(each) for each in mistakes[1:]]
    raise first


class _Sources:
    """Know where each value came from: a line of the file or an environment variable."""

    def __init__(self, path: Path | None, lines: Mapping[KeyPath, int]) -> None:
        self._path = path
        self._lines = lines
        self.names: dict[KeyPath, str] = {}

    def place(self, path: KeyPath) -> tuple[str, str, str]:
        """Return file, key and line hint to show for a value."""
        if name := self.names.get(path):
            return _ENVIRONMENT, name, ""
        if self._path is None:
            return "configuration", dotted(path), ""
        line = self._lines.get(path)
        return str(self._path), dotted(path), f"line {line}" if line else ""


def _lay_over(target: dict[str, Any], path: tuple[str, ...], value: Any, sources: _Sources) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _lay_over(target, (*path, *str(key).split(".")), inner, sources)
        return
    if isinstance(value, EnvironmentValue):
        sources.names[path] = value.name
        value = value.value
    for depth, part in enumerate(path[:-1], start=1):
        inner = target.setdefault(part, {})
        if inner is None:
            inner = target[part] = {}
        if not isinstance(inner, dict):
            file, key, line = sources.place(path[:depth])
            raise ConfigurationError(file, key, describe_kind(inner), "a mapping", line)
        target = inner
    target[path[-1]] = value


def _register_secrets(value: Any, key: str) -> None:
    """Hide every text under a secret-looking key before anything can quote it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _register_secrets(inner, f"{key}.{name}")
    elif isinstance(value, list):
        for inner in value:
            _register_secrets(inner, key)
    elif isinstance(value, str) and looks_secret(key):
        Secret(value)


def _holds_secrets(value: Any, key: str = "") -> bool:
    if isinstance(value, dict):
        return any(_holds_secrets(inner, f"{key}.{name}") for name, inner in value.items())
    if isinstance(value, list):
        return any(_holds_secrets(inner, key) for inner in value)
    return isinstance(value, str) and bool(value) and looks_secret(key)


def _warn_if_shared(path: Path, values: dict[str, Any]) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and _holds_secrets(values):
        log.warning("%s holds secrets and others can read it: chmod 600 %s", path, path)


def _mistake(
    model: type[BaseModel], values: dict[str, Any], sources: _Sources, error: ErrorDetails
) -> ConfigurationError:
    kind = error["type"]
    path = _present_path(error["loc"], values, keep_last=kind == "missing")
    file, key, line = sources.place(path)
    if kind == "missing":
        return ConfigurationError(file, key, FOUND_NOTHING, "a value: this key is required")
    if kind == "extra_forbidden":
        return _unknown_key(model, path, ConfigurationError(file, key, hint=line))
    value = error["input"]
    allowed = _allowed(error)
    if isinstance(value, bool | int | float) and kind == "string_type":
        allowed += ", in quotes"
    return ConfigurationError(file, key, _found(value, dotted(path)), allowed, line)


def _unknown_key(
    model: type[BaseModel], path: KeyPath, place: ConfigurationError
) -> ConfigurationError:
    names = sorted(_keys_allowed(model, path[:-1]))
    close = get_close_matches(str(path[-1]), names, n=1, cutoff=0.6)
    allowed = close[0] if close else ", ".join(names)
    return ConfigurationError(place.file, place.key, FOUND_UNKNOWN_KEY, allowed, place.hint)


def _found(value: Any, key: str) -> str:
    if isinstance(value, Secret) or looks_secret(key):
        return "a value that is not shown"
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN_MAX else value[:_SHOWN_MAX] + "…")
    if isinstance(value, bool | None) or not isinstance(value, int | float):
        return describe_kind(value)
    return repr(value) if abs(value) < 1e100 else "a very large number"


def _allowed(error: ErrorDetails) -> str:
    text = error["msg"]
    for start in ("Input should be ", "Value error, ", "Assertion failed, "):
        text = text.removeprefix(start)
    return text.removesuffix(".")


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
    kinds: set[Any] = {model}
    for part in path:
        kinds = {inner for kind in kinds for inner in _step(kind, part)}
    return {name for kind in kinds if _is_model(kind) for name in _names(kind)}


def _step(kind: Any, part: str | int) -> Iterable[Any]:
    if _is_model(kind):
        for name, field in kind.model_fields.items():
            if part in {name, field.alias}:
                yield from _members(field.annotation)
    elif get_args(kind):
        # dict[str, X] and list[X]: the last argument is what stands at any key.
        yield from _members(get_args(kind)[-1])


def _members(kind: Any) -> Iterable[Any]:
    """Return the alternatives of a union, or the type itself, or that behind an Annotated."""
    if hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]
    if get_origin(kind) in {dict, list, tuple, set, Mapping}:
        return [kind]
    inner = [member for argument in get_args(kind) for member in _members(argument)]
    return inner or [kind]


def _names(kind: type[BaseModel]) -> Iterable[str]:
    return (field.alias or name for name, field in kind.model_fields.items())


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
