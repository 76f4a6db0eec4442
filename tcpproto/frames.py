"""Frames: a 4-byte big-endian unsigned length, then that many bytes.

Knows nothing of what the bytes mean. Bytes in, whole payloads out; no socket, no clock.
"""

from __future__ import annotations

import struct
from typing import Final

from tcpproto.errors import LocalProtocolError, RemoteProtocolError

FRAME_LEN_MAX: Final = 1024 * 1024
_LENGTH = struct.Struct(">I")
pack_length = _LENGTH.pack
_unpack_length = _LENGTH.unpack_from
_HEADER_LEN = _LENGTH.size


def encode_frame(payload: bytes, frame_len_max: int = FRAME_LEN_MAX) -> bytes:
    """Put the length before a payload; LocalProtocolError if it is empty or too long."""
    length = len(payload)
    if not 0 < length <= frame_len_max:
        raise LocalProtocolError(
            "frame_length", f"a payload of {length} bytes, allowed 1 to {frame_len_max}"
        )
    return pack_length(length) + payload


class FrameDecoder:
    """Cut a byte stream into payloads, however it was split or merged on the way."""

    __slots__ = ("_chunks", "_have", "_need", "frame_len_max")

    def __init__(self, frame_len_max: int = FRAME_LEN_MAX) -> None:
        self.frame_len_max = frame_len_max
        # Pieces are joined only once the next frame is whole, so that a megabyte that
        # trickles in byte by byte is copied once and not a million times.
        self._chunks: list[bytes] = []
        self._have = 0
        self._need = _HEADER_LEN

    @property
    def is_between_frames(self) -> bool:
        """Tell whether no part of a frame is waiting for its rest."""
        return not self._have

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads that `data` completes; RemoteProtocolError on a bad length.

        The payloads before a bad length are lost with the connection: whoever sent it is
        not speaking this protocol.
        """
        if self._have:
            self._chunks.append(data)
            self._have += len(data)
            if self._have < self._need:
                return []
            data = b"".join(self._chunks)
        payloads: list[bytes] = []
        add, frame_len_max = payloads.append, self.frame_len_max
        start, end = 0, len(data)
        need = _HEADER_LEN
        while end - start >= _HEADER_LEN:
            (length,) = _unpack_length(data, start)
            if not 0 < length <= frame_len_max:
                raise RemoteProtocolError(
                    "frame_length",
                    f"a frame of {length} bytes, allowed 1 to {frame_len_max}",
                )
            need = _HEADER_LEN + length
            if start + need > end:
                break
            add(data[start + _HEADER_LEN : start + need])
            start += need
            need = _HEADER_LEN
        rest = data[start:]
        self._chunks = [rest] if rest else []
        self._have, self._need = len(rest), need
        return payloads
