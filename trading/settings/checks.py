"""What must hold between the keys of a configuration, each mistake in words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from daemonkit.errors import ConfigurationError
from trading.settings.accounts import ACCOUNTS_MAX, AccountTerms, InstrumentSection
from trading.settings.bot import BotSettings
from trading.settings.instances import INSTANCES_MAX
from trading.settings.markets import all_pairs, feed_symbols, pairs_of, split_symbol

_NAMED_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class _Mistake:
    key: str
    found: str
    allowed: str


def check_settings(settings: BotSettings, file: Path) -> None:
    """Raise a ConfigurationError with the first thing that does not fit together."""
    for mistake in _mistakes(settings):
        raise ConfigurationError(file, mistake.key, mistake.found, mistake.allowed)


def _mistakes(settings: BotSettings) -> Iterator[_Mistake]:
    if settings.strategy is not None and settings.strategy.params and settings.parameters:
        yield _Mistake("parameters", "strategy.params as well", "one of the two")
    if len(settings.accounts) > ACCOUNTS_MAX:
        yield _Mistake("accounts", f"{len(settings.accounts)}", f"at most {ACCOUNTS_MAX}")
    if settings.mode != "leveraged" and settings.leverage > 1:
        yield _Mistake("leverage", f"{settings.leverage:g}", "1, or more with mode leveraged")
    if settings.mode != "leveraged" and settings.allow_short:
        yield _Mistake("allow_short", "true", "false, or true with mode leveraged")
    for terms in settings.account_terms():
        # One account without a name is configured at the top level.
        where = f"accounts.{terms.name}." if settings.accounts else ""
        yield from _of_leverage(settings, terms, where)
        yield from _of_pairs(settings, terms, where)
    yield from _of_markets(settings)
    yield from _of_instances(settings)


def _of_leverage(settings: BotSettings, terms: AccountTerms, where: str) -> Iterator[_Mistake]:
    if settings.mode != "leveraged":
        need = "mode leveraged"
        if terms.market_type != "spot":
            yield _Mistake(f"{where}market_type", terms.market_type, "spot, or mode leveraged")
    elif terms.market_type == "spot":
        need = "a market_type other than spot"
    else:
        return
    # In an account of coins that are owned, what the top level allows for others is no mistake.
    if terms.leverage > 1:
        yield _Mistake(f"{where}leverage", f"{terms.leverage:g}", f"1, or more with {need}")
    if terms.allow_short:
        yield _Mistake(f"{where}allow_short", "true", f"false, or true with {need}")


def _of_pairs(settings: BotSettings, terms: AccountTerms, where: str) -> Iterator[_Mistake]:
    section = settings.accounts.get(terms.name)
    key = f"{where}pairs" if section is not None and section.pairs else "trading.pairs"
    known, pairs = feed_symbols(settings), pairs_of(terms, settings)
    if strange := [one for one in pairs if known and one not in known]:
        yield _Mistake(key, strange[0], f"the markets of the feed: {_named(known)}")
    currencies = list(dict.fromkeys(split_symbol(symbol)[1] for symbol in pairs))
    if len(currencies) > 1:
        found = f"markets paid in {_named(currencies)}"
        yield _Mistake(key, found, "one currency for each account: name its pairs")
    currency = terms.paper.currency
    if currency and currencies and any("/" in one for one in pairs) and currency != currencies[0]:
        yield _Mistake(f"{where}paper.currency", currency, f"{currencies[0]}, as the pairs say")


def _of_markets(settings: BotSettings) -> Iterator[_Mistake]:
    known = all_pairs(settings)
    if not known:
        return
    for symbol in settings.symbol_parameters:
        if symbol not in known:
            yield _Mistake("symbol_parameters", symbol, f"the pairs: {_named(known)}")
    said: dict[str, InstrumentSection] = {}
    for terms in settings.account_terms():
        for symbol, instrument in terms.paper.instruments.items():
            if symbol not in known:
                yield _Mistake("paper.instruments", symbol, f"the pairs: {_named(known)}")
            elif said.setdefault(symbol, instrument) != instrument:
                yield _Mistake("paper.instruments", symbol, "the same steps in all accounts")


def _of_instances(settings: BotSettings) -> Iterator[_Mistake]:
    accounts = {terms.name: pairs_of(terms, settings) for terms in settings.account_terms()}
    count = len(settings.instances)
    if not count and settings.strategy is not None:
        count = sum(len(pairs) for pairs in accounts.values())
    if count > INSTANCES_MAX:
        yield _Mistake("instances", f"{count}", f"at most {INSTANCES_MAX}")
    ids: set[str] = set()
    for number, instance in enumerate(settings.instances):
        key = f"instances[{number}]"
        if instance.strategy is None and settings.strategy is None:
            yield _Mistake(f"{key}.strategy", "nothing", "a name, here or in strategy")
        account = instance.account or next(iter(accounts))
        if account not in accounts:
            yield _Mistake(f"{key}.account", account, _named(accounts))
        elif accounts[account] and instance.market not in accounts[account]:
            allowed = f"the pairs of {account}: {_named(accounts[account])}"
            yield _Mistake(f"{key}.market", instance.market, allowed)
        if instance.id is not None and instance.id in ids:
            yield _Mistake(f"{key}.id", instance.id, "each id once")
        ids.add(instance.id or "")


def _named(names: Iterable[str]) -> str:
    words = list(names)
    return ", ".join(words[:_NAMED_MAX]) + (", …" if len(words) > _NAMED_MAX else "")
