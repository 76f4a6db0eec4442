"""The texts of /health, /bots and /version: what the bridge knows of itself and of the bots."""

from collections.abc import Callable
from dataclasses import dataclass

from daemonkit.clock import Clock
from daemonkit.printable import one_line
from daemonkit.version import VERSION
from tcpproto import PROTOCOL_VERSION
from telegram.bridge.commands.outbound import Outbound
from telegram.bridge.commands.wire import Link
from telegram.bridge.disk import DiskState
from telegram.bridge.event_keeper import EventKeeper
from telegram.bridge.render import age_text, fitted, plural, rtt_text
from telegram.bridge.sessions import Session, Sessions

BOTS_SHOWN_MAX = 20


@dataclass(slots=True)
class Counters:
    """Count what the bridge had to drop since its start."""

    texts_dropped: int = 0
    replies_dropped: int = 0
    faults: int = 0


@dataclass(frozen=True, slots=True)
class Vitals:
    """Hold the parts whose state is shown."""

    sessions: Sessions
    link: Link
    disk: DiskState
    keeper: EventKeeper
    outbound: Outbound
    counters: Counters
    lines_lost: Callable[[str], int]
    address: Callable[[], str]
    guard: str


class Health:
    """Describe the bridge and its bots in lines of at most 34 columns."""

    def __init__(self, clock: Clock, vitals: Vitals) -> None:
        self._clock = clock
        self._started_at = clock.monotonic()
        self._vitals = vitals
        self._sessions = vitals.sessions
        # What the messenger says of itself, by wall time; the console has nothing to say.
        self.messenger_lines: Callable[[float], list[str]] = _nothing
        self.messenger_problems: Callable[[], list[str]] = list
        self._disk = vitals.disk

    @property
    def summary(self) -> str:
        """Return the state in a few words."""
        connected, known = len(self._sessions.connected()), len(self._sessions.known())
        bots = f"{connected} of {plural(known, 'bot')} connected"
        if not known:
            bots = "no bot has connected yet"
        problems = [self._disk.problem] if self._disk.problem else []
        problems += [f"{one.name}: {_store(one)}" for one in self._shown() if _is_in_trouble(one)]
        problems += self.messenger_problems()
        if 0 < connected == known and not problems:
            return f"all well; {bots}"
        return "; ".join([*problems, bots])

    def report(self) -> str:
        """Return the body of /health."""
        lines = [
            f"bridge   up {age_text(self._clock.monotonic() - self._started_at)}, v{VERSION}",
            f"link     {self._vitals.address()}",
            f"guard    {self._vitals.guard}",
            *self._database(),
            f"events   {self._vitals.keeper.stored_total:,} stored",
            *self._waiting(),
            f"commands {self._vitals.outbound.open_count:,} open",
            *self._dropped(),
            *self.messenger_lines(self._clock.wall()),
        ]
        for session in self._shown():
            lines += self._bot_health(session)
        return "\n".join(fitted(lines))

    def bots(self, chosen: str | None) -> str:
        """Return the body of /bots; the selected bot is marked."""
        lines: list[str] = []
        for session in self._shown():
            sign = "●" if session.is_connected else "○"
            mark = "  ← selected" if session.name == chosen else ""
            lines += [f"{sign} {session.label}{mark}", f"  {self._presence(session)}"]
        return "\n".join(lines)

    def versions(self) -> str:
        """Return the body of /version."""
        lines = [f"bridge   {VERSION}", f"protocol {PROTOCOL_VERSION}"]
        lines += [f"{one.name:<8} {one.software or '-'}" for one in self._shown()]
        return "\n".join(fitted(lines))

    def _shown(self) -> list[Session]:
        return sorted(self._sessions.all(), key=lambda one: not one.is_connected)[:BOTS_SHOWN_MAX]

    def _database(self) -> list[str]:
        if not self._disk.problem:
            return ["database ok" if self._disk.has_reserve else "database ok, without its reserve"]
        since = age_text(self._clock.wall() - (self._disk.since or self._clock.wall()))
        return [f"database NOT WRITTEN for {since}", f"  {self._disk.problem}"]

    def _waiting(self) -> list[str]:
        waiting = self._vitals.keeper.waiting
        return [f"  waiting  {waiting:,}, not on the disk"] if waiting else []

    def _dropped(self) -> list[str]:
        counters = self._vitals.counters
        lines = []
        if counters.texts_dropped:
            lines.append(f"dropped  {plural(counters.texts_dropped, 'text')}")
        if counters.replies_dropped:
            lines.append(f"dropped  {counters.replies_dropped:,} replies")
        if counters.faults:
            lines.append(f"faults   {counters.faults:,}, see telegram.log")
        return lines

    def _presence(self, session: Session) -> str:
        now = self._clock.wall()
        if session.peer is not None:
            return f"connected {age_text(now - session.peer.connected_at)}"
        because = f": {session.gone_because}" if session.gone_because else ""
        how = "away" if session.gone_cleanly else "lost"
        return f"{how} {age_text(now - session.seen_at)}{because}"

    def _bot_health(self, session: Session) -> list[str]:
        lines = [
            f"{'●' if session.is_connected else '○'} {session.label}",
            f"  link     {self._presence(session)}",
        ]
        if session.is_connected and not session.legacy:
            lines.append(f"  rtt      {rtt_text(self._vitals.link.rtt_s(session.name))}")
        if session.status_at is not None:
            age = age_text(self._clock.wall() - session.status_at)
            lines.append(f"  status   {age} old")
        if _is_in_trouble(session):
            lines.append(f"  store    {_store(session)}")
        waiting = session.status_fields.get("outbox_rows")
        if isinstance(waiting, int):
            lines.append(f"  outbox   {waiting:,} waiting")
        dropped = self._lines_dropped(session)
        if dropped:
            lines.append(f"  logs     {dropped:,} lines dropped")
        return lines

    def _lines_dropped(self, session: Session) -> int:
        by_bot = session.status_fields.get("log_lines_dropped")
        before = by_bot if isinstance(by_bot, int) else 0
        return before + session.lines_dropped + self._vitals.lines_lost(session.name)


def _store(session: Session) -> str:
    """Return how the bot says its own database fares."""
    store = session.status_fields.get("store")
    return one_line(store, 24) if isinstance(store, str) else "ok"


def _is_in_trouble(session: Session) -> bool:
    return session.is_connected and _store(session) != "ok"


def _nothing(_now: float) -> list[str]:
    return []
