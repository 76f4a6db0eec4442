"""Sections about the process: link, logs, engine, store, monitor, live feeds."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from daemonkit.endpoint import LinkSection
from daemonkit.settings import Settings
from trading.settings.values import Bytes, Count, LevelName, Seconds, upper


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

    _normalise = field_validator("forward_level", mode="before")(upper)


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
    order_age_max_s: Annotated[float, Field(ge=86_400, le=3_660 * 86_400)] = 90 * 86_400.0
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
