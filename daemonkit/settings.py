"""Configuration: YAML below, the environment above, a pydantic model over both.

Every mistake becomes one line that names the file, the key, the value found and those allowed.
Values of keys that look secret are never shown.
"""

import logging
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from daemonkit.errors import ConfigurationError
from daemonkit.secrets import hide, looks_secret
from daemonkit.settings_errors import Sources, mistakes_of
from daemonkit.yaml_reader import YamlDocument, describe_kind, read_yaml

log = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)


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

    The first mistake is the ConfigurationError; run_main shows the others before it.
    """
    document = YamlDocument({}, {}) if path is None else read_yaml(path)
    sources = Sources(path, document.lines)
    values = document.values
    for key, value in (environment or {}).items():
        _lay_over(values, tuple(key.split(".")), value, sources)
    secrets = list(_secret_texts(values, ""))
    for secret in secrets:
        # Before anything can quote it.
        hide(secret)
    if path is not None and secrets:
        _warn_if_shared(path)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        mistakes = mistakes_of(model, values, sources, error)
    # Raised outside the handler: a chained ValidationError would carry the values into tracebacks.
    mistakes[0].others = [str(each) for each in mistakes[1:]]
    raise mistakes[0]


def _lay_over(target: dict[str, Any], path: tuple[str, ...], value: Any, sources: Sources) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _lay_over(target, (*path, *str(key).split(".")), inner, sources)
        return
    if isinstance(value, EnvironmentValue):
        sources.variables[path] = value.name
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


def _secret_texts(value: Any, key: str) -> Iterator[str]:
    """Yield every text under a key that looks secret."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _secret_texts(inner, f"{key}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _secret_texts(inner, key)
    elif isinstance(value, str) and value and looks_secret(key):
        yield value


def _warn_if_shared(path: Path) -> None:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        log.warning("%s holds secrets and others can read it: chmod 600 %s", path, path)
