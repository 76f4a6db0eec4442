"""A worker at an exchange that counts by address: what others use up holds back its reads alone."""

from typing import Any

import pytest

from daemonkit.clock import ManualClock
from tests.trading_tests.brokers.live.test_small_budget import StreamingDesk
from tests.trading_tests.brokers.live.venue_model import SPOT, ModelVenue
from tests.trading_tests.brokers.live.worker_desk import make_order
from trading.brokers.account_stream import Hint
from trading.brokers.allowance import MARGIN_S, MINUTE_S, Allowance
from trading.brokers.live.settings import RequestKind
from trading.brokers.live.worker import AccountWorker
from trading.live_accounts import worker_settings
from trading.model.order import OrderType, Side
from trading.model.order_states import OrderState
from trading.model.venue_news import VenueTrouble
from trading.settings.live import LiveSection

LIMIT = 6_000
MARKETS = 10
KINDS = {
    "open": RequestKind.OPEN_ORDERS,
    "fills": RequestKind.FILLS,
    "find": RequestKind.FIND,
    "holdings": RequestKind.HOLDINGS,
    "cash": RequestKind.CASH_MOVES,
    "time": RequestKind.SERVER_TIME,
    "submit": RequestKind.ORDER,
    "cancel": RequestKind.CANCEL,
    "connect": RequestKind.CONNECT,
}
BUDGET = worker_settings(LiveSection(), "binance", markets=MARKETS).budget


