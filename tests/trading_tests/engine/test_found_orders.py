"""Orders that are found at a venue: what a person placed by hand, and what the store has lost."""

import pytest

from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.engine.live_world import seen_order
from tests.trading_tests.engine.test_difference_orders import ours


@pytest.mark.parametrize("has_stops", [True, False])
def test_our_own_entry_that_the_store_has_lost_has_its_exits_when_it_fills(
    has_stops: bool,
) -> None:
    venue = Venue(has_stops=has_stops, has_brackets=has_stops)
    lost = seen_order("V1", ours())
    venue.show(0, lost)
    venue.show(0, lost)
    entry = venue.floor.order()
    venue.fill(entry, 90.0)
    assert venue.floor.position().stop_price == D("85.5")
    assert not venue.floor.position().closing
    if has_stops:
        assert venue.sent().stop_price == D("85.5")
    assert "protection_missing" not in venue.floor.kinds


def test_our_own_entry_that_no_stop_can_stand_behind_is_cancelled() -> None:
    venue = Venue()
    lost = seen_order("V1", ours(), limit_price=D("0.01"))
    venue.show(0, lost)
    venue.show(0, lost)
    assert venue.asked_to_cancel() == [lost.order_id]
    assert venue.floor.orders() == []
    (told,) = venue.floor.told("order_adopted")
    assert "it is cancelled there" in " ".join(told.split())
