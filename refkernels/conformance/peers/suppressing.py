"""What decides in suppression, as packages compute it: for the conditions of peers."""

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFloat16, rounded
from refkernels.conformance.model.case import Case

__all__ = ["has_ties", "overlaps", "threshold_decides"]


def overlaps(boxes: Array) -> tuple[Array, Array, Array]:
    """Return the IoUs, the unions of all pairs, and which are pairs of two boxes."""
    low, high = boxes[:, :2], boxes[:, 2:]
    with np.errstate(all="ignore"):
        sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
        inter, areas = np.maximum(sides, 0).prod(-1), (high - low).prod(-1)
        union = areas[:, None] + areas - inter
        ious = np.where(inter > 0, inter / union, 0)
    return ious, union, ~np.eye(len(boxes), dtype=bool)


def has_ties(case: Case, above: int = 1) -> bool:
    """Return whether two scores are equal, among more boxes than a sort leaves in order."""
    scores = case.inputs["scores"]
    return len(scores) > above and len(np.unique(scores)) < len(scores)


def threshold_decides(case: Case, computed: type, compared: type, bar: type) -> bool:
    """Return whether IoUs are on another side of the threshold in these dtypes.

    They are computed in one, and compared in another with a threshold in a third.
    """
    boxes, threshold = case.inputs["boxes"], case.config["threshold"]
    own = boxes.dtype if boxes.dtype.kind == "f" else np.dtype(np.float64)
    plain = boxes.view(np.ndarray)
    ious, _, pairs = overlaps(plain.astype(np.float32 if own.itemsize < 8 else np.float64))
    limit = rounded(np.float32(threshold)) if isinstance(boxes, BFloat16) else own.type(threshold)
    right = ious > float(limit)
    theirs = overlaps(plain.astype(computed))[0].astype(compared).astype(np.float64)
    return bool((pairs & (right != (theirs > float(bar(threshold))))).any())
