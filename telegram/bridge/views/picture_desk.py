"""Pictures to the answers of bots: the text is there at once, the picture follows it.

Where none can be drawn, the text has to do.
"""

import logging
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from telegram.bridge.chats import Chats
from telegram.bridge.pictures.artist import Artist, Picture
from telegram.bridge.receipts import State
from telegram.bridge.records import CommandRecord
from telegram.bridge.sessions import Sessions
from telegram.bridge.views.preferences import Preferences

log = logging.getLogger(__name__)

# The field of a command's answer that a picture is drawn from.
FIELD_OF: Final[Mapping[str, str]] = {"chart": "chart", "profit": "curve"}
_SEEN_MAX: Final = 1_000
_MARKS: Final = "▲ bought, ▼ sold; filled: entry, hollow: exit"


class PictureDesk:
    """Have the answers drawn that have something to draw; `offer` is for the thread `forward`."""

    def __init__(
        self,
        artist: Artist,
        chats: Chats,
        *,
        sessions: Sessions,
        preferences: Preferences,
        folder: Path,
    ) -> None:
        self._artist = artist
        self._sessions = sessions
        self._chats = chats
        self._preferences = preferences
        self._folder = folder
        self._seen: OrderedDict[str, None] = OrderedDict()

    def offer(self, record: CommandRecord) -> None:
        """Draw an answer that is there for the first time."""
        figures = record.fields.get(FIELD_OF.get(record.verb, ""))
        if record.state is not State.APPLIED or not isinstance(figures, Mapping):
            return
        can_edit = self._chats.can_edit(record.chat)
        # The console is told the name of a file, which is of use only to who asked for a picture.
        if record.id in self._seen or not (can_edit or record.verb == "chart"):
            return
        if not has_something(record.verb, figures):
            return
        self._seen[record.id] = None
        if len(self._seen) > _SEEN_MAX:
            self._seen.popitem(last=False)
        zone = self._preferences.zone_of(record.author)
        name = "" if zone is None else zone.key
        whose = self._sessions.label(record.bot, record.account)
        caption = f"{whose} {record.line}"
        if record.verb == "chart" and (figures.get("trades") or figures.get("positions")):
            caption = f"{caption}\n{_MARKS}"
        if not self._artist.ask(
            FIELD_OF[record.verb],
            {**figures, "whose": whose},
            name,
            lambda made: self._show(record, made, caption),
        ):
            log.warning("no picture for %s: too many are waiting", record.line)

    def close(self) -> None:
        """End the process that draws."""
        self._artist.stop()

    def _show(self, record: CommandRecord, picture: Picture, caption: str) -> None:
        """Show what was drawn; on the thread of the artist."""
        if picture.problem:
            return
        if self._chats.send_picture(record.chat, picture.png, caption, command_id=record.id):
            return
        file = self._folder / f"{record.verb}.png"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.write_bytes(picture.png)
        except OSError as error:
            log.warning("the picture cannot be written: %s", error.strerror)
        else:
            self._chats.send(record.chat, f"picture of {record.line}: {file}")


def has_something(verb: str, figures: Mapping[str, Any]) -> bool:
    """Tell whether a picture would show anything."""
    found = figures.get("candles" if verb == "chart" else "points")
    if not isinstance(found, list) or len(found) < (1 if verb == "chart" else 2):
        return False
    if verb == "chart":
        return True
    return any(isinstance(one, list) and len(one) > 1 and one[1] for one in found)
