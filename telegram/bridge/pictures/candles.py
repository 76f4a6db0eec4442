"""Draws the candles of one market with its trades and what is held. Runs in the worker only.

Whatever a bot sent is checked before it is drawn: a figure that is none is left out.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from telegram.bridge.pictures.canvas import (
    DOWN,
    INK,
    LINE,
    TRAIL,
    UP,
    Canvas,
    apart,
    axis_label,
    in_zone,
    number,
    price_label,
    rows,
    shorten,
)
from telegram.bridge.pictures.moments import gaps

CANDLES_MAX: Final = 300
_LINES: Final = (
    ("stop_price", "stop", DOWN),
    ("target_price", "target", UP),
    ("trail_price", "trail", TRAIL),
)
_PLACES_MIN: Final = 24
_POSITIONS_DRAWN: Final = 2
_MARK_SIZE: Final = 190.0
_MARKS_LARGE: Final = 30
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "m"))


@dataclass(frozen=True, slots=True)
class _Candle:
    start: float
    open: float
    high: float
    low: float
    close: float


def draw_candles(chart: Mapping[str, Any], zone: str) -> bytes:
    """Return a picture of a chart's figures; ValueError when there is nothing to draw."""
    candles = list(_read(chart.get("candles")))[-CANDLES_MAX:]
    if not candles:
        raise ValueError("no candles")
    canvas = Canvas(in_zone(zone))
    interval_s = number(chart.get("interval_s")) or 60.0
    for place in gaps([one.start for one in candles], interval_s):
        canvas.axes.axvline(place - 0.5, color=INK, linewidth=1.2, linestyle=(0, (2, 4)), zorder=1)
    low, high = _scale(candles, chart)
    _draw_bodies(canvas, candles, body_min=(high - low) * 0.004)
    _draw_trades(canvas, candles, interval_s, chart)
    # Few candles stand at the right, with room for more: as wide as the sheet they are walls.
    canvas.axes.set_xlim(
        min(-1.5, len(candles) - _PLACES_MIN), len(candles) + max(2.0, len(candles) * 0.02)
    )
    canvas.axes.set_ylim(low, high)
    _draw_lines(canvas, chart, low, high)
    canvas.put_moments([one.start for one in candles])
    canvas.put_numbers(axis_label)
    price = number(chart.get("price")) or candles[-1].close
    change = price / candles[0].open - 1 if candles[0].open else 0.0
    title = f"{shorten(str(chart.get('symbol', '')))}  {_interval(interval_s)}"
    canvas.put_title(title, f"{price_label(price)}  {change:+.2%}", UP if change >= 0 else DOWN)
    at = number(chart.get("at")) or candles[-1].start
    canvas.put_origin(str(chart.get("whose", "")), at)
    return canvas.to_png()


def _read(given: object) -> Iterator[_Candle]:
    for row in rows(given):
        figures = [number(one) for one in row[:5]] if isinstance(row, list) else []
        known = [one for one in figures if one is not None]
        if len(known) != 5:
            continue
        candle = _Candle(*known)
        if 0 < candle.low <= min(candle.open, candle.close) <= candle.high < 1e15:
            yield candle


def _draw_bodies(canvas: Canvas, candles: Sequence[_Candle], *, body_min: float) -> None:
    """Draw all candles; one without a body is a line, but one that is seen."""
    width = 0.7
    for is_up, colour in ((True, UP), (False, DOWN)):
        chosen = [(n, one) for n, one in enumerate(candles) if (one.close >= one.open) is is_up]
        if not chosen:
            continue
        places = [n for n, _ in chosen]
        canvas.axes.vlines(
            places,
            [one.low for _, one in chosen],
            [one.high for _, one in chosen],
            color=colour,
            linewidth=1.4,
            zorder=2,
        )
        canvas.axes.bar(
            places,
            [max(abs(one.close - one.open), body_min) for _, one in chosen],
            width,
            [min(one.open, one.close) for _, one in chosen],
            color=colour,
            zorder=3,
        )


