"""Which instances of strategies a configuration makes: one per market and account, or as listed."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from daemonkit.errors import ConfigurationError
from trading.config import BotConfig
from trading.model.mode import Mode
from trading.settings.bot import BotSettings
from trading.settings.instances import InstanceSection
from trading.settings.markets import pairs_of, split_symbol
from trading.strategies.errors import ParameterError, StrategyLoadError
from trading.strategies.loader import StrategyType, find_strategy

_ID_LENGTH_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class InstanceSpec:
    """Say what one instance is: a strategy that watches one market of one account."""

    id: str
    strategy: str
    account: str
    symbol: str
    mode: Mode
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LoadedInstance:
    """Hold an instance that can run: its strategy is loaded and its parameters are checked."""

    spec: InstanceSpec
    type: StrategyType
    config: Mapping[str, Any]


def load_instances(
    config: BotConfig, *, find: Callable[[str], StrategyType] = find_strategy
) -> tuple[LoadedInstance, ...]:
    """Load every strategy and check its parameters; ConfigurationError says what is wrong."""
    types: dict[str, StrategyType] = {}
    loaded = []
    for spec in instances_of(config):
        try:
            if spec.strategy not in types:
                types[spec.strategy] = find(spec.strategy)
            strategy = types[spec.strategy]
            checked = strategy.schema.validate(spec.parameters)
        except ParameterError as error:
            hint = f"instance {spec.id}"
            raise ConfigurationError(
                config.file, error.key, error.found, error.allowed, hint
            ) from None
        except StrategyLoadError as error:
            found, allowed = spec.strategy, "a strategy that can be loaded"
            raise ConfigurationError(config.file, "strategy", found, allowed, str(error)) from error
        loaded.append(LoadedInstance(spec, strategy, checked))
    return tuple(loaded)


def fingerprint_of(loaded: LoadedInstance) -> str:
    """Return what changes when the strategy's file or the instance's parameters do."""
    parameters = orjson.dumps(dict(loaded.config), default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(loaded.type.fingerprint.encode() + parameters).hexdigest()


def instances_of(config: BotConfig) -> tuple[InstanceSpec, ...]:
    """Return every instance; what stands under `instances` takes the place of the usual ones."""
    settings = config.settings
    first_account = settings.account_terms()[0].name
    used = {one.id for one in settings.instances if one.id is not None}
    specs = []
    for section in _sections(settings):
        strategy = section.strategy or (settings.strategy.name if settings.strategy else "")
        account = section.account or first_account
        identifier = section.id
        if identifier is None:
            place = "" if account == first_account else f"-{account}"
            identifier = _free_id(f"{strategy}-{_slug(section.market)}{place}", used)
        used.add(identifier)
        specs.append(
            InstanceSpec(
                id=identifier,
                strategy=strategy,
                account=account,
                symbol=section.market,
                mode=Mode(section.mode),
                parameters=_parameters(settings, section, strategy),
            )
        )
    return tuple(specs)


def _sections(settings: BotSettings) -> Iterator[InstanceSection]:
    if settings.instances or settings.strategy is None:
        yield from settings.instances
        return
    for terms in settings.account_terms():
        for symbol in pairs_of(terms, settings):
            yield InstanceSection(market=symbol, account=terms.name)


def _parameters(settings: BotSettings, section: InstanceSection, strategy: str) -> dict[str, Any]:
    if settings.strategy is None or strategy != settings.strategy.name:
        return dict(section.parameters)
    of_market = settings.symbol_parameters.get(section.market, {})
    return settings.all_parameters | of_market | section.parameters


def _slug(symbol: str) -> str:
    return split_symbol(symbol)[0].lower()


def _free_id(wanted: str, used: set[str]) -> str:
    """Return an id that nobody has: a market's name does not tell its currency or its expiry."""
    identifier = wanted[:_ID_LENGTH_MAX]
    number = 1
    while identifier in used:
        number += 1
        ending = f"-{number}"
        identifier = wanted[: _ID_LENGTH_MAX - len(ending)] + ending
    return identifier
