"""A picture as a part of a page."""

import base64
from pathlib import Path

from refkernels.arrays.files import no_pipe

__all__ = ["embedded"]

# The first bytes of the pictures that browsers show.
PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}


def embedded(path: Path) -> str:
    """Return a picture's file as an address that holds it.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, or browsers do not show it.
    """
    content = no_pipe(path).read_bytes()
    for start, kind in PICTURES.items():
        if content.startswith(start):
            return f"data:{kind};base64,{base64.b64encode(content).decode()}"
    raise ValueError(f"{path}: not a picture that browsers show; expected PNG, JPEG, GIF or WebP")
