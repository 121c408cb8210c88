"""A photo as a part of a page."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

from refkernels.explain.trace.photo import read_photo

__all__ = ["Embedded", "embedded"]

# The first bytes of the pictures that browsers show.
PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}

# That of JPEG, from which an eye does not tell a photo.
QUALITY = 85


class Embedded(NamedTuple):
    """A photo's address, which holds it, and its width and height before it was scaled."""

    address: str
    size: tuple[int, int]


def embedded(
    path: str | os.PathLike[str], most: int, size: Sequence[float] | None = None
) -> Embedded:
    """Return a photo as an address that holds it: as it is if it is small, or else a smaller copy.

    Parameters
    ----------
    path, most, size
        As for `refkernels.explain.trace.photo.read_photo`.

    Raises
    ------
    OSError, ValueError, ImportError
        As it does.
    """
    photo = read_photo(path, most, size)
    made = BytesIO()
    photo.picture.save(made, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    content, kind = made.getvalue(), "image/jpeg"
    if photo.as_it_is and photo.path.stat().st_size <= len(content):
        own = photo.path.read_bytes()
        for start, name in PICTURES.items():
            if own.startswith(start):
                content, kind = own, name
    return Embedded(f"data:{kind};base64,{base64.b64encode(content).decode()}", photo.size)
