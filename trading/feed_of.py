"""The feed that a bot's configuration asks for, that of its accounts' exchange included."""

from daemonkit.clock import Clock
from trading.config import BotConfig, check_runnable
from trading.market.build import build_feed
from trading.market.feed import Feed
from trading.market.settings import ExchangeFeedSettings


def feed_of(config: BotConfig, *, clock: Clock, resume_at: float | None = None) -> Feed:
    """Make a bot's feed; ConfigurationError says what is wrong with it."""
    settings = config.settings.feed
    check_runnable(config)
    assert not isinstance(settings, ExchangeFeedSettings)
    return build_feed(settings, clock=clock, base_dir=config.bot_dir, resume_at=resume_at)
