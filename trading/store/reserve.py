"""The reserve as the store uses it: made only when there is plenty of room for it.

Trying to make it on a disk that is nearly full would take, for a moment, the last room there is.
"""

import shutil
from pathlib import Path
from typing import Final

from daemonkit.reserve import ReserveFile

RESERVE_NAME: Final = "state.reserve"


class RoomyReserve:
    """Keep the reserve file of a folder, leaving a quarter of its size free beside it."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        self._folder = path.parent
        self._room_bytes = size_bytes + size_bytes // 4
        self._file = ReserveFile(path, size_bytes)

    def ensure(self) -> bool:
        """Put the reserve on the disk; False when there is no room."""
        if self._file.is_present:
            return True
        return shutil.disk_usage(self._folder).free >= self._room_bytes and self._file.ensure()

    def release(self) -> bool:
        """Give the room back; False when there was none to give."""
        return self._file.release()
