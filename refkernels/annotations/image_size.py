"""The size of an image, from the first bytes of its file."""

import struct
from pathlib import Path
from typing import BinaryIO

from refkernels.arrays.files import no_pipe

__all__ = ["read_image_size"]

# JPEG markers that begin a frame, and say its size: SOF0 to SOF15 without DHT, JPG and DAC.
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

# JPEG markers without a length: TEM, RST0 to RST7, SOI.
ALONE = {0x01, *range(0xD0, 0xD9)}

# The JPEG marker of the segment that Exif is in, and what that begins with.
APP1 = 0xE1
EXIF = b"Exif\x00\x00"

# The tag of the orientation, the type of a number of 16 bits, and the orientations in which rows
# of the file are columns of the image.
ORIENTATION = 0x0112
SHORT = 3
TURNED = (5, 6, 7, 8)


def read_image_size(path: Path) -> tuple[int, int]:
    """Return width and height in pixels of a JPEG or PNG file, as it is to be looked at.

    A JPEG that its Exif data turns by a quarter has its sides exchanged, as image libraries give
    it that follow Exif. Those of PNG files are not looked at, as most do not.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is neither, or ends early.

    References
    ----------
    ITU-T T.81 (JPEG), annex B; ISO/IEC 15948 (PNG), section 11.2.2; CIPA DC-008 (Exif), 4.6.
    """
    turned = False
    with no_pipe(path).open("rb") as file:
        start = file.read(8)
        if start == b"\x89PNG\r\n\x1a\n":
            header = file.read(16)  # length, IHDR, width, height
            size, whole = (header[8:12], header[12:16]), len(header) == 16
        elif start[:2] == b"\xff\xd8":
            file.seek(2)
            frame, turned = _jpeg_frame(file)
            size, whole = (frame[3:5], frame[1:3]), len(frame) == 5  # precision, height, width
        else:
            raise ValueError(f"{path}: neither a JPEG nor a PNG file")
    width, height = (int.from_bytes(part, "big") for part in size)
    if not whole:
        raise ValueError(f"{path}: the file ends before its size is told")
    if not 0 < width < 2**31 or not 0 < height < 2**31:
        raise ValueError(f"{path}: has a width of {width} and a height of {height}")
    return (height, width) if turned else (width, height)


def _jpeg_frame(file: BinaryIO) -> tuple[bytes, bool]:
    """Return the start of the frame header, empty if the file ends before it, and the turn."""
    turned = False
    while True:
        byte = file.read(1)
        if not byte:
            return b"", turned
        if byte != b"\xff":
            continue
        while byte == b"\xff":  # any number of them may come before a marker
            byte = file.read(1)
        marker = byte[0] if byte else 0
        if marker in FRAMES:
            return file.read(7)[2:], turned
        if marker and marker not in ALONE:
            length = max(int.from_bytes(file.read(2), "big") - 2, 0)
            if marker == APP1:
                content = file.read(length)
                turned = turned or _exif_orientation(content) in TURNED
            else:
                file.seek(length, 1)


def _exif_orientation(content: bytes) -> int:
    """Return the orientation that an APP1 segment tells; 1, as it is, where it tells none."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(content[6:10])
    if not content.startswith(EXIF) or order is None:
        return 1
    data = content[len(EXIF) :]
    try:
        (directory,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, directory)
        for entry in range(count):
            tag, kind, _, value = struct.unpack_from(
                order + "HHIH", data, directory + 2 + 12 * entry
            )
            if tag == ORIENTATION and kind == SHORT:
                return int(value)
    except struct.error:  # damaged, as it often is; image libraries pass over it too
        pass
    return 1
