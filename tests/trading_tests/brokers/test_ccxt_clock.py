"""With this machine's clock off, what reduces risk is taken all the same, at each exchange."""

import pytest

from daemonkit.clock import ManualClock, SystemClock
from tests.trading_tests.brokers.ccxt_fake_desks import SETTINGS, open_desk
from trading.brokers.exchanges.clock import VenueClock, set_by
from trading.brokers.venue import Taken
from trading.model.order import Purpose, Side

OWN = [name for name in SETTINGS if "generic" not in name]


class ClockThatIsOff:
    """An exchange's clock, as seen from a machine whose own is off."""

    def __init__(self, off_s: float = 0.0) -> None:
        self.off_s = off_s

    def wall(self) -> float:
        return SystemClock.wall() + self.off_s

    def monotonic(self) -> float:
        return SystemClock.monotonic()


@pytest.mark.parametrize("off_s", [40.0, -90.0])
@pytest.mark.parametrize("name", OWN)
def test_a_position_is_left_although_the_clock_was_set_wrong(name: str, off_s: float) -> None:
    clock = ClockThatIsOff()
    with open_desk(name, clock=clock) as desk:
        assert isinstance(desk.venue.submit(desk.order()), Taken)
        clock.off_s = off_s
        assert desk.venue.server_time() == pytest.approx(clock.wall(), abs=2.0)
        way_out = desk.order(side=Side.SELL, purpose=Purpose.EXIT, reduce_only=True)
        assert isinstance(desk.venue.submit(way_out), Taken)
        assert len(desk.venue.fills(clock.wall() - 60)) == 2


@pytest.mark.parametrize("name", OWN)
def test_what_was_done_while_the_clock_was_hours_ahead_is_found_all_the_same(name: str) -> None:
    with open_desk(name, clock=ClockThatIsOff(-7_200.0)) as desk:
        # Dated by our clock; without the exchange's id, as after an answer that was lost.
        order = desk.order(created_at=SystemClock.wall())
        assert isinstance(desk.venue.submit(order), Taken)
        found = desk.venue.find(order)
        assert found is not None, "it would be given up, and its way out sent once more"
        assert found.filled == order.quantity
        assert len(desk.venue.fills(SystemClock.wall() - 3_600)) == 1


@pytest.mark.parametrize("name", OWN)
def test_a_start_with_a_wrong_clock_connects(name: str) -> None:
    with open_desk(name, clock=ClockThatIsOff(-90.0)) as desk:
        assert desk.connected.instruments


def test_a_clock_that_is_nearly_right_is_left_alone() -> None:
    own = ManualClock(1_000.0)
    clock = VenueClock(own)
    assert clock.measure(lambda: 1_000.9) == 1_000.9
    assert clock.ahead_s == 0.0
    clock.measure(lambda: 940.0)
    assert clock.wall() == 940.0
    clock.measure(lambda: 1_000.0)
    assert clock.wall() == 1_000.0


def test_half_of_a_slow_answer_is_no_wrong_clock() -> None:
    own = ManualClock(1_000.0)
    clock = VenueClock(own)

    def slow() -> float:
        own.advance(8.0)
        return 1_007.5

    clock.measure(slow)
    assert clock.ahead_s == 0.0


class Signer:
    """What of a ccxt object has to do with time."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.now = 50_000

    def milliseconds(self) -> int:
        return self.now

    def seconds(self) -> int:
        return self.now // 1_000

    def nonce(self) -> int:
        return self.milliseconds()


def test_numbers_that_kraken_counts_by_never_fall_whatever_the_clocks_do() -> None:
    signer, clock = Signer("kraken"), VenueClock(ManualClock())
    set_by(signer, clock)
    numbers = [signer.nonce()]
    clock.ahead_s = -10.0
    numbers += [signer.nonce(), signer.nonce()]
    signer.now = 20_000
    numbers.append(signer.nonce())
    clock.ahead_s = 3_600.0
    numbers += [signer.nonce(), signer.nonce()]
    assert numbers == sorted(set(numbers))
    assert signer.seconds() == 3_620


def test_elsewhere_a_number_is_the_time_at_the_venue() -> None:
    signer, clock = Signer("binance"), VenueClock(ManualClock())
    set_by(signer, clock)
    clock.ahead_s = -10.0
    assert signer.nonce() == 40_000
