"""How soon a stop rests after a fill when the key may ask as little as Kraken's lowest tier.

In the model's own time, with Kraken's count of calls: what goes over it is a failure of the test.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from decimal import Decimal
from typing import Any

import pytest

from tests.trading_tests.brokers.live.venue_model import ModelVenue
from tests.trading_tests.brokers.live.worker_desk import WorkerDesk, make_order
from tests.trading_tests.makers import NOW
from trading.brokers.account_stream import Hint
from trading.brokers.live.breaker import BreakerState
from trading.brokers.live.moment import Moment
from trading.brokers.live.settings import LiveSettings
from trading.brokers.live.stream_thread import TokenWanted
from trading.brokers.live.tracker import OrderTracker
from trading.brokers.live.worker import AccountWorker
from trading.brokers.venue import (
    Abilities,
    Connected,
    FailureKind,
    Taken,
    Venue,
    VenueError,
    VenueOrderState,
)
from trading.live_accounts import worker_settings
from trading.model.order import Order, OrderType, Side
from trading.model.report import OrderFilled, Report
from trading.model.venue_news import AccountSeen, VenueNews, VenueTrouble
from trading.settings.live import LiveSection

KRAKEN = Abilities(stops=True, brackets=False, positions=False, cash_moves=True, deadline_s=12.0)
COSTS = {"open": 1, "holdings": 1, "fills": 2, "cash": 2, "connect": 1}
ENTRIES = [f"e{number}" for number in range(5)]


class TightDesk(WorkerDesk):
    """A worker at a venue that counts as Kraken does, and an engine that gives each fill a stop."""

    def __init__(self) -> None:
        self.filled_at: dict[str, float] = {}
        super().__init__(KRAKEN)
        self.settings: LiveSettings = worker_settings(LiveSection(), "kraken")
        self.worker = self.make_worker()

    def hear(self, told: Report | VenueNews) -> None:
        """Have a stop sent for the fill of an entry."""
        super().hear(told)
        if isinstance(told, OrderFilled) and told.order_id in ENTRIES:
            number = 1 + sum(one.startswith(f"s{told.order_id}") for one in self.venue.sent)
            self.submit(stop_for(f"s{told.order_id}-{number}", str(told.fill.quantity)))

    def fill_now(self, order_id: str, quantity: str = "1") -> None:
        """Execute a part of an entry, and remember when."""
        self.filled_at[order_id] = self.clock.monotonic()
        self.venue.fill(order_id, quantity)

    def unprotected_s(self, order_id: str, within_s: float) -> float:
        """Let the worker work until the fill of an entry has its stop, and return how long."""
        ends_at = self.clock.monotonic() + within_s
        while not any(one.startswith(f"s{order_id}") for one in self.venue.sent):
            assert self.clock.monotonic() < ends_at, f"no stop for {order_id}"
            self.clock.advance(min(self.worker.step(), 0.05))
        return self.clock.monotonic() - self.filled_at[order_id]

    def points(self, since: int = 0) -> float:
        """Return what the requests cost at Kraken."""
        return sum(self.cost_of(one) for one in self.venue.requests[since:])

    @staticmethod
    def cost_of(request: str) -> float:
        # An order from here is always known by the venue's id in these tests.
        return COSTS.get(request, 1 if request == "find" else 0)


def stop_for(order_id: str, quantity: str) -> Order:
    return make_order(
        order_id,
        side=Side.SELL,
        kind=OrderType.STOP,
        quantity=quantity,
        reduces=True,
        stop_price=Decimal(80),
    )


@pytest.fixture
def desk() -> TightDesk:
    made = TightDesk()
    made.begin()
    return made


def test_five_purchases_at_the_market_within_ten_seconds_have_their_stops_at_once(
    desk: TightDesk,
) -> None:
    desk.run(60)
    began, known = desk.clock.monotonic(), len(desk.venue.requests)
    for order_id in ENTRIES:
        desk.filled_at[order_id] = desk.clock.monotonic()
        desk.submit(make_order(order_id, kind=OrderType.MARKET))
        assert desk.unprotected_s(order_id, 5) < 2
        desk.run(1.5)
    assert desk.clock.monotonic() - began < 10
    assert desk.points(known) <= 15 + 10 * 0.33


def test_purchases_that_are_executed_late_are_not_left_to_the_polls(desk: TightDesk) -> None:
    desk.venue.fills_at_once = False
    desk.run(60)
    for order_id in ENTRIES[:2]:
        desk.submit(make_order(order_id, kind=OrderType.MARKET))
        desk.run(0.4)
        desk.fill_now(order_id)
        assert desk.unprotected_s(order_id, 5) < 2


def test_entries_at_a_limit_that_fill_one_after_the_other_have_stops_within_a_bound(
    desk: TightDesk,
) -> None:
    desk.submit(*(make_order(order_id) for order_id in ENTRIES))
    desk.run(60)
    for order_id in ENTRIES:
        desk.fill_now(order_id)
        desk.run(2)
    for order_id in ENTRIES:
        assert desk.unprotected_s(order_id, 20) < 12
    desk.run(30)


def test_executions_of_many_orders_are_read_once_and_none_is_looked_up(desk: TightDesk) -> None:
    desk.submit(*(make_order(order_id) for order_id in ENTRIES))
    desk.run(60)
    known = len(desk.venue.requests)
    for order_id in ENTRIES:
        desk.fill_now(order_id)
    for order_id in ENTRIES:
        assert desk.unprotected_s(order_id, 20) < 6
    assert "find" not in desk.venue.requests[known:]


def test_executions_that_lag_behind_are_not_asked_for_until_nothing_is_left(
    desk: TightDesk,
) -> None:
    desk.submit(make_order("e0"))
    desk.run(60)
    desk.venue.end("e0", VenueOrderState.FILLED)
    shown = desk.venue.order("e0")
    desk.venue.orders[shown.venue_id] = type(shown)(
        **{name: getattr(shown, name) for name in shown.__slots__} | {"filled": Decimal(1)}
    )
    known = desk.venue.requests.count("fills")
    desk.run(8)
    assert desk.venue.requests.count("fills") - known <= 7
    desk.venue.orders[shown.venue_id] = shown
    desk.fill_now("e0")
    assert desk.unprotected_s("e0", 20) < 12


def test_never_more_is_asked_than_the_exchange_counts(desk: TightDesk) -> None:
    desk.submit(*(make_order(order_id) for order_id in ENTRIES))
    for number in range(20):
        desk.worker.ask(number)
        desk.run(15)
    assert desk.points() <= 15 + (desk.clock.monotonic() - 1_000) * 0.33


def test_bookings_of_many_pages_are_read_as_the_budget_allows(desk: TightDesk) -> None:
    desk.venue.gives_way = desk.worker.read_waits
    desk.venue.pages = {"cash": 12}
    known, began = len(desk.venue.requests), desk.clock.monotonic()
    desk.worker.ask(1)
    assert desk.run_until(AccountSeen, 300).number == 1
    assert 12 < desk.venue.requests[known:].count("cash") <= 18
    assert desk.points() <= 15 + (desk.clock.monotonic() - 1_000) * 0.33
    assert desk.clock.monotonic() - began < 45 / 0.33
    assert not desk.trouble


def test_executions_of_many_pages_are_read_at_once_and_paid_for_later(desk: TightDesk) -> None:
    desk.venue.gives_way = desk.worker.read_waits
    desk.submit(make_order("e0"))
    desk.run(60)
    desk.venue.pages = {"fills": 6}
    desk.fill_now("e0")
    assert desk.unprotected_s("e0", 20) < 6
    desk.venue.pages = {}
    desk.worker.ask(2)
    desk.run_until(AccountSeen, 300)
    assert desk.points() <= 15 + (desk.clock.monotonic() - 1_000) * 0.33


class SecondVenue(ModelVenue):
    """What a second key sees; connecting it is three requests."""

    def connect(self) -> Connected:
        for _ in range(3):
            assert not self.gives_way(), "connecting is broken off by nothing"
        return super().connect()


def test_pages_that_a_second_key_reads_count_and_its_connecting_does_not() -> None:
    desk = TightDesk()
    second = SecondVenue(desk.clock, KRAKEN)
    desk.worker = desk.make_worker(reads=second)
    second.gives_way = desk.worker.page_waits
    second.pages = {"cash": 12}
    thread = desk.worker._reads
    assert thread is not None
    desk.worker.begin(())
    began = desk.clock.monotonic()
    while not desk.told_of(AccountSeen) and desk.clock.monotonic() < began + 300:
        desk.clock.advance(min(desk.worker.step(), 0.05))
        while not thread._reads.empty():
            read = thread._reads.get()
            assert read is not None
            thread.run_one(read)
    assert second.requests.count("cash") >= 12, "the look has seen all pages"
    points = sum(desk.cost_of(one) for one in second.requests)
    assert points <= 15 + (desk.clock.monotonic() - began) * 0.33
    assert not desk.trouble


class ScriptedStream:
    """A stream of which the test says what it hears; its thread is not started."""

    def ask_token(self, _venue: Venue, challenge: str, /) -> str:
        return f"token {challenge}".strip()

    def listen(
        self,
        _token: str,
        _answer: Callable[[str], Future[str]],
        _tell: Callable[[Hint], None],
        stop: threading.Event,
        /,
    ) -> None:
        stop.wait()


class StreamingDesk(TightDesk):
    """A tight desk whose worker hears of what happens."""

    def make_worker(self, **more: Any) -> AccountWorker:
        return super().make_worker(stream=ScriptedStream(), **more)

    def hint(self, hint: Hint) -> None:
        """Have something heard."""
        assert self.worker._stream is not None
        self.worker._stream._hear(hint)

    def run(self, seconds: float) -> None:
        """Let time pass with a heartbeat every second."""
        for _ in range(int(seconds)):
            self.hint(Hint.LIFE)
            super().run(1)
        super().run(seconds % 1)


@pytest.fixture
def streaming() -> StreamingDesk:
    made = StreamingDesk()
    made.begin()
    return made


def test_with_a_stream_each_of_five_entries_has_its_stop_at_once(
    streaming: StreamingDesk,
) -> None:
    desk = streaming
    desk.submit(*(make_order(order_id) for order_id in ENTRIES))
    desk.run(60)
    known = len(desk.venue.requests)
    for order_id in ENTRIES:
        desk.fill_now(order_id)
        desk.hint(Hint.EXECUTION)
        desk.hint(Hint.ORDER)
        assert desk.unprotected_s(order_id, 5) < 0.5
        desk.hint(Hint.ORDER)
        desk.run(1)
    assert desk.points(known) <= 15 + 10 * 0.33


def test_executions_that_show_up_later_than_they_are_heard_of_are_not_left_to_rare_polls(
    streaming: StreamingDesk,
) -> None:
    desk = streaming
    desk.submit(make_order("e0"))
    desk.run(60)
    desk.hint(Hint.EXECUTION)
    desk.run(1)
    desk.fill_now("e0")
    assert desk.unprotected_s("e0", 5) < 2.5


def test_an_execution_that_nobody_hears_of_is_seen_by_the_rare_poll(
    streaming: StreamingDesk,
) -> None:
    desk = streaming
    desk.submit(make_order("e0"))
    desk.run(60)
    known = desk.venue.requests.count("open")
    desk.run(60)
    assert 2 <= desk.venue.requests.count("open") - known <= 4
    desk.fill_now("e0")
    desk.run(22)
    assert desk.unprotected_s("e0", 0.1) < 23


class RoomyDesk(StreamingDesk):
    """A streaming desk at an exchange that lets itself be asked often."""

    def make_worker(self, **more: Any) -> AccountWorker:
        self.settings = worker_settings(LiveSection(), "binance")
        return super().make_worker(**more)


def test_where_reads_are_plenty_nothing_is_seen_later_with_a_stream_that_keeps_silent_of_it() -> (
    None
):
    desk = RoomyDesk()
    desk.begin()
    desk.submit(make_order("e0"))
    desk.run(60)
    known = desk.venue.requests.count("open")
    desk.run(60)
    assert 28 <= desk.venue.requests.count("open") - known <= 32
    desk.fill_now("e0")
    desk.run(3)
    assert desk.unprotected_s("e0", 0.1) < 3.2


@pytest.mark.parametrize("hint", [Hint.LIFE, Hint.EXECUTION, Hint.ORDER])
def test_of_an_order_that_is_executed_in_hundreds_of_parts_not_every_one_is_read_by_itself(
    hint: Hint,
) -> None:
    desk = RoomyDesk()
    desk.begin()
    desk.submit(make_order("parts", quantity="100"), make_order("e1"))
    desk.run(60)
    known = len(desk.venue.requests)
    for _ in range(600):
        desk.fill_now("parts", "0.1")
        desk.hint(hint)
        WorkerDesk.run(desk, 0.1)
    # Binance weighs the one with 20 and the other with 6, and allows 6,000 a minute.
    since = desk.venue.requests[known:]
    assert 30 <= since.count("fills") <= 100
    assert 30 <= since.count("open") <= 100
    desk.fill_now("e1")
    desk.hint(hint)
    assert desk.unprotected_s("e1", 5) < 2.5


def test_a_stream_that_falls_silent_leaves_it_to_polls_as_without_one(
    streaming: StreamingDesk,
) -> None:
    desk = streaming
    desk.submit(make_order("e0"))
    desk.run(60)
    # Nothing is heard from here on; the thread says so when it gives the connection up.
    WorkerDesk.run(desk, 5.1)
    assert desk.worker._stream is not None
    desk.worker._stream._wake(is_execution=True)
    WorkerDesk.run(desk, 10)
    desk.fill_now("e0")
    assert desk.unprotected_s("e0", 20) < 12


def test_a_token_that_was_signed_here_does_not_say_that_the_exchange_is_back(
    streaming: StreamingDesk,
) -> None:
    desk = streaming
    desk.venue.is_down = True
    desk.worker.ask(1)
    desk.run(20)
    assert desk.trouble
    wanted = TokenWanted("challenge")
    desk.worker._wishes.put(wanted)
    known = len(desk.told)
    desk.run(200)
    assert wanted.token.result(0) == "token challenge"
    assert desk.worker.breaker_state is not BreakerState.CLOSED
    assert [one for one in desk.told[known:] if isinstance(one, VenueTrouble)] == []


def test_executions_that_are_wanted_while_others_are_read_are_read_again() -> None:
    tracker = OrderTracker("main", LiveSettings(), fills_since=0.0)
    before, sent = Moment(10.0, NOW), Moment(11.0, NOW + 1)
    tracker.add(make_order(kind=OrderType.MARKET), before)
    tracker.begin_send("o1")
    tracker.answered("o1", Taken("v1"), sent)
    tracker.saw_fills([], before, Moment(12.0, NOW + 2))
    assert tracker.fills_due_at == 11.0
    tracker.saw_fills([], sent, Moment(13.0, NOW + 3))
    assert tracker.fills_due_at is None


def test_a_token_whose_request_gave_way_to_an_order_is_asked_for_again() -> None:
    asked: list[str] = []

    class BusyStream(ScriptedStream):
        """A stream whose token is first asked for in the moment in which an order comes."""

        def ask_token(self, _venue: Venue, _challenge: str, /) -> str:
            asked.append("token")
            if len(asked) == 1:
                raise VenueError("an order comes first", FailureKind.GAVE_WAY)
            return "token"

    desk = WorkerDesk()
    desk.worker = desk.make_worker(stream=BusyStream())
    desk.begin()
    assert desk.worker._stream is not None
    wanted = TokenWanted()
    desk.worker._wishes.put(wanted)
    desk.run(10)
    assert len(asked) == 2
