"""Errors of the trading process: what the caller must do.

TradingError
├── IllegalTransitionError    a state table has no such pair: a bug, nothing was changed
└── CoreFailedError           the core raised: stop the process, systemd starts it again
StateError (daemonkit)
├── WrongOwnerError           the database belongs to another bot, exchange or mode: exit 78
└── NotConfirmedError         nobody confirmed that an account trades real money: exit 78
"""

from daemonkit.errors import DaemonError, StateError


class TradingError(DaemonError):
    """Stand above the errors that only the trading process knows."""


class IllegalTransitionError(TradingError):
    """Say that a state machine has no way from this state by this trigger."""


class CoreFailedError(TradingError):
    """Say that the engine core raised; its state can no longer be trusted."""


class WrongOwnerError(StateError):
    """Say that a database was made for another bot, exchange or mode."""


class NotConfirmedError(StateError):
    """Say that a live account must be confirmed by a person before it trades with this key."""
