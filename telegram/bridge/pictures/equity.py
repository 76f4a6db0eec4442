"""Draws profit over time with its drawdown below. Runs in the worker only."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from telegram.bridge.pictures.canvas import (
    DOWN,
    INK,
    LABEL_FONT,
    LINE,
    UP,
    Canvas,
    in_zone,
    money_label,
    number,
    rows,
    shorten,
    sum_label,
)

POINTS_MAX: Final = 500


def draw_equity(curve: Mapping[str, Any], zone: str) -> bytes:
    """Return a picture of a curve's figures; ValueError when there is nothing to draw."""
    points = read_points(curve.get("points"))[-POINTS_MAX:]
    if len(points) < 2:
        raise ValueError("no profit yet")
    moments = [at for at, _, _ in points]
    profits = [profit for _, profit, _ in points]
    falls = [min(fall, 0.0) for _, _, fall in points]
    canvas = Canvas(in_zone(zone), panels=(2.6, 1.0))
    above, below = canvas.panels
    above.axhline(0.0, color=INK, linewidth=1.2, zorder=2)
    steps = {"step": "post", "linewidth": 0.0, "alpha": 0.16, "zorder": 1}
    above.fill_between(moments, profits, 0.0, color=LINE, **steps)
    above.step(moments, profits, where="post", color=LINE, linewidth=2.6, zorder=3)
    above.scatter(moments[-1:], profits[-1:], s=70, color=LINE, zorder=4)
    below.fill_between(moments, falls, 0.0, color=DOWN, **(steps | {"alpha": 0.35}))
    below.step(moments, falls, where="post", color=DOWN, linewidth=2.0, zorder=3)
    _scale(canvas, moments, profits, falls)
    currency = shorten(str(curve.get("currency", "")))
    fall = min(falls)
    last = profits[-1]
    canvas.put_title(f"Profit {currency}", sum_label(last), _colour(last))
    canvas.put_origin(str(curve.get("whose", "")), moments[-1])
    words = {
        "fontsize": LABEL_FONT,
        "color": DOWN if fall else INK,
        "fontweight": "bold",
        "parse_math": False,
    }
    below.text(
        0.006,
        0.08,
        f"drawdown, deepest {money_label(fall)}" if fall else "no drawdown",
        transform=below.transAxes,
        **words,
    )
    return canvas.to_png()


def read_points(given: object) -> list[tuple[float, float, float]]:
    """Return moments, profits and falls in the order of time; of one moment, in that given."""
    return sorted(_read(given), key=lambda one: one[0])


def _scale(canvas: Canvas, moments: list[float], profits: list[float], falls: list[float]) -> None:
    above, below = canvas.panels
    room = (max(profits) - min(profits)) * 0.08 or 1.0
    above.set_ylim(min(0.0, *profits) - room, max(0.0, *profits) + room)
    below.set_ylim(min(falls) * 1.7 or -1.0, -min(falls) * 0.08 or 0.08)
    span = moments[-1] - moments[0] or 3_600.0
    for axes in canvas.panels:
        axes.set_xlim(moments[0] - span * 0.01, moments[-1] + span * 0.02)
    canvas.put_numbers(money_label, above, *([below] if any(falls) else []))
    if not any(falls):
        below.set_yticks([])
    canvas.put_time_line(moments[0], moments[0] + span)


def _read(given: object) -> Iterator[tuple[float, float, float]]:
    for row in rows(given):
        figures = [number(one) for one in row[:3]] if isinstance(row, list) else []
        at, profit, fall = (*figures, None, None, None)[:3]
        if at is not None and profit is not None and fall is not None and abs(at) < 1e11:
            yield at, profit, fall


def _colour(profit: float) -> str:
    return UP if profit >= 0 else DOWN
