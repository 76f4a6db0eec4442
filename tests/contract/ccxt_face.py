"""A worker with ccxt at a fake exchange behind the face of the contract; nothing sleeps.

The exchange, the worker and its venue share a clock that goes ahead of the machine's by what the
worker would have waited.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from random import Random

from daemonkit.clock import SystemClock
from daemonkit.secrets import Secret
from tests.contract.face import CASH, Face
from tests.fakes.exchange import terms
from tests.fakes.exchange.venues import SPOT_FEES, SWAP_FEES
from tests.trading_tests.brokers.ccxt_fake_desks import SETTINGS, Desk, open_desk
from tests.trading_tests.brokers.live.live_desk import SETTINGS as LIVE
from trading.brokers.live.worker import AccountWorker
from trading.brokers.venue import Venue
from trading.model.order import Order
from trading.model.report import Report
from trading.model.venue_news import AccountSeen, CashMoved, VenueNews, VenueTrouble
from trading.risk.approval import approve

PATIENCE_S = 20.0


class HastyClock:
    """Tell the time of a machine that has already waited."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def wall(self) -> float:
        return SystemClock.wall() + self._ahead_s

    def monotonic(self) -> float:
        return SystemClock.monotonic() + self._ahead_s

    def skip(self, seconds: float) -> None:
        """Have waited so long."""
        self._ahead_s += seconds


class CcxtFace(Face):
    """One account at a fake exchange, and the worker that trades it."""

    def __init__(self, desk: Desk, clock: HastyClock, venue: Venue, account: terms.Account) -> None:
        super().__init__(account.name, desk.symbol, clock, account.fees)
        self._desk, self._hasty, self._venue, self._own = desk, clock, venue, account
        self.has_positions = desk.connected.abilities.positions
        self.has_brackets = desk.connected.abilities.brackets
        self._looks: list[int] = []
        self._troubles: list[str] = []
        self._asked = 0
        self.worker = self._begin()

    def give(self, order: Order) -> None:
        self.worker.submit(approve(order))

    def take_back(self, order_id: str) -> None:
        self.worker.cancel(self.account, order_id)

    def price(self, price: object, volume: object = None) -> None:
        traded = None if volume is None else Decimal(str(volume))
        self._desk.engine.price(self.symbol, Decimal(str(price)), traded)

    def wait(self, is_so: Callable[[], bool], what: str) -> None:
        ends_at = self._hasty.monotonic() + PATIENCE_S
        while not is_so():
            assert self._hasty.monotonic() < ends_at, f"{what}: {self.told}, {self._troubles}"
            self._hasty.skip(self.worker.step())

    def settle(self) -> None:
        """Have all of the account looked at, and then once more what was on its way meanwhile."""
        for _ in range(2):
            self._asked += 1
            self.worker.ask(self._asked)
            self.wait(lambda: self._asked in self._looks, "a look at the account")
        assert not any(self._troubles), self._troubles

    def restart(self) -> None:
        self.worker = self._begin()

    def money(self) -> tuple[Decimal, Decimal]:
        engine, own = self._desk.engine, self._own
        self._desk.running.exchange.check()
        totals = {name: balance.total for name, balance in engine.balances(own).items()}
        held = totals.get("BTC", Decimal(0))
        cash = totals.get(self._desk.quote, Decimal(0))
        for position in engine.positions(own):
            # Its price was not paid, as it is in books that are kept as on spot.
            held += position.quantity
            cash -= position.quantity * position.entry_price
        return cash, held

    def taken_ids(self) -> list[str]:
        return [order.client_id for order in self._desk.engine.orders(self._own)]

    def close(self) -> None:
        """Let go of the connection."""
        self._venue.close()

    def _begin(self) -> AccountWorker:
        worker = AccountWorker(
            self.account,
            self._venue,
            settings=LIVE,
            clock=self._clock,
            rng=Random(1),
            tell=self._hear,
        )
        worker.begin(self.orders.open_orders())
        return worker

    def _hear(self, told: Report | VenueNews) -> None:
        if isinstance(told, AccountSeen):
            self._looks.append(told.number)
        elif isinstance(told, VenueTrouble):
            self._troubles.append(told.reason)
        elif isinstance(told, Report):
            self.hear(told)
        else:
            assert not isinstance(told, CashMoved) or told.amount == CASH


@contextmanager
def open_ccxt_faces(name: str, count: int = 1) -> Iterator[list[Face]]:
    """Open accounts at one fake exchange, each with a key and a worker of its own."""
    clock = HastyClock()
    fees = SWAP_FEES if name.endswith("swap") else SPOT_FEES
    with open_desk(name, fees, clock, own_clock=clock) as desk:
        faces: list[Face] = [CcxtFace(desk, clock, desk.venue, desk.account)]
        others = [_open_other(name, desk, clock, f"other{one}", fees) for one in range(1, count)]
        faces += others
        yield faces
        for other in others:
            other.close()


def _open_other(
    name: str, desk: Desk, clock: HastyClock, account_name: str, fees: terms.Fees
) -> CcxtFace:
    engine, secret = desk.engine, SETTINGS[name].secret()
    account = engine.add_account(account_name, fees)
    engine.add_key(account, f"key-of-{account_name}", secret)
    engine.deposit(account, desk.quote, CASH)
    venue = desk.build(key=Secret(f"key-of-{account_name}"))
    return CcxtFace(desk, clock, venue, account)
