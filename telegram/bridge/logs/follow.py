"""Log lines as they come, for the chats that follow; so many at a time, the rest as a count."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from daemonkit.clock import Clock
from daemonkit.printable import one_line
from tcpproto import Log
from telegram.bridge.logs.search import level_number
from telegram.bridge.records import FollowSetting
from telegram.bridge.render import continued, plural

_TEXT_LEN_MAX = 300


@dataclass(frozen=True, slots=True)
class FollowLimits:
    """Hold how much a chat is sent: lines in a message, and how often."""

    lines_max: int = 20
    interval_s: float = 1.0


@dataclass(slots=True)
class _Follower:
    setting: FollowSetting
    level: int
    lines: list[str] = field(default_factory=list)
    more: int = 0
    due_at: float = 0.0


class Follow:
    """Collect lines for each chat and send them in one message per interval."""

    def __init__(self, clock: Clock, limits: FollowLimits, send: Callable[[str, str], object]):
        self._clock = clock
        self._limits = limits
        self._send = send
        self._followers: dict[str, _Follower] = {}

    @property
    def limits(self) -> FollowLimits:
        """Return the limits in force."""
        return self._limits

    @limits.setter
    def limits(self, limits: FollowLimits) -> None:
        self._limits = limits

    def start(self, setting: FollowSetting) -> None:
        """Have a chat follow, in place of what it followed before."""
        self._followers[setting.chat] = _Follower(setting, level_number(setting.level))

    def stop(self, chat: str) -> bool:
        """End following; False when the chat did not follow."""
        return self._followers.pop(chat, None) is not None

    def setting(self, chat: str) -> FollowSetting | None:
        """Return what a chat follows."""
        follower = self._followers.get(chat)
        return None if follower is None else follower.setting

    def offer(self, bot: str, lines: Sequence[Log]) -> None:
        """Collect the lines that somebody wants to see."""
        for follower in self._followers.values():
            if follower.setting.bot in (None, bot):
                self._collect(follower, bot, lines)

    def tick(self) -> list[str]:
        """Send what is due; return the chats whose time is over, which no longer follow."""
        now, wall = self._clock.monotonic(), self._clock.wall()
        for follower in self._followers.values():
            if (follower.lines or follower.more) and now >= follower.due_at:
                self._flush(follower)
                follower.due_at = now + self._limits.interval_s
        ended = [
            chat
            for chat, one in self._followers.items()
            if one.setting.until is not None and wall >= one.setting.until
        ]
        for chat in ended:
            del self._followers[chat]
        return ended

    def next_due(self) -> float | None:
        """Return when tick() has lines to send, on the monotonic clock."""
        waiting = [one.due_at for one in self._followers.values() if one.lines or one.more]
        return min(waiting, default=None)

    def _collect(self, follower: _Follower, bot: str, lines: Sequence[Log]) -> None:
        for line in lines:
            if level_number(line.level) < follower.level:
                continue
            if len(follower.lines) >= self._limits.lines_max:
                follower.more += 1
                continue
            text = line.text if len(line.text) <= _TEXT_LEN_MAX else line.text[:_TEXT_LEN_MAX] + "…"
            head = one_line(f"{bot} {line.level} {line.logger}")
            follower.lines.append(f"{head}: {continued(text)}")

    def _flush(self, follower: _Follower) -> None:
        lines = follower.lines
        if follower.more:
            lines = [*lines, f"… {plural(follower.more, 'more line')}"]
        follower.lines, follower.more = [], 0
        self._send(follower.setting.chat, "\n".join(lines))
