"""The cost of matching a set of predictions with a set of objects."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_boxes,
    as_real,
    check_batch,
    check_choice,
    check_number,
    common_real,
    keep,
    require,
    to_computing,
)
from refkernels.arrays.printing import times
from refkernels.coder.assignment import with_batch
from refkernels.cost.inputs import as_classes, constant
from refkernels.jit import jit

__all__ = ["DETRCost"]

KINDS = ("softmax", "focal")
NUMBERS = ("class_weight", "l1_weight", "giou_weight", "alpha", "gamma", "eps")


class Numbers(NamedTuple):
    """The operator's parameters in the computing dtype, and 1 - alpha."""

    class_weight: Any
    l1_weight: Any
    giou_weight: Any
    alpha: Any
    gamma: Any
    eps: Any
    rest: Any


@dataclass(frozen=True)
class DETRCost:
    """Compute what it costs to give a prediction to a ground truth, as DETR and its heirs do.

    The cost is ``class_weight * class + l1_weight * L1 - giou_weight * GIoU``.

    *class* is, with l the truth's label, ``-softmax(logits)[l]``; or of kind 'focal', with
    ``p = sigmoid(logits[l])``, what the focal loss of a positive is above that of a negative:
    ``alpha * (1 - p)**gamma * -log(p + eps) - (1 - alpha) * p**gamma * -log(1 - p + eps)``.

    *L1* is the sum of the absolute differences of cx, cy, w and h. *GIoU* is that of the corner
    forms, ``IoU - (C - U) / C``, with U the area of the union and C that of the smallest box that
    encloses both: all of their corners, in whichever order a box has them.

    Parameters
    ----------
    class_weight : float, default 1
        The weight of the class.
    l1_weight : float, default 5
        The weight of the L1 distance.
    giou_weight : float, default 2
        The weight of the GIoU.
    kind : {'softmax', 'focal'}, default 'softmax'
        What the cost of a class is.
    alpha : float, default 0.25
        The weight of positives in the focal loss, in [0, 1].
    gamma : float, default 2
        The exponent of the focal loss, not negative.
    eps : float, default 1e-8
        What is added before a logarithm of the focal loss; positive. Deformable DETR has 1e-8,
        mmdetection 1e-12.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If a parameter is out of range, also in the dtype that is computed in; if the shapes do not
        go together, a label is no class, or an input holds nan or infinity.

    Notes
    -----
    A box without extent, such as one of padding, has an area of 0 and an IoU of 0 with everything,
    and its cost is what the formula gives then. 0 stands for (C - U) / C where C is 0. A truth of
    label -1 has no class, whose cost is 0.

    1 - p is computed as ``sigmoid(-logits[l])``, which keeps its digits where p is near 1.

    References
    ----------
    SPEC section 6; Carion et al., "End-to-end object detection with transformers", 2020, section
    3.1 and appendix A.2 (softmax; weights 1, 5, 2); Zhu et al., "Deformable DETR", 2021 (focal, of
    weights 2, 5, 2: `deformable`).

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.array([[0.0, 0.0], [8.0, 0.0]])  # two predictions, two classes
    >>> boxes = np.array([[0.5, 0.5, 0.5, 0.5], [0.25, 0.5, 0.5, 1.0]])
    >>> truths = np.array([[0.5, 0.5, 0.5, 0.5]])
    >>> DETRCost()(logits, boxes, [1], truths).round(4)
    array([[-2.5  ],
           [ 3.683]])
    """

    class_weight: float = 1.0
    l1_weight: float = 5.0
    giou_weight: float = 2.0
    kind: str = "softmax"
    alpha: float = 0.25
    gamma: float = 2.0
    eps: float = 1e-8

    def __post_init__(self) -> None:
        keep(
            self,
            class_weight=check_number("class_weight", self.class_weight),
            l1_weight=check_number("l1_weight", self.l1_weight),
            giou_weight=check_number("giou_weight", self.giou_weight),
            kind=check_choice("kind", self.kind, KINDS),
            alpha=check_number("alpha", self.alpha, low=0, high=1),
            gamma=check_number("gamma", self.gamma, low=0),
            eps=check_number("eps", self.eps, low=0),
        )
        require(self.eps > 0, "eps: expected a number above 0, got 0.0")

    @classmethod
    def deformable(cls) -> "DETRCost":
        """Return the cost of Deformable DETR, and of those after it: the focal loss, weighing 2.

        Examples
        --------
        >>> DETRCost.deformable().kind, DETRCost.deformable().class_weight
        ('focal', 2.0)
        """
        return cls(class_weight=2.0, kind="focal")

    def __call__(
        self,
        logits: npt.ArrayLike,
        boxes: npt.ArrayLike,
        labels: npt.ArrayLike,
        truths: npt.ArrayLike,
    ) -> Array:
        """Compute the cost of every pair.

        Parameters
        ----------
        logits : array_like, real, (B, N, C) or (N, C)
            Scores of the classes before softmax or sigmoid; for softmax with that of no object.
        boxes : array_like, real, (B, N, 4) or (N, 4)
            The predicted boxes in centre form, normalised to [0, 1] (nothing depends on that but
            what the L1 distance weighs).
        labels : array_like, whole numbers, (B, M) or (M,)
            The class of each ground truth in [0, C), or -1 for none.
        truths : array_like, real, (B, M, 4) or (M, 4)
            The boxes of the ground truth in centre form. A batch of 1 goes with any batch.

        Returns
        -------
        numpy.ndarray, (B, N, M), or (N, M) if nothing comes with a batch
            Costs, in the common dtype of `logits`, `boxes` and `truths`.
        """
        scores, scores_batched = with_batch("logits", as_real("logits", logits), "(N, C)")
        rows, rows_batched = with_batch("boxes", as_boxes("boxes", boxes), "(N, 4)")
        classes, labels_batched = as_classes(labels, scores.shape[-1])
        columns, columns_batched = with_batch("truths", as_boxes("truths", truths), "(M, 4)")
        size = check_batch(
            logits=len(scores), boxes=len(rows), labels=len(classes), truths=len(columns)
        )
        for name, found, of, expected in (
            ("boxes", rows, "logits", scores.shape[1]),
            ("truths", columns, "labels", classes.shape[1]),
        ):
            require(
                found.shape[1] == expected,
                f"{name}: expected {times(expected, 'box')}, as many as {of}, got {found.shape[1]}",
            )
        dtype = common_real(scores, rows, columns)
        inputs = to_computing(scores, dtype), to_computing(rows, dtype), classes
        out = np.empty((size, rows.shape[1], columns.shape[1]), inputs[0].dtype)
        is_focal, numbers = self.kind == "focal", self._numbers(dtype)
        _costs(*inputs, to_computing(columns, dtype), is_focal, numbers, out)
        with np.errstate(all="ignore"):
            costs = out.astype(dtype, copy=False)
        batched = scores_batched or rows_batched or labels_batched or columns_batched
        return costs if batched else costs[0]

    def _numbers(self, dtype: np.dtype[Any]) -> Numbers:
        own = {name: constant(name, getattr(self, name), dtype) for name in NUMBERS}
        eps = own["eps"]
        require(eps > 0, f"eps: {self.eps} vanishes in {eps.dtype}")
        return Numbers(**own, rest=constant("alpha", 1 - self.alpha, dtype))


