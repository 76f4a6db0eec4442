"""`python -m trading run|check|backup|restore`."""

import sys

from trading.control import Control

if __name__ == "__main__":
    control = Control()
    if "run" in sys.argv[1:2]:
        control.catch_signals()
    from trading.cli import run_command

    code = run_command(sys.argv[1:], control)
    control.ignore_signals()
    sys.exit(code)
