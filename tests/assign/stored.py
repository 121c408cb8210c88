"""Targets on disk for tests: which images, of which presets, in parts of which size."""

from pathlib import Path
from typing import Any

import numpy as np

from refkernels.assign import TargetAssigner, sample_images
from refkernels.assign.dataset.part import numeric_id
from refkernels.assign.network import network_of

__all__ = ["FEW", "IMAGES", "PART", "SIZES", "SPARSE", "assert_same", "contents", "expected"]

FEW = sample_images(23, seed=2)

# More than one group of rows in the first part, and a second part that is not full.
IMAGES = sample_images(230, seed=2)
PART = 160

SIZES = {"ssd300": None, "rpn_fpn": (256, 320), "torchvision_retinanet": (256, 256)}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def expected(preset: str, position: int, sparse: bool = False) -> Any:
    sizes, resize = network_of(preset, SIZES[preset])
    assigner, image = assigners(preset, tuple(sizes.values())), IMAGES[position]
    boxes = (image.boxes * np.tile(resize.scale(image), 2)).astype(np.float32)
    own = ~image.iscrowd
    return (assigner.sparse if sparse else assigner)(
        boxes[own], image.labels[own], boxes[~own], rng=3, image_ids=numeric_id(image.image_id)
    )


MADE: dict[str, TargetAssigner] = {}


def assigners(preset: str, size: tuple[int, ...]) -> TargetAssigner:
    if preset not in MADE:
        MADE[preset] = getattr(TargetAssigner, preset)(*size)
    return MADE[preset]


def assert_same(found: Any, wanted: Any, names: tuple[str, ...]) -> None:
    for name in names:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
        assert getattr(found, name).dtype == getattr(wanted, name).dtype, name


SPARSE = ("positives", "matches", "cls_targets", "box_targets", "negatives")
