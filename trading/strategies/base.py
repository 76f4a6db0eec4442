"""The contract of a strategy: what every strategy file's class has, and what is called when.

A strategy sees only its `context` and its `config`; it must not know modes, accounts' money or
where data comes from: it always thinks, and others decide whether it may act.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from trading.model.market import Bar, Tick
from trading.strategies.context import StrategyContext


class Strategy:
    """Think about one market; subclasses override on_tick, on_bar or both.

    `config` holds the parameters that CONFIG_SCHEMA allows, with its defaults filled in, and
    cannot be changed. `state` is the strategy's own and lives as long as the instance is loaded.
    """

    CONFIG_SCHEMA: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __init__(self, context: StrategyContext, config: Mapping[str, Any]) -> None:
        self.context = context
        self.config = config
        self.state = self.init()

    def init(self) -> Any:
        """Return the state to begin with; ask the context for indicators here."""
        return {}

    def on_tick(self, tick: Tick) -> None:
        """Think about a price."""

    def on_bar(self, bar: Bar) -> None:
        """Think about a candle that has just closed; indicators already contain it."""

    def render(self) -> dict[str, Any]:
        """Return what to show of this instance, as widgets."""
        return {"widgets": []}


def handles_ticks(cls: type[Strategy]) -> bool:
    """Tell whether a strategy wants ticks: only then are they handed to it."""
    return cls.on_tick is not Strategy.on_tick


def handles_bars(cls: type[Strategy]) -> bool:
    """Tell whether a strategy wants closed candles."""
    return cls.on_bar is not Strategy.on_bar
