"""Parameters of strategies: what CONFIG_SCHEMA may say, and user values checked against it.

Pure: it must not know files or where the values come from.
"""

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

from daemonkit.printable import one_line
from trading.model.instrument import to_decimal
from trading.strategies.errors import ParameterError, StrategyLoadError

PARAMETERS_MAX: Final = 100
TEXT_LENGTH_MAX: Final = 500
_KINDS: Final[Mapping[str, str]] = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "str": f"a text of at most {TEXT_LENGTH_MAX} characters",
}
_BOUNDED: Final = frozenset({"int", "float", "decimal"})
_KEYS: Final = frozenset(
    {"type", "default", "min", "max", "below", "choices", "aliases", "label", "description", "unit"}
)
_WRONG: Final = object()


@dataclass(frozen=True, slots=True)
class Parameter:
    """Hold what a schema says of one parameter; one without a default must be given."""

    name: str
    kind: str
    default: Any = None
    is_required: bool = False
    least: Any = None
    most: Any = None
    # The name of the parameter that this one must be smaller than.
    below: str = ""
    choices: tuple[Any, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """Return in words which values are allowed."""
        if self.choices:
            return " or ".join(str(choice) for choice in self.choices)
        words = _KINDS[self.kind]
        if self.least is not None and self.most is not None:
            return f"{words} from {self.least} to {self.most}"
        if self.least is not None:
            return f"{words} from {self.least}"
        return words if self.most is None else f"{words} up to {self.most}"


class Schema:
    """Check the parameters of one strategy."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self.parameters: Mapping[str, Parameter] = MappingProxyType(
            {parameter.name: parameter for parameter in parameters}
        )
        self._names = {
            spelling: parameter.name
            for parameter in self.parameters.values()
            for spelling in (parameter.name, *parameter.aliases)
        }

    def validate(self, given: Mapping[str, Any], where: str = "parameters") -> Mapping[str, Any]:
        """Return the read-only configuration: what was given, and defaults for the rest.

        Raises ParameterError, whose text begins with `where` and the name as it was written.
        """
        written: dict[str, str] = {}
        values: dict[str, Any] = {}
        for spelling, value in given.items():
            name = self._name_of(spelling, where)
            if name in written:
                found = f"{written[name]} and {spelling}"
                raise ParameterError(f"{where}.{name}", found, "one of them")
            written[name] = spelling
            values[name] = _check(self.parameters[name], value, f"{where}.{spelling}")
        for name, parameter in self.parameters.items():
            if name in values:
                continue
            if parameter.is_required:
                raise ParameterError(f"{where}.{name}", "nothing", parameter.allowed)
            values[name] = parameter.default
        self._check_order(values, written, where)
        return MappingProxyType(values)

    def _name_of(self, spelling: object, where: str) -> str:
        name = self._names.get(spelling) if isinstance(spelling, str) else None
        if name is not None:
            return name
        shown = one_line(str(spelling), 100)
        near = difflib.get_close_matches(shown, self._names, n=1)
        known = ", ".join(self.parameters) or "none: the strategy has no parameters"
        allowed = f"{near[0]}?" if near else known
        raise ParameterError(f"{where}.{shown}", "an unknown key", allowed)

    def _check_order(
        self, values: Mapping[str, Any], written: Mapping[str, str], where: str
    ) -> None:
        for name, parameter in self.parameters.items():
            bound = values[parameter.below] if parameter.below else None
            if bound is not None and values[name] is not None and not values[name] < bound:
                raise ParameterError(
                    f"{where}.{written.get(name, name)}",
                    str(values[name]),
                    f"less than {written.get(parameter.below, parameter.below)}, which is {bound}",
                )


def parse_schema(raw: object, where: str) -> Schema:
    """Return the schema that a strategy's CONFIG_SCHEMA describes.

    Raises StrategyLoadError, whose text begins with `where`, if it cannot be understood.
    """
    if not isinstance(raw, Mapping):
        raise _malformed(where, "", raw, "a dict of parameters")
    if len(raw) > PARAMETERS_MAX:
        raise _malformed(where, "", f"{len(raw)} parameters", f"at most {PARAMETERS_MAX}")
    parameters = [_parse_parameter(name, entry, where) for name, entry in raw.items()]
    names = {parameter.name for parameter in parameters}
    for parameter in parameters:
        if parameter.below and parameter.below not in names:
            raise _malformed(where, f"{parameter.name}.below", parameter.below, "a parameter")
    spellings = [*names, *(alias for parameter in parameters for alias in parameter.aliases)]
    for spelling in spellings:
        if spellings.count(spelling) > 1:
            raise _malformed(where, spelling, "the same name twice", "each name once")
    return Schema(parameters)


def _parse_parameter(name: object, entry: object, where: str) -> Parameter:
    if not isinstance(name, str) or not name.isidentifier():
        raise _malformed(where, "", name, "names as in Python")
    if not isinstance(entry, Mapping):
        raise _malformed(where, name, entry, "a dict with type and default")
    for key in entry:
        if key not in _KEYS:
            raise _malformed(where, f"{name}.{key}", "an unknown key", ", ".join(sorted(_KEYS)))
    kind = _parse_kind(entry.get("type"))
    if kind is None:
        raise _malformed(where, f"{name}.type", entry.get("type", "nothing"), ", ".join(_KINDS))
    bare = Parameter(name, kind)
    choices = _parse_many(bare, entry, "choices", where)
    if kind not in _BOUNDED and not entry.keys().isdisjoint({"min", "max", "below"}):
        raise _malformed(where, name, "min, max or below", f"none of them for {kind}")
    parameter = Parameter(
        name,
        kind,
        is_required="default" not in entry,
        least=_parse_one(bare, entry, "min", where),
        most=_parse_one(bare, entry, "max", where),
        below=str(entry.get("below") or ""),
        choices=choices,
        aliases=_parse_aliases(entry.get("aliases", ()), f"{where}: CONFIG_SCHEMA.{name}.aliases"),
    )
    default = _parse_one(parameter, entry, "default", where)
    return _with_default(parameter, default)


def _with_default(parameter: Parameter, default: Any) -> Parameter:
    fields = {name: getattr(parameter, name) for name in Parameter.__slots__}
    return Parameter(**(fields | {"default": default}))


def _parse_kind(raw: object) -> str | None:
    name = raw.__name__.lower() if isinstance(raw, type) else raw
    return name if isinstance(name, str) and name in _KINDS else None


def _parse_one(parameter: Parameter, entry: Mapping[str, Any], key: str, where: str) -> Any:
    raw = entry.get(key)
    if raw is None:
        return None
    value = _convert(parameter.kind, raw)
    if value is _WRONG or not _is_within(parameter, value):
        raise _malformed(where, f"{parameter.name}.{key}", raw, parameter.allowed)
    return value


def _parse_many(
    parameter: Parameter, entry: Mapping[str, Any], key: str, where: str
) -> tuple[Any, ...]:
    raw = entry.get(key, ())
    if not isinstance(raw, list | tuple):
        raise _malformed(where, f"{parameter.name}.{key}", raw, "a list")
    return tuple(_parse_one(parameter, {key: one}, key, where) for one in raw)


def _parse_aliases(raw: object, where: str) -> tuple[str, ...]:
    if not isinstance(raw, list | tuple) or not all(isinstance(one, str) and one for one in raw):
        raise StrategyLoadError(f"{where}: found {_shown(raw)}, allowed a list of names")
    return tuple(raw)


def _check(parameter: Parameter, raw: object, key: str) -> Any:
    if raw is None and not parameter.is_required and parameter.default is None:
        return None
    value = _convert(parameter.kind, raw)
    if value is _WRONG or not _is_within(parameter, value):
        # A number in quotes is a text: without saying so it would look like what is allowed.
        is_quoted = isinstance(raw, str) and parameter.kind in ("int", "float", "bool")
        found = f"the text '{_shown(raw)}'" if is_quoted else _shown(raw)
        raise ParameterError(key, found, parameter.allowed)
    return value


def _convert(kind: str, raw: Any) -> Any:
    """Return the value as its kind, or _WRONG: nothing is guessed from a value of another kind."""
    is_number = isinstance(raw, int | float | Decimal) and not isinstance(raw, bool)
    match kind:
        case "bool":
            return raw if isinstance(raw, bool) else _WRONG
        case "str":
            return raw if isinstance(raw, str) and len(raw) <= TEXT_LENGTH_MAX else _WRONG
        case "int":
            return raw if is_number and isinstance(raw, int) else _WRONG
        case "float":
            return float(raw) if is_number and _is_finite(raw) else _WRONG
    if isinstance(raw, str):
        return _decimal_of(raw)
    if not is_number or not _is_finite(raw):
        return _WRONG
    return to_decimal(raw) if isinstance(raw, float) else Decimal(raw)


def _decimal_of(text: str) -> Any:
    try:
        value = Decimal(text[:TEXT_LENGTH_MAX])
    except InvalidOperation:
        return _WRONG
    return value if value.is_finite() else _WRONG


def _is_finite(number: Any) -> bool:
    try:
        return math.isfinite(number)
    except (OverflowError, ValueError):  # an endless integer, a signalling NaN
        return False


def _is_within(parameter: Parameter, value: Any) -> bool:
    if parameter.choices and value not in parameter.choices:
        return False
    if parameter.least is not None and value < parameter.least:
        return False
    return parameter.most is None or bool(value <= parameter.most)


def _malformed(where: str, key: str, found: object, allowed: str) -> StrategyLoadError:
    place = f"CONFIG_SCHEMA.{key}" if key else "CONFIG_SCHEMA"
    return StrategyLoadError(f"{where}: {place}: found {_shown(found)}, allowed {allowed}")


def _shown(value: object) -> str:
    return one_line(value if isinstance(value, str) else repr(value), 100)
