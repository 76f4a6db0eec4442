"""The entry of the telegram process: signals are caught first, then everything else is loaded."""

import sys
from typing import NoReturn

from telegram.bridge.control import Control


def main() -> NoReturn:
    """Run the bridge with the options of the command line."""
    control = Control()
    control.catch_signals()
    # Loaded only now: a stop that comes while the libraries load is noticed already.
    from telegram.bridge.cli import run_command  # noqa: PLC0415

    sys.exit(run_command(sys.argv[1:], control))