@jit
def _focal(logit, numbers):  # type: ignore[no-untyped-def]
    """Return the focal loss of a positive less that of a negative."""
    zero = numbers.eps - numbers.eps
    one = zero + type(logit)(1)
    power = np.exp(-abs(logit))
    larger = one / (one + power)
    smaller = power * larger
    p, q = (larger, smaller) if logit >= zero else (smaller, larger)
    two = one + one
    easy, hard = (p * p, q * q) if numbers.gamma == two else (p**numbers.gamma, q**numbers.gamma)
    positive = numbers.alpha * hard * -np.log(p + numbers.eps)
    return positive - numbers.rest * easy * -np.log(q + numbers.eps)


@jit
def _classes(logits, labels, is_focal, numbers, out):  # type: ignore[no-untyped-def]
    """Fill `out` (M) with what the classes cost whose logits are `logits` (C,)."""
    zero = out.dtype.type(0)
    if logits.size == 0:
        out[:] = zero
        return
    largest, total = logits[0], zero
    if not is_focal:
        for c in range(logits.size):
            largest = max(largest, logits[c])
        for c in range(logits.size):
            total += np.exp(logits[c] - largest)
    for j in range(out.size):
        label = labels[j]
        if label < 0:
            out[j] = zero
        elif is_focal:
            out[j] = _focal(logits[label], numbers)
        else:
            out[j] = -np.exp(logits[label] - largest) / total


