"""How the bridge stands with Telegram, and whom it tells; values only."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from telegram.bridge.messenger import Inbound, Me


class Standing(StrEnum):
    """Name how polling goes."""

    STARTING = "starting"
    POLLING = "polling"
    AWAY = "away"
    TOKEN_REFUSED = "token refused"  # noqa: S105 - says what is wrong with one
    CONFLICT = "conflict"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class BotState:
    """Say how polling goes, since when (Unix seconds), and why in one line."""

    standing: Standing
    since: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Carry one update by its number; without an inbound there is nothing in it for us."""

    update_id: int
    inbound: Inbound | None


def _ignore(_what: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class BotCallbacks:
    """Hold who is told; each is called from a thread beside the loop, one call at a time.

    `on_inbound` returns only once the update is on disk: after it the update is confirmed and
    Telegram forgets it. When it raises, the same update is offered again after a pause;
    `on_lost` gets what was offered in vain too often, so that its author hears of it.
    `on_conflict` says that another program polls with this token, and later that it is gone.
    `on_ready` says who the bot is: at the start and whenever the token is accepted again.
    """

    on_inbound: Callable[[Inbound], None]
    on_lost: Callable[[Inbound], None] = _ignore
    on_conflict: Callable[[bool], None] = _ignore
    on_ready: Callable[[Me], None] = _ignore
    on_state: Callable[[BotState], None] = _ignore
