"""Whatever happens at a venue behind our back, a person who answers brings the book back to it."""

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_world import World, seen_order
from trading.engine.order_ids import OrderIds
from trading.model.order import Purpose

AMOUNTS = st.sampled_from([D("0.25"), D("0.5"), D(1), D("2.75")])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["buy", "sell", "coins", "sold", "money", "order", "ours", "gone", "restart", "look"]
        ),
        AMOUNTS,
        st.sampled_from(["adopt", "close", "ignore"]),
    ),
    max_size=14,
)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def act(world: World, step: str, amount: Decimal) -> None:
    held = world.holdings.get("BTC", D(0))
    match step:
        case "buy":
            world.buys()
        case "sell":
            world.floor.do("sell", "BTC/USDT")
            world.carry_out()
        case "coins":
            world.holdings["BTC"] = held + amount
        case "sold":
            world.holdings["BTC"] = max(D(0), held - amount)
            world.holdings["USDT"] += (held - world.holdings["BTC"]) * 99
        case "money":
            world.holdings["USDT"] += 100 * amount if amount < 1 else -100 * amount
        case "order":
            world.orders.append(seen_order(f"V{len(world.orders)}-{world.floor.runs}"))
        case "ours":
            ids = OrderIds("paper", f"lost {len(world.orders)}")
            order_id = ids.next_id("main", "")
            world.orders.append(seen_order(f"W{order_id}", order_id))
        case "gone":
            for one in [one for one in world.orders if one.venue_id.startswith("V")]:
                # Its worker tells the end of every order that was ever seen.
                world.cancel(one.venue_id)
            world.carry_out()
        case "restart":
            world.floor.restart()
            world.connect()
        case _:
            world.look()


def agree(world: World, choice: str) -> None:
    """Answer everything until nothing is left to ask."""
    for _ in range(12):
        world.looks()
        found = world.floor.trader.reconciliation.differences.open
        if not found:
            return
        for one in found:
            wanted = choice if choice in one.difference.choices else "adopt"
            if world.floor.do("reconcile", str(one.number), wanted).state.value != "applied":
                world.floor.do("reconcile", str(one.number), "close")
            world.carry_out()
    raise AssertionError("the questions do not end")


@given(STEPS, st.sampled_from(["adopt", "close", "ignore"]))
@QUICK
def test_answers_bring_book_and_venue_together(
    steps: list[tuple[str, Decimal, str]], last: str
) -> None:
    world = World()
    for step, amount, choice in steps:
        act(world, step, amount)
        if step == "look":
            agree(world, choice)
    agree(world, last)
    told = len(world.floor.told("difference"))
    world.looks(3)
    assert len(world.floor.told("difference")) == told, "what is settled is not asked again"
    book = world.floor.trader.desks["main"].book
    ignored = world.floor.trader.reconciliation.differences.records.ignored.get("main", {})
    by_name = {topic.name: amount for topic, amount in ignored.items()}
    position = book.positions.get("BTC/USDT")
    held = D(0) if position is None else position.quantity
    assert world.holdings.get("BTC", D(0)) == held + by_name.get("BTC", D(0))
    assert world.holdings["USDT"] == book.cash + by_name.get("USDT", D(0))
    resting = world.floor.orders()
    stops = [one for one in resting if one.purpose is Purpose.PROTECTION]
    assert len(stops) == (position is not None), "no position without its stop"
    there = {one.venue_id for one in world.orders} - by_name.keys()
    assert {one.venue_id for one in resting} == there
