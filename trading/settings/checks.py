"""What must hold between the keys of a configuration, each mistake in words."""

from collections.abc import Iterator
from pathlib import Path

from daemonkit.errors import ConfigurationError
from trading.settings.accounts import ACCOUNTS_MAX, AccountTerms, InstrumentSection
from trading.settings.bot import BotSettings
from trading.settings.exchange_checks import mistakes_at_exchanges
from trading.settings.instances import INSTANCES_MAX
from trading.settings.markets import all_pairs, feed_symbols, pairs_of, split_symbol
from trading.settings.mistake import Mistake, named


def check_settings(settings: BotSettings, file: Path) -> None:
    """Raise a ConfigurationError with the first thing that does not fit together."""
    for mistake in _mistakes(settings):
        raise ConfigurationError(file, mistake.key, mistake.found, mistake.allowed)


def _mistakes(settings: BotSettings) -> Iterator[Mistake]:
    if settings.strategy is not None and settings.strategy.params and settings.parameters:
        yield Mistake("parameters", "strategy.params as well", "one of the two")
    if len(settings.accounts) > ACCOUNTS_MAX:
        yield Mistake("accounts", f"{len(settings.accounts)}", f"at most {ACCOUNTS_MAX}")
    if settings.mode != "leveraged" and settings.leverage > 1:
        yield Mistake("leverage", f"{settings.leverage:g}", "1, or more with mode leveraged")
    if settings.mode != "leveraged" and settings.allow_short:
        yield Mistake("allow_short", "true", "false, or true with mode leveraged")
    for terms in settings.account_terms():
        # One account without a name is configured at the top level.
        where = f"accounts.{terms.name}." if settings.accounts else ""
        yield from _of_leverage(settings, terms, where)
        yield from _of_pairs(settings, terms, where)
    yield from _of_exposure(settings)
    yield from mistakes_at_exchanges(settings)
    yield from _of_markets(settings)
    yield from _of_instances(settings)


def _of_leverage(settings: BotSettings, terms: AccountTerms, where: str) -> Iterator[Mistake]:
    if terms.leverage > settings.max_leverage:
        allowed = f"1 to {settings.max_leverage:g}, the max_leverage"
        yield Mistake(f"{where}leverage", f"{terms.leverage:g}", allowed)
    if settings.mode != "leveraged":
        need = "mode leveraged"
        if terms.market_type != "spot":
            yield Mistake(f"{where}market_type", terms.market_type, "spot, or mode leveraged")
    elif terms.market_type == "spot":
        need = "a market_type other than spot"
    else:
        return
    # In an account of coins that are owned, what the top level allows for others is no mistake.
    if terms.leverage > 1:
        yield Mistake(f"{where}leverage", f"{terms.leverage:g}", f"1, or more with {need}")
    if terms.allow_short:
        yield Mistake(f"{where}allow_short", "true", f"false, or true with {need}")


def _of_exposure(settings: BotSettings) -> Iterator[Mistake]:
    share = settings.risk.max_exposure_pct
    most = max(terms.leverage for terms in settings.account_terms())
    # 5 is 5 % to a person and five times everything to a program.
    if share >= 1 and (most == 1 or share > most):
        allowed = "a fraction below 1: 0.05 means 5 %"
        if most > 1:
            allowed = f"at most {most:g}, the leverage; 0.05 means 5 %"
        yield Mistake("risk.max_exposure_pct", f"{share:g}", allowed)


def _of_pairs(settings: BotSettings, terms: AccountTerms, where: str) -> Iterator[Mistake]:
    section = settings.accounts.get(terms.name)
    key = f"{where}pairs" if section is not None and section.pairs else "trading.pairs"
    known, pairs = feed_symbols(settings), pairs_of(terms, settings)
    if strange := [one for one in pairs if known and one not in known]:
        yield Mistake(key, strange[0], f"the markets of the feed: {named(known)}")
    currencies = list(dict.fromkeys(split_symbol(symbol)[1] for symbol in pairs))
    if len(currencies) > 1:
        found = f"markets paid in {named(currencies)}"
        yield Mistake(key, found, "one currency for each account: name its pairs")
    currency = terms.paper.currency
    if currency and currencies and any("/" in one for one in pairs) and currency != currencies[0]:
        yield Mistake(f"{where}paper.currency", currency, f"{currencies[0]}, as the pairs say")


def _of_markets(settings: BotSettings) -> Iterator[Mistake]:
    known = all_pairs(settings)
    if not known:
        return
    for symbol in settings.symbol_parameters:
        if symbol not in known:
            yield Mistake("symbol_parameters", symbol, f"the pairs: {named(known)}")
    said: dict[str, InstrumentSection] = {}
    for terms in settings.account_terms():
        for symbol, instrument in terms.paper.instruments.items():
            if symbol not in known:
                yield Mistake("paper.instruments", symbol, f"the pairs: {named(known)}")
            elif said.setdefault(symbol, instrument) != instrument:
                yield Mistake("paper.instruments", symbol, "the same steps in all accounts")


def _of_instances(settings: BotSettings) -> Iterator[Mistake]:
    accounts = {terms.name: pairs_of(terms, settings) for terms in settings.account_terms()}
    count = len(settings.instances)
    if not count and settings.strategy is not None:
        count = sum(len(pairs) for pairs in accounts.values())
    if count > INSTANCES_MAX:
        yield Mistake("instances", f"{count}", f"at most {INSTANCES_MAX}")
    ids: set[str] = set()
    for number, instance in enumerate(settings.instances):
        key = f"instances[{number}]"
        if instance.strategy is None and settings.strategy is None:
            yield Mistake(f"{key}.strategy", "nothing", "a name, here or in strategy")
        account = instance.account or next(iter(accounts))
        if account not in accounts:
            yield Mistake(f"{key}.account", account, named(accounts))
        elif accounts[account] and instance.market not in accounts[account]:
            allowed = f"the pairs of {account}: {named(accounts[account])}"
            yield Mistake(f"{key}.market", instance.market, allowed)
        if instance.id is not None and instance.id in ids:
            yield Mistake(f"{key}.id", instance.id, "each id once")
        ids.add(instance.id or "")
