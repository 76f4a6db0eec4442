"""Builds the console: writer, reader, and the terminal if there is one."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from tcpproto.vocabulary import VOCABULARY
from telegram.bridge.access import console_author
from telegram.bridge.assembly import Bridge, World
from telegram.bridge.chat import ChatInput
from telegram.bridge.console.chat import CHAT, Console
from telegram.bridge.console.feed import CursorFeed
from telegram.bridge.console.format import encode_json, encode_text
from telegram.bridge.console.reader import ConsoleInput, InputTimes, read_piped_lines
from telegram.bridge.console.terminal import Terminal
from telegram.bridge.control import InputEnded
from telegram.bridge.options import Options
from telegram.bridge.receipts import State
from telegram.bridge.store.commands import CommandTable
from telegram.bridge.store.events import EventTable
from telegram.bridge.store.settings import ChatCursorTable

_DRAIN_S = 2.0
_INPUT, _OUTPUT = 0, 1


@dataclass(slots=True)
class ConsoleParts:
    """Hold the console's parts until they are started, and stop them."""

    world: World
    options: Options
    chat: Console
    terminal: Terminal | None
    bot_is_there: Event
    notify: Callable[[InputEnded], None]
    name: str = CHAT

    def start(self, bridge: Bridge) -> None:
        """Start writing, then reading."""
        intake = bridge.parts.intake

        def leave_what_waits() -> None:
            # A command that is queued for a bot that is away has no outcome for hours.
            intake.call(lambda: bridge.leave(self.name, frozenset({State.QUEUED})))

        settings = self.world.config.settings.console
        lines = read_piped_lines(_INPUT) if self.terminal is None else self.terminal.read_lines()
        reader = ConsoleInput(
            lines,
            say=lambda line, settled: intake.add_input(self._said(line, settled)),
            is_serial=not os.isatty(_INPUT),
            times=InputTimes(
                self.options.wait_for_bot_s, settings.outcome_wait_s, settings.end_wait_s
            ),
            bot_is_there=self.bot_is_there,
            on_last_line=leave_what_waits,
            on_end=lambda complete: self.notify(InputEnded(complete)),
        )
        self.chat.output.start()
        reader.start()

    def _said(self, line: str, settled: Callable[[], None]) -> ChatInput:
        now = self.world.clock.wall()
        return ChatInput(self.name, console_author(), line, now, settled=settled)

    def stop(self, timeout_s: float) -> None:
        """Write out what is queued and leave the terminal as it was."""
        self.chat.output.stop(max(timeout_s, min(_DRAIN_S, timeout_s * 2)))
        if self.terminal is not None:
            self.terminal.restore()


def build_console(
    world: World,
    options: Options,
    bot_is_there: Event,
    notify: Callable[[InputEnded], None],
) -> ConsoleParts:
    """Build the console for the standard streams of this process."""
    is_terminal = os.isatty(_INPUT) and os.isatty(_OUTPUT) and not options.json
    words = [f"/{name}" for name, verb in VOCABULARY.items() if verb.available]
    terminal = Terminal(words) if is_terminal else None
    events = EventTable(world.database)
    chat = Console(
        descriptor=_OUTPUT,
        encode=encode_json if options.json else encode_text,
        feed=CursorFeed(CHAT, events, ChatCursorTable(world.database)),
        first_message_id=CommandTable(world.database).last_message_id(CHAT) + 1,
        clock=world.clock,
        around=bytes if terminal is None else terminal.around,
    )
    return ConsoleParts(world, options, chat, terminal, bot_is_there, notify)
