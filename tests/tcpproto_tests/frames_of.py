"""Writes and reads frames as a stranger would, without the code under test."""

import json
import struct
from typing import Any

OVERSIZE = b"\xff\xff\xff\xff"


def frame(payload: bytes) -> bytes:
    """Put a length before bytes."""
    return struct.pack(">I", len(payload)) + payload


def json_frame(**fields: Any) -> bytes:
    """Write a frame of JSON fields."""
    return frame(json.dumps(fields).encode())


def three_fields(tag: str, message: Any, timestamp: float = 1_750_000_000.0) -> bytes:
    """Write a frame as a peer of seed 003 does."""
    return json_frame(tag=tag, message=message, timestamp=timestamp)


def read_frames(data: bytes) -> list[dict[str, Any]]:
    """Read whole frames; what is left of a last one is ignored."""
    found = []
    while len(data) >= 4:
        (length,) = struct.unpack(">I", data[:4])
        if len(data) < 4 + length:
            break
        found.append(json.loads(data[4 : 4 + length]))
        data = data[4 + length :]
    return found
