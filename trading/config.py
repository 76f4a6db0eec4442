"""The configuration of one bot: `config.yaml` in its folder, checked whole before anything starts.

Every interval and bound is a key here. What a key means is said in bots/paper/config.yaml.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from daemonkit.endpoint import LinkSection
from daemonkit.errors import ConfigurationError
from daemonkit.settings import Settings, load_settings
from tcpproto import is_bot_name
from tcpproto.greetings import RESERVED_NAMES
from trading.market.settings import FeedSettings, SyntheticSettings

CONFIG_NAME: Final = "config.yaml"
DEFAULT_BOT_DIR: Final = Path("bots/paper")
DEFAULT_VAR_DIR: Final = Path("var")
BOT_NAME_ALLOWED: Final = "1 to 32 of a-z 0-9 _ - and not telegram or all"

LevelName = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=100_000_000)]
Bytes = Annotated[int, Field(ge=0, le=2**50)]


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


class BridgeSection(LinkSection):
    """The `link` section: where the bridge is, and the pace of the connection."""

    heartbeat_s: Seconds = 4.0
    dead_after_s: Seconds = 14.0
    handshake_s: Seconds = 5.0
    reconnect_longest_s: Seconds | None = None
    bulk_frames_max: Count = 10_000

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.heartbeat_s >= self.dead_after_s:
            raise ValueError("heartbeat_s below dead_after_s")
        return self


class LogSection(Settings):
    """The `logs` section: files, and the lines that go to the bridge."""

    forward_level: LevelName = "INFO"
    queue_len_max: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    file_max_bytes: Annotated[int, Field(ge=10_000, le=2**40)] = 10_000_000
    file_backups: Annotated[int, Field(ge=0, le=1_000)] = 5

    _normalise = field_validator("forward_level", mode="before")(_upper)


class EngineSection(Settings):
    """The `engine` section: the inbox's bounds and the coalescing of repeated events."""

    market_len_max: Count = 10_000
    command_len_max: Count = 256
    repeat_window_s: Seconds = 60.0


class StoreSection(Settings):
    """The `store` section: what `state.db` holds and how it is retried."""

    outbox_rows_max: Count = 100_000
    outcome_age_max_s: Annotated[float, Field(ge=60, le=366 * 86_400)] = 7 * 86_400.0
    outcome_rows_max: Count = 1_000_000
    reserve_bytes: Bytes = 16 * 1024 * 1024
    reserve_check_s: Seconds = 5.0
    retry_first_s: Seconds = 0.05
    retry_longest_s: Seconds = 5.0
    acknowledge_delay_s: Seconds = 0.2
    prune_interval_s: Seconds = 600.0


class MonitorSection(Settings):
    """The `monitor` section: when a figure is a reason to warn."""

    interval_s: Seconds = 1.0
    engine_silence_s: Seconds = 2.0
    memory_bytes: Bytes = 2_000_000_000
    disk_free_bytes: Bytes = 100_000_000


class FeedRetrySection(Settings):
    """The `feed_retry` section: how long a broken live feed rests."""

    first_s: Seconds = 1.0
    longest_s: Seconds = 60.0


class BotSettings(Settings):
    """Everything that `config.yaml` says."""

    name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")] | None = None
    exchange: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")] = "paper"
    mode: Literal["long_only", "leveraged"] = "long_only"
    dry_run: bool = True
    trading: Literal["allowed", "off"] = "allowed"
    log_level: LevelName = "INFO"
    status_interval_s: Annotated[float, Field(ge=0.05, le=3_600)] = 1.0
    stop_timeout_s: Annotated[float, Field(ge=1, le=60)] = 10.0
    feed: FeedSettings = SyntheticSettings()
    link: BridgeSection = BridgeSection()
    logs: LogSection = LogSection()
    engine: EngineSection = EngineSection()
    store: StoreSection = StoreSection()
    monitor: MonitorSection = MonitorSection()
    feed_retry: FeedRetrySection = FeedRetrySection()

    _normalise = field_validator("log_level", mode="before")(_upper)

    @field_validator("dry_run")
    @classmethod
    def _refuse_live(cls, value: bool) -> bool:
        if not value:
            raise ValueError("true: this version trades on paper only")
        return value


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
        """PAPER or LIVE, as every receipt names it."""
        return "PAPER" if self.settings.dry_run else "LIVE"

    @property
    def restore_hint(self) -> str:
        """The command that puts a backup in the database's place."""
        return f"python -m trading restore {self.bot_dir} --from BACKUP"


def load_config(bot_dir: Path, environ: Mapping[str, str]) -> BotConfig:
    """Read and check a bot's configuration; ConfigurationError says what is wrong with it."""
    bot_dir = bot_dir.absolute()
    file = bot_dir / CONFIG_NAME
    settings = load_settings(BotSettings, file)
    return BotConfig(
        settings=settings,
        bot=_bot_name(settings, bot_dir, file),
        bot_dir=bot_dir,
        file=file,
        var_dir=Path(environ.get("VAR_DIR") or DEFAULT_VAR_DIR).absolute(),
    )


def _bot_name(settings: BotSettings, bot_dir: Path, file: Path) -> str:
    """Return `name`, or the folder's name when `name` is only a title such as "Long Only"."""
    is_reserved = settings.name in RESERVED_NAMES
    if settings.name is not None and is_bot_name(settings.name):
        return settings.name
    if is_bot_name(bot_dir.name) and not is_reserved:
        return bot_dir.name
    found = repr(settings.name) if settings.name is not None else f"the folder {bot_dir.name!r}"
    raise ConfigurationError(file, "name", found, BOT_NAME_ALLOWED)
