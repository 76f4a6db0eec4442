"""The sheet that charts are drawn on: size, colours that read on dark and light, labels, PNG.

Uses matplotlib's Figure and Agg canvas, no pyplot: that keeps global state. Runs in the worker.
"""

import io
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from itertools import chain
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from telegram.bridge.pictures.moments import (
    DAY,
    even_places,
    long_text,
    round_moments,
    rounder_places,
    short_text,
)

WIDTH, HEIGHT, DPI = 1000, 600, 100
# A grey paper between Telegram's white and its night blue; the ink is dark on either.
PAPER: Final = "#eef0f3"
INK: Final = "#1d2530"
GRID: Final = "#cdd3db"
UP: Final = "#15803d"
DOWN: Final = "#c22f2f"
LINE: Final = "#2257c4"
TRAIL: Final = "#8a5a00"
# A phone shows the picture at two fifths of its size.
FONT: Final = 19
LABEL_FONT: Final = 17
_TITLE_FONT: Final = 25
_TITLE_MAX: Final = 30
# What a title may take of the width, the space between its two parts aside.
_TITLE_ROOM: Final = 0.93
_AXIS_CHARS: Final = 8
_MARGIN: Final = 0.012
_UNITS: Final = ((1e12, "T"), (1e9, "B"), (1e6, "M"))


class Canvas:
    """Hold one picture while it is drawn."""

    def __init__(self, zone: tzinfo, *, panels: Sequence[float] = (1.0,)) -> None:
        self.zone = zone
        self.figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=PAPER)
        FigureCanvasAgg(self.figure)
        self._grid = self.figure.add_gridspec(
            len(panels),
            1,
            height_ratios=list(panels),
            left=0.025,
            right=0.865,
            top=0.83,
            bottom=0.085,
            hspace=0.08,
        )
        self.panels: list[Any] = [
            self.figure.add_subplot(self._grid[one]) for one in range(len(panels))
        ]
        self.axes: Any = self.panels[0]
        for axes in self.panels:
            axes.set_facecolor(PAPER)
            axes.grid(visible=True, color=GRID, linewidth=0.9, zorder=0)
            axes.set_axisbelow(True)
            axes.yaxis.tick_right()
            axes.tick_params(labelsize=FONT, colors=INK, length=0, pad=5)
            for side in axes.spines.values():
                side.set_visible(False)
        for axes in self.panels[:-1]:
            axes.tick_params(labelbottom=False)

    def put_title(self, left: str, right: str, colour: str) -> None:
        """Say above the picture what it is, and the figure that matters."""
        words: dict[str, Any] = {
            "fontsize": _TITLE_FONT,
            "fontweight": "bold",
            "va": "center",
            "parse_math": False,
        }
        texts = [
            self.figure.text(0.025, 0.945, left, color=INK, ha="left", **words),
            self.figure.text(0.975, 0.945, right, color=colour, ha="right", **words),
        ]
        taken = sum(one.get_window_extent().width for one in texts) / WIDTH
        for one in texts:
            one.set_fontsize(_TITLE_FONT * min(1.0, _TITLE_ROOM / taken))

    def put_origin(self, whose: str, at: float) -> None:
        """Say below the title whose picture it is, and of when."""
        words: dict[str, Any] = {"color": INK, "fontsize": LABEL_FONT, "va": "center"}
        self.figure.text(
            0.025,
            0.875,
            shorten(whose, 40),
            ha="left",
            fontweight="bold",
            parse_math=False,
            **words,
        )
        self.figure.text(0.975, 0.875, long_text(at, self.zone), ha="right", **words)

    def put_numbers(self, label: Callable[[float], str], *more_axes: Any) -> None:
        """Write the figures at the right side, and leave them the room they need."""
        drawn = [_put_numbers(axes, label) for axes in more_axes or (self.axes,)]
        widest = max((one.get_window_extent().width for one in chain(*drawn)), default=0.0)
        # From the edge of the axes to its figures, and from these to the edge of the picture.
        taken = widest / WIDTH + 2 * _MARGIN
        self._grid.update(right=max(0.5, min(0.88, 1 - taken)))
        # Without pyplot nobody else tells the axes of it.
        self.figure.subplots_adjust()

    def put_moments(self, moments: Sequence[float]) -> None:
        """Write times below things that stand side by side."""
        span = moments[-1] - moments[0]
        shown = even_places(len(moments), 4 if DAY <= span < DAY * 4 else 5)
        places = rounder_places(moments, shown, self.zone)
        labels = [short_text(moments[one], span, self.zone) for one in places]
        self.panels[-1].set_xticks(places, labels)

    def put_time_line(self, start: float, end: float) -> None:
        """Write times below a line over time."""
        span = end - start
        places = round_moments(start, end, self.zone, 4 if DAY <= span < DAY * 4 else 5)
        labels = [short_text(one, span, self.zone) for one in places]
        for axes in self.panels:
            axes.set_xticks(places, labels)

    def put_label(self, place: float, text: str, colour: str) -> None:
        """Name a level at the left side of the picture."""
        box = {"facecolor": PAPER, "edgecolor": colour, "linewidth": 1.4, "pad": 2.5}
        self.axes.text(
            0.006,
            place,
            text,
            transform=self.axes.get_yaxis_transform(),
            color=colour,
            fontsize=LABEL_FONT,
            fontweight="bold",
            va="center",
            ha="left",
            bbox=box,
            zorder=8,
            parse_math=False,
        )

    def to_png(self) -> bytes:
        """Return the picture as a PNG file."""
        file = io.BytesIO()
        self.figure.savefig(file, format="png", dpi=DPI, facecolor=PAPER)
        return file.getvalue()


