"""Which bots are known and connected, what they said of themselves last, and when.

Belongs to the thread `forward`; holds no sockets and decides nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from daemonkit.clock import Clock
from daemonkit.printable import one_line
from daemonkit.secrets import redact, redact_values
from tcpproto import PeerInfo, Status
from telegram.bridge.records import SeenBot

KNOWN_MAX = 1_000
REASON_LEN_MAX = 200
PAPER, LIVE = MODES = ("PAPER", "LIVE")


@dataclass(slots=True)
class Session:
    """Hold what is known of one bot."""

    name: str
    peer: PeerInfo | None = None
    legacy: bool = False
    software: str = ""
    seen_at: float = 0.0
    gone_because: str = ""
    gone_cleanly: bool = True
    status_at: float | None = None
    status_text: str = ""
    status_fields: Mapping[str, Any] = field(default_factory=dict)
    lines_dropped: int = 0

    @property
    def is_connected(self) -> bool:
        """Tell whether commands reach the bot now."""
        return self.peer is not None

    @property
    def accounts(self) -> list[tuple[str, str]]:
        """Return the bot's accounts, each with PAPER or LIVE, as its status tells."""
        return read_accounts(self.status_fields)

    @property
    def label(self) -> str:
        """Return bot, account and LIVE or PAPER, as every receipt names them."""
        return f"{self.name} {self.account_label}".rstrip()

    def label_of(self, account: str) -> str:
        """Return the same for one account, or for all that the bot has without a name."""
        if not account or self.legacy:
            return self.label
        mode = next((mode for name, mode in self.accounts if name == account), "")
        return f"{self.name} {account} {mode}".rstrip()

    @property
    def account_label(self) -> str:
        """Return the accounts alone, such as `main PAPER`."""
        if self.legacy:
            return "(three-field peer)"
        return ", ".join(f"{account} {mode}".strip() for account, mode in self.accounts)


class Sessions:
    """Keep a session for every bot that is or was connected."""

    def __init__(self, clock: Clock, seen: Sequence[SeenBot] = ()) -> None:
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        for one in reversed(seen):
            self._sessions[one.name] = Session(
                name=one.name,
                software=one.software,
                seen_at=one.seen_at,
                status_at=one.status_at,
                status_text=one.status_text,
                status_fields=one.status_fields,
            )

    def connect(self, peer: PeerInfo) -> Session:
        """Note that a peer is there; a newer connection of the same bot replaces the older."""
        session = self._session(peer.name)
        session.peer = peer
        session.legacy = peer.legacy
        session.software = one_line(peer.software)
        session.seen_at = self._clock.wall()
        self._forget_oldest()
        return session

    def disconnect(self, peer: PeerInfo, reason: str, *, clean: bool) -> bool:
        """Note that a peer is gone; False when a newer connection has already replaced it."""
        session = self._sessions.get(peer.name)
        if session is None or session.peer != peer:
            return False
        session.peer = None
        session.seen_at = self._clock.wall()
        session.gone_because = one_line(reason, REASON_LEN_MAX)
        session.gone_cleanly = clean
        if session.legacy:
            # The next connection gets a new number, so this name means nothing any more.
            del self._sessions[peer.name]
        return True

    def update(self, bot: str, status: Status) -> bool:
        """Note a bot's latest status; True when it names other accounts than before."""
        session = self._session(bot)
        before = session.accounts
        session.status_at = session.seen_at = self._clock.wall()
        session.status_text = redact(status.text)
        session.status_fields = redact_values(status.fields)
        return session.accounts != before

    def get(self, bot: str) -> Session | None:
        """Return what is known of a bot."""
        return self._sessions.get(bot)

    def label(self, bot: str, account: str = "") -> str:
        """Return how receipts name a bot, known or not, and one of its accounts."""
        session = self._sessions.get(bot)
        if session is None:
            return f"{bot} {account}".rstrip()
        return session.label_of(account)

    def is_connected(self, bot: str) -> bool:
        """Tell whether commands reach a bot now."""
        session = self._sessions.get(bot)
        return session is not None and session.is_connected

    def connected(self) -> list[str]:
        """Return the names of connected bots in order."""
        return sorted(name for name, one in self._sessions.items() if one.is_connected)

    def known(self) -> list[str]:
        """Return the names of all known bots in order."""
        return sorted(self._sessions)

    def all(self) -> list[Session]:
        """Return all sessions by name."""
        return [self._sessions[name] for name in self.known()]

    def seen(self) -> list[SeenBot]:
        """Return what is to be remembered over a restart."""
        return [
            SeenBot(
                name=one.name,
                software=one.software,
                seen_at=self._clock.wall() if one.is_connected else one.seen_at,
                status_at=one.status_at,
                status_text=one.status_text,
                status_fields=one.status_fields,
            )
            for one in self._sessions.values()
            if not one.legacy
        ]

    def _session(self, name: str) -> Session:
        session = self._sessions.get(name)
        if session is None:
            session = self._sessions[name] = Session(name)
        return session

    def _forget_oldest(self) -> None:
        away = [one for one in self._sessions.values() if not one.is_connected]
        for one in sorted(away, key=lambda each: each.seen_at)[: len(self._sessions) - KNOWN_MAX]:
            del self._sessions[one.name]


def read_accounts(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (account, PAPER or LIVE) from a status; a bot with one account calls it main."""
    accounts = fields.get("accounts")
    if isinstance(accounts, Mapping):
        found = [(str(name), _mode_of(value)) for name, value in accounts.items()]
    elif isinstance(accounts, list):
        found = [
            (str(one.get("name") or one.get("account") or "main"), _mode_of(one))
            for one in accounts
            if isinstance(one, Mapping)
        ]
    else:
        mode = _mode_of(fields)
        found = [("main", mode)] if mode else []
    return found[:16]


def _mode_of(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get("mode")
    text = str(value).upper() if isinstance(value, str) else ""
    return text if text in {PAPER, LIVE} else ""
