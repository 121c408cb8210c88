"""The size of an image, from the first bytes of its file."""

from pathlib import Path
from typing import BinaryIO

__all__ = ["read_image_size"]

# JPEG markers that begin a frame, and say its size: SOF0 to SOF15 without DHT, JPG and DAC.
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

# JPEG markers without a length: TEM, RST0 to RST7, SOI.
ALONE = {0x01, *range(0xD0, 0xD9)}


def read_image_size(path: Path) -> tuple[int, int]:
    """Return width and height in pixels of a JPEG or PNG file.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is neither, or ends early.

    References
    ----------
    ITU-T T.81 (JPEG), annex B; ISO/IEC 15948 (PNG), section 11.2.2.
    """
    with path.open("rb") as file:
        start = file.read(8)
        if start == b"\x89PNG\r\n\x1a\n":
            header = file.read(16)  # length, IHDR, width, height
            size, whole = (header[8:12], header[12:16]), len(header) == 16
        elif start[:2] == b"\xff\xd8":
            file.seek(2)
            frame = _jpeg_frame(file)
            size, whole = (frame[3:5], frame[1:3]), len(frame) == 5  # precision, height, width
        else:
            raise ValueError(f"{path}: neither a JPEG nor a PNG file")
    width, height = (int.from_bytes(part, "big") for part in size)
    if not whole:
        raise ValueError(f"{path}: the file ends before its size is told")
    if not width or not height:
        raise ValueError(f"{path}: has a width of {width} and a height of {height}")
    return width, height


def _jpeg_frame(file: BinaryIO) -> bytes:
    """Return the start of the frame header, empty if the file ends before it."""
    while True:
        byte = file.read(1)
        if not byte:
            return b""
        if byte != b"\xff":
            continue
        while byte == b"\xff":  # any number of them may come before a marker
            byte = file.read(1)
        marker = byte[0] if byte else 0
        if marker in FRAMES:
            return file.read(7)[2:]
        if marker and marker not in ALONE:
            length = int.from_bytes(file.read(2), "big")
            file.seek(max(length - 2, 0), 1)
