"""Every trouble that an exchange can give, to be scripted at a request of a kind."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

from tests.fakes.exchange.faults import Faults
from tests.fakes.exchange.wire import Asked, Kind, Word
from tests.scenarios.exchange_desk import ExchangeDesk
from tests.scenarios.live_bot import LiveBot

_READS: Final = (
    Kind.ORDER,
    Kind.OPEN_ORDERS,
    Kind.CLOSED_ORDERS,
    Kind.TRADES,
    Kind.BALANCES,
    Kind.POSITIONS,
)
STEPS: Final = (Kind.SUBMIT, Kind.CANCEL, *_READS)
# Words that an exchange says although it may have done what was asked.
_UNSURE: Final = (Word.TIMEOUT, Word.UNAVAILABLE, Word.INTERNAL, Word.BUSY)
_DEFINITE: Final = (Word.RATE_LIMIT, Word.NONCE, Word.MAINTENANCE, Word.KEY)


@dataclass(frozen=True)
class Stage:
    """Hold what trouble is made with."""

    desk: ExchangeDesk
    bot: LiveBot
    rng: Random

    @property
    def faults(self) -> Faults:
        return self.desk.running.faults


Script = Callable[[Stage, Kind, int], object]


def _hang(at: Stage, kind: Kind, nth: int, *, acts: bool) -> None:
    def wait(_asked: Asked) -> None:
        # What is done at the exchange is done before the time has passed.
        if not acts:
            at.bot.clock.advance(10.0)

    at.faults.hang(acts=acts, kind=kind, nth=nth, before=wait)


def _late(at: Stage, kind: Kind, nth: int) -> None:
    """Take a request some seconds after the connection ended."""
    seconds = at.rng.choice((0.5, 4.0, 9.0))

    def delay(asked: Asked) -> None:
        at.desk.delay(asked, seconds)

    at.faults.drop(acts=False, kind=kind, nth=nth, before=delay)


def _stale(at: Stage, kind: Kind, _nth: int) -> None:
    """Show some lists without what is young."""
    at.faults.stale(at.rng.choice((0.5, 3.0)), kind=(kind, *_READS), times=8)


def _drop(at: Stage, kind: Kind, nth: int, *, acts: bool, times: int = 1) -> None:
    at.faults.drop(acts=acts, kind=kind, nth=nth, times=times)


def _status(
    at: Stage, kind: Kind, nth: int, *, acts: bool, status: int = 502, times: int = 1
) -> None:
    at.faults.status(status, acts=acts, kind=kind, nth=nth, times=times)


def _html(at: Stage, kind: Kind, nth: int, *, acts: bool) -> None:
    at.faults.html(acts=acts, kind=kind, nth=nth)


def _say(at: Stage, kind: Kind, nth: int, *, acts: bool, word: Word) -> None:
    at.faults.say(word, acts=acts, kind=kind, nth=nth)


def _too_many(at: Stage, kind: Kind, nth: int) -> None:
    at.faults.too_many_requests(3, kind=kind, nth=nth)


def _odd(at: Stage, kind: Kind, nth: int) -> None:
    at.faults.odd(kind=kind, nth=nth)


def _truncated(at: Stage, kind: Kind, nth: int) -> None:
    at.faults.truncate(kind=kind, nth=nth)


def _cut(at: Stage, kind: Kind, nth: int) -> None:
    at.faults.cut(kind=kind, nth=nth)


def _scripts() -> dict[str, Script]:
    """Return every trouble by its name, to be scripted at the n-th request of a kind."""
    made: dict[str, Script] = {}
    for acts in (True, False):
        word = "acted" if acts else "ignored"
        made |= {
            f"hang {word}": partial(_hang, acts=acts),
            f"drop {word}": partial(_drop, acts=acts),
            f"502 {word}": partial(_status, acts=acts),
            f"html {word}": partial(_html, acts=acts),
        }
        made |= {f"{said} {word}": partial(_say, acts=acts, word=said) for said in _UNSURE}
    made |= {said.value: partial(_say, acts=False, word=said) for said in _DEFINITE}
    return made | {
        "429": _too_many,
        "odd": _odd,
        "truncated": _truncated,
        "cut": _cut,
        "late": _late,
        "stale": _stale,
        "down for a while": partial(_status, acts=False, status=503, times=4),
        "half dead for a while": partial(_drop, acts=True, times=3),
    }


SCRIPTS: Final = _scripts()
# After these the account rests for a minute.
REFUSING: Final = frozenset({Word.KEY.value})