def in_zone(name: str) -> tzinfo:
    """Return a time zone by its name, UTC where it is not known here."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def number(value: object) -> float | None:
    """Return a finite number from what JSON holds, also as a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < 1e18 else None


def rows(value: object) -> Iterable[Any]:
    """Return the rows of a list, none for anything else."""
    return value if isinstance(value, list) else ()


def price_label(value: float) -> str:
    """Return a price as short as it can be read: two decimals from 10 up, six digits below."""
    size = abs(value)
    if size >= 1e9:
        return _in_units(value, 5)
    if size >= 10_000:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:,.2f}"
    text = f"{Decimal(f'{value:.5g}'):f}" if size >= 1e-9 or not size else f"{value:.3g}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def axis_label(value: float) -> str:
    """Return a price for the side of a picture, where there is little room."""
    return _in_units(value, 6) if abs(value) >= 1e7 else price_label(value)


def money_label(value: float) -> str:
    """Return a sum of money with its sign: millions shortened, cents only where they count."""
    size = abs(value)
    if size >= 1e6:
        return _in_units(value, 4, sign="+")
    if size >= 100:
        return f"{value:+,.0f}"
    if size < 1e-9:
        return "0"
    return f"{Decimal(f'{value:.3g}'):+f}"


def sum_label(value: float) -> str:
    """Return a sum of money with its sign, to the cent or to three digits of less."""
    if abs(value) >= 1e8:
        return _in_units(value, 6, sign="+")
    return money_label(value) if abs(value) < 0.1 else f"{value:+,.2f}"


def _in_units(value: float, digits: int, *, sign: str = "") -> str:
    """Return a large figure in millions, billions or trillions."""
    unit, name = next(one for one in _UNITS if abs(value) >= one[0])
    size = f"{value / unit:.{digits}g}"
    return f"{Decimal(size):{sign},f}{name}"


def shorten(text: str, width: int = _TITLE_MAX) -> str:
    """Return one line of a title."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def apart(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return places in ascending order moved so far that none is nearer to the next than a gap.

    All stay between low and high, as long as there is room for all of them.
    """
    found: list[float] = []
    for place in places:
        lowest = found[-1] + gap if found else low
        found.append(max(place, lowest))
    highest = high
    for index in reversed(range(len(found))):
        found[index] = min(found[index], highest)
        highest = found[index] - gap
    return found


def _put_numbers(axes: Any, label: Callable[[float], str]) -> list[Any]:
    """Write the figures of one panel, and return them as they are drawn."""
    low, high = axes.get_ylim()
    ticks = [one for one in axes.get_yticks(minor=False) if low <= one <= high]
    step = max(1, math.ceil(len(ticks) / 7))
    shown = ticks[::step]
    labels = [label(float(one)) for one in shown]
    decimals = 2
    while len(set(labels)) < len(labels) and decimals < 12:
        decimals += 1
        labels = [f"{one:,.{decimals}f}" for one in shown]
    widest = max(map(len, labels), default=0)
    size = FONT if widest <= _AXIS_CHARS else LABEL_FONT if widest <= 10 else 14
    axes.set_yticks(shown, labels, fontsize=size, parse_math=False)
    return list(axes.get_yticklabels())
