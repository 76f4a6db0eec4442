"""The sheet that charts are drawn on: size, colours that read on dark and light, labels, PNG.

Uses matplotlib's Figure and Agg canvas, no pyplot: that keeps global state. Runs in the worker.
"""

import io
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

WIDTH, HEIGHT, DPI = 1000, 600, 100
# A grey paper between Telegram's white and its night blue; the ink is dark on either.
PAPER: Final = "#eef0f3"
INK: Final = "#1d2530"
GRID: Final = "#cdd3db"
UP: Final = "#15803d"
DOWN: Final = "#c22f2f"
LINE: Final = "#2257c4"
FONT: Final = 15
_TITLE_MAX: Final = 30


class Canvas:
    """Hold one picture while it is drawn."""

    def __init__(self, zone: tzinfo, *, panels: Sequence[float] = (1.0,)) -> None:
        self.zone = zone
        self.figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=PAPER)
        FigureCanvasAgg(self.figure)
        grid = self.figure.add_gridspec(
            len(panels),
            1,
            height_ratios=list(panels),
            left=0.025,
            right=0.865,
            top=0.885,
            bottom=0.085,
            hspace=0.08,
        )
        self.panels: list[Any] = [self.figure.add_subplot(grid[one]) for one in range(len(panels))]
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
            "fontsize": 21,
            "fontweight": "bold",
            "va": "center",
            "parse_math": False,
        }
        self.figure.text(0.025, 0.94, left, color=INK, ha="left", **words)
        self.figure.text(0.975, 0.94, right, color=colour, ha="right", **words)

    def put_numbers(self, label: Callable[[float], str], axes: Any = None) -> None:
        """Write the figures at the right side."""
        axes = axes or self.axes
        low, high = axes.get_ylim()
        ticks = [one for one in axes.get_yticks(minor=False) if low <= one <= high]
        step = max(1, math.ceil(len(ticks) / 7))
        shown = ticks[::step]
        labels = [label(float(one)) for one in shown]
        decimals = 2
        while len(set(labels)) < len(labels) and decimals < 12:
            decimals += 1
            labels = [f"{one:,.{decimals}f}" for one in shown]
        size = FONT if max(map(len, labels), default=0) <= 9 else 12
        axes.set_yticks(shown, labels, fontsize=size, parse_math=False)

    def put_moments(self, moments: Sequence[float]) -> None:
        """Write times below things that stand side by side."""
        count = max(1, min(5, len(moments) // 5))
        span = moments[-1] - moments[0]
        last = len(moments) - 1
        places = sorted({round((n + 0.5) * last / count) for n in range(count)})
        labels = [self._moment(moments[one], span) for one in places]
        self.panels[-1].set_xticks(places, labels)
        self._put_zone(moments[-1])

    def put_time_line(self, start: float, end: float) -> None:
        """Write times below a line over time."""
        places = [start + (end - start) * (n + 0.5) / 5 for n in range(5)]
        labels = [self._moment(one, end - start) for one in places]
        # A short time has the same label more than once.
        shown = dict(zip(labels, places, strict=True))
        for axes in self.panels:
            axes.set_xticks(list(shown.values()), list(shown))
        self._put_zone(end)

    def put_label(self, place: float, text: str, colour: str) -> None:
        """Name a level at the left side of the picture."""
        box = {"facecolor": PAPER, "edgecolor": colour, "linewidth": 1.4, "pad": 2.5}
        self.axes.text(
            0.006,
            place,
            text,
            transform=self.axes.get_yaxis_transform(),
            color=colour,
            fontsize=FONT - 2,
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

    def _moment(self, at: float, span: float) -> str:
        moment = _moment_of(at, self.zone)
        if span >= 86_400 * 300:
            return moment.strftime("%b %Y")
        if span >= 86_400 * 4:
            return moment.strftime("%d %b")
        return moment.strftime("%H:%M" if span < 86_400 else "%d %b %H:%M")

    def _put_zone(self, at: float) -> None:
        name = _moment_of(at, self.zone).tzname() or ""
        self.figure.text(0.975, 0.028, name[:8], color=INK, fontsize=FONT - 2, ha="right")


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
        return f"{value:.4g}"
    if size >= 10_000:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:,.2f}"
    text = f"{Decimal(f'{value:.5g}'):f}" if size >= 1e-9 or not size else f"{value:.3g}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def axis_label(value: float) -> str:
    """Return a price for the side of a picture, where there is little room."""
    return f"{value / 1e6:,.6g}M" if 1e7 <= abs(value) < 1e9 else price_label(value)


def money_label(value: float) -> str:
    """Return a sum of money with its sign, millions shortened."""
    size = abs(value)
    if size >= 1e7:
        return f"{value / 1e6:+,.6g}M"
    if size >= 100:
        return f"{value:+,.0f}"
    return "0" if not size else f"{value:+.3g}"


def shorten(text: str) -> str:
    """Return one line of a title."""
    line = " ".join(text.split())
    return line if len(line) <= _TITLE_MAX else line[: _TITLE_MAX - 1] + "…"


def _moment_of(at: float, zone: tzinfo) -> datetime:
    try:
        return datetime.fromtimestamp(at, zone)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, zone)
