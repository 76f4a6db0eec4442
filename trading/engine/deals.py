"""Commands that deal: buy, sell and flatten. A person's order passes flags, but never a limit.

What a command is follows from its effect: a sell of what is held reduces risk, a sell while flat
raises it, and then it must be fresh, confirmed and allowed as every entry.
"""

from decimal import Decimal
from typing import Final

from tcpproto import ReplyState
from tcpproto.vocabulary import MAX_AGE_S, Risk
from trading.engine.command_call import Answer, Call, NotPossibleError, applied, rejected
from trading.engine.command_places import Places
from trading.engine.trader import Trader
from trading.model.account import MarketKey
from trading.model.order import Order, OrderIntent, Purpose, Side
from trading.model.position import Position
from trading.reports.numbers import counted, price_text, quantity_text
from trading.risk.refusal import Refusal

LINES_MAX: Final = 20
# Each of them is kept until all is flat: impatient taps must not add up for ever.
FLATTENING_MAX: Final = 100


class Deals:
    """Carry out the commands that send orders."""

    def __init__(self, trader: Trader) -> None:
        self._trader = trader
        self._places = Places(trader.desks)

    def buy(self, call: Call) -> Answer:
        """Buy at the market: one market, or all without a position."""
        keys = self._places.one_account_keys(call)
        if call.is_for_all:
            keys = [key for key in keys if self._held(key) is None and not self._is_entering(key)]
            if not keys:
                return rejected("every market has a position or an order already")
        return self._summed([self._deal(call, key, Side.BUY) for key in keys])

    def sell(self, call: Call) -> Answer:
        """Sell what is held at the market; while flat, where the account may, sell short."""
        if call.is_for_all:
            keys = [key for key in self._places.keys(call) if self._held(key) is not None]
            if not keys:
                return rejected("no open position")
            return self._summed([self._leave(call, key) for key in keys])
        # Only what can be sold: a short position elsewhere is another account's business.
        keys = [key for key in self._places.keys(call) if self._is_long(key)]
        if keys:
            return self._summed([self._leave(call, key) for key in keys])
        if not any(
            self._trader.desks[key.account].account.can_short for key in self._places.keys(call)
        ):
            raise NotPossibleError(f"nothing is held of {call.symbol}")
        return self._summed(
            [self._deal(call, key, Side.SELL) for key in self._places.one_account_keys(call)]
        )

    def flatten(self, call: Call) -> Answer:
        """Close everything; the outcome follows when it is verified."""
        if len(self._trader.flattening.waiting) >= FLATTENING_MAX:
            raise NotPossibleError("so many of these are under way already that one more is no use")
        desks = self._places.desks(call)
        conditions = self._trader.conditions
        if call.account:
            keys = [key for desk in desks for key in desk.markets.values()]
            conditions.flags.set_buying(keys, f"/flatten by {call.author}")
        elif not conditions.flags.paused:
            conditions.flags.paused = f"paused since /flatten by {call.author}"
        conditions.keep()
        begun = self._trader.flattening.start(call.id, call.author, [desk.name for desk in desks])
        positions, orders = counted(begun.positions, "position"), counted(begun.orders, "order")
        if not begun.positions and not begun.orders:
            return Answer(
                ReplyState.ACCEPTED, "nothing is open; the venue is asked whether it is so"
            )
        return Answer(ReplyState.ACCEPTED, f"closing {positions}, cancelling {orders}")

    def _deal(self, call: Call, key: MarketKey, side: Side) -> str | Refusal:
        """Place a person's order; return what was done."""
        held = self._held(key)
        if held is not None and held.side is side.opposite:
            return self._leave(call, key)
        if held is not None and held.closing:
            # Everything but the way out of a position is cancelled while it is being closed.
            raise NotPossibleError(
                f"{key.symbol} is being closed ({held.closing}); try again once it is flat"
            )
        if side is Side.SELL:
            self._check_raising(call, key)
        intent = OrderIntent(
            key.account,
            key.symbol,
            side,
            Purpose.ENTRY,
            quantity=_amount(call),
            author=call.author,
            reason=f"/{call.verb} by {call.author}",
            is_forced=True,
        )
        made = self._trader.dealer.place(intent)
        return made if isinstance(made, Refusal) else self._placed(made)

    def _leave(self, call: Call, key: MarketKey) -> str | Refusal:
        """Close a position, or the part of it that was named."""
        held = self._held(key)
        assert held is not None, "only what is held is left"
        quantity = _amount(call)
        self._trader.dealer.hurry([key])
        if held.closing:
            return f"{self._named(key)} is being closed already ({held.closing})"
        if quantity is None or quantity >= abs(held.quantity):
            self._trader.dealer.close(held, f"/{call.verb} by {call.author}")
            what = f"{quantity_text(abs(held.quantity))} {self._named(key)}"
            return f"closing {what} at the market"
        made = self._trader.dealer.place(
            OrderIntent(
                key.account,
                key.symbol,
                held.side.opposite,
                Purpose.EXIT,
                quantity=quantity,
                instance=held.instance,
                author=call.author,
                reason=f"/{call.verb} by {call.author}",
                is_forced=True,
            )
        )
        return made if isinstance(made, Refusal) else self._placed(made)

    def _check_raising(self, call: Call, key: MarketKey) -> None:
        account = self._trader.desks[key.account].account
        held = "nothing is held of" if self._held(key) is None else "already short in"
        if not account.can_short:
            raise NotPossibleError(f"nothing is held of {key.symbol}")
        if call.age_s > MAX_AGE_S[Risk.RAISING]:
            raise NotPossibleError(f"{held} {key.symbol}, and it is too old to go short")
        if not call.confirmed:
            raise NotPossibleError(
                f"{held} {key.symbol}; to go short write /sell {key.symbol} AMOUNT and confirm it"
            )

    def _placed(self, order: Order) -> str:
        market = self._trader.markets.by_symbol[order.symbol]
        price = f" near {price_text(market.price)}" if market.price is not None else ""
        cut = f" ({order.note})" if order.note else ""
        what = f"{order.side} {quantity_text(order.quantity)} {self._named(order.key)}{price}{cut}"
        return f"{what}, id {order.id}"

    def _named(self, key: MarketKey) -> str:
        """Return a market's name, with its account where there are several."""
        is_one = len(self._trader.desks) == 1
        return key.symbol if is_one else f"{key.symbol} on {key.account}"

    def _held(self, key: MarketKey) -> Position | None:
        return self._trader.desks[key.account].book.positions.get(key.symbol)

    def _is_long(self, key: MarketKey) -> bool:
        held = self._held(key)
        return held is not None and held.side is Side.BUY

    def _is_entering(self, key: MarketKey) -> bool:
        return any(one.purpose is Purpose.ENTRY for one in self._trader.orders.open_orders(key))

    @staticmethod
    def _summed(results: list[str | Refusal]) -> Answer:
        done = [one for one in results if not isinstance(one, Refusal)]
        refused = [one.text for one in results if isinstance(one, Refusal)]
        if not done:
            return rejected("; ".join(refused[:LINES_MAX]))
        lines = [*done, *(f"refused: {text}" for text in refused)]
        more = [f"… {len(lines) - LINES_MAX} more"] if len(lines) > LINES_MAX else []
        return applied("; ".join([*lines[:LINES_MAX], *more]))


def _amount(call: Call) -> Decimal | None:
    amount = call.named.get("amount")
    return None if amount is None else Decimal(amount)
