"""The entry of the trading process: signals are caught first, then everything else is loaded."""

import gc
import sys
from typing import NoReturn

from trading.control import Control


def main() -> NoReturn:
    """Run the bot whose folder is the first argument, `bots/paper` without one."""
    control = Control()
    control.catch_signals()
    # Loading makes no garbage, and looking for it would cost a tenth of the start (see app.run).
    gc.disable()
    # Loaded only now: a stop that comes while the libraries load is noticed already.
    from trading.cli import run_command  # noqa: PLC0415

    code = run_command(["run", *sys.argv[1:]], control)
    control.ignore_signals()
    sys.exit(code)
