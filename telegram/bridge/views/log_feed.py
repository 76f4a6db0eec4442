"""Log lines for the chats that are told of events: without a sound, and few messages for many."""

from collections.abc import Sequence

from tcpproto import Log
from telegram.bridge.chat_outbox.digest import LogLine
from telegram.bridge.chats import Chats
from telegram.bridge.logs.search import level_number
from telegram.bridge.render import clean, continued


class LogFeed:
    """Pass on lines from a level up; belongs to the thread `forward`."""

    def __init__(self, chats: Chats, level: str | None) -> None:
        self._chats = chats
        self._level = None if level is None else level_number(level)

    def offer(self, bot: str, lines: Sequence[Log]) -> None:
        """Show the lines that are wanted, if any are."""
        if self._level is None:
            return
        wanted = [_shown(bot, line) for line in lines if level_number(line.level) >= self._level]
        if wanted:
            self._chats.add_log(wanted)


def _shown(bot: str, line: Log) -> LogLine:
    text = f"{bot} {line.level} {line.logger}: {continued(line.text)}"
    return LogLine(line.level, clean(text))
