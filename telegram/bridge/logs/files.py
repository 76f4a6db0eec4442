"""The forwarded log lines of each bot in a rotating file of its own, made for `tail -F`."""

from collections import OrderedDict
from pathlib import Path

from daemonkit.clock import Clock
from daemonkit.logs import RotatingFile, format_line
from telegram.bridge.intake import LogQueue

OPEN_FILES_MAX = 64


class LogFiles:
    """Write many lines at a time; a full disk loses lines, which the file then says."""

    def __init__(self, folder: Path, *, max_bytes: int, backups: int, clock: Clock) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._backups = backups
        self._clock = clock
        self._files: OrderedDict[str, RotatingFile] = OrderedDict()

    def path_of(self, bot: str) -> Path:
        """Return where a bot's lines are; bot names are safe as file names."""
        return self._folder / f"{bot}.log"

    def write(self, bot: str, queue: LogQueue) -> None:
        """Append the lines of one bot, and how many were dropped before them."""
        at = self._clock.wall()
        lines = [
            format_line(at=line.at, level=line.level, logger=line.logger, text=line.text)
            for line in queue.lines
        ]
        if queue.dropped:
            text = f"… {queue.dropped:,} lines dropped"
            lines.insert(0, format_line(at=at, level="WARNING", logger="bridge", text=text))
        self._file(bot).write("\n".join(lines) + "\n", at)

    def lines_lost(self, bot: str) -> int:
        """Count the lines that the disk did not take."""
        file = self._files.get(bot)
        return 0 if file is None else file.lost_total

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            file.close()

    def _file(self, bot: str) -> RotatingFile:
        file = self._files.get(bot)
        if file is None:
            file = RotatingFile(self.path_of(bot), max_bytes=self._max_bytes, backups=self._backups)
            self._files[bot] = file
        self._files.move_to_end(bot)
        if len(self._files) > OPEN_FILES_MAX:
            self._files.popitem(last=False)[1].close()
        return file
