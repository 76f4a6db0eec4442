"""Sizes of pictures, read from their headers, and what the API refuses as a photo."""

import struct
from typing import Final

from tests.fakes.bot_api.refusals import bad_request

PHOTO_BYTES_MAX: Final = 10 * 1024 * 1024
_SIDES_SUM_MAX: Final = 10_000
_RATIO_MAX: Final = 20


def photo_size(content: bytes) -> tuple[int, int]:
    """Return width and height of a PNG, JPEG or GIF that the API takes as a photo."""
    if len(content) > PHOTO_BYTES_MAX:
        raise bad_request("too Big for a photo")
    size = _png_size(content) or _jpeg_size(content) or _gif_size(content)
    if size is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    width, height = size
    if min(size) == 0 or width + height > _SIDES_SUM_MAX or max(size) > _RATIO_MAX * min(size):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return width, height


def _png_size(content: bytes) -> tuple[int, int] | None:
    if not content.startswith(b"\x89PNG\r\n\x1a\n") or len(content) < 24:
        return None
    # A picture that was cut off has no end chunk; the server cannot process it.
    return struct.unpack(">II", content[16:24]) if b"IEND" in content[-12:] else None


def _gif_size(content: bytes) -> tuple[int, int] | None:
    if not content.startswith((b"GIF87a", b"GIF89a")) or len(content) < 10:
        return None
    return struct.unpack("<HH", content[6:10])


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    at = 2
    if not content.startswith(b"\xff\xd8"):
        return None
    while at + 9 < len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None
