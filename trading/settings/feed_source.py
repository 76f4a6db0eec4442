"""Which exchange an exchange feed asks, as the accounts say. Must not know how it is asked."""

from trading.market.exchange_source import ExchangeSource
from trading.market.settings import ExchangeFeedSettings
from trading.settings.bot import BotSettings
from trading.settings.markets import PAPER_EXCHANGE


def exchange_source(settings: BotSettings) -> ExchangeSource | None:
    """Return the exchange whose market the feed brings; None without an exchange feed."""
    is_live = isinstance(settings.feed, ExchangeFeedSettings)
    return traded_exchange(settings) if is_live else None


def traded_exchange(settings: BotSettings) -> ExchangeSource | None:
    """Return the exchange of the first account that is at one, or None."""
    for terms in settings.account_terms():
        if terms.exchange != PAPER_EXCHANGE:
            # The prices of another venue than the one that is traded at would be worse than none.
            return ExchangeSource(terms.exchange, terms.market_type, terms.class_settings)
    return None
