"""Trouble by script: what the next requests of a method or a chat meet instead of an answer."""

import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypedDict, Unpack

from tests.fakes.bot_api.recorder import Record
from tests.fakes.bot_api.refusals import TAKEN_OVER, RefusalError, too_many_requests
from tests.fakes.bot_api.wire import HttpAnswer, json_answer

BAD_GATEWAY_PAGE: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n"
    b"</body>\r\n</html>\r\n"
)


class Trouble(StrEnum):
    """What can go wrong."""

    ANSWER = "answer"  # another answer than the real one; nothing is done
    HANG = "hang"  # no answer for a while, or until told
    DROP = "drop"  # the connection ends without an answer
    TRUNCATE = "truncate"  # it is done, but half of the answer is missing
    TRICKLE = "trickle"  # it is done, and the answer comes slowly


class Where(TypedDict, total=False):
    """Which requests a rule meets; everything else passes."""

    method: str | tuple[str, ...] | None
    chat: int | None
    times: int | None  # None: until it is cleared
    when: Callable[[Record], bool]


@dataclass(eq=False)
class Rule:
    """One line of the script; `clear` ends it, also for requests that hang in it."""

    trouble: Trouble
    changed: threading.Condition
    methods: frozenset[str] = frozenset()
    chat_id: int | None = None
    left: int | None = None
    when: Callable[[Record], bool] = lambda _record: True
    answer: HttpAnswer | None = None
    seconds: float | None = None
    is_acting: bool = False
    is_over: bool = False
    met: list[Record] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What it is called in records."""
        status = f" {self.answer.status}" if self.answer else ""
        return f"{self.trouble}{status}{' after acting' if self.is_acting else ''}"

    def matches(self, record: Record) -> bool:
        """Say whether it meets a request."""
        return (
            not self.is_over
            and self.left != 0
            and (not self.methods or record.method in self.methods)
            and (self.chat_id is None or self.chat_id == record.chat_id)
            and self.when(record)
        )

    def clear(self) -> None:
        """End it now; requests that hang go on."""
        with self.changed:
            self.is_over = True
            self.changed.notify_all()


class Faults:
    """The script; the first rule that matches is the one that counts."""

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._rules: list[Rule] = []

    def meet(self, record: Record) -> Rule | None:
        """Find what a request meets, and count it."""
        with self._changed:
            self._rules = [rule for rule in self._rules if not rule.is_over and rule.left != 0]
            rule = next((rule for rule in self._rules if rule.matches(record)), None)
            if rule is not None:
                rule.left = None if rule.left is None else rule.left - 1
                rule.met.append(record)
                record.fault = rule.name
                self._changed.notify_all()
            return rule

    def clear(self) -> None:
        """End all trouble."""
        with self._changed:
            for rule in self._rules:
                rule.is_over = True
            self._rules.clear()
            self._changed.notify_all()

    def too_many_requests(self, retry_after_s: int, **where: Unpack[Where]) -> Rule:
        """Answer 429 with `retry_after`."""
        return self.refuse(too_many_requests(retry_after_s), **where)

    def server_error(self, status: int = 500, **where: Unpack[Where]) -> Rule:
        """Answer 5xx as the API writes it."""
        return self.refuse(RefusalError(status, "Internal Server Error"), **where)

    def bad_gateway(self, **where: Unpack[Where]) -> Rule:
        """Answer 502 with a page of HTML, as the machine before the API does."""
        return self.answer(HttpAnswer(502, BAD_GATEWAY_PAGE, "text/html"), **where)

    def unauthorized(self, **where: Unpack[Where]) -> Rule:
        """Answer 401, as for a token that was revoked."""
        return self.refuse(RefusalError(401, "Unauthorized"), **where)

    def not_found(self, **where: Unpack[Where]) -> Rule:
        """Answer 404, as for a malformed token."""
        return self.refuse(RefusalError(404, "Not Found"), **where)

    def captive_portal(self, **where: Unpack[Where]) -> Rule:
        """Answer 404 with a page of HTML, as somebody else's network does."""
        return self.answer(HttpAnswer(404, b"<html>Please sign in</html>", "text/html"), **where)

    def conflict(self, **where: Unpack[Where]) -> Rule:
        """Answer 409, as if somebody else polled."""
        return self.refuse(RefusalError(409, TAKEN_OVER), **where)

    def refuse(self, refused: RefusalError, **where: Unpack[Where]) -> Rule:
        """Answer what the API would to some other request."""
        return self.answer(json_answer(refused.status, refused.to_json()), **where)

    def odd_json(self, body: object, **where: Unpack[Where]) -> Rule:
        """Answer 200 with JSON of a shape that nobody expects."""
        return self.answer(HttpAnswer(200, json.dumps(body).encode()), **where)

    def answer(self, answer: HttpAnswer, **where: Unpack[Where]) -> Rule:
        """Answer anything instead of doing what is asked."""
        return self._add(Trouble.ANSWER, where, answer=answer)

    def hang(
        self, seconds: float | None = None, *, acts: bool = False, **where: Unpack[Where]
    ) -> Rule:
        """Give no answer for a while, or until the rule is cleared.

        With `acts` the request is done before; without, only if its caller is still there after.
        """
        return self._add(Trouble.HANG, where, seconds=seconds, is_acting=acts)

    def drop(self, *, acts: bool, **where: Unpack[Where]) -> Rule:
        """End the connection without an answer, before or after doing what is asked."""
        return self._add(Trouble.DROP, where, is_acting=acts)

    def truncate(self, **where: Unpack[Where]) -> Rule:
        """Do what is asked and end the connection in the middle of the answer."""
        return self._add(Trouble.TRUNCATE, where, is_acting=True)

    def trickle(self, seconds: float, **where: Unpack[Where]) -> Rule:
        """Do what is asked and spread the answer over some time."""
        return self._add(Trouble.TRICKLE, where, seconds=seconds, is_acting=True)

    def _add(
        self,
        trouble: Trouble,
        where: Where,
        *,
        answer: HttpAnswer | None = None,
        seconds: float | None = None,
        is_acting: bool = False,
    ) -> Rule:
        methods = where.get("method") or ()
        rule = Rule(
            trouble,
            self._changed,
            frozenset(itertools.chain((methods,) if isinstance(methods, str) else methods)),
            where.get("chat"),
            where.get("times", 1),
            where.get("when", lambda _record: True),
            answer,
            seconds,
            is_acting,
        )
        with self._changed:
            self._rules.append(rule)
        return rule
