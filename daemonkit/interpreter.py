"""How the interpreter is set up in a process of several threads of which one is waited for."""

import gc
import sys
from typing import Final

# A thread that waits for the interpreter gets it within half a millisecond instead of five.
SWITCH_INTERVAL_S: Final = 0.0005
# The collector looks for cycles after so many new objects, and not after 700: few of ours are in
# any, and looking is a twentieth of a backtest.
COLLECT_AFTER: Final = 20_000


def settle_interpreter() -> None:
    """Have threads change places quickly, and the collector seldom look at what is new."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    gc.enable()
