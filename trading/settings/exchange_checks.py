"""What must hold of accounts at exchanges, real ones above all, before any of them is asked."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from daemonkit.secrets import looks_secret
from trading.market.settings import ExchangeFeedSettings
from trading.settings.accounts import AccountTerms
from trading.settings.bot import BotSettings
from trading.settings.markets import PAPER_EXCHANGE, fed_exchange
from trading.settings.mistake import Mistake, named

# What was built and tested; any other exchange is asked by ccxt what it can do when it starts.
MARKET_TYPES: Final[Mapping[str, frozenset[str]]] = {
    "binance": frozenset({"spot", "swap"}),
    "coinbase": frozenset({"spot"}),
    "kraken": frozenset({"spot", "margin"}),
    "krakenfutures": frozenset({"swap"}),
}
NO_SANDBOX: Final = frozenset({"coinbase", "kraken"})

_CREDENTIALS: Final = frozenset(
    {"apikey", "secret", "password", "uid", "login", "privatekey", "twofa", "token"}
)
_HIDDEN: Final = "a value that is not shown"
_KEYS_ELSEWHERE: Final = (
    "nothing: keys are systemd credentials, environment variables or 0600 files, never YAML"
)


def mistakes_at_exchanges(settings: BotSettings) -> Iterator[Mistake]:
    """Yield what does not fit, the most dangerous first."""
    if settings.accounts and settings.ccxt:
        yield Mistake("ccxt", "a mapping", "ccxt under each of the accounts")
    if _is_fed_by_exchange(settings):
        yield from _of_exchange_feed(settings)
    for terms in settings.account_terms():
        # One account without a name is configured at the top level.
        where = f"accounts.{terms.name}." if settings.accounts else ""
        yield from _of_credentials(terms.ccxt, f"{where}ccxt")
        yield from _of_account(settings, terms, where)
    yield from _of_one_exchange(settings)


def _of_credentials(options: Mapping[str, Any], key: str) -> Iterator[Mistake]:
    for name, value in options.items():
        inner = f"{key}.{name}"
        if str(name).replace("_", "").lower() in _CREDENTIALS or looks_secret(str(name)):
            yield Mistake(inner, _HIDDEN, _KEYS_ELSEWHERE)
        elif isinstance(value, Mapping):
            yield from _of_credentials(value, inner)


def _of_account(settings: BotSettings, terms: AccountTerms, where: str) -> Iterator[Mistake]:
    has_real_prices = _is_fed_by_exchange(settings)
    if not terms.dry_run:
        if terms.exchange == PAPER_EXCHANGE:
            yield Mistake(f"{where}dry_run", "false", "true: exchange paper trades no real money")
        if not has_real_prices:
            allowed = f"exchange: {terms.name} trades real money, which needs real prices"
            yield Mistake("feed.kind", settings.feed.kind, allowed)
        if terms.leverage % 1:
            yield Mistake(
                f"{where}leverage", f"{terms.leverage:g}", "1, 2, 3: whole at an exchange"
            )
        yield from _of_timeout(settings, terms, where)
        if not terms.name[0].isalnum():
            yield Mistake("accounts", terms.name, "a name that begins with a letter or a digit")
    elif not has_real_prices:
        return
    if terms.exchange != PAPER_EXCHANGE:
        yield from _of_abilities(terms, where)
    yield from _of_symbols(settings, terms, where)


def _of_timeout(settings: BotSettings, terms: AccountTerms, where: str) -> Iterator[Mistake]:
    """Check that a request has ended before its order may count as never arrived."""
    timeout_ms = terms.ccxt.get("timeout")
    settle_ms = settings.live.unknown_settle_s * 1000
    if isinstance(timeout_ms, int | float) and timeout_ms > settle_ms:
        allowed = f"milliseconds, at most {settle_ms:g}, the live.unknown_settle_s"
        yield Mistake(f"{where}ccxt.timeout", f"{timeout_ms:g}", allowed)


def _of_abilities(terms: AccountTerms, where: str) -> Iterator[Mistake]:
    types = MARKET_TYPES.get(terms.exchange)
    if types is not None and terms.market_type not in types:
        allowed = f"{named(sorted(types))} at {terms.exchange}"
        if terms.exchange == "kraken" and terms.market_type == "swap":
            allowed += "; its futures are exchange krakenfutures"
        yield Mistake(f"{where}market_type", terms.market_type, allowed)
    if terms.sandbox and terms.exchange in NO_SANDBOX:
        allowed = f"false: {terms.exchange} has no test venue; try with dry_run: true"
        yield Mistake(f"{where}sandbox", "true", allowed)


def _of_symbols(settings: BotSettings, terms: AccountTerms, where: str) -> Iterator[Mistake]:
    section = settings.accounts.get(terms.name)
    key = f"{where}pairs" if section is not None and section.pairs else "trading.pairs"
    if not terms.pairs:
        yield Mistake(key, "nothing", "the markets to trade: an exchange has thousands")
    is_swap = terms.market_type == "swap"
    for symbol in terms.pairs:
        if "/" not in symbol or is_swap != (":" in symbol):
            example = "BTC/USD:USD, which says what it is settled in" if is_swap else "BTC/USD"
            yield Mistake(key, symbol, f"a {terms.market_type} market such as {example}")


def _of_exchange_feed(settings: BotSettings) -> Iterator[Mistake]:
    exchange = fed_exchange(settings)
    if not exchange:
        allowed = "synthetic or replay, or the name of an exchange in exchange"
        yield Mistake("feed.kind", "exchange", allowed)
    if any(terms.paper.instruments for terms in settings.account_terms()):
        yield Mistake("paper.instruments", "steps", f"none: {exchange} tells its own")


def _of_one_exchange(settings: BotSettings) -> Iterator[Mistake]:
    """Check that instruments and prices, which go by the market's name, are of one exchange."""
    first = ""
    slots: dict[str, str] = {}
    for terms in settings.account_terms():
        if terms.dry_run and not _is_fed_by_exchange(settings):
            continue
        if terms.exchange != PAPER_EXCHANGE:
            first = first or terms.exchange
            if terms.exchange != first:
                allowed = f"{first}: a bot trades at one exchange, another bot at another"
                yield Mistake(f"accounts.{terms.name}.exchange", terms.exchange, allowed)
        if not terms.dry_run:
            yield from _of_key_names(terms.name, slots)


def _of_key_names(account: str, slots: dict[str, str]) -> Iterator[Mistake]:
    """Check that no two accounts would take each other's keys."""
    variable = account.replace("-", "_")
    for name in (f"{variable}_key", f"{variable}_read_key"):
        other = slots.setdefault(name, account)
        if other != account:
            allowed = f"a name whose keys are not also called like those of {other}"
            yield Mistake("accounts", account, allowed)


def _is_fed_by_exchange(settings: BotSettings) -> bool:
    return isinstance(settings.feed, ExchangeFeedSettings)
