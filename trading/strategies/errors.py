"""Errors of strategies: what the person who wrote or configured one must do.

TradingError
├── StrategyError        a strategy asked its context for something that cannot be: correct it
├── StrategyLoadError    a strategy file is missing or no strategy: correct the file or the name
└── ParameterError       a parameter is not what the strategy allows: correct the configuration
"""

from trading.errors import TradingError


class StrategyError(TradingError):
    """Say that a strategy asked for something that cannot be; nothing was done."""


class StrategyLoadError(TradingError):
    """Say in one line why a strategy cannot be loaded, with file and line where known."""


class ParameterError(TradingError):
    """Say in one line which parameter is wrong, what was found and what is allowed."""

    def __init__(self, key: str, found: str, allowed: str) -> None:
        self.key = key
        self.found = found
        self.allowed = allowed
        super().__init__(f"{key}: found {found}, allowed {allowed}")
