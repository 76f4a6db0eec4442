"""Which bot each person selected in each chat, kept over restarts."""

from telegram.bridge.commands.request import Request
from telegram.bridge.routing import Scene
from telegram.bridge.sessions import Sessions
from telegram.bridge.store.settings import ChoiceTable


class Choices:
    """Remember selections, by chat and person."""

    def __init__(self, table: ChoiceTable, sessions: Sessions) -> None:
        self._table = table
        self._sessions = sessions
        self._chosen = table.read()

    def get(self, request: Request) -> str | None:
        """Return the selected bot."""
        return self._chosen.get((request.chat, request.author.id))

    def select(self, request: Request, bot: str) -> None:
        """Select a bot from now on."""
        self._table.save(request.chat, request.author.id, bot)
        self._chosen[request.chat, request.author.id] = bot

    def scene(self, request: Request) -> Scene:
        """Return what the routing of a command depends on."""
        return Scene(self._sessions.connected(), self._sessions.known(), self.get(request))
