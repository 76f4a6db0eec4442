"""The configuration of one bot: `config.yaml` in its folder, checked whole before anything starts.

Every interval and bound is a key here. What a key means is said in bots/paper/config.yaml.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from daemonkit.errors import ConfigurationError
from daemonkit.settings import load_settings
from tcpproto import is_bot_name
from tcpproto.greetings import RESERVED_NAMES
from trading.market.settings import ExchangeFeedSettings, SyntheticSettings
from trading.settings.bot import BotSettings, zone_of
from trading.settings.checks import check_settings
from trading.settings.markets import fed_exchange

__all__ = [
    "BOT_NAME_ALLOWED",
    "CONFIG_NAME",
    "DEFAULT_BOT_DIR",
    "DEFAULT_VAR_DIR",
    "BotConfig",
    "BotSettings",
    "load_config",
]

CONFIG_NAME: Final = "config.yaml"
DEFAULT_BOT_DIR: Final = Path("bots/paper")
DEFAULT_VAR_DIR: Final = Path("var")
BOT_NAME_ALLOWED: Final = "1 to 32 of a-z 0-9 _ - and not telegram or all"


@dataclass(frozen=True, slots=True)
class BotConfig:
    """Hold one bot's settings and where it lives."""

    settings: BotSettings
    bot: str
    bot_dir: Path
    file: Path
    var_dir: Path

    @property
    def folder(self) -> Path:
        """The bot's own folder below VAR_DIR."""
        return self.var_dir / self.bot

    @property
    def database(self) -> Path:
        """The bot's database."""
        return self.folder / "state.db"

    @property
    def mode(self) -> str:
        """PAPER or LIVE, as every receipt names it; one live account makes a bot live."""
        return "PAPER" if all(one.dry_run for one in self.settings.account_terms()) else "LIVE"

    @property
    def zone(self) -> tzinfo:
        """The zone of trading days and of the times that reports show."""
        return zone_of(self.settings.timezone)

    @property
    def restore_hint(self) -> str:
        """The command that puts a backup in the database's place."""
        return f".venv/bin/python -m trading restore {self.bot_dir} --from BACKUP"


def load_config(bot_dir: Path, environ: Mapping[str, str]) -> BotConfig:
    """Read and check a bot's configuration; ConfigurationError says what is wrong with it."""
    bot_dir = bot_dir.absolute()
    file = bot_dir / CONFIG_NAME
    settings = _with_pairs_fed(_with_feed(load_settings(BotSettings, file)), file)
    check_settings(settings, file)
    return BotConfig(
        settings=settings,
        bot=_bot_name(settings, bot_dir, file),
        bot_dir=bot_dir,
        file=file,
        var_dir=Path(environ.get("VAR_DIR") or DEFAULT_VAR_DIR).absolute(),
    )


def _with_feed(settings: BotSettings) -> BotSettings:
    """Let accounts at an exchange see its market, unless the configuration names a feed."""
    if "feed" in settings.model_fields_set or not fed_exchange(settings):
        return settings
    return settings.model_copy(update={"feed": ExchangeFeedSettings()})


def _with_pairs_fed(settings: BotSettings, file: Path) -> BotSettings:
    """Let the feed have the markets that are traded, unless it says which it has."""
    feed = settings.feed
    if not isinstance(feed, SyntheticSettings | ExchangeFeedSettings):
        return settings
    if "symbols" in feed.model_fields_set:
        return settings
    named = [symbol for terms in settings.account_terms() for symbol in terms.pairs]
    if not named:
        return settings
    wanted = feed.model_dump(exclude_unset=True) | {"symbols": tuple(dict.fromkeys(named))}
    try:
        fed = type(feed).model_validate(wanted)
    except ValidationError as error:
        text = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigurationError(file, "feed", f"{len(named)} pairs", text) from None
    return settings.model_copy(update={"feed": fed})


def _bot_name(settings: BotSettings, bot_dir: Path, file: Path) -> str:
    """Return `name`, or the folder's name when `name` is only a title such as "Long Only"."""
    is_reserved = settings.name in RESERVED_NAMES
    if settings.name is not None and is_bot_name(settings.name):
        return settings.name
    if is_bot_name(bot_dir.name) and not is_reserved:
        return bot_dir.name
    found = repr(settings.name) if settings.name is not None else f"the folder {bot_dir.name!r}"
    raise ConfigurationError(file, "name", found, BOT_NAME_ALLOWED)
