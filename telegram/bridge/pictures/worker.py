"""The program that draws: reads requests from standard input, writes answers to standard output.

A request and an answer are each four bytes of length and so many bytes: JSON in, PNG out, or a
text after a zero byte. It ends when its input ends, when nobody asked for a while, and when one
picture takes too long. Started by `artist` with nothing of this process in its environment.
"""

import os
import resource
import select
import signal
import struct
import sys
from typing import Any, BinaryIO, Final

import orjson

LENGTH: Final = struct.Struct(">I")
REQUEST_MAX: Final = 2 * 1024 * 1024
PICTURE_MAX: Final = 1024 * 1024
_IDLE_S: Final = 120.0
# Twice what the largest picture takes, and half of what the unit allows the whole bridge.
MEMORY_MAX: Final = 512 * 1024 * 1024


def draw(request: Any) -> bytes:
    """Return the picture that a request asks for, or raise."""
    # Here and not above: the library costs a quarter of a second and is only for pictures.
    from telegram.bridge.pictures.candles import draw_candles  # noqa: PLC0415
    from telegram.bridge.pictures.equity import draw_equity  # noqa: PLC0415

    kinds = {"chart": draw_candles, "curve": draw_equity}
    return kinds[request["kind"]](request["figures"], request["zone"])


def answer(data: bytes) -> bytes:
    """Return what is answered to a request, whatever is in it."""
    try:
        picture = draw(orjson.loads(data))
    except Exception as error:  # noqa: BLE001 - the boundary: nonsense must not end the worker
        return b"\0" + f"{type(error).__name__}: {error}"[:300].encode("utf-8", "replace")
    return picture if len(picture) <= PICTURE_MAX else b"\0the picture is too large"


def main() -> None:
    """Draw until nobody asks any more."""
    seconds = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What a library prints must not be taken for a picture.
    os.dup2(2, 1)
    while select.select([source], [], [], _IDLE_S)[0]:
        data = read_block(source, REQUEST_MAX)
        if data is None:
            return
        # Nobody may be left to end it: then it ends itself.
        signal.alarm(seconds)
        made = answer(data)
        signal.alarm(0)
        sink.write(LENGTH.pack(len(made)) + made)
        sink.flush()


def read_block(source: BinaryIO, size_max: int) -> bytes | None:
    """Return the next block, or None at the end."""
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    size = LENGTH.unpack(head)[0]
    data = source.read(size) if size <= size_max else b""
    return data if len(data) == size else None


if __name__ == "__main__":
    main()
