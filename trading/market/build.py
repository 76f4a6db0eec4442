"""Make the feed that a bot's configuration asks for."""

from pathlib import Path
from random import Random

from daemonkit.clock import Clock
from daemonkit.errors import ConfigurationError
from trading.market.errors import FeedError
from trading.market.exchange_source import ExchangeSource
from trading.market.feed import Feed, GiveWay, give_no_way
from trading.market.file_symbol import symbol_of_file
from trading.market.settings import ExchangeFeedSettings, ReplaySettings, SyntheticSettings
from trading.market.synthetic import SyntheticFeed


def build_feed(
    settings: SyntheticSettings | ReplaySettings | ExchangeFeedSettings,
    *,
    clock: Clock,
    base_dir: Path,
    resume_at: float | None = None,
    source: ExchangeSource | None = None,
    rng: Random | None = None,
    give_way: GiveWay = give_no_way,
) -> Feed:
    """Make a feed, with the file of a replay opened, checked and its history read.

    An exchange is named by `source`, and not asked before the feed is started; `rng` spreads the
    tries to reach it.

    A relative file is looked for in `base_dir`. With `resume_at`, the market time of the last
    event that was taken in, the market goes on behind it instead of beginning again.
    Raises ConfigurationError for what is wrong at the start.
    """
    if isinstance(settings, SyntheticSettings):
        return SyntheticFeed(settings, clock=clock, resume_at=resume_at)
    if isinstance(settings, ExchangeFeedSettings):
        # Importing what speaks to exchanges takes half a second and 100 MiB.
        from trading.brokers.exchanges.feed import ExchangeFeed  # noqa: PLC0415

        assert source is not None, "an exchange feed has an exchange"
        assert rng is not None, "an exchange feed spreads its tries"
        return ExchangeFeed(settings, source, clock=clock, rng=rng, give_way=give_way)
    # The readers of recorded files are loaded only where there is one.
    from trading.market.replay import ReplayFeed  # noqa: PLC0415

    file = base_dir / Path(settings.file).expanduser()
    symbol = settings.symbol or symbol_of_file(file)
    if symbol is None:
        found = "nothing, and the name of the file does not tell it"
        raise ConfigurationError(file, "symbol", found, "BASE/QUOTE, such as BTC/USDT")
    try:
        return ReplayFeed(settings, file, symbol, clock=clock, resume_at=resume_at)
    except FeedError as error:
        raise error.as_configuration_error() from error
