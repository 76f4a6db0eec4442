"""The entry of the telegram process: signals are caught first, then everything else is loaded."""

import os
import sys
from typing import NoReturn

from telegram.bridge.control import Control


def main() -> NoReturn:
    """Run the bridge with the options of the command line."""
    _open_standard_streams()
    control = Control()
    control.catch_signals()
    # Loaded only now: a stop that comes while the libraries load is noticed already.
    from telegram.bridge.cli import run_command  # noqa: PLC0415

    code = run_command(sys.argv[1:], control)
    control.ignore_signals()
    sys.exit(code)


def _open_standard_streams() -> None:
    """Put nothing in the place of a closed stream: the next file opened would become it."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
