"""The console on a terminal: a prompt, line editing, and output that does not tear the line.

Output comes on another thread while a person types: the line is wiped, the output written, and
the prompt with what was typed so far put back.
"""

import logging
import os
import termios
from collections.abc import Iterator, Sequence
from contextlib import suppress
from threading import Event
from typing import Any

log = logging.getLogger(__name__)

PROMPT = "> "
_INPUT, _OUTPUT = 0, 1
_WIPE = b"\r\x1b[K"
_PROMPT_WAIT_S = 0.2


class Terminal:
    """Read lines from a person and fit output around them."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = sorted(words)
        self._readline = _load_readline()
        self._saved = termios.tcgetattr(_INPUT)
        self._is_reading = False
        self._is_prompt_there = Event()
        # Python with libedit in place of readline may not have it.
        self._has_hook = hasattr(self._readline, "set_pre_input_hook")
        if self._has_hook:
            self._readline.set_pre_input_hook(self._is_prompt_there.set)
        if self._readline is not None:
            self._readline.set_completer(self._complete)
            self._readline.set_completer_delims(" ")
            self._readline.parse_and_bind("tab: complete")

    def read_lines(self) -> Iterator[str]:
        """Yield what a person types until the end of input."""
        while True:
            self._is_reading = True
            if not self._has_hook:
                self._is_prompt_there.set()
            try:
                line = input(PROMPT)
            except EOFError:
                os.write(_OUTPUT, b"\n")
                return
            finally:
                self._is_reading = False
                self._is_prompt_there.clear()
            yield line

    def around(self, data: bytes) -> bytes:
        """Return output with the line that is being typed wiped before and put back after."""
        # What is written before a prompt that is on its way would bring a second one.
        if not self._is_reading or not self._is_prompt_there.wait(_PROMPT_WAIT_S):
            return data
        typed = "" if self._readline is None else self._readline.get_line_buffer()
        return _WIPE + data + (PROMPT + typed).encode("utf-8", "replace")

    def restore(self) -> None:
        """Leave the terminal as it was found: reading may have been cut off half-way."""
        if self._is_reading:
            # What comes next in this terminal begins a line of its own.
            with suppress(OSError):
                os.write(_OUTPUT, b"\n")
        try:
            termios.tcsetattr(_INPUT, termios.TCSADRAIN, self._saved)
        except (termios.error, OSError, ValueError) as error:
            log.debug("the terminal cannot be restored: %s", error)

    def _complete(self, text: str, state: int) -> str | None:
        matching = [f"{word} " for word in self._words if word.startswith(text.lower())]
        return matching[state] if state < len(matching) else None


def _load_readline() -> Any:
    # Importing it is what gives input() its editing; some Pythons are built without it.
    try:
        import readline  # noqa: PLC0415 - optional
    except ImportError:
        return None
    return readline