class CountingVenue(ModelVenue):
    """A venue that weighs as Binance does, and tells its count with each answer."""

    def __init__(self, clock: ManualClock, allowance: Allowance) -> None:
        super().__init__(clock, SPOT)
        self.allowance = allowance
        # What is used in each minute; others at the same address use it too.
        self.used: dict[int, float] = {}

    def use(self, weight: float) -> None:
        """Use up a part of this minute."""
        minute = int(self.clock.wall() // MINUTE_S)
        self.used[minute] = self.used.get(minute, 0.0) + weight

    def _request(self, kind: str) -> Any:
        word = super()._request(kind)
        self.use(BUDGET.weights[KINDS[kind]])
        now = self.clock.wall()
        self.allowance.note_used(self.used[int(now // MINUTE_S)], now, self.clock.monotonic())
        return word


class CountedDesk(StreamingDesk):
    """A desk with ten markets whose worker shares what its address may ask."""

    venue: CountingVenue

    def __init__(self) -> None:
        self.allowance = Allowance(LIMIT)
        super().__init__()
        self.venue = CountingVenue(self.clock, self.allowance)
        self.worker = self.make_worker()

    def make_worker(self, **more: Any) -> AccountWorker:
        self.settings = worker_settings(LiveSection(), "binance", markets=MARKETS)
        return super().make_worker(allowance=self.allowance, **more)

    def next_minute(self, into_s: float = 5.0) -> None:
        """Let time pass until so long after a minute has begun at the exchange."""
        self.run(MINUTE_S - self.clock.wall() % MINUTE_S + into_s)


@pytest.fixture
def desk() -> CountedDesk:
    made = CountedDesk()
    made.begin()
    made.submit(make_order("e0"))
    made.next_minute()
    return made


def test_ten_busy_markets_keep_to_the_count_and_an_entry_has_its_stop_soon(
    desk: CountedDesk,
) -> None:
    desk.submit(make_order("parts", quantity="1000"))
    desk.run(1)
    for _ in range(600):
        desk.fill_now("parts", "0.1")
        desk.hint(Hint.EXECUTION)
        desk.hint(Hint.ORDER)
        super(StreamingDesk, desk).run(0.5)
    assert max(desk.venue.used.values()) <= 0.96 * LIMIT
    desk.fill_now("e0")
    desk.hint(Hint.EXECUTION)
    assert desk.unprotected_s("e0", 10) < 7


def test_what_others_use_up_holds_back_reads_and_no_order_or_cancel(desk: CountedDesk) -> None:
    desk.venue.shows_cancelled = True
    desk.venue.use(5_990)
    desk.run(5)
    known = len(desk.venue.requests)
    desk.submit(make_order("e1", kind=OrderType.MARKET))
    desk.cancel("e0")
    desk.submit(make_order("x1", side=Side.SELL, kind=OrderType.MARKET, reduces=True))
    desk.run(2)
    assert sorted(desk.venue.requests[known:]) == ["cancel", "submit"]
    assert desk.state("e0").state is OrderState.CANCELLED
    assert desk.state("e1").state is OrderState.REJECTED, "nobody could see that it needs a stop"
    assert desk.trouble == desk.state("e1").note
    desk.next_minute(into_s=MARGIN_S + 1)
    assert desk.state("x1").state is OrderState.FILLED
    assert not desk.trouble
    assert len(desk.told_of(VenueTrouble)) == 2


def test_with_less_left_only_what_is_waited_for_is_read(desk: CountedDesk) -> None:
    desk.venue.use(5_300)
    desk.run(6)
    known = len(desk.venue.requests)
    desk.run(3)
    assert desk.venue.requests[known:] == []
    desk.submit(make_order("e1", kind=OrderType.MARKET))
    desk.run(1)
    assert desk.state("e1").state is OrderState.FILLED


def test_orders_that_follow_each_other_share_a_read_of_executions(desk: CountedDesk) -> None:
    desk.run(30)
    known = len(desk.venue.requests)
    began = desk.clock.monotonic()
    for number in range(20):
        desk.submit(make_order(f"m{number}", kind=OrderType.MARKET))
        super(StreamingDesk, desk).run(0.1)
    desk.run(2)
    assert all(desk.state(f"m{n}").state is OrderState.FILLED for n in range(20))
    passed_s = desk.clock.monotonic() - began
    assert desk.venue.requests[known:].count("fills") <= passed_s / 1.0 + 1


def test_a_pause_that_another_one_caused_holds_all_and_is_told_once(desk: CountedDesk) -> None:
    desk.submit(make_order("e1"))
    desk.run(2)
    desk.allowance.note_pause(130.0, desk.clock.monotonic())
    known = len(desk.venue.requests)
    desk.run(1)
    desk.submit(make_order("e2"), make_order("x1", side=Side.SELL, reduces=True))
    desk.cancel("e0")
    desk.run(40)
    assert desk.venue.requests[known:] == []
    assert desk.trouble == "model may not be asked for 130 s: too much was asked from here"
    assert desk.state("e2").note == desk.trouble
    # An exit that waited too long is told as not sent; the engine tries it again.
    desk.run(40)
    assert desk.state("x1").state is OrderState.REJECTED
    desk.submit(make_order("x2", side=Side.SELL, reduces=True))
    desk.run(52)
    assert desk.venue.sent[-1] == "x2"
    assert desk.state("e0").state is OrderState.CANCELLED
    assert not desk.trouble
    assert len(desk.told_of(VenueTrouble)) == 2


def test_a_short_pause_is_waited_for_like_a_slow_answer(desk: CountedDesk) -> None:
    desk.allowance.note_pause(3.0, desk.clock.monotonic())
    desk.submit(make_order("e1"))
    desk.run(2.9)
    assert "e1" not in desk.venue.sent
    desk.run(1)
    assert "e1" in desk.venue.sent
    assert not desk.told_of(VenueTrouble)


def test_a_ban_of_days_lets_out_an_exit_now_and_then_and_no_read(desk: CountedDesk) -> None:
    desk.allowance.note_pause(86_400.0, desk.clock.monotonic())
    known = len(desk.venue.requests)
    desk.run(310)
    assert desk.venue.requests[known:] == []
    desk.submit(make_order("x1", side=Side.SELL, reduces=True))
    desk.run(1)
    assert desk.venue.requests[known:] == ["submit"]


def test_a_read_breaks_off_when_another_one_is_told_to_wait(desk: CountedDesk) -> None:
    desk.venue.gives_way = desk.worker.read_waits
    desk.venue.parts = 5
    known = len(desk.venue.requests)
    now = desk.clock.monotonic
    desk.venue.during("holdings", lambda: desk.allowance.note_pause(20.0, now()))
    desk.worker.ask(1)
    desk.run(10)
    assert desk.venue.requests[known:].count("holdings") == 1
    desk.venue.parts = 1
    desk.run(30)
    assert desk.venue.requests[known:].count("holdings") > 1
    assert not desk.trouble


def test_who_starts_in_a_pause_asks_nothing_and_says_why() -> None:
    desk = CountedDesk()
    desk.allowance.note_pause(30.0, desk.clock.monotonic())
    desk.worker.begin(())
    super(StreamingDesk, desk).run(20)
    assert desk.venue.requests == []
    assert desk.trouble.startswith("model may not be asked for 30 s")
    super(StreamingDesk, desk).run(15)
    assert "connect" in desk.venue.requests
    assert not desk.trouble
