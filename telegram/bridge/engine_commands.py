"""Commands for bots: find the bot, ask for what is missing, send."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from daemonkit.clock import Clock
from tcpproto.arguments import read_symbol
from tcpproto.vocabulary import (
    ALL,
    CommandError,
    ParsedCommand,
    asks_for_symbol,
    needs_confirmation,
    risk_of,
)
from telegram.bridge.chats import ReceiptDesk
from telegram.bridge.choices import Choices
from telegram.bridge.dialogs import Dialogs
from telegram.bridge.errors import RefusalError
from telegram.bridge.outbound import Outbound
from telegram.bridge.questions import Choice
from telegram.bridge.records import CommandRecord
from telegram.bridge.request import Request
from telegram.bridge.routing import Ask, Refuse, find_route
from telegram.bridge.sessions import Sessions

SYMBOLS_ASKED_MAX = 30


class EngineCommands:
    """Take a command from a person to one bot, or to several when they said so."""

    def __init__(
        self,
        *,
        clock: Clock,
        sessions: Sessions,
        choices: Choices,
        dialogs: Dialogs,
        receipts: ReceiptDesk,
        outbound: Outbound,
        make_id: Callable[[], str],
    ) -> None:
        self._clock = clock
        self._sessions = sessions
        self._choices = choices
        self._dialogs = dialogs
        self._receipts = receipts
        self._outbound = outbound
        self._make_id = make_id

    def start(self, request: Request) -> None:
        """Find the bot by name, connection or choice; RefusalError when there is none."""
        command = request.command
        route = find_route(
            command.bot, risk_of(command.verb, command.args), self._choices.scene(request)
        )
        if isinstance(route, Refuse):
            raise RefusalError(route.text)
        if isinstance(route, Ask):
            self._dialogs.choose(
                request,
                f"{request.line} — which bot?",
                [Choice(bot, self._sessions.label(bot)) for bot in route.bots],
                lambda asked, bot: self._complete(asked, (bot,)),
            )
        else:
            self._complete(request, route.bots)

    def _complete(self, request: Request, bots: Sequence[str]) -> None:
        """Ask for the market, then for a yes, where the command needs them; then send."""
        command, is_available = request.command, request.verb.available
        if is_available and asks_for_symbol(command.verb, command.args):
            self._ask_symbol(request, bots)
        elif is_available and needs_confirmation(command.verb, command.args):
            labels = "; ".join(self._sessions.label(bot) for bot in bots)
            prompt = f"{request.line} on {labels} — are you sure?"
            self._dialogs.confirm(request, prompt, lambda asked: self._issue(asked, bots))
        else:
            self._issue(request, bots)

    def _ask_symbol(self, request: Request, bots: Sequence[str]) -> None:
        symbols = self._symbols_of(bots)[:SYMBOLS_ASKED_MAX]
        choices = [Choice(ALL, "ALL SYMBOLS"), *(Choice(one, one) for one in symbols)]

        def go_on(asked: Request, symbol: str) -> None:
            command = ParsedCommand(asked.command.verb, (symbol,), asked.command.bot)
            self._complete(replace(asked, command=command), bots)

        self._dialogs.choose(request, f"{request.line} — which market?", choices, go_on)

    def _issue(self, request: Request, bots: Sequence[str]) -> None:
        """Send one command to each bot, each with an id, a message and an outcome of its own."""
        left = len(bots)

        def settle_one() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                request.settled()

        now = self._clock.wall()
        for number, bot in enumerate(bots):
            command_id = request.id if number == 0 else self._make_id()
            self._receipts.expect(command_id, settle_one)
            self._outbound.issue(
                CommandRecord(
                    id=command_id,
                    bot=bot,
                    verb=request.command.verb,
                    args=request.command.args,
                    author=request.author.id,
                    role=request.author.role,
                    chat=request.chat,
                    issued_at=now,
                    expires_at=now,
                    message_id=request.message_id if number == 0 else None,
                )
            )

    def _symbols_of(self, bots: Sequence[str]) -> list[str]:
        symbols: list[str] = []
        for bot in bots:
            session = self._sessions.get(bot)
            prices = None if session is None else session.status_fields.get("prices")
            for one in prices if isinstance(prices, list) else ():
                symbol = one.get("symbol") if isinstance(one, dict) else None
                if isinstance(symbol, str) and _is_symbol(symbol) and symbol not in symbols:
                    symbols.append(symbol)
        return symbols


def _is_symbol(text: str) -> bool:
    try:
        return read_symbol(text) == text
    except CommandError:
        return False
