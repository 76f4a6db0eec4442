"""What strategies wished for, carried out: wishes become intents, and risk decides about those."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from trading.engine.announcements import announce_strategy_alert
from trading.engine.announcer import Announcer
from trading.engine.dealing import Dealer
from trading.engine.decisions import Decisions
from trading.engine.desks import AccountDesk
from trading.engine.instances import Instance
from trading.engine.journal import Journal
from trading.engine.markets import Markets
from trading.engine.protection import tighten
from trading.model.account import MarketKey
from trading.model.order import OrderIntent, Purpose
from trading.model.position import Position
from trading.risk.refusal import Refusal, RefusalCode
from trading.strategies.wishes import (
    AlertWish,
    CancelWish,
    CloseWish,
    LogWish,
    PlaceWish,
    TightenWish,
    Wish,
)

# What an instance may tell people within a window; more goes to the log.
ALERTS_MAX: Final = 20
ALERTS_WINDOW_S: Final = 60.0
# With so many orders open in a market strategies get no more there. Closing a position, what a
# person orders and protection are never refused for it.
ORDERS_MAX: Final = 200

# What a person has switched off is no news: it is said in the status and by /why.
QUIET_CODES = frozenset(
    {
        RefusalCode.NOT_ALLOWED,
        RefusalCode.KILLED,
        RefusalCode.TRADING_OFF,
        RefusalCode.PAUSED,
        RefusalCode.BUYING_OFF,
        RefusalCode.SELLING_OFF,
        RefusalCode.LIMIT,
        RefusalCode.OTHER_OWNER,
        RefusalCode.NOTHING_HELD,
    }
)


class WishDesk:
    """Carry out wishes of instances."""

    def __init__(
        self,
        dealer: Dealer,
        desks: Mapping[str, AccountDesk],
        journal: Journal,
        announcer: Announcer,
        decisions: Decisions,
        markets: Markets,
    ) -> None:
        self._dealer = dealer
        self._desks = desks
        self._journal = journal
        self._announcer = announcer
        self._decisions = decisions
        self._markets = markets
        # When each instance's window began, by wall time, and its alerts since then.
        self._alerts: dict[str, tuple[float, int]] = {}
        self._acts: Mapping[type, Callable[[Instance, Any], None]] = {
            PlaceWish: self._place,
            CancelWish: self._cancel,
            CloseWish: self._close,
            TightenWish: self._tighten,
            LogWish: self._log,
            AlertWish: self._alert,
        }

    def carry_out(self, instance: Instance, wishes: Sequence[Wish]) -> None:
        """Carry out what an instance wished for, in order; an observing one only says it."""
        for wish in wishes:
            kind = type(wish)
            if kind is not LogWish and kind is not AlertWish and not instance.is_active:
                self._note(instance, f"would (observing): {_wish_text(wish)}")
            else:
                self._acts[kind](instance, wish)

    def _log(self, instance: Instance, wish: LogWish) -> None:
        self._journal.log(wish.level, instance.setup.id, wish.text)

    def _alert(self, instance: Instance, wish: AlertWish) -> None:
        """Pass an alert on, while its instance does not fill the outbox of all with them."""
        now, who, text = self._markets.wall, instance.setup.id, wish.text
        began, count = self._alerts.get(who, (now, 0))
        if abs(now - began) >= ALERTS_WINDOW_S:
            began, count = now, 0
        self._alerts[who] = began, count + 1
        if count < ALERTS_MAX:
            self._announcer.tell(announce_strategy_alert(who, text, 0.0))
        else:
            self._journal.log("warning", who, f"one alert too many, not sent: {text}")

    def _tighten(self, instance: Instance, _wish: TightenWish) -> None:
        held = self._held(instance)
        if held is not None:
            tightened = tighten(held)
            if tightened is not held:
                self._note(instance, "trailing stop tightened")
                self._dealer.keep_position(tightened)

    def _place(self, instance: Instance, wish: PlaceWish) -> None:
        setup, who = instance.setup, instance.setup.id
        held = self._desks[setup.account].book.positions.get(setup.symbol)
        leaves = held is not None and held.side is wish.side.opposite and not held.closing
        if leaves and held is not None and held.instance != who:
            # It does not see this position: what it wants to sell is not what is there.
            self._note(instance, "refused: the position here is not its own")
            return
        intent = OrderIntent(
            setup.account,
            setup.symbol,
            wish.side,
            Purpose.EXIT if leaves else Purpose.ENTRY,
            wish.type,
            wish.quantity,
            wish.amount,
            wish.equity_fraction,
            wish.limit_price,
            wish.stop_price,
            wish.exit_plan,
            who,
            who,
            wish.reason,
            False,
            wish.order_id,
        )
        self._tell(intent, self._refuse_flood(instance.key) or self._dealer.place_or_wait(intent))

    def _refuse_flood(self, key: MarketKey) -> Refusal | None:
        """Refuse one order more than anybody can mean: each costs time with every event."""
        orders = self._dealer.orders
        if len(orders.open) < ORDERS_MAX or len(orders.open_orders(key)) < ORDERS_MAX:
            return None
        found = len(orders.open_orders(key))
        why = f"{key.symbol} on {key.account}: found {found} open orders, allowed {ORDERS_MAX}"
        self._decisions.note(self._markets.now, key, f"refused: {why}")
        return Refusal(RefusalCode.TOO_MANY, why)

    def _close(self, instance: Instance, wish: CloseWish) -> None:
        held = self._held(instance)
        if held is None or held.closing:
            return
        refusal = self._dealer.may_exit(held, instance.setup.id)
        if refusal is not None:
            self._note(instance, f"refused: {refusal.text}")
            return
        self._note(instance, f"closes the position: {wish.reason}")
        self._dealer.close(held, wish.reason or "strategy exit")

    def _cancel(self, instance: Instance, wish: CancelWish) -> None:
        for order in self._dealer.orders.open_orders(instance.key):
            # What the engine or a person sells for this instance is not its own to take back.
            if order.author == instance.setup.id and wish.order_id in ("", order.id):
                self._dealer.cancel(order)
        self._dealer.behind.forget(instance.key, instance.setup.id, wish.order_id)

    def _held(self, instance: Instance) -> Position | None:
        held = self._desks[instance.setup.account].book.positions.get(instance.setup.symbol)
        return held if held is not None and held.instance == instance.setup.id else None

    def _tell(self, intent: OrderIntent, verdict: object) -> None:
        if isinstance(verdict, Refusal) and verdict.code not in QUIET_CODES:
            self._announcer.refused(intent, verdict)

    def _note(self, instance: Instance, text: str) -> None:
        self._decisions.note(self._markets.now, instance.key, f"{instance.setup.id}: {text}")


def _wish_text(wish: Wish) -> str:
    if isinstance(wish, PlaceWish):
        return f"{wish.type} {wish.side} {wish.reason}".strip()
    if isinstance(wish, CloseWish):
        return f"close {wish.reason}".strip()
    return "tighten" if isinstance(wish, TightenWish) else "cancel orders"
