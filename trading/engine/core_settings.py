"""What the core must know of a bot's configuration."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """Hold what the core must know of the configuration."""

    bot: str
    title: str
    exchange: str
    mode: str
    version: str
    trading_allowed: bool
    status_interval_s: float
    repeat_window_s: float = 60.0
    report_interval_s: float = 21_600.0
    alerts_total: int = 0
    alerts_interval_s: float = 1.0
    # The alert series rests while the outbox has less room than this.
    alerts_room_min: int = 0
