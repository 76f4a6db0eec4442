"""What came in and is not noted yet: the thread `forward` writes it together with its command.

Whoever hears it waits meanwhile, and takes it back when that lasts too long. Of the two threads
the first to take it has it, so that it is noted and acted on once.
"""

from dataclasses import dataclass
from threading import Event, Lock

from telegram.bridge.chat import ChatInput
from telegram.bridge.store.inbound import InboundRow


class JointNote:
    """Hold a row that is to be on the disk before anything is done about it."""

    def __init__(self, row: InboundRow) -> None:
        self.row = row
        self._claim = Lock()
        self._is_over = Event()
        self._is_noted = False

    def take(self) -> bool:
        """Begin to act on it; False when it was taken back."""
        return self._claim.acquire(blocking=False)

    def end(self, *, is_noted: bool) -> None:
        """Say whether it is on the disk; if not, nothing was done about it either."""
        self._is_noted = is_noted
        self._is_over.set()

    def wait(self, timeout_s: float) -> bool:
        """Return whether it is on the disk; if nobody has begun by then, it is taken back.

        Whoever has begun writes to the disk, which takes as long as it takes.
        """
        if not self._is_over.wait(timeout_s) and not self.take():
            self._is_over.wait()
        return self._is_noted


@dataclass(frozen=True, slots=True)
class Unnoted:
    """Carry what a person typed, to be noted with what comes of it, or given back."""

    said: ChatInput
    note: JointNote
