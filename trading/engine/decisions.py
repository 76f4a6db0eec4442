"""The last decisions, in words, for /why: what was done or left undone, when, and why."""

from collections import deque
from typing import Final, NamedTuple

from trading.model.account import MarketKey
from trading.model.order import Order
from trading.reports.numbers import quantity_text
from trading.reports.status_parts import Decision
from trading.risk.refusal import Refusal

KEPT_MAX: Final = 500
TEXT_LEN_MAX: Final = 300


class Noted(NamedTuple):
    """Hold one decision; `times` counts the same one in a row."""

    at: float
    account: str
    symbol: str
    text: str
    times: int = 1


class Decisions:
    """Keep the last decisions; the same one again only counts."""

    def __init__(self) -> None:
        self._kept: deque[Noted] = deque(maxlen=KEPT_MAX)
        self._last: dict[MarketKey, Noted] = {}

    def note(self, at: float, key: MarketKey, text: str) -> None:
        """Note a decision about a market of an account."""
        text = text[:TEXT_LEN_MAX]
        last = self._last.get(key)
        if last is not None and last.text == text and self._kept and last is self._kept[-1]:
            self._kept.pop()
            decision = last._replace(at=at, times=last.times + 1)
        else:
            decision = Noted(at, key.account, key.symbol, text)
        self._kept.append(decision)
        self._last[key] = decision

    def sent(self, order: Order) -> None:
        """Note that an order was sent."""
        why = order.reason or order.purpose
        text = f"{order.type} {order.side} {quantity_text(order.quantity)} sent: {why}"
        self.note(order.updated_at, order.key, text)

    def refused(self, at: float, key: MarketKey, refusal: Refusal) -> None:
        """Note that risk refused what was wanted."""
        self.note(at, key, f"refused: {refusal.text}")

    def latest(self, count: int, symbol: str | None = None, account: str = "") -> list[Decision]:
        """Return the last decisions, newest first, of one market and account or of all."""
        chosen = [
            one
            for one in reversed(self._kept)
            if symbol in (None, one.symbol) and account in ("", one.account)
        ]
        return [
            Decision(one.at, one.symbol, _with_times(one), one.account) for one in chosen[:count]
        ]


def _with_times(one: Noted) -> str:
    return one.text if one.times == 1 else f"{one.text} ({one.times} times)"
