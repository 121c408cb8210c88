"""Images whose boxes become cases, in the file that processes read them from."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Image

__all__ = ["read_images", "write_images"]


def write_images(file: BinaryIO, images: Sequence[Image]) -> None:
    """Write images; anchors that several share are there once."""
    arrays: dict[str, Array] = {"names": np.array([image.name for image in images], np.str_)}
    anchors: list[Array] = []
    for i, image in enumerate(images):
        known = next((k for k, other in enumerate(anchors) if other is image.anchors), None)
        if known is None:
            known = len(anchors)
            anchors.append(image.anchors)
            arrays[f"anchors-{known}"] = image.anchors
        arrays[f"boxes{i}"], arrays[f"labels{i}"] = image.boxes, image.labels
        arrays[f"anchors{i}"] = np.array(known)
    np.savez(file, **arrays)


def read_images(path: Path) -> list[Image]:
    """Return what `write_images` wrote."""
    with np.load(path, allow_pickle=False) as data:
        anchors = {name: data[name] for name in data.files if name.startswith("anchors-")}
        return [
            Image(
                str(name),
                data[f"boxes{i}"],
                data[f"labels{i}"],
                anchors[f"anchors-{int(data[f'anchors{i}'])}"],
            )
            for i, name in enumerate(data["names"])
        ]
