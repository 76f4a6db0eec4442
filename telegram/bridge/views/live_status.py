"""The one message of a chat that always says how the bots are, edited in place.

Decides what it says and when; how it is shown, pinned and kept is the chat's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from telegram.bridge.render import age_text, fitted, plural
from telegram.bridge.sessions import MODES, Session
from telegram.bridge.views.moments import clock_text

# When only its time has changed, it is shown that often: it must not seem to stand still.
IDLE_GAP_S: Final = 60.0
LINES_MAX: Final = 60
BOTS_MAX: Final = 8
# A status that is older than this is told with its age.
_OLD_S: Final = 30.0
# What counts up all the time and nobody looks for here; a status that comes says itself that
# there is a link.
_LEFT_OUT: Final = ("ticks ", "commands ", "up ", "link ")


@dataclass(frozen=True, slots=True)
class LiveGaps:
    """Hold the least time between two edits, in a private chat and in a group."""

    private_s: float = 10.0
    group_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Board:
    """Hold what a live status says: the figures, and when they were told."""

    body: str
    at: float | None


class LiveMessage:
    """Decide for one chat when its live status is shown again."""

    def __init__(self, gap_s: float) -> None:
        self._gap_s = gap_s
        self._body = ""
        self._at: float | None = None
        self._shown_at = float("-inf")

    def next_text(self, board: Board, zone: ZoneInfo | None, now: float) -> str | None:
        """Return what is to be shown now, or None for nothing new or not yet."""
        waited_s = now - self._shown_at
        if waited_s < self._gap_s or (board.body, board.at) == (self._body, self._at):
            return None
        if board.body == self._body and waited_s < IDLE_GAP_S:
            return None
        self._body, self._at, self._shown_at = board.body, board.at, now
        if board.at is None:
            return board.body
        return f"{board.body}\nas of {clock_text(board.at, zone)}"


def draw_board(sessions: Sequence[Session], wall: float) -> Board:
    """Return how all bots are; those that are connected first."""
    known = [one for one in sessions if not one.legacy]
    if not known:
        return Board("no bot has connected yet", None)
    ordered = sorted(known, key=lambda one: (not one.is_connected, one.name))
    shown = ordered[:BOTS_MAX]
    room = LINES_MAX // len(shown)
    indent = " " if len(shown) > 1 else ""
    lines = [line for one in shown for line in _block(one, wall, room, indent)]
    if len(ordered) > len(shown):
        lines.append(f"… {len(ordered) - len(shown)} more bots, see /bots")
    told = [one.status_at for one in shown if one.is_connected and one.status_at is not None]
    return Board("\n".join(lines), min(told, default=None))


def _block(session: Session, wall: float, room: int, indent: str) -> list[str]:
    """Return one bot's lines; with several no line of one may pass for the head of another."""
    head = fitted([f"{session.label}:"])
    if not session.is_connected:
        # By the minute: an age that counts seconds would be news every time.
        away_s = max(0.0, wall - session.seen_at) // 60 * 60
        away = f" AWAY for {age_text(away_s)}" if away_s else " AWAY"
        return [*head, away, *_held(session)]
    if session.status_at is None:
        return [*head, " has told nothing yet"]
    told = session.status_text.split("\n")
    # The head has said it: bot, accounts, and PAPER or LIVE.
    if session.accounts and told[0].startswith(tuple(f"{one} {session.name} " for one in MODES)):
        told = told[1:]
    lines = [line for line in told if not line.startswith(_LEFT_OUT)]
    if wall - session.status_at > _OLD_S:
        lines.insert(0, f"SILENT for {age_text((wall - session.status_at) // 60 * 60)}")
    if len(lines) > room:
        lines = [*lines[: room - 1], "…"]
    return [*head, *(f"{indent}{line}" for line in lines)]


def _held(session: Session) -> list[str]:
    """Return that a bot which is away held something, as it told last; it may tell anything."""
    fields = session.status_fields
    total, listed = fields.get("positions_open"), fields.get("positions")
    count = total if isinstance(total, int) else len(listed) if isinstance(listed, list) else 0
    return [f" held {plural(count, 'position')} at last"] if count > 0 else []
