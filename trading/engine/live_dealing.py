"""What is different at a real venue: what it can hold, how little can be sold, and what is left.

Used by the dealer for live accounts only; a venue on paper takes whatever is held.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from trading.engine.announcer import Announcer
from trading.engine.desks import AccountDesk
from trading.engine.journal import Journal
from trading.engine.ledger import reason_of_exit
from trading.engine.markets import Markets
from trading.engine.orders import OrderDesk, sent
from trading.engine.protection import (
    NOTHING_TO_DO,
    Means,
    ProtectionStep,
    reconcile_protection,
)
from trading.engine.residues import KEY as RESIDUES_KEY
from trading.engine.residues import dump_residues, is_too_small, sellable
from trading.model.account import MarketKey, MarketType
from trading.model.instrument import Instrument, to_decimal
from trading.model.order import Fill, Order, OrderType, Purpose
from trading.model.position import Position, Trade
from trading.model.values import replace
from trading.reports.venue_alerts import rest_written_off, sold_beyond
from trading.risk.approval import ApprovedOrder

_ZERO: Final = Decimal(0)


class LiveDealing:
    """Say what is next for positions of live accounts, and write off what is too small to sell."""

    def __init__(
        self,
        markets: Markets,
        instruments: Mapping[str, Instrument],
        orders: OrderDesk,
        journal: Journal,
        announcer: Announcer,
    ) -> None:
        self._markets = markets
        self._instruments = instruments
        self._orders = orders
        self._journal = journal
        self._announcer = announcer
        # Why positions were left last: a rest is written off for that.
        self._left_for: dict[MarketKey, str] = {}
        # Ways out that wait until a stop has let go of the coins.
        self._held: dict[str, ApprovedOrder] = {}
        # Where more was sold than was known to be held: told once.
        self._oversold: set[MarketKey] = set()

    def next_step(
        self, desk: AccountDesk, position: Position | None, orders: Sequence[Order]
    ) -> ProtectionStep:
        """Return the next step for one market, by what its venue can hold and sell."""
        venue = desk.venue
        assert venue is not None, "a live account has one"
        if position is None:
            return reconcile_protection(None, orders)
        if position.quantity < 0 and desk.account.market_type is MarketType.SPOT:
            return self._wait_for_purchase(position)
        if not (venue.is_connected or position.closing):
            # What its venue can hold is not known yet. What rests there goes on resting.
            return NOTHING_TO_DO
        means = Means(stops=venue.has_stops, brackets=venue.has_brackets)
        instrument = self._instruments.get(position.symbol)
        leaving = self._leaving(desk, orders) if not position.closing else _ZERO
        rest = replace(position, quantity=position.quantity - leaving) if leaving else position
        quantity = sellable(desk.account, rest, instrument)
        if not position.closing and _is_growing(position, quantity, instrument, orders):
            # Its stop would be refused, and the position closed, in the middle of its entry. Until
            # there is more of it the stop is watched here.
            return NOTHING_TO_DO
        return reconcile_protection(position, orders, means, quantity)

    @staticmethod
    def must_wait(desk: AccountDesk, order: Order, orders: Sequence[Order]) -> bool:
        """Tell whether a way out cannot be sent yet: on spot a stop holds the coins for itself.

        Coins that no stop holds, such as those a person has just adopted, need not wait.
        """
        if (
            desk.account.market_type is not MarketType.SPOT
            or order.purpose is not Purpose.EXIT
            or order.type is not OrderType.MARKET
            or not any(one.purpose is Purpose.PROTECTION for one in orders)
        ):
            return False
        position = desk.book.positions.get(order.symbol)
        kept = sum((one.remaining for one in orders if one.side is order.side), _ZERO)
        return position is None or position.quantity - kept < order.quantity

    def hold(self, approved: ApprovedOrder) -> None:
        """Hold a way out until no stop holds its coins."""
        self._held[approved.order.id] = approved

    def let_go(self, order: Order) -> None:
        """Forget a way out that was held."""
        self._held.pop(order.id, None)

    def send_held(self, orders: Sequence[Order]) -> bool:
        """Send a way out that waited, once no stop holds its coins; tell whether one was sent.

        `orders` are those of its market.
        """
        if not self._held or any(one.purpose is Purpose.PROTECTION for one in orders):
            return False
        for one in orders:
            approved = self._held.get(one.id)
            if approved is not None:
                del self._held[one.id]
                self._orders.update(sent(one, self._markets.now))
                self._journal.submit(approved)
                return True
        return False

    def stale(self, position: Position, orders: Sequence[Order]) -> Order | None:
        """Return a way out that waits and is for more than what is held by now."""
        if not self._held:
            return None
        return next(
            (one for one in orders if one.id in self._held and one.quantity > position.quantity),
            None,
        )

    @staticmethod
    def _leaving(desk: AccountDesk, orders: Sequence[Order]) -> Decimal:
        """Return how much is on its way out, or waits for it; elsewhere a stop is for all of it."""
        if desk.account.market_type is not MarketType.SPOT:
            return _ZERO
        ways_out = (one for one in orders if one.purpose is Purpose.EXIT)
        return sum((one.remaining for one in ways_out if one.type is OrderType.MARKET), _ZERO)

    def _wait_for_purchase(self, position: Position) -> ProtectionStep:
        """Do nothing about coins that were sold and are not known to have been bought.

        Nobody can owe any on spot: a fill is late, or the difference is told and a person asked.
        Bought back, they would be held twice.
        """
        if position.key not in self._oversold:
            self._oversold.add(position.key)
            self._announcer.tell(sold_beyond(position, self._markets.now))
        return NOTHING_TO_DO

    def is_too_small(self, desk: AccountDesk, position: Position) -> bool:
        """Tell whether no order can sell any of a position."""
        symbol = position.symbol
        price, rest = self._markets.by_symbol[symbol].price, desk.book.residues.get(symbol)
        return is_too_small(desk.account, position, self._instruments.get(symbol), price, rest)

    def note_fill(self, desk: AccountDesk, order: Order, fill: Fill) -> None:
        """Note why a position is left, before the fill is booked."""
        held = desk.book.positions.get(order.symbol)
        self._oversold.discard(order.key)
        if order.purpose is Purpose.ENTRY or held is None:
            self._left_for.pop(order.key, None)
        else:
            self._left_for[order.key] = reason_of_exit(held, order, fill)

    def write_off(self, desk: AccountDesk, position: Position) -> Trade:
        """Close a position of which no order can sell any more; return the trade it became."""
        symbol, now = position.symbol, self._markets.now
        price = self._markets.by_symbol[symbol].price
        worth = position.entry_price if price is None else to_decimal(price)
        reason = self._left_for.pop(position.key, "") or position.closing or "too small to be sold"
        trade = desk.book.write_off(symbol, worth, now, reason)
        desk.floors.pop(symbol, None)
        self._journal.keep_position(position.key, None)
        self._journal.save(RESIDUES_KEY + desk.name, dump_residues(desk.book.residues))
        self._journal.keep_trade(trade)
        self._announcer.sold(trade, desk.money)
        self._announcer.tell(rest_written_off(position, worth, now))
        return trade


def _is_growing(
    position: Position,
    quantity: Decimal,
    instrument: Instrument | None,
    orders: Sequence[Order],
) -> bool:
    """Tell whether too little is held for a stop, no stop is there, and more is being bought."""
    price = position.stop_price
    if instrument is None or price is None or quantity * price >= instrument.cost_min:
        return False
    purposes = {one.purpose for one in orders if not one.is_cancelling}
    return Purpose.ENTRY in purposes and Purpose.PROTECTION not in purposes
