"""What an order to a real venue must never be: on too much credit, the other way round, or lost."""

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.makers import BTC, of_kind
from trading.engine.effects import CancelOrder, Finish, SaveOrder, SubmitOrder
from trading.engine.events import StopRequested
from trading.engine.states import EngineState
from trading.model.account import MarketType
from trading.model.order_states import OrderState
from trading.risk.settings import RiskSettings

WIDE = RiskSettings(max_position_fraction=D(9), max_exposure_fraction=D(9))


def test_no_order_takes_an_account_beyond_its_leverage() -> None:
    venue = Venue(MarketType.SWAP, leverage="2", risk=WIDE)
    entry = venue.buy("500")
    assert "the leverage of 2" in entry.note
    assert D(190) < entry.quantity < D(200)
    venue.fill(entry, 100.0)
    venue.accept(venue.sent())
    venue.floor.tick(100.0)
    more = venue.buy("100")
    assert "the leverage of 2" in more.note
    assert entry.quantity + more.quantity < D(200)


def test_a_spot_account_that_is_long_only_refuses_to_go_short_in_words() -> None:
    venue = Venue()
    state, text = venue.floor.do("sell", BTC, "1")
    assert state is ReplyState.REJECTED
    assert "nothing is held of BTC/USDT" in text
    assert venue.is_idle


def test_every_way_out_is_marked_as_one_that_only_reduces() -> None:
    venue = Venue(MarketType.MARGIN)
    stop = venue.bought()
    venue.floor.do("sell", BTC)
    venue.cancelled(stop.id)
    assert stop.reduce_only
    assert venue.sent().reduce_only


def test_a_stop_of_the_process_leaves_what_is_in_flight_as_it_is_stored_and_waits_for_nothing() -> (
    None
):
    venue = Venue()
    entry = venue.buy()
    venue.floor.tell(StopRequested("asked to", venue.floor.wall))
    assert venue.floor.core.state is EngineState.STOPPED
    assert isinstance(venue.floor.effects[-1], Finish)
    assert not of_kind(venue.floor.effects, CancelOrder)
    assert not of_kind(venue.floor.effects, SaveOrder)
    assert venue.floor.memory.orders["main", entry.id].state is OrderState.SENT
    venue.floor.restart()
    assert not of_kind(venue.floor.effects, SubmitOrder)
    venue.lose(entry)
    venue.cancelled(entry.id, "never reached the exchange")
    assert not venue.floor.orders()


def test_an_unknown_order_outlives_a_stop() -> None:
    venue = Venue()
    entry = venue.buy()
    venue.lose(entry)
    venue.floor.tell(StopRequested("asked to", venue.floor.wall))
    venue.floor.restart()
    assert venue.floor.order().state is OrderState.UNKNOWN
    venue.begin()
    venue.floor.tick(100.0)
    assert "UNKNOWN" in venue.floor.do("buy", BTC, "1").text
