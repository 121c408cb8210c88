"""When supervision differs: on which cases."""

import numpy as np

from refkernels.conformance.model.case import Case
from refkernels.conformance.peers.suppressing import threshold_decides

__all__ = ["area_is_small", "is_double", "order_is_flipped", "single_decides"]


def is_double(case: Case) -> bool:
    """Return whether boxes are in double precision."""
    return any(array.dtype == np.float64 for array in case.inputs.values())


def area_is_small(case: Case) -> bool:
    """Return whether the area of a box that is covered is another with the spacing of 1."""
    a = case.inputs["a"].astype(np.float64)
    area = np.maximum(a[..., 2:] - a[..., :2], 0).prod(-1)
    return bool(((area > 0) & (area + np.spacing(1) != area)).any())


def order_is_flipped(case: Case) -> bool:
    """Return whether scores, sorted upwards and then read backwards, are in another order."""
    boxes, scores = case.inputs["boxes"], case.inputs["scores"]
    own = scores.astype(np.result_type(boxes, scores))
    return len(np.unique(own)) < len(own)


def single_decides(case: Case) -> bool:
    """Return whether IoUs in single precision are on another side of a threshold in double."""
    return threshold_decides(case, np.float64, np.float32, np.float64)
