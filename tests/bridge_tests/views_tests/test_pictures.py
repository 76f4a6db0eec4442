"""Pictures: their size, that nonsense is survived, and that a stuck worker is replaced."""

import itertools
import os
import struct
import sys
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from queue import Queue
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemonkit.clock import SystemClock
from telegram.bridge.pictures.artist import Artist, Picture
from telegram.bridge.pictures.candles import draw_candles
from telegram.bridge.pictures.canvas import (
    WIDTH,
    Canvas,
    apart,
    axis_label,
    money_label,
    price_label,
    sum_label,
)
from telegram.bridge.pictures.equity import draw_equity, read_points
from telegram.bridge.pictures.moments import (
    even_places,
    gaps,
    long_text,
    round_moments,
    rounder_places,
    short_text,
)
from telegram.bridge.pictures.worker import PICTURE_MAX, answer

START = 1_763_600_000.0
PATIENCE_S = 30.0


def chart(count: int = 50, price: float = 100.0, **more: Any) -> dict[str, Any]:
    candles = [
        [START + n * 60, price, price * 1.01, price * 0.99, price * (1 + n % 3 / 200), 1.0]
        for n in range(count)
    ]
    trade = {"side": "long", "entry_price": str(price), "exit_price": str(price * 1.01)}
    times = {"opened_at": START + 60, "closed_at": START + 600, "profit": "1"}
    position = {"side": "short", "entry_price": price, "opened_at": START + 900}
    levels = {"stop_price": price * 1.02, "target_price": price * 0.5, "trail_price": None}
    return {
        "symbol": "BTC/USDT",
        "interval_s": 60,
        "price": price,
        "candles": candles,
        "trades": [trade | times],
        "positions": [position | levels],
    } | more


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.mark.parametrize("count", [1, 2, 5, 200, 1_000])
@pytest.mark.parametrize("price", [1e-9, 0.5, 64_000.0, 1e12])
def test_a_chart_has_the_size_of_a_phone_whatever_is_traded(count: int, price: float) -> None:
    png = draw_candles(chart(count, price), "Europe/Berlin")
    assert size_of(png) == (1000, 600)
    assert len(png) < PICTURE_MAX


def test_a_flat_market_and_odd_names_are_drawn() -> None:
    flat = [[START + n * 60, 1.0, 1.0, 1.0, 1.0, 0.0] for n in range(40)]
    names = ("A" * 200, "$x$_{1}/USDT", "<b>\n", "")
    for name in names:
        assert draw_candles(chart(symbol=name, candles=flat), "")


def test_a_curve_is_drawn_up_down_and_flat() -> None:
    for last in (5.0, -5.0, 0.0, 1e12):
        points = [[START, 0.0, 0.0], [START + 60, last, min(last, 0.0)]]
        png = draw_equity({"currency": "USDT", "points": points}, "Asia/Tokyo")
        assert size_of(png) == (1000, 600)


def test_what_two_trades_of_one_moment_brought_stays_in_its_order() -> None:
    points = [[60.0, 5.0, 0.0], [60.0, 3.0, -2.0], [0.0, 0.0, 0.0]]
    assert [profit for _, profit, _ in read_points(points)] == [0.0, 5.0, 3.0]


WHOLE = st.integers(-(2**63), 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
FIGURE = st.floats() | WHOLE | st.text(max_size=4) | st.none()


@settings(max_examples=8, deadline=None)
@given(
    JSON,
    st.lists(st.lists(FIGURE, max_size=7), max_size=5),
    st.lists(JSON, max_size=3),
    st.text(max_size=8),
)
def test_nonsense_ends_in_a_picture_or_in_words(
    anything: Any, rows: list[Any], records: list[Any], zone: str
) -> None:
    figures = [
        anything,
        {"candles": rows, "trades": records, "positions": records, "points": rows},
        chart(3) | {"trades": records, "positions": records, "price": anything},
    ]
    for kind in ("chart", "curve"):
        for one in figures:
            made = answer(orjson.dumps({"kind": kind, "figures": one, "zone": zone}))
            assert made[:1] in (b"\0", b"\x89")


def test_rubbish_is_answered_in_words() -> None:
    for data in (b"", b"{", b"[]", b'{"kind":"x"}', b"\xff"):
        assert answer(data).startswith(b"\0")


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (64_123.4, "64,123"),
        (99.5, "99.50"),
        (0.52, "0.52"),
        (0.0000123, "0.0000123"),
        (0.00001234, "0.00001234"),
        (1_234_567_890.0, "1.2346B"),
        (2e12, "2T"),
        (0.0, "0"),
    ],
)
def test_prices_are_short(price: float, text: str) -> None:
    assert price_label(price) == text
    assert len(money_label(price * 1e6)) < 12


@pytest.mark.parametrize("price", [0.0000123, 0.0345, 64_000.0, 98_765_432.1, 1.2e9, 9e14])
def test_no_figure_at_the_side_is_cut_off_or_has_an_exponent(price: float) -> None:
    for label in (axis_label, money_label):
        canvas = Canvas(UTC, panels=(2.0, 1.0))
        for axes in canvas.panels:
            axes.set_ylim(price * 0.99, price * 1.01)
        canvas.put_numbers(label, *canvas.panels)
        canvas.figure.canvas.draw()
        for axes in canvas.panels:
            figures = axes.get_yticklabels()
            assert len(figures) > 1
            assert not [one for one in figures if "e" in one.get_text()]
            assert max(one.get_window_extent().x1 for one in figures) < WIDTH


