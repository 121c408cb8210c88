"""What is measured on: anchors of SSD, and random ground truth in their image."""

from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.assign import ssd300_anchors, ssd512_anchors

__all__ = ["SCENES", "scene"]

Array = npt.NDArray[Any]

# N anchors of an image of so many pixels a side, and M ground truths.
SCENES = {"8732 x 20": (ssd300_anchors, 300, 20), "24564 x 100": (ssd512_anchors, 512, 100)}


def scene(name: str, dtype: Any, seed: int = 0) -> tuple[Array, Array]:
    """Return anchors (N, 4) and ground truth (M, 4), corner boxes in pixels."""
    anchors, side, count = SCENES[name]
    rng = np.random.default_rng(seed)
    center = rng.uniform(0.1 * side, 0.9 * side, (count, 2))
    size = side * np.exp(rng.uniform(np.log(0.05), np.log(0.6), (count, 2)))
    truth = np.clip(np.concatenate([center - size / 2, center + size / 2], 1), 0, side)
    return anchors().astype(dtype), truth.astype(dtype)
