"""The configuration of the bridge: telegram.yaml in the root (optional) and the environment.

Every interval and bound is a key here, so that a test or a slow machine can change it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from daemonkit.endpoint import LinkSection
from daemonkit.settings import Settings, from_environment, load_settings
from tcpproto import Limits
from telegram.bridge.chat_outbox.settings import OutboxSection
from telegram.bridge.commands.dialogs import QuestionTimes
from telegram.bridge.commands.outbound import OutboundLimits
from telegram.bridge.housekeeping import Keep
from telegram.bridge.intake import IntakeLimits
from telegram.bridge.logs.follow import FollowLimits
from telegram.bridge.obituary.watch import ObituarySettings
from telegram.bridge.telegram_config import TelegramSection
from telegram.bridge.views.live_status import LiveGaps
from telegram.bridge.watchdog import Silences

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIG_NAME = "telegram.yaml"
VAR_NAME = "var"

_VARIABLES = {"telegram.base_url": "TELEGRAM_BASE_URL", "telegram.proxy": "TELEGRAM_PROXY"}

LevelName = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Days = Annotated[float, Field(gt=0, le=36_500)]
Count = Annotated[int, Field(ge=1, le=100_000_000)]


def _in_capitals(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


class BridgeLinkSection(LinkSection):
    """The `link` section: where to listen, and when a peer counts as gone."""

    handshake_s: Seconds = 5.0
    legacy_silence_s: Seconds = 1.0
    heartbeat_s: Seconds = 4.0
    dead_after_s: Seconds = 14.0

    @model_validator(mode="after")
    def _order(self) -> "BridgeLinkSection":
        if self.heartbeat_s >= self.dead_after_s:
            raise ValueError("heartbeat_s below dead_after_s")
        return self

    @property
    def limits(self) -> Limits:
        """Return the limits of every connection."""
        return Limits(
            handshake_s=self.handshake_s,
            legacy_silence_s=self.legacy_silence_s,
            heartbeat_s=self.heartbeat_s,
            dead_after_s=self.dead_after_s,
        )


class LogsSection(Settings):
    """The `logs` section: the files of the bridge and of each bot."""

    file_max_bytes: Annotated[int, Field(ge=10_000, le=2**40)] = 10_000_000
    file_backups: Annotated[int, Field(ge=0, le=1_000)] = 5
    queue_lines_max: Count = 20_000


class ConsoleSection(Settings):
    """The `console` section: how long piped input waits for outcomes."""

    outcome_wait_s: Seconds = 10.0
    end_wait_s: Seconds = 60.0


class FollowSection(Settings):
    """The `follow` section: how much of the log a chat is sent."""

    lines_max: Annotated[int, Field(ge=1, le=1_000)] = 20
    interval_s: Seconds = 1.0

    @property
    def limits(self) -> FollowLimits:
        """Return the limits of /follow."""
        return FollowLimits(self.lines_max, self.interval_s)


class CommandsSection(Settings):
    """The `commands` section: how long answers are waited for."""

    grace_s: Seconds = 5.0
    reading_wait_s: Seconds = 20.0
    show_after_s: Annotated[float, Field(ge=0, le=60)] = 0.7
    confirm_s: Seconds = 30.0
    choose_s: Seconds = 120.0
    open_max: Annotated[int, Field(ge=1, le=100_000)] = 500

    @property
    def limits(self) -> OutboundLimits:
        """Return the limits of commands to bots."""
        return OutboundLimits(self.grace_s, self.reading_wait_s, self.show_after_s, self.open_max)

    @property
    def times(self) -> QuestionTimes:
        """Return how long people may take to answer."""
        return QuestionTimes(self.confirm_s, self.choose_s)


class ObituarySection(Settings):
    """The `obituary` section: when a bot that went without goodbye is announced."""

    after_s: Seconds = 10.0
    steady_s: Seconds = 5.0
    restart_s: Seconds = 75.0
    again_longest_s: Seconds = 300.0
    window_s: Seconds = 3_600.0
    breaks_max: Annotated[int, Field(ge=1, le=60)] = 6
    log_lines: Annotated[int, Field(ge=1, le=40)] = 8

    @property
    def settings(self) -> ObituarySettings:
        """Return how long a silence is borne, and how much is said of it."""
        return ObituarySettings(**self.model_dump())


class PhoneSection(Settings):
    """The `phone` section: what chats that can edit and show pictures are shown, and how often."""

    live: bool = True
    live_private_s: Seconds = 10.0
    live_group_s: Seconds = 20.0
    follow_s: Seconds = 4.0
    picture_max_s: Seconds = 10.0
    log_level: LevelName | None = None

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return _in_capitals(value)

    @property
    def live_gaps(self) -> LiveGaps:
        """Return how often the live status is edited."""
        return LiveGaps(self.live_private_s, self.live_group_s)


class KeepSection(Settings):
    """The `keep` section: for how long rows stay in bridge.db."""

    event_days: Days = 90.0
    command_days: Days = 30.0

    @property
    def days(self) -> Keep:
        """Return for how long rows are kept."""
        return Keep(self.event_days, self.command_days)


class WatchdogSection(Settings):
    """The `watchdog` section: when systemd is to end and start the bridge."""

    poll_silence_s: Seconds = 120.0
    loop_silence_s: Seconds = 30.0

    @property
    def silences(self) -> Silences:
        """Return what is too long."""
        return Silences(self.poll_silence_s, self.loop_silence_s)


class BridgeSettings(Settings):
    """Everything that telegram.yaml says."""

    log_level: LevelName = "INFO"
    stop_timeout_s: Annotated[float, Field(ge=1, le=60)] = 10.0
    reserve_bytes: Annotated[int, Field(ge=0, le=2**40)] = 16 * 1024 * 1024
    link: BridgeLinkSection = BridgeLinkSection()
    logs: LogsSection = LogsSection()
    console: ConsoleSection = ConsoleSection()
    follow: FollowSection = FollowSection()
    commands: CommandsSection = CommandsSection()
    obituary: ObituarySection = ObituarySection()
    phone: PhoneSection = PhoneSection()
    keep: KeepSection = KeepSection()
    telegram: TelegramSection = TelegramSection()
    outbox: OutboxSection = OutboxSection()
    watchdog: WatchdogSection = WatchdogSection()

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return _in_capitals(value)

    @model_validator(mode="after")
    def _polls_may_end(self) -> "BridgeSettings":
        if self.watchdog.poll_silence_s <= self.telegram.polling.poll_s:
            raise ValueError("watchdog.poll_silence_s above telegram.polling.poll_s")
        return self

    @property
    def intake_limits(self) -> IntakeLimits:
        """Return the bounds of the queues."""
        return IntakeLimits(log_lines_max=self.logs.queue_lines_max)


@dataclass(frozen=True, slots=True)
class BridgeConfig:
    """Hold the settings and where the bridge keeps its files."""

    settings: BridgeSettings
    file: Path | None
    var_dir: Path

    @property
    def folder(self) -> Path:
        """The bridge's own folder below VAR_DIR."""
        return self.var_dir / "telegram"

    @property
    def logs(self) -> Path:
        """The folder of all log files."""
        return self.folder / "logs"

    @property
    def database(self) -> Path:
        """The bridge's database."""
        return self.folder / "bridge.db"


def load_config(
    file: Path | None, environ: Mapping[str, str], *, root: Path = ROOT
) -> BridgeConfig:
    """Read and check the configuration; ConfigurationError says what is wrong with it.

    What nobody named, the file or VAR_DIR, is looked for in `root`.
    """
    if file is None and (root / CONFIG_NAME).exists():
        file = root / CONFIG_NAME
    return BridgeConfig(
        settings=load_settings(
            BridgeSettings, file, environment=from_environment(environ, _VARIABLES)
        ),
        file=file,
        var_dir=Path(environ.get("VAR_DIR") or root / VAR_NAME).absolute(),
    )
