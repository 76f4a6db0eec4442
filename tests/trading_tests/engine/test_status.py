"""The status text: no line wider than a phone, whatever the figures."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.makers import NOW, make_running_core
from trading.engine.prices import PriceChange
from trading.engine.status import render_fields, render_text, utc_text
from trading.reports.numbers import duration_text, price_text
from trading.reports.tables import COLUMNS

prices = st.builds(
    PriceChange,
    symbol=st.text(st.characters(codec="ascii", categories=["Lu"]), min_size=1, max_size=40),
    price=st.floats(0, 1e12),
    at=st.just(NOW),
    change_pct=st.floats(-100, 1e9),
    span_s=st.floats(0, 86_400),
)


@given(
    st.lists(prices, max_size=60),
    st.integers(0, 10**15),
    st.text(max_size=80),
    st.one_of(st.none(), st.floats(0, 4e9)),
)
def test_no_line_is_wider_than_a_phone(
    changes: list[PriceChange], count: int, name: str, market_time: float | None
) -> None:
    snapshot = replace(
        make_running_core().snapshot(NOW),
        prices=changes,
        bot=name.replace("\n", ""),
        ticks_handled=count,
        ticks_conflated=count,
        outbox_rows=count,
        events_refused=count,
        log_lines_dropped=count,
        uptime_s=float(count),
        market_time=market_time,
    )
    lines = render_text(snapshot).split("\n")
    assert max(map(len, lines)) <= COLUMNS
    # The part about money has a bound of its own.
    assert len(lines) - len(snapshot.money.text.splitlines()) <= 40
    assert len(render_fields(snapshot)["prices"]) == len(changes)


def test_a_title_is_shown_beside_the_technical_name() -> None:
    snapshot = replace(make_running_core().snapshot(NOW), bot="kraken", title="Leveraged")
    assert render_text(snapshot).splitlines()[:2] == ["PAPER kraken (paper)", "Leveraged"]


def test_a_real_market_that_says_nothing_is_marked() -> None:
    snapshot = replace(
        make_running_core().snapshot(NOW), feeds=[("exchange", "running")], market_time=NOW - 31
    )
    assert "⚠ no price for 00:00:31" in render_text(snapshot)
    assert "⚠" not in render_text(replace(snapshot, market_time=NOW - 3))
    assert "⚠" not in render_text(replace(snapshot, feeds=[("replay", "running")]))


def test_prices_durations_and_moments_read_well() -> None:
    assert price_text(64_123.4) == "64,123.40"
    assert price_text(0.00001234) == "0.00001234"
    assert price_text(1.5) == "1.5"
    assert duration_text(59.9) == "00:00:59"
    assert duration_text(3 * 86_400 + 3_661) == "3d 01:01:01"
    assert utc_text(None) == "-"
    assert utc_text(0) == "1970-01-01 00:00:00Z"
