"""A Bot API server on loopback, as strict as the real one, with a script for its troubles.

    with FakeBotApi() as api:
        phone = api.phone(api.person("Ann"))
        ...  # TELEGRAM_BASE_URL=api.base_url, TELEGRAM_BOT_TOKEN=api.token
        reply = phone.ask("/ping", "pong")

Leaving the block fails on everything that the real API would have refused, but for expect_refusal.
"""

import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Final, Self, TypedDict, TypeVar, Unpack

from daemonkit.clock import Clock, SystemClock
from tests.fakes.bot_api.chats import Chat, Person
from tests.fakes.bot_api.faults import Faults, Rule, Trouble
from tests.fakes.bot_api.flood import FloodGuard, FloodLimits
from tests.fakes.bot_api.listener import CONNECTIONS_MAX, Connection, Listener
from tests.fakes.bot_api.methods import call, method_name
from tests.fakes.bot_api.parameters import Parameters
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.recorder import Record, Recorder
from tests.fakes.bot_api.refusals import RefusalError, bad_request
from tests.fakes.bot_api.rival import RivalPoller
from tests.fakes.bot_api.rooms import Rooms
from tests.fakes.bot_api.waits import wait_in
from tests.fakes.bot_api.wire import HttpAnswer, HttpRequest, json_answer
from tests.fakes.bot_api.world import World

T = TypeVar("T")

TOKEN: Final = "7001234567:AAFakeTokenForTestsOnly-NeverReal_0123"
PATIENCE_S: Final = 10.0
_TOKEN: Final = re.compile(r"\d{6,}:[A-Za-z0-9_-]{30,}")
_PIECES: Final = 10
_USUAL_LIMITS: Final = FloodLimits()


class Names(TypedDict, total=False):
    """What a person may have beside a first name."""

    last_name: str
    username: str
    language_code: str


