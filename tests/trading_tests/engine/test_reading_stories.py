"""Stories of the commands that read: what they show is what there is, and changes nothing."""

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import Floor
from tests.trading_tests.makers import BTC, ETH, make_account, make_account_setup, of_kind, play
from trading.engine.effects import RecordOutcome, SaveOrder, SavePosition
from trading.engine.events import TimerFired, TimerName
from trading.model.account import MarketType
from trading.strategies.context import StrategyContext

READING = (
    *("getstatus", "getstats", "positions", "orders", "trades"),
    *("profit", "daily", "balance", "why"),
)


def rest(context: StrategyContext, _event: object) -> None:
    if not context.get_orders():
        context.place_order("buy", 1, type="limit", limit_price=10)


@pytest.fixture(scope="module")
def floor() -> Floor:
    """Return a floor with a win, a loss, an open position and a resting entry."""
    second = make_account("second", MarketType.MARGIN)
    floor = Floor(
        play(rest, symbol=ETH), accounts=[make_account_setup(), make_account_setup(second)]
    )
    floor.tick(20.0, ETH)
    for last in (112.0, 94.0):
        floor.tick(100.0)
        floor.do("buy", BTC, "1", account="main")
        floor.ticks(100.0, last)
    floor.tick(100.0)
    floor.do("sell", BTC, "2", account="second")
    floor.ticks(100.0, 99.0)
    return floor


@pytest.mark.parametrize("verb", READING)
def test_a_reading_command_answers_within_a_phone_s_width_and_changes_nothing(
    floor: Floor, verb: str
) -> None:
    before = (dict(floor.memory.orders), dict(floor.memory.positions))
    answer = floor.do(verb)
    assert answer.state is ReplyState.APPLIED
    assert max(map(len, answer.text.splitlines())) <= 34
    assert not of_kind(floor.effects, SaveOrder)
    assert not of_kind(floor.effects, SavePosition)
    assert (floor.memory.orders, floor.memory.positions) == before


@pytest.mark.parametrize("verb", READING)
def test_a_reading_command_answers_before_anything_has_happened(verb: str) -> None:
    assert Floor(trading=False).do(verb).state is ReplyState.APPLIED


@pytest.mark.parametrize("verb", READING)
def test_a_viewer_may_read(floor: Floor, verb: str) -> None:
    assert floor.do(verb, role="viewer").state is ReplyState.APPLIED


def test_figures_are_those_of_the_ledger(floor: Floor) -> None:
    assert "10,006.00" in floor.do("balance").text
    # Short: what was sold is owed, and no money of its own.
    assert "collateral 10,000.00" in floor.do("balance", account="second").text
    (outcome,) = of_kind(floor.effects, RecordOutcome)
    assert "main" not in outcome.outcome.text
    trades = floor.do("trades").text
    assert "12.00" in trades
    assert "-6.00" in trades
    assert "12.00" not in floor.do("trades", "1").text
    assert "6.00" in floor.do("profit").text
    assert "6.00" in floor.do("daily").text


def test_an_account_is_shown_without_what_is_another_s(floor: Floor) -> None:
    for verb in ("getstats", "trades", "profit", "why", "orders"):
        shown = floor.do(verb, account="second").text
        assert "main" not in shown
        assert "12.00" not in shown, f"/{verb}: that was earned in main"
    assert floor.do("getstats", account="second").text.splitlines()[2] == "total second USDT"


def test_with_two_accounts_each_line_that_is_of_one_says_of_which(floor: Floor) -> None:
    for verb, account in (("orders", "second"), ("trades", "main"), ("why", "second")):
        assert f" account {account}" in floor.do(verb).text.splitlines()
        assert " account " not in floor.do(verb, account=account).text
    assert " account second" in floor.do("getstatus").text.split("orders ")[1]


def test_money_of_two_currencies_is_never_added_up() -> None:
    euros = make_account("euros", currency="EUR")
    floor = Floor(
        accounts=[
            make_account_setup(symbols=(BTC,)),
            make_account_setup(euros, symbols=("BTC/EUR",)),
        ],
    )
    lines = floor.do("getstats").text.splitlines()
    assert [one for one in lines if one.startswith("total")] == [
        "total main USDT",
        "total euros EUR",
    ]
    for verb in ("profit", "daily"):
        refused = floor.do(verb)
        assert refused.state is ReplyState.REJECTED
        assert refused.text == (
            "EUR and USDT cannot be added up; of which account? add @:main or @:euros"
        )
        assert "EUR" in floor.do(verb, account="euros").text


def test_positions_and_orders_of_one_market_are_shown_alone(floor: Floor) -> None:
    assert BTC in floor.do("positions").text
    assert BTC not in floor.do("positions", ETH).text
    everything, alone = floor.do("orders").text, floor.do("orders", ETH).text
    assert BTC in everything
    assert ETH in everything
    assert BTC not in alone
    assert ETH in alone


def test_statistics_of_a_market_are_its_own(floor: Floor) -> None:
    assert "50" in floor.do("getstats", BTC).text, "one of two trades was won"
    assert BTC not in floor.do("getstats", ETH).text


def test_why_shows_what_was_decided_about_a_market(floor: Floor) -> None:
    text = floor.do("why", ETH).text
    assert ETH in text
    assert BTC not in text


def test_a_status_report_is_raised_when_its_time_has_come(floor: Floor) -> None:
    floor.tell(TimerFired(TimerName.REPORT, floor.wall))
    assert floor.told("status_report")
    assert "second" in floor.told("status_report")[-1]