@jit
def _corners(box):  # type: ignore[no-untyped-def]
    """Return xmin, ymin, xmax, ymax and the area of a box in centre form."""
    zero, half = box.dtype.type(0), box.dtype.type(0.5)
    half_width, half_height = box[2] * half, box[3] * half
    left, right = box[0] - half_width, box[0] + half_width
    top, bottom = box[1] - half_height, box[1] + half_height
    return left, top, right, bottom, max(right - left, zero) * max(bottom - top, zero)


@jit
def _costs(logits, boxes, labels, truths, is_focal, numbers, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N, M); every input has a batch of B or 1."""
    zero = out.dtype.type(0)
    count = out.shape[2]
    columns = np.empty((14, count), out.dtype)
    classes, areas = columns[0], columns[1]
    x, y, w, h = columns[2], columns[3], columns[4], columns[5]
    # Of each truth its corners as they are, and the ends of what it covers, inverted or not.
    xmin, ymin, xmax, ymax = columns[6], columns[7], columns[8], columns[9]
    left, top, right, bottom = columns[10], columns[11], columns[12], columns[13]
    for image in range(out.shape[0]):
        own_logits = logits[min(image, logits.shape[0] - 1)]
        own_boxes = boxes[min(image, boxes.shape[0] - 1)]
        own_labels = labels[min(image, labels.shape[0] - 1)]
        own_truths = truths[min(image, truths.shape[0] - 1)]
        for j in range(count):
            truth = own_truths[j]
            x[j], y[j], w[j], h[j] = truth[0], truth[1], truth[2], truth[3]
            xmin[j], ymin[j], xmax[j], ymax[j], areas[j] = _corners(truth)
            left[j], right[j] = min(xmin[j], xmax[j]), max(xmin[j], xmax[j])
            top[j], bottom[j] = min(ymin[j], ymax[j]), max(ymin[j], ymax[j])
        for i in range(out.shape[1]):
            _classes(own_logits[i], own_labels, is_focal, numbers, classes)
            box, row = own_boxes[i], out[image, i]
            x0, y0, x1, y1, area = _corners(box)
            own_left, own_right = min(x0, x1), max(x0, x1)
            own_top, own_bottom = min(y0, y1), max(y0, y1)
            for j in range(count):
                width = max(min(x1, xmax[j]) - max(x0, xmin[j]), zero)
                height = max(min(y1, ymax[j]) - max(y0, ymin[j]), zero)
                inter = width * height
                union = area + areas[j] - inter
                width = max(own_right, right[j]) - min(own_left, left[j])
                height = max(own_bottom, bottom[j]) - min(own_top, top[j])
                whole = width * height
                giou = inter / union if inter > zero else zero
                giou -= (whole - union) / whole if whole > zero else zero
                apart = (
                    abs(box[0] - x[j])
                    + abs(box[1] - y[j])
                    + abs(box[2] - w[j])
                    + abs(box[3] - h[j])
                )
                cost = numbers.class_weight * classes[j] + numbers.l1_weight * apart
                row[j] = cost - numbers.giou_weight * giou
