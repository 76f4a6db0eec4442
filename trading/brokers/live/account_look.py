"""A look at all of an account that shows one moment: repeated until nothing moved in between.

Open orders, executions, holdings, positions, bookings, and executions again. A round counts only
if it brought nothing new after its lists, nothing was sent or cancelled meanwhile, and every order
that is known to be open was in its list. Pure; it is told what was read and what it led to.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from trading.brokers.live.moment import Moment
from trading.brokers.live.order_shelf import OrderShelf
from trading.brokers.live.phases import Phase
from trading.brokers.live.settings import RequestKind
from trading.brokers.venue import Abilities, Holding, VenueOrder, VenuePosition
from trading.model.venue_news import AccountSeen, MarginSeen, OpenOrderSeen, PositionSeen

# The clocks of the venue and of this machine may differ by less.
CLOCKS_APART_S: Final = 60.0


class AccountLook:
    """Hold one look from its first round to the one that counts."""

    def __init__(self, abilities: Abilities) -> None:
        self.numbers: list[int] = []
        self.rounds = 0
        self._has_positions = abilities.positions
        self._kinds = [RequestKind.OPEN_ORDERS, RequestKind.HOLDINGS]
        if not abilities.fills_by_market:
            # What came before the look makes no second round.
            self._kinds.insert(1, RequestKind.FILLS)
        if abilities.positions:
            self._kinds.append(RequestKind.POSITIONS)
        if abilities.cash_moves:
            self._kinds.append(RequestKind.CASH_MOVES)
        self._kinds.append(RequestKind.FILLS)
        self._done = 0
        self._began = Moment(0.0, 0.0)
        self._actions = 0
        self._news = 0
        self._told = 0
        self._orders: Sequence[VenueOrder] = ()
        self._holdings: Mapping[str, Holding] = {}
        self._positions: Sequence[VenuePosition] = ()

    def begin_round(
        self, moment: Moment, numbers: Sequence[int], *, actions: int, told: int
    ) -> None:
        """Start from the first read, for those who asked before it as well.

        `actions` counts what was sent and cancelled so far, and `told` the executions told.
        """
        self.numbers += numbers
        self.rounds += 1
        self._done, self._news = 0, 0
        self._began, self._actions, self._told = moment, actions, told

    def drop_round_if_moved(self, actions: int) -> None:
        """Begin again at once when something was sent since the round began."""
        if not self.is_at_start and actions != self._actions:
            self._done = 0

    @property
    def next_kind(self) -> RequestKind:
        """Return what is to be read next in this round, or first in the next one."""
        return self._kinds[self._done % len(self._kinds)]

    @property
    def is_at_start(self) -> bool:
        """Tell whether the next read begins a round."""
        return self._done in (0, len(self._kinds))

    @property
    def is_round_over(self) -> bool:
        """Tell whether all of the round is read."""
        return self._done == len(self._kinds)

    def take_orders(self, orders: Sequence[VenueOrder]) -> None:
        """Take in the open orders."""
        self._orders = orders
        self._done += 1

    def take_fills(self, told: int) -> None:
        """Take in how many executions were told so far, by whatever read."""
        if self._done > 1:
            # Since a read of them before the holdings, or since the round began.
            self._news += told - self._told
        self._told = told
        self._done += 1

    def take_holdings(self, holdings: Mapping[str, Holding]) -> None:
        """Take in what the account has."""
        self._holdings = holdings
        self._done += 1

    def take_positions(self, positions: Sequence[VenuePosition]) -> None:
        """Take in its positions."""
        self._positions = positions
        self._done += 1

    def take_cash_moves(self, last_at: float) -> None:
        """Take in of when the last booking is that was new.

        A look after a start is told those of hours: what was read of the money has them already.
        """
        self._news += last_at > self._began.at - CLOCKS_APART_S
        self._done += 1

    def why_not(self, shelf: OrderShelf, actions: int) -> str:
        """Return why this round does not show one moment, or nothing."""
        if actions != self._actions or shelf.is_anything_underway:
            return "orders were sent or cancelled"
        if self._news:
            return "executions or bookings came in"
        shown = {one.order.id: order for order in self._orders if (one := shelf.find(order))}
        for tracked in shelf.open.values():
            if tracked.phase not in (Phase.LIVE, Phase.CANCELLING):
                # Everyone knows that nothing is known of an order that is being looked up.
                continue
            if tracked.order.id not in shown:
                return f"order {tracked.order.id} is in no list"
            if shown[tracked.order.id].filled > tracked.known:
                return f"executions of order {tracked.order.id} are missing"
        if shelf.doubted:
            return f"order {shelf.doubted[0].order.id} shows up although it has ended"
        return ""

    def seen(self, account: str, number: int, shelf: OrderShelf) -> AccountSeen:
        """Return what was seen, for one who asked."""
        positions = [
            PositionSeen(one.symbol, one.quantity, one.entry_price, one.liquidation_price)
            for one in self._positions
        ]
        holdings: dict[str, Decimal] = {name: one.total for name, one in self._holdings.items()}
        return AccountSeen(
            account=account,
            number=number,
            orders=[_seen_order(one, shelf) for one in self._orders],
            holdings=holdings,
            positions=positions if self._has_positions else None,
            at=self._began.at,
            margin=next(filter(None, map(_margin_of, self._holdings.values())), None),
        )


def _margin_of(holding: Holding) -> MarginSeen | None:
    if holding.equity is None and holding.margin_free is None:
        return None
    return MarginSeen(holding.equity, holding.margin_free)


def _seen_order(shown: VenueOrder, shelf: OrderShelf) -> OpenOrderSeen:
    tracked = shelf.find(shown)
    is_ours = tracked is not None and not tracked.is_foreign
    return OpenOrderSeen(
        order_id=tracked.order.id if tracked is not None and is_ours else shown.client_id,
        venue_id=shown.venue_id,
        symbol=shown.symbol,
        side=shown.side,
        type=shown.type,
        quantity=shown.quantity,
        filled=shown.filled,
        limit_price=shown.limit_price,
        stop_price=shown.stop_price,
        is_reduce_only=shown.is_reduce_only,
        at=shown.at,
    )
