"""Which markets a configuration is about: those of the feed, and those of each account."""

from pathlib import Path
from typing import Final

from trading.market.file_symbol import symbol_of_file
from trading.market.settings import ExchangeFeedSettings, ReplaySettings
from trading.settings.accounts import AccountTerms
from trading.settings.bot import BotSettings

# What contracts with a bare name, such as MESZ6, are paid in.
USUAL_CURRENCY: Final = "USD"
# The exchange that is none: nothing of it leaves this machine.
PAPER_EXCHANGE: Final = "paper"


def feed_symbols(settings: BotSettings) -> tuple[str, ...]:
    """Return the markets that the feed tells of, as far as the configuration says."""
    feed = settings.feed
    if isinstance(feed, ReplaySettings):
        symbol = feed.symbol or symbol_of_file(Path(feed.file))
        return () if symbol is None else (symbol,)
    if isinstance(feed, ExchangeFeedSettings) and not feed.symbols:
        # An exchange has thousands: those that nobody names are not told of.
        named = (symbol for terms in settings.account_terms() for symbol in terms.pairs)
        return tuple(dict.fromkeys(named))
    return feed.symbols


def pairs_of(terms: AccountTerms, settings: BotSettings) -> tuple[str, ...]:
    """Return the markets of an account: those that it names, else those of the feed."""
    return terms.pairs or feed_symbols(settings)


def all_pairs(settings: BotSettings) -> tuple[str, ...]:
    """Return the markets of all accounts, each once."""
    of_accounts = (pairs_of(terms, settings) for terms in settings.account_terms())
    return tuple(dict.fromkeys(symbol for pairs in of_accounts for symbol in pairs))


def fed_exchange(settings: BotSettings) -> str:
    """Return the exchange whose market an exchange feed tells of, that of the accounts, or ""."""
    exchanges = (terms.exchange for terms in settings.account_terms())
    return next((name for name in exchanges if name != PAPER_EXCHANGE), "")


def split_symbol(symbol: str) -> tuple[str, str]:
    """Return base and currency: BTC/USDT is paid in USDT, BTC/USDT:USDT in what is behind the :."""
    pair, _, settled = symbol.partition(":")
    base, _, quote = pair.partition("/")
    return base, settled or quote or USUAL_CURRENCY


def currency_of(terms: AccountTerms, settings: BotSettings) -> str:
    """Return the one currency of an account's money."""
    pairs = pairs_of(terms, settings)
    return terms.paper.currency or (split_symbol(pairs[0])[1] if pairs else USUAL_CURRENCY)
