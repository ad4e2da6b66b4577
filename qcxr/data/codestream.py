"""The size that a compressed frame says it has, read before anything is decoded: a decoder trusts it over the header.

JPEG, JPEG-LS (ITU-T T.81, B.2.2: a start-of-frame segment) and JPEG 2000 (ITU-T T.800, A.5.1: SIZ).
"""

import struct

# SOF0-15 but DHT (C4), JPG (C8) and DAC (CC); F7 is JPEG-LS's
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_JP2_BOX = b"\x00\x00\x00\x0cjP  "


def size(frame: bytes) -> tuple[int, int] | None:
    """(width, height) of a JPEG, JPEG-LS or JPEG 2000 stream; None if it is none, or ends before it says."""
    try:
        if frame.startswith(_JP2_BOX):
            start = frame.find(b"\xff\x4f\xff\x51")
            return _siz(frame[start:]) if start >= 0 else None
        if frame.startswith(b"\xff\x4f\xff\x51"):
            return _siz(frame)
        return _sof(frame) if frame.startswith(b"\xff\xd8") else None
    except struct.error:
        return None


def _siz(frame: bytes) -> tuple[int, int]:
    right, lower, left, upper = struct.unpack_from(">4I", frame, 8)
    return right - left, lower - upper


def _sof(frame: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _FRAMES:
            height, width = struct.unpack_from(">2H", frame, at + 5)
            return width, height
        (length,) = struct.unpack_from(">H", frame, at + 2)
        at += 2 + length
    return None