def test_times_below_candles_are_round_ones_of_the_zone_also_beside_a_gap() -> None:
    starts = [START + 40 + n * 60 for n in range(60)]
    starts += [starts[-1] + 36_000 + n * 60 for n in range(140)]
    zone = ZoneInfo("Asia/Kolkata")
    places = rounder_places(starts, even_places(200, 5), zone)
    assert [short_text(starts[one], 1_000.0, zone)[-1] for one in places] == ["0"] * 5
    assert all(20 < two - one < 60 for one, two in itertools.pairwise(places))
    assert rounder_places(starts[:1], [0], zone) == [0]


@pytest.mark.parametrize(
    ("profit", "text"),
    [
        (0.0, "0"),
        (0.0000845, "+0.0000845"),
        (-0.99, "-0.99"),
        (1234.5, "+1,234.50"),
        (-4_598_920.5, "-4,598,920.50"),
        (123_456_789.0, "+123.457M"),
        (-1.5e15, "-1,500T"),
    ],
)
def test_a_profit_has_its_sign_and_no_exponent(profit: float, text: str) -> None:
    assert sum_label(profit) == text


@pytest.mark.parametrize(
    ("places", "moved"),
    [
        ([10.0, 50.0], [10.0, 50.0]),
        ([10.0, 11.0, 12.0], [10.0, 15.0, 20.0]),
        ([98.0, 99.0, 100.0], [90.0, 95.0, 100.0]),
        ([100.0, 100.0], [95.0, 100.0]),
        ([0.0, 0.0, 100.0], [0.0, 5.0, 100.0]),
        ([], []),
    ],
)
def test_no_label_covers_another_one(places: list[float], moved: list[float]) -> None:
    assert apart(places, 5.0, 0.0, 100.0) == moved


def test_the_two_parts_of_a_title_do_not_touch() -> None:
    canvas = Canvas(UTC)
    canvas.put_title("1000PEPE-LONGNAME/USDT:USDT  15m", "0.0000001234  +2.87%", "#000000")
    left, right = (one.get_window_extent() for one in canvas.figure.texts)
    assert left.x1 < right.x0


def test_moments_below_a_curve_are_round_ones_of_the_zone_and_as_many_as_fit() -> None:
    zone = ZoneInfo("Asia/Kolkata")
    for span in (300.0, 4_000.0, 86_400.0, 400_000.0, 3e7, 3e8):
        found = round_moments(START, START + span, zone)
        assert 1 <= len(found) <= 5
        distances = {two - one for one, two in itertools.pairwise(found)}
        assert len(distances) <= 1
    days = round_moments(START, START + 400_000.0, zone)
    assert {short_text(one, 1_000.0, zone) for one in days} == {"00:00"}
    assert long_text(START, zone) == "20 Nov 2025 06:23 IST"


def test_missing_candles_are_marked_where_that_is_unusual() -> None:
    assert gaps([0.0, 60.0, 120.0, 600.0, 660.0], 60.0) == [3]
    assert gaps([n * 600.0 for n in range(30)], 60.0) == []


class Asked:
    """Wait for what an artist calls back with."""

    def __init__(self, artist: Artist) -> None:
        self.artist = artist
        self.done: Queue[Picture] = Queue()

    def draw(self, **more: Any) -> Picture:
        assert self.artist.ask("chart", chart(**more), "UTC", self.done.put)
        return self.done.get(timeout=PATIENCE_S)


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    artist = Artist(SystemClock(), tmp_path / "fonts", limit_s=PATIENCE_S)
    yield Asked(artist)
    artist.stop()


def test_the_worker_draws_one_after_the_other_and_is_replaced_when_it_was_killed(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456789:" + "A" * 35)
    first = asked.draw()
    assert size_of(first.png) == (1000, 600)
    pid = asked.artist.worker_pid
    assert pid is not None
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"TELEGRAM" not in environment
    assert asked.draw(candles=[]).problem == "ValueError: no candles"
    assert asked.artist.worker_pid == pid
    os.kill(pid, 9)
    assert asked.draw().png
    assert asked.artist.worker_pid != pid


def stand_in(tmp_path: Path, code: str, limit_s: float = 0.5) -> Asked:
    program = (sys.executable, "-c", code)
    return Asked(Artist(SystemClock(), tmp_path, limit_s=limit_s, program=program))


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import time; time.sleep(60)", "it took longer than 0.5 s"),
        ("", "the process that draws has ended"),
        ("print('no picture', flush=True); input()", "the process that draws has ended"),
    ],
)
def test_a_worker_that_hangs_crashes_or_chatters_is_ended_and_said(
    tmp_path: Path, code: str, problem: str
) -> None:
    asked = stand_in(tmp_path, code, 0.5 if "sleep" in code else PATIENCE_S)
    assert asked.draw().problem == problem
    assert asked.artist.worker_pid is None
    asked.artist.stop()


def test_what_comes_faster_than_it_is_drawn_is_refused(tmp_path: Path) -> None:
    asked = stand_in(tmp_path, "import time; time.sleep(60)", PATIENCE_S)
    answers = [asked.artist.ask("chart", chart(1), "", asked.done.put) for _ in range(20)]
    assert answers[0]
    assert not answers[-1]
    asked.artist.stop()
    assert not asked.artist.ask("chart", chart(1), "", asked.done.put)
