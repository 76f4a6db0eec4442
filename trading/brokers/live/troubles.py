"""Why an account takes no new risk, as far as its venue is concerned: told when it changes only."""

import logging
from collections.abc import Callable

from trading.model.venue_news import VenueTrouble

log = logging.getLogger(__name__)


class Troubles:
    """Hold what is wrong by its cause."""

    def __init__(self, account: str, tell: Callable[[VenueTrouble], None]) -> None:
        self._account = account
        self._tell = tell
        self._texts: dict[str, str] = {}

    @property
    def reason(self) -> str:
        """Return all that is wrong in one line, or nothing."""
        return "; ".join(self._texts.values())

    def has(self, cause: str) -> bool:
        """Tell whether this is wrong."""
        return cause in self._texts

    def set(self, cause: str, text: str, at: float) -> None:
        """Note what is wrong; the same cause is told once, with its first words."""
        if cause not in self._texts:
            self._texts[cause] = text
            log.warning("no new risk account=%s: %s", self._account, text)
            self._tell(VenueTrouble(self._account, self.reason, at))

    def clear(self, cause: str, at: float) -> None:
        """Note that something is in order again."""
        text = self._texts.pop(cause, None)
        if text is not None:
            log.info("over account=%s: %s", self._account, text)
            self._tell(VenueTrouble(self._account, self.reason, at))
