"""Follow the crossing of two simple moving averages of the closes.

Long when the fast average comes above the slow one, out (or, where allowed, short) when it comes
below. Only a crossing seen while running counts: what the averages were at the start does not.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from trading.model.market import Bar
from trading.strategies.base import Strategy

# Far above what rounding does to an average, far below the smallest step of a price.
EQUAL_WITHIN: Final = 1e-12


class SmaCrossover(Strategy):
    """Buy when the fast average crosses above the slow one and leave when it crosses below."""

    CONFIG_SCHEMA: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "fast_period": {
            "type": "int",
            "default": 20,
            "min": 1,
            "max": 1000,
            "below": "slow_period",
            "aliases": ["fast"],
        },
        "slow_period": {
            "type": "int",
            "default": 50,
            "min": 2,
            "max": 1000,
            "aliases": ["slow"],
        },
        # Base currency for an entry; without it the bot's own rules say how much.
        "quantity": {"type": "decimal", "default": None, "min": "0.00000001"},
        "allow_short": {"type": "bool", "default": False},
    }

    def init(self) -> dict[str, Any]:
        """Begin without knowing which average is above."""
        self._fast = self.context.sma(self.config["fast_period"])
        self._slow = self.context.sma(self.config["slow_period"])
        return {"is_above": None, "wanted": None}

    def on_bar(self, bar: Bar) -> None:  # noqa: ARG002 - the averages already contain it
        """Act on a crossing."""
        fast, slow = self._fast.value, self._slow.value
        if fast is None or slow is None:
            return
        # Equal averages are no crossing yet: which one is above stays as it was. Rounding must
        # not decide it either, as it would where prices stand still.
        gap = slow * EQUAL_WITHIN
        if -gap <= fast - slow <= gap:
            return
        state = self.state
        is_above = fast > slow
        if is_above is not state["is_above"]:
            if state["is_above"] is not None:
                self._cross(is_above)
            state["is_above"] = is_above
        elif state["wanted"] is not None:
            # Only on the candle after the crossing: later it would be an entry without one.
            side, state["wanted"] = state["wanted"], None
            self._enter(side)

    def render(self) -> dict[str, Any]:
        """Show the two averages."""
        return {
            "widgets": [
                {"type": "metric", "label": "fast average", "value": self._fast.value},
                {"type": "metric", "label": "slow average", "value": self._slow.value},
            ]
        }

    def _cross(self, is_above: bool) -> None:
        self.state["wanted"] = None
        side = "buy" if is_above else "sell"
        position = self.context.position
        if position is None:
            if self._is_entry_waiting():
                # It was meant for the crossing before this one.
                self.context.cancel_all_orders()
            elif is_above or self.config["allow_short"]:
                self._enter(side)
        elif position.side != side:
            self.context.close_position(reason=f"the fast average crossed {_where(is_above)}")
            # The other side is taken once this one is gone, so that two orders never overlap.
            self.state["wanted"] = side if is_above or self.config["allow_short"] else None

    def _enter(self, side: str) -> None:
        if self.context.position is not None or self._is_entry_waiting():
            return
        self.context.place_order(
            side,
            self.config["quantity"],
            reason=f"the fast average crossed {_where(side == 'buy')}",
        )

    def _is_entry_waiting(self) -> bool:
        return any(order.purpose == "entry" for order in self.context.get_orders())


def _where(is_above: bool) -> str:
    return "above" if is_above else "below"
