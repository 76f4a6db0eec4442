"""The feed that a bot's configuration asks for, that of its accounts' exchange included."""

from random import Random

from daemonkit.clock import Clock
from daemonkit.errors import ConfigurationError
from trading.config import BotConfig
from trading.market.build import build_feed
from trading.market.feed import Feed, GiveWay, give_no_way
from trading.market.settings import ExchangeFeedSettings
from trading.settings.feed_source import exchange_source


def feed_of(
    config: BotConfig,
    *,
    clock: Clock,
    rng: Random,
    resume_at: float | None = None,
    give_way: GiveWay = give_no_way,
) -> Feed:
    """Make a bot's feed; ConfigurationError says what is wrong with it. No network is asked."""
    feed = config.settings.feed
    source = exchange_source(config.settings)
    if isinstance(feed, ExchangeFeedSettings) and not feed.symbols:
        allowed = "the markets to follow, here or in trading.pairs"
        raise ConfigurationError(config.file, "feed.symbols", "nothing", allowed)
    return build_feed(
        feed,
        clock=clock,
        base_dir=config.bot_dir,
        resume_at=resume_at,
        source=source,
        rng=rng,
        give_way=give_way,
    )
