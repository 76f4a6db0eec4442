"""How the interpreter is set up in a process of several threads of which one is waited for."""

import gc
import sys
from typing import Final

# A thread that waits for the interpreter gets it within half a millisecond instead of five.
SWITCH_INTERVAL_S: Final = 0.0005


def settle_interpreter() -> None:
    """Have threads change places quickly, and the collector leave alone what is loaded by now."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.freeze()
    gc.enable()
