"""Commands for bots: find the bot, ask for what is missing, send."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from daemonkit.clock import Clock
from tcpproto.arguments import read_symbol
from tcpproto.misspelt import unknown_market
from tcpproto.vocabulary import (
    ALL,
    CommandError,
    ParsedCommand,
    Risk,
    asks_for_symbol,
    is_legacy_verb,
    legacy_text,
    name_arguments,
    risk_of,
    takes_all_symbols,
)
from telegram.bridge.chats import ReceiptDesk
from telegram.bridge.commands.choices import Choices
from telegram.bridge.commands.confirmations import Target, news_since, question_about, yes_to
from telegram.bridge.commands.dialogs import Dialogs
from telegram.bridge.commands.outbound import Outbound
from telegram.bridge.commands.questions import Choice
from telegram.bridge.commands.request import Request
from telegram.bridge.errors import RefusalError
from telegram.bridge.records import CommandRecord
from telegram.bridge.render import age_text
from telegram.bridge.routing import Ask, Refuse, Route, To, find_route
from telegram.bridge.sessions import Sessions
from telegram.bridge.store.inbound import InboundRow

SYMBOLS_ASKED_MAX = 500
# What a bot told longer ago than this is shown with its age: prices move.
STATUS_OLD_S = 10.0
# An order is of one account; whatever else names none is for all of them.
_OF_ONE_ACCOUNT = frozenset({"buy"})
# Whoever sells or looks most often means what is held.
_HELD_FIRST = frozenset({"sell", "chart"})


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
        route = self._route_of(request)
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

    def write_with(self, request: Request, row: InboundRow) -> Callable[[], None] | None:
        """Write a command to one bot and what it came of as one; return what sends it.

        None when something has to be asked, refused or done otherwise first: nothing was done.
        """
        route = self._route_of(request)
        if not isinstance(route, To) or len(route.bots) != 1:
            return None
        if self._find_question(request, route.bots) is not None:
            return None
        record = self._record_of(request, request.id, route.bots[0], self._clock.wall())
        send = self._outbound.write_with(record, row)
        if send is not None:
            self._receipts.expect(record.id, request.settled)
        return send

    def _route_of(self, request: Request) -> Route:
        command = request.command
        risk = risk_of(command.verb, command.args)
        return find_route(command.bot, risk, self._choices.scene(request))

    def _complete(self, request: Request, bots: Sequence[str]) -> None:
        """Ask for market and account, then for a yes, where the command needs them; then send."""
        if (ask := self._find_question(request, bots)) is not None:
            ask()
        else:
            self._issue(request, bots)

    def _find_question(self, request: Request, bots: Sequence[str]) -> Callable[[], None] | None:
        """Return what asks for the next thing that a command lacks; None when it lacks nothing."""
        command = request.command
        self._check_account(command.account, bots)
        self._check_market(command, bots)
        if not request.verb.available or self._is_refused_anyway(command, bots):
            return None
        if self._lacks_symbol(command, bots):
            return partial(self._ask_symbol, request, bots)
        if accounts := self._accounts_to_ask(command, bots):
            return partial(self._ask_account, request, bots, accounts)
        targets = self._targets(command, bots)
        doubts = (request.doubt,) if request.doubt else ()
        if question := question_about(command, targets, doubts):
            return partial(self._confirm, request, bots, question, targets)
        return None

    def _confirm(
        self, request: Request, bots: Sequence[str], question: str, targets: Sequence[Target]
    ) -> None:
        """Send after a yes, but ask again when too much has changed in the meantime."""
        command = request.command

        def go_on(asked: Request) -> None:
            now = self._targets(command, bots)
            if news := news_since(command, targets, now):
                self._confirm(asked, bots, question_about(command, now, news), now)
            else:
                self._issue(asked, bots, confirmed=True)

        self._dialogs.confirm(request, question, go_on, label=yes_to(command, targets))

    def _is_refused_anyway(self, command: ParsedCommand, bots: Sequence[str]) -> bool:
        """Tell whether nothing would be sent after all: then nothing is asked before either."""
        sessions = [self._sessions.get(bot) for bot in bots]
        is_legacy = [one is not None and one.legacy and one.is_connected for one in sessions]
        can_ask = is_legacy_verb(command.verb) and asks_for_symbol(command.verb, command.args)
        if all(is_legacy) and not can_ask:
            return legacy_text(command.verb, command.args) is None
        is_anyone_there = any(one is not None and one.is_connected for one in sessions)
        return not is_anyone_there and risk_of(command.verb, command.args) is not Risk.REDUCING

    def _check_account(self, account: str, bots: Sequence[str]) -> None:
        """Refuse a misspelt account before anything is asked; a bot that is away may have it."""
        for bot in bots if account else ():
            session = self._sessions.get(bot)
            if session is None or not session.is_connected or not session.accounts:
                continue
            names = [name for name, _ in session.accounts]
            if account not in names:
                raise RefusalError(f"{bot} has no account {account}; it has {', '.join(names)}")

    def _check_market(self, command: ParsedCommand, bots: Sequence[str]) -> None:
        """Refuse a misspelt market before anything is asked, where the bot's are known."""
        symbol = name_arguments(command.verb, command.args).get("symbol", ALL)
        known = self._symbols_of(bots)
        is_anyone_there = any(
            session is not None and session.is_connected
            for session in (self._sessions.get(bot) for bot in bots)
        )
        if symbol == ALL or symbol in known or not known or not is_anyone_there:
            return
        if symbol in self._held_by(bots):
            return
        raise RefusalError(unknown_market(symbol, known))

    def _lacks_symbol(self, command: ParsedCommand, bots: Sequence[str]) -> bool:
        """Tell whether to ask for a market; where only one can be meant the bot finds it."""
        if not asks_for_symbol(command.verb, command.args):
            return False
        return takes_all_symbols(command.verb) or len(self._symbols_of(bots)) > 1

    def _ask_symbol(self, request: Request, bots: Sequence[str]) -> None:
        verb, symbols = request.command.verb, self._symbols_of(bots)
        if verb in _HELD_FIRST:
            held = self._held_by(bots)
            symbols = [*held, *(one for one in symbols if one not in held)]
        choices = [Choice(one, one) for one in symbols[:SYMBOLS_ASKED_MAX]]
        if takes_all_symbols(verb):
            choices.insert(0, Choice(ALL, "ALL SYMBOLS", wide=True))

        def go_on(asked: Request, symbol: str) -> None:
            command = replace(asked.command, args=(symbol, *asked.command.args))
            self._complete(replace(asked, command=command), bots)

        self._dialogs.choose(request, f"{request.line} — which market?", choices, go_on)

    def _accounts_to_ask(self, command: ParsedCommand, bots: Sequence[str]) -> list[str]:
        if command.account or command.verb not in _OF_ONE_ACCOUNT or len(bots) != 1:
            return []
        session = self._sessions.get(bots[0])
        names = [] if session is None else [name for name, _ in session.accounts]
        return names if len(names) > 1 else []

    def _ask_account(self, request: Request, bots: Sequence[str], accounts: Sequence[str]) -> None:
        bot = bots[0]

        def go_on(asked: Request, account: str) -> None:
            command = replace(asked.command, account=account)
            self._complete(replace(asked, command=command), bots)

        choices = [Choice(one, self._sessions.label(bot, one)) for one in accounts]
        self._dialogs.choose(request, f"{request.line} — which account?", choices, go_on)

    def _targets(self, command: ParsedCommand, bots: Sequence[str]) -> list[Target]:
        return [self._target(command, bot) for bot in bots]

    def _target(self, command: ParsedCommand, bot: str) -> Target:
        label, session = self._sessions.label(bot, command.account), self._sessions.get(bot)
        if session is None or session.status_at is None:
            return Target(label, {}, command.account)
        age_s = self._clock.wall() - session.status_at
        age = age_text(age_s) if age_s > STATUS_OLD_S or not session.is_connected else ""
        return Target(label, session.status_fields, command.account, age)

    def _issue(self, request: Request, bots: Sequence[str], *, confirmed: bool = False) -> None:
        """Send one command to each bot, each with an id, a message and an outcome of its own."""
        left = len(bots)

        def settle_one() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                request.settled()

        now = self._clock.wall()
        records: list[CommandRecord] = []
        for number, bot in enumerate(bots):
            command_id = request.id if number == 0 else self._make_id()
            self._receipts.expect(command_id, settle_one)
            record = self._record_of(request, command_id, bot, now)
            message_id = request.message_id if number == 0 else None
            records.append(replace(record, message_id=message_id, confirmed=confirmed))
        self._outbound.issue_all(records)

    def _record_of(self, request: Request, command_id: str, bot: str, now: float) -> CommandRecord:
        return CommandRecord(
            id=command_id,
            bot=bot,
            verb=request.command.verb,
            args=request.command.args,
            author=request.author.id,
            role=request.author.role,
            chat=request.chat,
            issued_at=now,
            expires_at=now,
            account=request.command.account,
        )

    def _symbols_of(self, bots: Sequence[str]) -> list[str]:
        return self._symbols_under("prices", bots)

    def _held_by(self, bots: Sequence[str]) -> list[str]:
        return self._symbols_under("positions", bots)

    def _symbols_under(self, key: str, bots: Sequence[str]) -> list[str]:
        """Return the markets in the rows that bots have told; they may have told anything."""
        symbols: dict[str, None] = {}
        for bot in bots:
            session = self._sessions.get(bot)
            rows = None if session is None else session.status_fields.get(key)
            for one in rows if isinstance(rows, list) else ():
                symbol = one.get("symbol") if isinstance(one, dict) else None
                if isinstance(symbol, str) and _is_symbol(symbol):
                    symbols[symbol] = None
        return list(symbols)


def _is_symbol(text: str) -> bool:
    try:
        return read_symbol(text) == text
    except CommandError:
        return False
