"""An example: buy when the market is oversold, leave when it has recovered.

It shows what a strategy is made of; nobody has ever earned anything with it.
"""

from trading.strategies.base import Strategy


class Example(Strategy):
    """Buy below one RSI, sell above another."""

    # What can be set in config.yaml under `parameters:`. A wrong name or value is refused when
    # the bot starts, so the code below need not check.
    CONFIG_SCHEMA = {  # noqa: RUF012 - the shape that every strategy file has
        "period": {"type": "int", "default": 14, "min": 2, "max": 200},
        "buy_below": {"type": "float", "default": 30, "min": 1, "max": 99, "below": "sell_above"},
        "sell_above": {"type": "float", "default": 60, "min": 1, "max": 99},
    }

    def init(self):
        """Return the state to begin with: it lasts until the bot stops."""
        # Asked for here, the indicator is warm from the first candle on.
        self.rsi = self.context.rsi(self.config["period"])
        return {"entries": 0}

    def on_bar(self, bar):
        """Think about a candle that has just closed."""
        rsi = self.rsi.value
        if rsi is None:
            return
        if self.context.position is None:
            if rsi < self.config["buy_below"] and not self.context.get_orders():
                self.state["entries"] += 1
                self.context.place_order("buy", stop_fraction=0.03, reason=f"RSI {rsi:.0f}")
        elif rsi > self.config["sell_above"]:
            self.context.close_position(reason=f"RSI {rsi:.0f} at {bar.close}")

    def render(self):
        """Say what to show on the dashboard."""
        return {"widgets": [{"type": "metric", "label": "RSI", "value": self.rsi.value}]}
