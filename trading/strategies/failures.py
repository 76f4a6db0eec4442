"""What went wrong in a strategy, in one line: its error, and where in its file that was raised.

An error is the strategy's own object: even to ask it for its text may fail.
"""

from typing import Final

from trading.strategies.calls import CallInterrupted
from trading.strategies.loader import MODULE_PREFIX

TEXT_LEN_MAX: Final = 300


def describe_failure(error: BaseException) -> str:
    """Say in one line what a strategy did wrong, and where."""
    text = text_of_error(error)
    if isinstance(error, CallInterrupted):
        # Its words tell the place already.
        return text or "a call took too long and was interrupted"
    name, place = type(error).__name__, _place_of(error)
    said = f"{name}: {text}" if text else name
    return f"{said[: TEXT_LEN_MAX - len(place)]}{place}"


def text_of_error(error: BaseException) -> str:
    """Return the words of an error in one line, also of one that cannot say them."""
    try:
        text = str(error)
    except Exception as failure:  # noqa: BLE001 - its code is the strategy's: anything may come
        return f"its text failed with {type(failure).__name__}"
    return " ".join(text[: 2 * TEXT_LEN_MAX].split())


def _place_of(error: BaseException) -> str:
    trace, place = error.__traceback__, ""
    while trace is not None:
        frame = trace.tb_frame
        # The last line of the strategy's own: what it called from there is not what to mend.
        if str(frame.f_globals.get("__name__", "")).startswith(MODULE_PREFIX):
            file = frame.f_code.co_filename.rpartition("/")[2]
            place = f", at {file}:{trace.tb_lineno} in {frame.f_code.co_name}"
        trace = trace.tb_next
    return place[:TEXT_LEN_MAX]