def _draw_trades(
    canvas: Canvas, candles: Sequence[_Candle], interval_s: float, chart: Mapping[str, Any]
) -> None:
    entries: list[tuple[float, float, bool]] = []
    exits: list[tuple[float, float, bool]] = []
    for one in rows(chart.get("trades")):
        if not isinstance(one, dict):
            continue
        is_long = one.get("side") != "short"
        opened, closed = number(one.get("opened_at")), number(one.get("closed_at"))
        bought, sold = number(one.get("entry_price")), number(one.get("exit_price"))
        begin = _place(candles, interval_s, opened)
        end = _place(candles, interval_s, closed)
        if begin is not None and bought is not None:
            entries.append((begin, bought, is_long))
        if end is not None and sold is not None:
            exits.append((end, sold, is_long))
        if None not in (begin, end, bought, sold):
            won = (number(one.get("profit")) or 0.0) > 0
            style = {"color": UP if won else DOWN, "linewidth": 1.6, "linestyle": ":"}
            canvas.axes.plot([begin, end], [bought, sold], zorder=4, **style)
    for one in rows(chart.get("positions")):
        if isinstance(one, dict):
            place = _place(candles, interval_s, number(one.get("opened_at")))
            price = number(one.get("entry_price"))
            if place is not None and price is not None:
                entries.append((place, price, one.get("side") != "short"))
    _mark(canvas, entries, is_entry=True)
    _mark(canvas, exits, is_entry=False)


def _mark(canvas: Canvas, found: Sequence[tuple[float, float, bool]], *, is_entry: bool) -> None:
    """Mark what was bought with a triangle up, what was sold with one down; exits are hollow."""
    for is_long in (True, False):
        chosen = [one for one in found if one[2] is is_long]
        if not chosen:
            continue
        is_bought = is_long is is_entry
        canvas.axes.scatter(
            [one[0] for one in chosen],
            [one[1] for one in chosen],
            s=_MARK_SIZE if len(found) <= _MARKS_LARGE else _MARK_SIZE / 2.5,
            marker="^" if is_bought else "v",
            facecolors=LINE if is_entry else "#ffffff",
            edgecolors=INK if is_entry else LINE,
            linewidths=1.0 if is_entry else 2.4,
            zorder=6,
            clip_on=False,
        )


def _place(candles: Sequence[_Candle], interval_s: float, at: float | None) -> float | None:
    """Return where on the picture a moment is: candles stand side by side, also over a gap."""
    if at is None or not candles[0].start <= at:
        return None
    if at >= candles[-1].start + interval_s:
        return float(len(candles))
    return float(sum(one.start <= at for one in candles) - 1)


def _levels(chart: Mapping[str, Any]) -> Iterator[tuple[str, float, str]]:
    found = [one for one in rows(chart.get("positions")) if isinstance(one, dict)]
    for one in found[:_POSITIONS_DRAWN]:
        side = "short" if one.get("side") == "short" else "long"
        for key, name, colour in (("entry_price", side, LINE), *_LINES):
            price = number(one.get(key))
            if price is not None and price > 0:
                yield name, price, colour


def _scale(candles: Sequence[_Candle], chart: Mapping[str, Any]) -> tuple[float, float]:
    """Return the range of prices: all candles, and levels unless they would flatten them."""
    low, high = min(one.low for one in candles), max(one.high for one in candles)
    spread = high - low or high * 0.002
    middle = (low + high) / 2
    for _name, price, _colour in _levels(chart):
        if abs(price - middle) <= spread * 2.5:
            low, high = min(low, price), max(high, price)
    room = (high - low or high * 0.002) * 0.06
    return low - room, high + room


def _draw_lines(canvas: Canvas, chart: Mapping[str, Any], low: float, high: float) -> None:
    """Draw levels across; one that is out of sight is named at the edge with its price."""
    levels = sorted(_levels(chart), key=lambda one: one[1])
    gap = (high - low) * 0.075
    inside = [min(max(price, low + gap * 0.6), high - gap * 0.6) for _, price, _ in levels]
    places = apart(inside, gap, low + gap * 0.6, high - gap * 0.6)
    for (name, price, colour), place in zip(levels, places, strict=True):
        is_seen = low <= price <= high
        if is_seen:
            canvas.axes.axhline(price, color=colour, linewidth=1.8, linestyle="--", zorder=5)
        arrow = "" if is_seen else " ↑" if price > high else " ↓"
        canvas.put_label(place, f"{name} {price_label(price)}{arrow}", colour)


def _interval(seconds: float) -> str:
    whole = int(seconds) if math.isfinite(seconds) else 0
    for unit_s, name in _UNITS:
        if whole and whole % unit_s == 0:
            return f"{whole // unit_s}{name}"
    return f"{whole}s"
