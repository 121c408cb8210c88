"""Image files that belong to annotations, by their stems."""

import os
from collections.abc import Iterable
from pathlib import Path

from refkernels.annotations.image_size import read_image_size
from refkernels.annotations.problems import Bad

__all__ = ["ImageFiles", "is_image", "size_of"]

# Where several images have a stem, the first of these is taken.
SUFFIXES = (".jpg", ".jpeg", ".png")


def is_image(name: str) -> bool:
    """Return whether a file is an image by its name; what macOS puts beside it is none."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES


class ImageFiles:
    """The images in some folders.

    Parameters
    ----------
    folders : iterable of pathlib.Path
        An image in an earlier one comes first; one that does not exist is empty.

    Raises
    ------
    OSError
        If a folder cannot be read.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = list(dict.fromkeys(folders))
        self.paths: dict[str, Path] = {}
        for folder in self.folders:
            if folder.is_dir():
                names = [name for name in os.listdir(folder) if is_image(name)]
                names.sort(key=lambda name: SUFFIXES.index(os.path.splitext(name)[1].lower()))
                for name in names:
                    self.paths.setdefault(os.path.splitext(name)[0], folder / name)

    def path(self, stem: str) -> Path:
        """Return the image with a stem, or raise `Bad` if there is none."""
        if stem not in self.paths:
            shown = " or ".join(map(str, self.folders))
            raise Bad(f"there is no image {stem} (JPEG or PNG) in {shown} to tell its size")
        return self.paths[stem]


def size_of(path: Path) -> tuple[int, int]:
    """Return width and height of an image.

    Raises
    ------
    OSError, Bad
        If it cannot be read, or tells no size.
    """
    try:
        return read_image_size(path)
    except OSError as error:
        raise Bad(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise Bad(str(error)) from None
