"""The photo of an image of annotations, in a folder of photos."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from refkernels.annotations.image_files import ImageFiles
from refkernels.annotations.json_stream import JSONStreamError, stream_members
from refkernels.annotations.problems import Bad

__all__ = ["find_photo"]

# Forms in which an image is called as its file is.
BY_STEM = (".csv", ".txt", ".yaml", ".yml")


def find_photo(annotations: str | Path, image_id: int | str, folder: str | Path) -> Path:
    """Return the file of an image's photo.

    Parameters
    ----------
    annotations : str or pathlib.Path
        What `read_annotations` has read.
    image_id : int or str
        The image's id there.
    folder : str or pathlib.Path
        What COCO's ``file_name`` is looked for in; of other forms, and of an image without one,
        the photo whose name without suffix is the id.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        If there is no such folder or photo, or its name leads out of the folder.
    OSError
        If the annotations cannot be read.

    Examples
    --------
    >>> find_photo("instances.json", 139, "nowhere")
    Traceback (most recent call last):
    ValueError: nowhere: no folder of photos
    """
    path, home = Path(annotations), Path(folder)
    if not home.is_dir():
        raise ValueError(f"{home}: no folder of photos")
    name = None
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    if not path.is_dir() and (not suffixes or suffixes[-1] not in BY_STEM):
        name = _file_name(path, image_id)
    if name is None:
        try:
            return ImageFiles([home]).path(str(image_id))
        except Bad:
            raise ValueError(
                f"{home}: holds no photo {image_id}.jpg, .jpeg or .png, for image {image_id} of "
                f"{path}"
            ) from None
    found = home / name
    inside = home.resolve()
    if inside not in found.resolve().parents:
        raise ValueError(f"{path}: image {image_id}: file_name {name!r} leads out of {home}")
    if not found.is_file():
        raise ValueError(f"{home}: holds no {name}, the photo of image {image_id} of {path}")
    return found


def _file_name(path: Path, image_id: int | str) -> str | None:
    """Return what a COCO file calls an image's file, or LVIS, where it has an address."""
    try:
        for image in _images(path):
            if isinstance(image, dict) and image.get("id") == image_id:
                name, address = image.get("file_name"), image.get("coco_url")
                if isinstance(name, str) and name:
                    return name
                return address.rsplit("/", 1)[-1] if isinstance(address, str) else None
    except (JSONStreamError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None
    return None


def _images(path: Path) -> Iterator[Any]:
    """Yield the images of a COCO file; what comes after them is not read by whoever stops."""
    for key, index, value in stream_members(path, {"images": None, "annotations": None}):
        if key == "images" and index >= 0:
            yield value
