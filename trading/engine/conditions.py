"""Under which conditions the gate decides: flags, limits, latch, trouble and quotes, put together.

Owns the operator's intent and what bars new risk, and keeps both through the journal.
"""

from collections.abc import Collection, Sequence
from decimal import Decimal
from math import inf
from typing import Final

from trading.engine.clock_watch import ClockWatch
from trading.engine.desks import AccountDesk
from trading.engine.flags import KEY as FLAGS_KEY
from trading.engine.flags import Flags
from trading.engine.journal import Journal
from trading.engine.markets import Markets
from trading.engine.orders import OrderDesk
from trading.engine.states import TradingIntent
from trading.model.account import MarketKey, key_of
from trading.model.instrument import Instrument
from trading.model.order import Side
from trading.model.position import Position
from trading.risk.checks import refuse_leaving
from trading.risk.kill_latch import KillLatch
from trading.risk.limits import LimitBook, Tripped
from trading.risk.refusal import Refusal
from trading.risk.sizing import reserve_of
from trading.risk.view import RiskView, view_to_leave

LIMITS_KEY: Final = "trading.limits"
KILL_KEY: Final = "trading.kill"
_ZERO: Final = Decimal(0)


class Conditions:
    """Hold what stands between an intent and an order, whatever the intent is."""

    def __init__(
        self,
        *,
        flags: Flags,
        limits: LimitBook,
        latch: KillLatch,
        markets: Markets,
        instruments: dict[str, Instrument],
        is_allowed: bool,
        journal: Journal,
    ) -> None:
        self.flags = flags
        self.limits = limits
        self.latch = latch
        self.clock = ClockWatch()
        # Why the store or the outbox allow nothing new, or nothing.
        self.store_trouble = ""
        # The accounts that are just being flattened.
        self.flattening: Collection[str] = ()
        # The accounts in which nothing new is begun, because the bot is about to stop.
        self.stopping: Collection[str] = ()
        self._markets = markets
        self._instruments = instruments
        self.is_allowed = is_allowed
        self._journal = journal

    @property
    def trouble(self) -> str:
        """Say why nothing new is risked, or nothing."""
        return self.store_trouble or self.clock.trouble

    def _trouble_of(self, desk: AccountDesk, key: MarketKey, orders: OrderDesk) -> str:
        """Say why nothing new is risked in a market of an account, or nothing."""
        if self.trouble:
            return self.trouble
        if desk.name in self.flattening:
            return "a /flatten is under way"
        if desk.name in self.stopping:
            return "the bot is stopping"
        return "" if desk.venue is None else desk.venue.trouble_in(key, orders.open_orders(key))

    def keep(self) -> None:
        """Keep everything that a person has set."""
        self._journal.save(FLAGS_KEY, self.flags.to_json)
        self._journal.save(KILL_KEY, self.latch.to_json)
        self.keep_limits()

    def keep_limits(self) -> None:
        """Keep the limits and their bases."""
        self._journal.save(LIMITS_KEY, self.limits.to_json)

    def barring(self, key: MarketKey) -> Sequence[Tripped]:
        """Return the tripped limits that keep this market from new risk."""
        return self.limits.barring(key)

    def refuse_exit(self, position: Position, instance: str) -> Refusal | None:
        """Return why an instance may not close a position now, or None."""
        key = position.key
        return refuse_leaving(
            key,
            instance,
            position.instance,
            is_trading=self.flags.trading is TradingIntent.ON and self.is_allowed,
            selling_off=self.flags.selling_off(key),
        )

    def view(self, desk: AccountDesk, symbol: str, side: Side, orders: OrderDesk) -> RiskView:
        """Return what the gate sees of a market and its account, for an order on this side."""
        key = desk.markets[symbol] if symbol in desk.markets else key_of(desk.name, symbol)
        market = self._markets.by_symbol.get(symbol)
        book, flags = desk.book, self.flags
        position = book.positions.get(symbol)
        if position is not None and side.sign * position.quantity < 0:
            # Whoever leaves a position is asked little, and that often.
            return view_to_leave(
                desk.account,
                self._instruments.get(symbol),
                position,
                book.equity(),
                None if market is None else market.price,
                flags.trading is TradingIntent.ON,
                self.is_allowed,
                flags.selling_off(key),
                self._markets.now,
            )
        barring = self.limits.barring(key)
        # By position, in the order of the fields: so many names would cost more than the rest.
        return RiskView(
            desk.account,
            self._instruments.get(symbol),
            position,
            orders.open_orders(key),
            book.cash,
            book.equity(),
            book.exposure() if book.values else 0.0,
            reserve_of(orders.open_of_account(desk.name)) if orders.open else _ZERO,
            None if market is None else market.price,
            inf if market is None else self._markets.quote_age_s(market),
            flags.trading is TradingIntent.ON,
            bool(flags.paused),
            self.is_allowed,
            flags.buying_off(key),
            flags.selling_off(key),
            [one.text for one in barring] if barring else (),
            self.latch.why,
            self._trouble_of(desk, key, orders),
            self._markets.now,
        )
