"""A bridge without its threads: the test turns its loop by hand and owns its clock.

The link's server is real, and so are the database, the files and the bots' connections; only the
chat is one that remembers what it was shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from daemonkit.clock import ManualClock
from daemonkit.endpoint import Endpoint, TlsFiles
from daemonkit.secrets import Secret
from tcpproto.vocabulary import VOCABULARY, Role, Verb
from telegram.bridge.assembly import Bridge, World, build_bridge
from telegram.bridge.chat import Author, Buttons, ChatInput
from telegram.bridge.config import BridgeConfig, BridgeSettings
from telegram.bridge.records import StoredEvent
from telegram.bridge.store.database import Database
from telegram.bridge.store.events import EventTable
from tests.waiting import wait_until

NOW = 1_790_000_000.0
CHAT = "console"
ADMIN = Author("os:tester", Role.ADMIN)


@dataclass(slots=True)
class Shown:
    """One message as it looks now, and how often it was edited."""

    text: str
    buttons: list[str]
    data: list[str]
    command_id: str | None
    edits: list[str] = field(default_factory=list)

    @property
    def last_line(self) -> str:
        return self.text.splitlines()[-1]


class RecordingChat:
    """A chat that remembers."""

    def __init__(self) -> None:
        self.messages: dict[int, Shown] = {}
        self.wakes = 0

    def send(self, text: str, buttons: Buttons = (), *, command_id: str | None = None) -> int:
        message_id = len(self.messages) + 1
        self.messages[message_id] = Shown(text, *_flat(buttons), command_id)
        return message_id

    def edit(
        self, message_id: int, text: str, buttons: Buttons = (), *, command_id: str | None = None
    ) -> None:
        shown = self.messages[message_id]
        shown.edits.append(shown.text)
        shown.text, shown.command_id = text, command_id
        shown.buttons, shown.data = _flat(buttons)

    def wake(self) -> None:
        self.wakes += 1

    @property
    def last(self) -> Shown:
        return self.messages[len(self.messages)]

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.messages.values()]


def _flat(buttons: Buttons) -> tuple[list[str], list[str]]:
    flat = [button for row in buttons for button in row]
    return [one.label for one in flat], [one.data for one in flat]


class Harness:
    """One bridge on a folder; `close` ends it, and another may take the folder up."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: ManualClock | None = None,
        settings: Mapping[str, Any] | None = None,
        secret: str | None = None,
        tls: TlsFiles | None = None,
        vocabulary: Mapping[str, Verb] = VOCABULARY,
        seed: int = 1,
        chat: RecordingChat | None = None,
    ) -> None:
        self.clock = clock or ManualClock(wall=NOW, monotonic=1_000.0)
        self.config = BridgeConfig(_settings(settings or {}), None, folder)
        self.config.logs.mkdir(parents=True, exist_ok=True)
        self.database = Database(self.config.database)
        self.endpoint = Endpoint(
            host="127.0.0.1",
            port=0,
            secret=None if secret is None else Secret(secret),
            tls=tls,
            port_file=self.config.folder / "link.port",
            is_loopback=True,
        )
        self.chat = chat or RecordingChat()
        self.bots_seen = 0
        world = World(self.config, self.endpoint, self.database, self.clock, Random(seed))
        self.bridge: Bridge = build_bridge(
            world, {CHAT: self.chat}, on_bot=self._see_bot, vocabulary=vocabulary
        )
        self.bridge.server.start()
        self.bridge.forward.take_up()

    @property
    def port(self) -> int:
        return self.bridge.server.port

    def turn(self, timeout_s: float = 0.0) -> None:
        """Turn the loop once."""
        parts = self.bridge.parts
        batch = parts.intake.take(timeout_s, with_events=parts.keeper.is_ready)
        self.bridge.forward.step(batch)

    def turn_until(self, condition: Callable[[], object], what: str) -> None:
        """Turn the loop until something holds."""

        def turned() -> bool:
            self.turn()
            return bool(condition())

        wait_until(turned, 8.0, what)

    def say(self, text: str, author: Author = ADMIN, **fields: Any) -> Shown:
        """Say something and return the message that is the last one now."""
        fields.setdefault("written_at", self.clock.wall())
        fields.setdefault("settled", lambda: None)
        assert self.bridge.parts.intake.add_input(ChatInput(CHAT, author, text, **fields))
        self.turn()
        return self.chat.last if self.chat.messages else Shown("", [], [], None)

    def press(self, data: str, author: Author = ADMIN) -> Shown:
        """Press a button."""
        return self.say("", author, pressed=data)

    def advance(self, seconds: float) -> None:
        """Let time pass, and the bridge act on it."""
        self.clock.advance(seconds)
        self.turn()

    def events(self) -> list[StoredEvent]:
        """Return every stored event."""
        return EventTable(self.database).read_after(0, 1_000_000)

    def connected(self, *bots: str) -> None:
        """Wait until the bridge knows that these bots are there."""
        sessions = self.bridge.parts.sessions
        self.turn_until(lambda: all(sessions.is_connected(bot) for bot in bots), f"{bots} there")

    def away(self, bot: str) -> None:
        """Wait until the bridge knows that a bot is gone."""
        sessions = self.bridge.parts.sessions
        self.turn_until(lambda: not sessions.is_connected(bot), f"{bot} away")

    def close(self) -> None:
        """Stop the bridge as a process does."""
        self.bridge.server.stop("the test ends", 1.0)
        self.turn()
        self.bridge.parts.log_files.close()
        self.database.close()

    def _see_bot(self) -> None:
        self.bots_seen += 1


def _settings(values: Mapping[str, Any]) -> BridgeSettings:
    # The clock jumps by hours; a connection must not count as dead for that.
    link = {"heartbeat_s": 86_000, "dead_after_s": 86_400, "handshake_s": 86_400}
    defaults = {"link": link, "reserve_bytes": 4096}
    return BridgeSettings.model_validate(defaults | dict(values))
