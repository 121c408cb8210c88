"""Photos under boxes: read as they are looked at, no larger than they are shown."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from refkernels.arrays import Array, require
from refkernels.arrays.files import no_pipe
from refkernels.explain.trace.records import Fate

if TYPE_CHECKING:
    from refkernels.explain.trace.trace import Trace

__all__ = ["PIXELS", "Photo", "check_aspect", "fit", "outside", "read_photo"]

# The longer side of a photo that is shown at some 800 points, where a point is two pixels at most.
PIXELS = 1640

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")

# Exif's tag of the orientation, and those in which rows of the file are columns of the image.
ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo as it is to be looked at.

    Attributes
    ----------
    path : pathlib.Path
    picture : PIL.Image.Image
        Its pixels, in RGB, turned as Exif says, and scaled down to what was asked for.
    size : tuple of 2 int
        The width and height before it was scaled.
    as_it_is : bool
        Whether nothing was done to it but to decode it.
    """

    path: Path
    picture: Any
    size: tuple[int, int]
    as_it_is: bool

    @property
    def pixels(self) -> Array:
        """The pixels, uint8, (H, W, 3)."""
        return np.asarray(self.picture)


def read_photo(
    path: str | os.PathLike[str], most: int, size: Sequence[float] | None = None
) -> Photo:
    """Read a photo, and scale it down.

    Parameters
    ----------
    path : path
        A JPEG, PNG, WebP, GIF or BMP file. A JPEG that Exif turns is turned.
    most : int
        How many pixels its longer side has at most.
    size : sequence of 2 float, optional
        The width and height of the image that it is to be of; `check_aspect` says when it is not.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is no such picture, or one of another aspect.
    ImportError
        If Pillow is missing, which comes with ``refkernels[viz]``.
    """
    try:
        pillow = import_module("PIL.Image")
        turned_as_exif_says = import_module("PIL.ImageOps").exif_transpose
    except ImportError as error:
        raise ImportError(
            f"photos need Pillow ({error}); install it with: pip install 'refkernels[viz]'"
        ) from None
    place = no_pipe(path)
    with place.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a photo may be large
        try:
            with pillow.open(file, formats=FORMATS) as found:
                turn = 1 if found.format == "PNG" else found.getexif().get(ORIENTATION, 1)
                own = found.size[::-1] if turn in TURNED else found.size
                if size is not None:
                    check_aspect(place, own, size)
                before = found.size
                # A JPEG is decoded at a half, a quarter or an eighth of its size if that will do.
                found.thumbnail((most, most), pillow.Resampling.LANCZOS)
                same = found.size == before and turn == 1
                picture = _rgb(pillow, found if turn == 1 else turned_as_exif_says(found))
        except (pillow.UnidentifiedImageError, ImportError):
            # Packages that read many images have Pillow look for decoders that are not there.
            raise ValueError(
                f"{place}: not a picture that browsers show; expected JPEG, PNG, WebP, GIF or BMP"
            ) from None
        except (OSError, SyntaxError, EOFError, pillow.DecompressionBombError) as error:
            raise ValueError(f"{place}: no picture that can be read ({error})") from None
    return Photo(place, picture, own, same)


def _rgb(pillow: Any, picture: Any) -> Any:
    """Return a picture in RGB, on white where it is transparent."""
    if picture.mode.startswith("I"):  # 16 bits of grey
        picture = pillow.fromarray((np.asarray(picture) // 257).clip(0, 255).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        above = picture.convert("RGBA")
        picture = pillow.new("RGBA", above.size, "white")
        picture.alpha_composite(above)
    return picture.convert("RGB")


def check_aspect(path: Path, own: Sequence[int], size: Sequence[float]) -> None:
    """Raise `ValueError` if a photo of one size is none of an image of another, but for scale.

    Either may be a scaled copy of the other, whose sides were rounded to whole pixels.
    """
    (width, height), (wide, high) = own, size
    if abs(width * high - height * wide) <= max(width, height, wide, high):
        return
    turned = abs(height * high - width * wide) <= max(width, height, wide, high)
    raise ValueError(
        f"{path}: is of {width} x {height} pixels, and the image of the annotations of "
        f"{wide:g} x {high:g}; expected a photo of the same aspect"
        + (", as this one would be if it were turned by a quarter" if turned else "")
    )


def fit(extent: Sequence[float] | None) -> tuple[float, float, float, float] | None:
    """Return where an image lies, given its width and height or all four corners.

    Examples
    --------
    >>> fit((300, 200)), fit((0, 80, 640, 560))
    ((0.0, 0.0, 300.0, 200.0), (0.0, 80.0, 640.0, 560.0))
    """
    if extent is None:
        return None
    require(
        len(extent) in (2, 4), f"extent: expected 2 numbers, or 4 for a place, got {len(extent)}"
    )
    left, above, right, below = [0.0, 0.0, *extent] if len(extent) == 2 else extent
    return float(left), float(above), float(right), float(below)


def outside(trace: Trace, place: Sequence[float]) -> tuple[int, int]:
    """Return how many ground truths lie wholly outside an image, and how many in part.

    What is off by rounding to a hundredth of a pixel, as COCO has it, is not.
    """
    if trace.boxes is None:
        return 0, 0
    own = trace.boxes[trace.truths["fate"] != Fate.NO_EXTENT].astype(np.float64)
    low, high = np.array(place[:2], np.float64), np.array(place[2:], np.float64)
    near = 0.01 * np.maximum(1.0, (high - low) / 100)
    wholly = ((own[:, :2] >= high) | (own[:, 2:] <= low)).any(axis=1)
    beyond = ((own[:, :2] < low - near) | (own[:, 2:] > high + near)).any(axis=1)
    return int(wholly.sum()), int((beyond & ~wholly).sum())
