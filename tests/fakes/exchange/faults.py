"""Trouble by script: what the next requests of a kind meet instead of, or beside, their answer.

    rule = exchange.faults.hang(acts=True, kind=Kind.SUBMIT)             # taken, and never answered
    exchange.faults.say(Word.TIMEOUT, acts=True, kind=Kind.SUBMIT)
    exchange.faults.drop(acts=False, kind=Kind.CANCEL, nth=2, client_id="tb1")
    little = lambda _asked: engine.leave("BTC/USD", Decimal("0.01"))     # filled in part …
    exchange.faults.hang(acts=True, kind=Kind.SUBMIT, before=little)     # … and then silence
    ...
    assert rule.met                                                      # it has fired

`acts`: what is asked is done before. The first rule that matches counts, once unless `times` says
otherwise (None: until it is cleared); `nth` lets the first ones that match pass.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypedDict, Unpack

from tests.fakes.exchange.recorder import Record
from tests.fakes.exchange.wire import Asked, HttpAnswer, Kind, Word

GATEWAY_PAGE: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)


class Trouble(StrEnum):
    ANSWER = "answer"  # another answer than the real one
    SAY = "say"  # the same, in the exchange's own words
    ODD = "odd"  # the real answer in an unexpected shape
    HANG = "hang"  # no answer until the caller gives up, or the rule is cleared
    SLOW = "slow"  # the real answer, after a while
    DROP = "drop"  # the connection ends without an answer
    TRUNCATE = "truncate"  # half of the answer, then the connection ends
    CUT = "cut"  # half of the answer, as if it were whole
    LATE = "late"  # the connection ends, and the request is taken a while later
    STALE = "stale"  # the real answer, without what is young
    MUTE = "mute"  # a WebSocket that says nothing any more
    CLOSE = "close"  # a WebSocket that ends


class Where(TypedDict, total=False):
    """Which requests a rule meets; everything else passes."""

    kind: Kind | tuple[Kind, ...]
    client_id: str
    nth: int
    times: int | None
    when: Callable[[Asked], bool]
    before: Callable[[Asked], None]  # done first, such as to leave little in the market


@dataclass(eq=False)
class Rule:
    """One line of the script; `met` says what it has fired at, `clear` ends it."""

    trouble: Trouble
    is_acting: bool = False
    answer: HttpAnswer | None = None
    word: Word | None = None
    seconds: float = 0.0
    answers_pings: bool = True
    kinds: frozenset[Kind] = frozenset()
    client_id: str = ""
    to_pass: int = 0
    left: int | None = 1
    when: Callable[[Asked], bool] = lambda _asked: True
    before: Callable[[Asked], None] = lambda _asked: None
    is_over: bool = False
    met: list[Record] = field(default_factory=list)

    @property
    def name(self) -> str:
        detail = self.word or (str(self.answer.status) if self.answer else "")
        return " ".join(filter(None, (self.trouble, detail, "acted" if self.is_acting else "")))

    def matches(self, asked: Asked) -> bool:
        return (
            not self.is_over
            and self.left != 0
            and (not self.kinds or asked.kind in self.kinds)
            and (not self.client_id or asked.client_id == self.client_id)
            and self.when(asked)
        )

    def clear(self) -> None:
        """End it now; requests that hang in it go on."""
        self.is_over = True


class Faults:
    """The script; it may be written from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    @property
    def rules(self) -> list[Rule]:
        with self._lock:
            return list(self._rules)

    @property
    def unmet(self) -> list[Rule]:
        """What has not fired yet."""
        return [rule for rule in self.rules if not rule.met]

    def meet(self, asked: Asked, record: Record) -> Rule | None:
        """Find what a request meets, and count it."""
        with self._lock:
            for rule in self._rules:
                if not rule.matches(asked):
                    continue
                if rule.to_pass:
                    rule.to_pass -= 1
                    continue
                _count(rule, record)
                return rule
            return None

    def meet_open_socket(self, rule: Rule, asked: Asked, record: Record) -> bool:
        """Let a WebSocket that is open already meet one rule; False if it is over by now."""
        with self._lock:
            if not rule.matches(asked):
                return False
            _count(rule, record)
            return True

    def clear(self) -> None:
        """End all trouble."""
        with self._lock:
            for rule in self._rules:
                rule.clear()
            self._rules.clear()

    def hang(self, *, acts: bool, **where: Unpack[Where]) -> Rule:
        """Answer nothing until the caller gives up; without `acts` nothing is done, ever."""
        return self._add(Rule(Trouble.HANG, acts), where)

    def drop(self, *, acts: bool, **where: Unpack[Where]) -> Rule:
        """End the connection without an answer."""
        return self._add(Rule(Trouble.DROP, acts), where)

    def status(self, status: int, *, acts: bool, **where: Unpack[Where]) -> Rule:
        """Answer 502, 503, 520 … with a page, as the machine before the exchange does."""
        page = HttpAnswer(status, GATEWAY_PAGE, "text/html")
        return self._add(Rule(Trouble.ANSWER, acts, page), where)

    def html(self, *, acts: bool, **where: Unpack[Where]) -> Rule:
        """Answer 200 with a page."""
        page = HttpAnswer(200, b"<!DOCTYPE html><html>One moment, please</html>", "text/html")
        return self._add(Rule(Trouble.ANSWER, acts, page), where)

    def too_many_requests(self, retry_after_s: int, **where: Unpack[Where]) -> Rule:
        """Answer 429 with Retry-After; nothing is done."""
        headers = {"Retry-After": str(retry_after_s)}
        page = HttpAnswer(429, b"<html>Too many requests</html>", "text/html", headers)
        return self._add(Rule(Trouble.ANSWER, answer=page), where)

    def answer(self, answer: HttpAnswer, *, acts: bool, **where: Unpack[Where]) -> Rule:
        """Answer anything."""
        return self._add(Rule(Trouble.ANSWER, acts, answer), where)

    def say(self, word: Word, *, acts: bool, **where: Unpack[Where]) -> Rule:
        """Answer in the exchange's own words."""
        return self._add(Rule(Trouble.SAY, acts, word=word), where)

    def odd(self, **where: Unpack[Where]) -> Rule:
        """Do what is asked, and answer success in an unexpected shape."""
        return self._add(Rule(Trouble.ODD, is_acting=True), where)

    def truncate(self, **where: Unpack[Where]) -> Rule:
        """Do what is asked, and end the connection in the middle of the answer."""
        return self._add(Rule(Trouble.TRUNCATE, is_acting=True), where)

    def cut(self, **where: Unpack[Where]) -> Rule:
        """Do what is asked, and send half of the answer as if it were whole."""
        return self._add(Rule(Trouble.CUT, is_acting=True), where)

    def slow(self, seconds: float, **where: Unpack[Where]) -> Rule:
        """Do what is asked, and answer after a while."""
        return self._add(Rule(Trouble.SLOW, is_acting=True, seconds=seconds), where)

    def late(self, seconds: float, **where: Unpack[Where]) -> Rule:
        """End the connection without an answer, and take the request a while later."""
        return self._add(Rule(Trouble.LATE, seconds=seconds), where)

    def stale(self, seconds: float, **where: Unpack[Where]) -> Rule:
        """Answer lists without what is younger than so many seconds of the exchange's clock."""
        return self._add(Rule(Trouble.STALE, is_acting=True, seconds=seconds), where)

    def mute_sockets(self, *, answers_pings: bool = True, times: int | None = None) -> Rule:
        """Let WebSockets say nothing any more, those that are open and those to come.

        Messages are taken and not answered; it lasts until the rule is cleared.
        """
        rule = Rule(Trouble.MUTE, answers_pings=answers_pings)
        return self._add(rule, {"kind": Kind.WEBSOCKET, "times": times})

    def close_sockets(self, *, times: int | None = None) -> Rule:
        """End WebSockets, those that are open and, until it is cleared, those to come."""
        return self._add(Rule(Trouble.CLOSE), {"kind": Kind.WEBSOCKET, "times": times})

    def _add(self, rule: Rule, where: Where) -> Rule:
        kind = where.get("kind", ())
        rule.kinds = frozenset((kind,) if isinstance(kind, Kind) else kind)
        rule.client_id = where.get("client_id", "")
        rule.to_pass = where.get("nth", 1) - 1
        rule.left = where.get("times", 1)
        rule.when = where.get("when", rule.when)
        rule.before = where.get("before", rule.before)
        with self._lock:
            self._rules.append(rule)
        return rule


def _count(rule: Rule, record: Record) -> None:
    rule.left = None if rule.left is None else rule.left - 1
    rule.met.append(record)
    record.fault = rule.name