class FakeBotApi:
    """The server, the Telegram behind it, and everything that a test asks of them."""

    def __init__(
        self,
        *,
        token: str = TOKEN,
        clock: Clock | None = None,
        port: int = 0,
        is_up: bool = True,
        username: str = "desk_bot",
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        self.token = token
        self.clock = clock or SystemClock()
        bot = Person(int(token.split(":", maxsplit=1)[0]), "Desk", username=username, is_bot=True)
        self.world = World(self.clock, bot)
        self.rooms = Rooms(self.world)
        self.recorder = Recorder()
        self.recorder.secrets.add(token)
        self.faults = Faults(self.world.changed)
        self._flood = FloodGuard()
        self._is_closing = False
        self._listener = Listener(port, self._serve, connections_max=connections_max)
        if is_up:
            self._listener.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if error is None:
            self.check()

    @property
    def base_url(self) -> str:
        """What stands before the token in addresses: TELEGRAM_BASE_URL."""
        return f"http://127.0.0.1:{self._listener.port}/bot"

    @property
    def base_file_url(self) -> str:
        """What stands before the token in addresses of files."""
        return f"http://127.0.0.1:{self._listener.port}/file/bot"

    @property
    def bot(self) -> Person:
        """The bot as a member of chats."""
        return self.world.bot

    @property
    def connections(self) -> int:
        """How many connections were ever taken."""
        return self._listener.accepted

    def person(self, name: str, person_id: int | None = None, **details: Unpack[Names]) -> Person:
        """Let a person exist."""
        number = self.world.next_id() if person_id is None else person_id
        return self.world.add_person(Person(number, name, **details))

    def phone(
        self,
        person: Person,
        chat: Chat | None = None,
        *,
        thread: int | None = None,
        is_anonymous: bool = False,
        has_met_bot: bool = False,
    ) -> Phone:
        """Give somebody a phone, opened at the chat with the bot or at another one.

        The bot may write first only to a person who has written to it, or `has_met_bot` before.
        """
        private = self.world.private_chat(person)
        private.is_known = private.is_known or has_met_bot
        opened = chat or private
        return Phone(self.world, person, opened, thread, is_anonymous=is_anonymous)

    def requests(self, *methods: str) -> list[Record]:
        """Return the requests of some methods, or all but the polls, in order."""
        with self.world.changed:
            return self.recorder.of(*methods)

    @property
    def refused(self) -> list[Record]:
        """Return what the real API would refuse, but for what was expected."""
        with self.world.changed:
            return self.recorder.refused

    def describe(self) -> str:
        """Say what was asked last, for the message of a failed test."""
        return "\n".join(record.describe() for record in self.requests()[-30:])

    def expect_refusal(self, pattern: str) -> None:
        """Let requests be refused whose answer says so; everything else fails the test."""
        self.recorder.expected.append(re.compile(pattern, re.IGNORECASE))

    def plant_secret(self, secret: str) -> None:
        """Look for a secret in every body and header; the token is looked for anyway."""
        self.recorder.secrets.add(secret)

    def check(self) -> None:
        """Fail on what the real API would refuse, on leaks, and on faults of the fake itself."""
        refused = [record.describe() for record in self.refused]
        assert not self.recorder.crashes, "the fake failed:\n" + "\n".join(self.recorder.crashes)
        assert not self.recorder.leaks, "secrets were sent:\n" + "\n".join(self.recorder.leaks)
        assert not refused, "the real API would refuse:\n" + "\n".join(refused)

    def limit_speed(self, limits: FloodLimits | None = _USUAL_LIMITS) -> None:
        """Answer 429 to whoever sends faster than Telegram lets it; None takes the limits away."""
        self._flood.limits = limits

    def revoke_token(self, token: str) -> None:
        """Give the bot another token, so that the old one is answered 401."""
        self.token = token
        self.recorder.secrets.add(token)

    def go_down(self) -> None:
        """End all connections and refuse new ones."""
        self._listener.shut()

    def come_up(self) -> None:
        """Take connections (again), at the same address."""
        self._listener.open()

    def is_down(self) -> AbstractContextManager[None]:
        """Be down for the length of a block."""
        return _down(self)

    def rival(self, *, pause_s: float = 0.2, steals: bool = False) -> RivalPoller:
        """Let somebody else poll with the same token for the length of a block."""
        return RivalPoller(self.world, pause_s=pause_s, steals=steals)

    def end_connections(self) -> None:
        """End every connection, as a router that starts anew does."""
        self._listener.end_connections()

    def wait(self, condition: Callable[[], T], what: str, timeout_s: float = PATIENCE_S) -> T:
        """Wait until `condition` is true, asked whenever something has happened."""
        return wait_in(self.world, condition, what, timeout_s)

    def wait_for_request(
        self, *methods: str, count: int = 1, timeout_s: float = PATIENCE_S
    ) -> list[Record]:
        """Wait until so many requests of these methods have come in, whatever became of them."""
        return self.wait(
            lambda: found if len(found := self.recorder.of(*methods)) >= count else [],
            f"{count} requests {methods}; there are {len(self.requests(*methods))}",
            timeout_s,
        )

    def wait_for_poll(self, timeout_s: float = PATIENCE_S) -> None:
        """Wait until somebody polls."""
        self.wait(lambda: self.world.updates.waiting > 0, "a poll", timeout_s)

    def close(self) -> None:
        """End everything; no thread is left."""
        with self.world.changed:
            self._is_closing = True
        self.world.updates.close()
        self.faults.clear()
        self._listener.close()

    def _serve(self, request: HttpRequest, connection: Connection) -> bool:
        method = method_name(request.method) or "(file)"
        with self.world.changed:
            record = self.recorder.begin(method, request, self.clock)
            self.world.changed.notify_all()
        rule = self.faults.meet(record)
        if rule is None:
            return self._send(connection, self._act(request, record, connection), record, request)
        return self._serve_badly(request, record, connection, rule)

    def _serve_badly(
        self, request: HttpRequest, record: Record, connection: Connection, rule: Rule
    ) -> bool:
        answer = rule.answer
        if rule.is_acting:
            answer = self._act(request, record, connection)
        if rule.trouble is Trouble.DROP:
            return False
        if rule.trouble is Trouble.HANG:
            self._hang(rule, connection)
            if self._is_closing or not connection.is_open():
                return False
        if rule.trouble is Trouble.TRUNCATE and answer is not None:
            data = answer.to_bytes(stays=True)
            connection.send(data[: len(data) - max(1, len(answer.body) // 2)])
            return False
        if rule.trouble is Trouble.TRICKLE and answer is not None:
            return self._trickle(rule, connection, answer)
        answer = answer or self._act(request, record, connection)
        return self._send(connection, answer, record, request)

    def _send(
        self, connection: Connection, answer: HttpAnswer, record: Record, request: HttpRequest
    ) -> bool:
        with self.world.changed:
            if record.status is None:
                record.status = answer.status
            record.ended_s = self.clock.monotonic()
            self.world.changed.notify_all()
        stays = request.wants_to_stay
        return connection.send(answer.to_bytes(stays=stays)) and stays

    def _act(self, request: HttpRequest, record: Record, connection: Connection) -> HttpAnswer:
        """Do what is asked and note what is answered."""
        if request.is_for_file:
            return self._download(request, record)
        try:
            self._check(request, record)
            parameters = Parameters.of_request(request)
            result = call(self.world, record.method, parameters, connection.is_open)
            answer, body = 200, {"ok": True, "result": result}
        except RefusalError as refused:
            answer, body = refused.status, refused.to_json()
        except Exception:  # noqa: BLE001 - a fault of the fake fails the test at its end
            self.recorder.crashes.append(traceback.format_exc())
            crash = RefusalError(500, "Internal Server Error: the fake Bot API has failed")
            answer, body = crash.status, crash.to_json()
        with self.world.changed:
            record.status, record.body, record.has_acted = answer, body, answer == 200
            self.world.changed.notify_all()
        return json_answer(answer, body)

    def _check(self, request: HttpRequest, record: Record) -> None:
        if not _TOKEN.fullmatch(request.token):
            raise RefusalError(404, "Not Found")
        if request.token != self.token:
            raise RefusalError(401, "Unauthorized")
        if request.is_too_large:
            raise RefusalError(413, "Request Entity Too Large")
        if request.problems:
            raise bad_request(request.problems[0])
        with self.world.changed:
            self._flood.check(record.method, record.chat_id, self.clock.monotonic())

    def _download(self, request: HttpRequest, record: Record) -> HttpAnswer:
        with self.world.changed:
            files = {file.path: file for file in self.world.files.values()}
            file = files.get(request.path) if request.token == self.token else None
            record.status = 404 if file is None else 200
            record.has_acted = file is not None
        if file is None:
            return json_answer(404, RefusalError(404, "Not Found").to_json())
        return HttpAnswer(200, file.content, "application/octet-stream")

    def _hang(self, rule: Rule, connection: Connection) -> None:
        deadline = None if rule.seconds is None else SystemClock.monotonic() + rule.seconds
        with self.world.changed:
            while not (rule.is_over or self._is_closing) and connection.is_open():
                left = 1.0 if deadline is None else deadline - SystemClock.monotonic()
                if left <= 0:
                    return
                self.world.changed.wait(min(left, 0.05))

    def _trickle(self, rule: Rule, connection: Connection, answer: HttpAnswer) -> bool:
        data = answer.to_bytes(stays=True)
        size = max(1, len(data) // _PIECES)
        pause = rule.seconds or 0.0
        for start in range(0, len(data), size):
            if not connection.send(data[start : start + size]):
                return False
            with self.world.changed:
                self.world.changed.wait_for(
                    lambda: rule.is_over or self._is_closing, pause / _PIECES
                )
        return True


@contextmanager
def _down(api: FakeBotApi) -> Iterator[None]:
    api.go_down()
    try:
        yield
    finally:
        api.come_up()
