"""Any walk with a venue that answers late, twice, in pieces or not at all ends in good order."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trading_tests.engine.async_venue import CASH, COARSE, AsyncVenue
from tests.trading_tests.engine.floor import D
from tests.trading_tests.makers import BTC
from trading.engine.protection import reached_exit
from trading.engine.residues import Residue
from trading.model.account import MarketType
from trading.model.instrument import round_to_step
from trading.model.order import Purpose


def check_rest(venue: AsyncVenue) -> None:
    """Hold everything against what must be so once nothing is on its way any more."""
    check_money(venue)
    check_stops(venue)
    venue.show(0)
    venue.show(0)
    assert not venue.trader.reconciliation.differences.open


def check_money(venue: AsyncVenue) -> None:
    book, position = venue.trader.desks["main"].book, venue.held()
    rest = book.residues.get(BTC, Residue(D(0), D(0)))
    held = D(0) if position is None else position.quantity
    assert book.cash == venue.venue_cash
    assert held + rest.quantity == venue.coins
    earned = sum((one.profit for one in venue.trades), D(0))
    under_way = D(0)
    if position is not None:
        brought = (position.exit_cost - position.entry_cost) * position.side.sign
        under_way = brought - position.fees
    assert book.cash == CASH + earned + under_way - rest.cost
    memory = venue.memory
    assert set(memory.positions) == ({position.key} if position is not None else set())
    assert D(memory.values["cash.main"]) == book.cash


def check_stops(venue: AsyncVenue) -> None:
    resting = [one for one in venue.open if one.order.purpose is not Purpose.ENTRY]
    known = {one.id for one in venue.orders()}
    assert known == {one.order.id for one in venue.open}, "the core knows what is open"
    position, (has_stops, has_brackets) = venue.held(), venue.means
    if position is not None:
        assert not reached_exit(position, venue.price), "what no venue watches, the engine does"
    if position is None or not has_stops:
        assert not resting
        return
    assert not position.closing
    (stop,) = resting
    assert stop.order.stop_price == position.stop_price
    target = position.target_price if has_brackets else None
    assert stop.order.limit_price == target
    whole = round_to_step(abs(position.quantity), COARSE.quantity_step)
    assert stop.remaining == whole


def walk(seed: int, steps: int) -> AsyncVenue:
    venue = AsyncVenue(seed)
    try:
        trouble = venue.trouble
        for number in range(steps):
            venue.step()
            if number % 100 == 99:
                venue.come_to_rest()
                check_rest(venue)
                venue.trouble = trouble
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise
    return venue


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
@given(st.integers(0, 2**32))
def test_no_position_is_left_without_its_stop_and_no_digit_is_lost(seed: int) -> None:
    walk(seed, 300)


def test_a_walk_really_meets_trouble() -> None:
    """Keep the walks from becoming idle ones that prove nothing."""
    venues = [walk(seed, 450) for seed in range(16)]
    kinds = {kind for venue in venues for kind in venue.kinds}
    assert {"order_unknown", "order_cancelled", "order_rejected", "rest_written_off"} <= kinds
    reasons = {trade.reason for venue in venues for trade in venue.trades}
    assert {"stop", "target"} <= reasons
    assert {venue.kind for venue in venues} == {MarketType.SPOT, MarketType.SWAP}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(200))
def test_long_walks_with_a_late_venue(seed: int) -> None:
    walk(seed, 3_000)
