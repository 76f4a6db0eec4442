"""Buy a bounce off the 20-candle EMA inside an upward trend; long only, candles of one minute.

All rules look at closed candles only, so a signal never disappears again. Percentages are per
cent, slopes are the change of an average in per cent over some candles.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final

from trading.model.market import Bar
from trading.strategies.base import Strategy
from trading.strategies.views import PositionView

CANDLES_MIN: Final = 350
LONG_CANDLES_MIN: Final = 210
LONG_INTERVAL_S: Final = 180
LONG_SLOPE_CANDLES: Final = 4
SLOPE_CANDLES: Final = 2
TOUCH_CANDLES: Final = 5
HIGHS: Final = 5
VOLUME_CANDLES: Final = 20
TIGHT_AFTER_S: Final = 120.0


def _money(default: str, *, high: int = 99) -> dict[str, Any]:
    return {"type": "decimal", "default": default, "min": "0.01", "max": high, "unit": "%"}


def _percent(default: float, *, low: float = -100.0) -> dict[str, Any]:
    return {"type": "float", "default": default, "min": low, "max": 100.0, "unit": "%"}


class EmaTrend(Strategy):
    """Buy when price bounces off its EMA20 in an upward trend with volume behind it."""

    CONFIG_SCHEMA: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        # Accepted so that lists of parameters written for older bots can be used as they are;
        # it never had an effect: the venue's own steps say what can be ordered.
        "lot_size": {"type": "decimal", "default": None, "min": 0},
        # Per cent of the account's equity for one position.
        "position_size": _money("18", high=100),
        "take_profit_percent": _money("2.81", high=1000),
        "stop_loss_percent": _money("1.41"),
        "trail_activation_percent": _money("1.3"),
        "trail_distance_percent": _money("0.8"),
        "trail_tight_distance_percent": _money("0.5"),
        "min_ema200_3m_slope": _percent(-0.008),
        "min_ema20_1m_slope": _percent(0.01),
        "min_ema50_1m_slope": _percent(0.005),
        "volume_spike_coeff": {"type": "float", "default": 1.2, "min": 0},
        "max_candle_size": _percent(0.8, low=0.0),
        "min_ema50_ema200_distance": _percent(0.06),
        "min_ema20_ema50_distance": _percent(0.10),
    }

    def init(self) -> dict[str, Any]:
        """Ask for the averages; nothing else is kept, so a restart changes no decision."""
        context = self.context
        self._ema20 = context.ema(20)
        self._ema20_past = [context.ema(20, lag=lag) for lag in range(TOUCH_CANDLES)]
        self._ema50 = context.ema(50)
        self._ema20_before = context.ema(20, lag=SLOPE_CANDLES)
        self._ema50_before = context.ema(50, lag=SLOPE_CANDLES)
        self._ema200 = context.ema(200)
        self._ema200_long = context.ema(200, LONG_INTERVAL_S)
        self._ema200_long_before = context.ema(200, LONG_INTERVAL_S, lag=LONG_SLOPE_CANDLES)
        self._highest_before = context.highest(HIGHS, lag=1)
        self._volume = context.volume_mean(VOLUME_CANDLES)
        self._lowest_of_two = context.lowest(2)
        return {}

    def on_bar(self, bar: Bar) -> None:
        """Look for an entry, or for the reason to follow an open position more closely."""
        position = self.context.position
        if position is not None:
            self._watch(bar, position)
        elif self._is_signal(bar) and not self._is_entry_waiting():
            self._buy(bar)

    def render(self) -> dict[str, Any]:
        """Show the averages."""
        averages = {"EMA20": self._ema20, "EMA50": self._ema50, "EMA200": self._ema200}
        return {
            "widgets": [
                {"type": "metric", "label": label, "value": average.value}
                for label, average in averages.items()
            ]
        }

    def _buy(self, bar: Bar) -> None:
        config = self.config
        spike = bar.volume / (self._volume.value or bar.volume)
        self.context.place_order(
            "buy",
            equity_fraction=_fraction(config["position_size"]),
            stop_fraction=_fraction(config["stop_loss_percent"]),
            target_fraction=_fraction(config["take_profit_percent"]),
            trail={
                "activation": _fraction(config["trail_activation_percent"]),
                "distance": _fraction(config["trail_distance_percent"]),
                "tight_distance": _fraction(config["trail_tight_distance_percent"]),
            },
            reason=f"bounce off EMA20: candle {_size(bar):.2f} %, volume {spike:.1f}x",
        )

    def _is_entry_waiting(self) -> bool:
        return any(order.purpose == "entry" for order in self.context.get_orders())

    def _watch(self, bar: Bar, position: PositionView) -> None:
        """Follow more closely once two closes are below EMA20 and a low has reached EMA50."""
        if position.is_trail_tight or bar.end < position.opened_at + TIGHT_AFTER_S:
            return
        ema20, ema20_before = self._ema20.value, self._ema20_past[1].value
        ema50, low = self._ema50.value, self._lowest_of_two.value
        if ema20 is None or ema20_before is None or ema50 is None or low is None:
            return
        before = self.context.candles(2)[0]
        if bar.close < ema20 and before.close < ema20_before and low <= ema50:
            self.context.tighten_trail()

    def _is_signal(self, bar: Bar) -> bool:
        # The rules that cost least and fail most often come first.
        return (
            self._is_breakout(bar)
            and self._has_volume(bar)
            and _size(bar) < self.config["max_candle_size"]
            and self.context.candle_count() >= CANDLES_MIN
            and self._is_trend_up()
            and self._is_long_trend_up()
            and self._is_bounce(bar)
        )

    def _is_breakout(self, bar: Bar) -> bool:
        highest = self._highest_before.value
        return highest is not None and bar.close > highest

    def _has_volume(self, bar: Bar) -> bool:
        mean = self._volume.value
        spike: float = self.config["volume_spike_coeff"]
        return mean is not None and bar.volume > spike * mean

    def _is_trend_up(self) -> bool:
        ema20, ema50 = self._ema20.value, self._ema50.value
        return (
            self._is_above(ema50, self._ema200.value, "min_ema50_ema200_distance")
            and self._is_above(ema20, ema50, "min_ema20_ema50_distance")
            and self._is_above(ema20, self._ema20_before.value, "min_ema20_1m_slope")
            and self._is_above(ema50, self._ema50_before.value, "min_ema50_1m_slope")
        )

    def _is_above(self, value: float | None, other: float | None, key: str) -> bool:
        if value is None or other is None:
            return False
        percent_min: float = self.config[key]
        return _change(value, other) > percent_min

    def _is_long_trend_up(self) -> bool:
        """Tell whether the long average does not fall; what is not known yet forbids nothing."""
        now, before = self._ema200_long.value, self._ema200_long_before.value
        if now is None or before is None:
            return True
        if self.context.candle_count(LONG_INTERVAL_S) <= LONG_CANDLES_MIN:
            return True
        slope_min: float = self.config["min_ema200_3m_slope"]
        return _change(now, before) >= slope_min

    def _is_bounce(self, bar: Bar) -> bool:
        """Tell whether one of the last lows was at its EMA20 or below, and this close is above."""
        ema20 = self._ema20.value
        if ema20 is None or bar.close <= ema20:
            return False
        latest_first = reversed(self.context.candles(TOUCH_CANDLES))
        return any(
            past.value is not None and candle.low <= past.value
            for candle, past in zip(latest_first, self._ema20_past, strict=True)
        )


def _change(now: float, before: float) -> float:
    """Return by how many per cent one value is above another."""
    return (now - before) / before * 100.0


def _size(bar: Bar) -> float:
    return (bar.high - bar.low) / bar.close * 100.0


def _fraction(percent: Decimal) -> Decimal:
    return percent / 100
