"""A changed configuration while the bot runs: which keys take effect at once, which later.

What is traded, with how much and at which risk waits for a restart: positions that are open were
entered under the old rules, and one start is one set of rules.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from daemonkit.settings import Settings
from trading.config import BotSettings

LIVE_KEYS: Final = frozenset(
    {
        "log_level",
        "logs.forward_level",
        "status_interval_s",
        "stop_timeout_s",
        "live.keep_entries_at_stop",
    }
)

_WHOLE: Final = frozenset({"feed", "strategy"})


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Hold the settings now in force, and the keys that changed."""

    settings: BotSettings
    applied: tuple[str, ...]
    waiting: tuple[str, ...]


def merge_settings(current: BotSettings, wanted: BotSettings) -> Reloaded:
    """Return the current settings with the live keys of the wanted ones."""
    changed = [key for key in _keys(current, wanted) if _value(current, key) != _value(wanted, key)]
    applied = tuple(key for key in changed if key in LIVE_KEYS)
    waiting = tuple(key for key in changed if key not in LIVE_KEYS)
    settings = current.model_copy(
        update={
            "log_level": wanted.log_level,
            "status_interval_s": wanted.status_interval_s,
            "stop_timeout_s": wanted.stop_timeout_s,
            "live": current.live.model_copy(
                update={"keep_entries_at_stop": wanted.live.keep_entries_at_stop}
            ),
            "logs": current.logs.model_copy(update={"forward_level": wanted.logs.forward_level}),
        }
    )
    return Reloaded(settings, applied, waiting)


def _keys(current: BotSettings, wanted: BotSettings) -> Iterator[str]:
    for name in type(wanted).model_fields:
        sections = (getattr(current, name), getattr(wanted, name))
        # A feed may change its kind, and a strategy itself, and with it all keys: one key here.
        if name in _WHOLE or not all(isinstance(one, Settings) for one in sections):
            yield name
        else:
            yield from (f"{name}.{inner}" for inner in type(sections[1]).model_fields)


def _value(settings: BotSettings, key: str) -> Any:
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value
