"""The metric of task-aligned learning."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_real,
    check_batch,
    check_number,
    check_range,
    common_real,
    keep,
    to_computing,
)
from refkernels.coder.assignment import with_batch
from refkernels.cost.inputs import as_classes, check_pairs, constant, within
from refkernels.jit import jit

__all__ = ["TaskAlignedMetric"]

# Pairs that are computed in one go: enough to keep the vector units busy whatever M is, few enough
# that they and their powers stay in the first cache.
BLOCK = 1024

# Up to this exponent a power is a few products, which go along vectors; beyond it they would round
# more than a library's power does.
LARGEST_PRODUCT = 8


class Exponent(NamedTuple):
    """An exponent, and how a power is computed.

    Attributes
    ----------
    value : float
        In the computing dtype.
    whole : int
        It is this many factors, and a square root if `has_root`; -1 if it is neither.
    has_root : bool
        Whether there is a half beside the whole.
    """

    value: Any
    whole: int
    has_root: bool


@dataclass(frozen=True)
class TaskAlignedMetric:
    """Compute how well an anchor does for a ground truth in both tasks, class and place.

    With s the anchor's score of the truth's class and u the IoU of the two, the metric is
    ``s**alpha * u**beta``; what is raised to 0 is 1.

    Parameters
    ----------
    alpha : float, default 1
        The exponent of the score, not negative.
    beta : float, default 6
        The exponent of the IoU, not negative.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If an exponent is negative or not finite, the shapes do not go together, a label is no
        class, or an input holds nan, infinity, a score outside of [0, 1] or a negative IoU.

    Notes
    -----
    Exponents are rounded to the dtype that is computed in. Where they are multiples of a half, up
    to 8, powers are products and square roots, else the mathematical library's.

    A truth of label -1 has no class, and a score of 0 at every anchor.

    References
    ----------
    SPEC section 6; Feng et al., "TOOD: Task-aligned one-stage object detection", 2021, eq. 2. The
    paper has alpha 1 and beta 6 (`tood`), ultralytics' YOLOv8 alpha 0.5 and beta 6 (`ultralytics`).

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([[0.5, 0.25], [1.0, 0.5]])  # two anchors, two classes
    >>> ious = np.array([[1.0], [0.5]])  # one ground truth, of class 1
    >>> TaskAlignedMetric(alpha=1.0, beta=2.0)(scores, [1], ious)
    array([[0.25 ],
           [0.125]])
    """

    alpha: float = 1.0
    beta: float = 6.0

    def __post_init__(self) -> None:
        keep(
            self,
            alpha=check_number("alpha", self.alpha, low=0),
            beta=check_number("beta", self.beta, low=0),
        )

    @classmethod
    def tood(cls) -> "TaskAlignedMetric":
        """Return the metric with the exponents of the paper: 1 and 6.

        Examples
        --------
        >>> TaskAlignedMetric.tood()
        TaskAlignedMetric(alpha=1.0, beta=6.0)
        """
        return cls(1.0, 6.0)

    @classmethod
    def ultralytics(cls) -> "TaskAlignedMetric":
        """Return the metric with the exponents of ultralytics' YOLOv8 and later: 0.5 and 6.

        The paper's alpha is 1. The root gives low scores, which all are when training begins, more
        weight.

        Examples
        --------
        >>> TaskAlignedMetric.ultralytics()
        TaskAlignedMetric(alpha=0.5, beta=6.0)
        """
        return cls(0.5, 6.0)

    def __call__(self, scores: npt.ArrayLike, labels: npt.ArrayLike, ious: npt.ArrayLike) -> Array:
        """Compute the metric of every pair.

        Parameters
        ----------
        scores : array_like, real, (B, N, C) or (N, C)
            The score of each class, after the sigmoid: in [0, 1].
        labels : array_like, whole numbers, (B, M) or (M,)
            The class of each ground truth in [0, C), or -1 for none.
        ious : array_like, real, (B, N, M) or (N, M)
            The IoU of each pair, not negative. A batch of 1 goes with any batch.

        Returns
        -------
        numpy.ndarray, (B, N, M), or (N, M) if nothing comes with a batch
            Metrics, in the common dtype of `scores` and `ious`.
        """
        given_scores = as_real("scores", scores, finite=False)
        given_ious = as_real("ious", ious, finite=False)
        batch_scores, scores_batched = with_batch("scores", given_scores, "(N, C)")
        batch_ious, ious_batched = with_batch("ious", given_ious, "(N, M)")
        classes, labels_batched = as_classes(labels, batch_scores.shape[-1])
        size = check_batch(scores=len(batch_scores), labels=len(classes), ious=len(batch_ious))
        check_pairs("ious", batch_ious, batch_scores, classes, "scores and labels")
        dtype = common_real(batch_scores, batch_ious)
        own_scores, own_ious = to_computing(batch_scores, dtype), to_computing(batch_ious, dtype)
        zero, one = own_scores.dtype.type(0), own_scores.dtype.type(1)
        if not within(own_scores.reshape(-1), zero, one):
            check_range("scores", given_scores, 0, 1)
        alpha = _exponent(constant("alpha", self.alpha, dtype))
        beta = _exponent(constant("beta", self.beta, dtype))
        out = np.empty((size, *own_ious.shape[1:]), own_ious.dtype)
        if not _metrics(own_scores, classes, own_ious, alpha, beta, out) or not out.size:
            check_range("ious", given_ious, 0)
        with np.errstate(all="ignore"):
            metrics = out.astype(dtype, copy=False)
        return metrics if scores_batched or labels_batched or ious_batched else metrics[0]


def _exponent(value: Any) -> Exponent:
    halves = float(value) * 2
    if halves.is_integer() and halves <= 2 * LARGEST_PRODUCT:
        return Exponent(value, int(halves) // 2, bool(halves % 2))
    return Exponent(value, -1, False)


@jit
def _raise(values, exponent, out):  # type: ignore[no-untyped-def]
    """Fill `out` (K,) with the powers of `values` (K,), which are overwritten."""
    if exponent.whole < 0:
        zero = out.dtype.type(0)
        for i in range(values.size):  # most IoUs are 0, and a power takes long
            out[i] = values[i] ** exponent.value if values[i] > zero else zero
        return
    one = out.dtype.type(1)
    for i in range(values.size):
        out[i] = np.sqrt(values[i]) if exponent.has_root else one
    left = exponent.whole
    while left:
        if left & 1:
            for i in range(values.size):
                out[i] *= values[i]
        left >>= 1
        if left:
            for i in range(values.size):
                values[i] *= values[i]


@jit
def _metrics(scores, labels, ious, alpha, beta, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N, M); return whether all IoUs are finite and none is negative.

    `scores` (B or 1, N, C), `labels` (B or 1, M) and `ious` (B or 1, N, M) are gone through in
    blocks of whole rows, in which pairs lie one after the other.
    """
    if out.size == 0:
        return True
    rows, columns = out.shape[1:]
    zero, largest = out.dtype.type(0), np.finfo(out.dtype).max
    height = max(1, BLOCK // columns)
    base = np.empty(height * columns, out.dtype)
    power = np.empty(height * columns, out.dtype)
    right = True
    for image in range(out.shape[0]):
        own_scores = scores[min(image, scores.shape[0] - 1)]
        own_labels = labels[min(image, labels.shape[0] - 1)]
        known = np.maximum(own_labels, 0).astype(np.uint64)
        own_ious = ious[min(image, ious.shape[0] - 1)].reshape(-1)
        result = out[image].reshape(-1)
        for first in range(0, rows, height):
            last = min(first + height, rows)
            size = (last - first) * columns
            values, powers = base[:size], power[:size]
            given = own_ious[first * columns : last * columns]
            for i in range(size):
                values[i] = given[i]
            right &= within(values, zero, largest)
            _raise(values, beta, powers)
            for i in range(first, last):
                place = (i - first) * columns
                for j in range(columns):
                    values[np.uint64(place + j)] = own_scores[np.uint64(i), known[j]]
            for j in range(columns):
                if own_labels[j] < 0:
                    for i in range(j, size, columns):
                        values[np.uint64(i)] = zero
            metrics = result[first * columns : last * columns]
            _raise(values, alpha, metrics)
            for i in range(size):
                metrics[i] *= powers[i]
    return right
