"""The cost of simplified optimal transport assignment."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_mask,
    as_real,
    check_batch,
    check_number,
    check_range,
    common_real,
    keep,
    require,
    to_computing,
)
from refkernels.coder.assignment import with_batch
from refkernels.cost.inputs import as_classes, check_pairs, constant, within
from refkernels.cost.logarithm import LOGARITHMS, Logarithm, logarithm
from refkernels.jit import jit, split

__all__ = ["SimOTACost"]

# A logarithm of binary cross entropy is no less than minus this.
CLAMP = 100.0

# exp(-CLAMP) times 2**SHIFT is normal in float32.
SHIFT = 32

# Pairs that are computed in one go.
BLOCK = 1024

# Where the product of all classes underflows, so many are tried in one go.
CLASSES = 32


class Numbers(NamedTuple):
    """Numbers of the kernel, in the computing dtype.

    Attributes
    ----------
    weight, eps, penalty : float
        The operator's parameters.
    clamp : float
        What a logarithm is limited to, without its sign.
    least : float
        The number whose logarithm is that.
    tiny : float
        The least normal number.
    up, shift : float
        What takes a subnormal number that is at least `least` to normal ones, ``2**shift``.
    log : Logarithm
    """

    weight: Any
    eps: Any
    penalty: Any
    clamp: Any
    least: Any
    tiny: Any
    up: Any
    shift: Any
    log: Logarithm


@dataclass(frozen=True)
class SimOTACost:
    """Compute what it costs to give an anchor's prediction to a ground truth.

    The cost is the binary cross entropy of the scores with the truth's class, summed over all
    classes, plus ``iou_weight * -log(iou + eps)``, plus `penalty` where the anchor is not inside.
    With l the truth's label, the cross entropy is ``-log(s[l])`` and ``-log(1 - s[c])`` of every
    other class c, each logarithm limited below to -100, as in PyTorch: so a score of 0 or 1 that is
    wrong costs 100.

    Parameters
    ----------
    iou_weight : float, default 3
        The weight of the IoU's cost, not negative.
    eps : float, default 1e-8
        What is added to an IoU before its logarithm; positive.
    penalty : float, default 1e5
        What is added for an anchor that is not inside, not negative.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If a parameter is out of range, also in the dtype that is computed in; if the shapes do not
        go together, a label is no class, or an input holds nan, infinity, a score outside of [0, 1]
        or a negative IoU.

    Notes
    -----
    It takes scores, not logits. YOLOX gives it ``sqrt(sigmoid(class) * sigmoid(object))``,
    mmdetection whatever its head has for scores.

    ``log(0)`` is -inf, and a cost of infinity times a target of 0 would be nan; with the limit
    every cost is finite. A score rounds to 0 below ``exp(-100)``, or 4e-44, which float32 reaches
    among its subnormal numbers alone; and 1 - s is less than ``exp(-100)`` only where it is 0.

    In float16, whose largest number is 65504, a cost with the penalty is inf: give it one that
    fits, or scores in float32.

    A truth of label -1 has no class, so the scores of all classes are to be 0.

    The kernel takes one logarithm of a product, ``s[l] * prod(1 - s[c])``, which it keeps with an
    exponent of its own, rather than one of every factor.

    References
    ----------
    SPEC section 6; Ge et al., "YOLOX: Exceeding YOLO series in 2021", 2021, section 2.1, and "OTA:
    Optimal transport assignment for object detection", 2021. The paper does not give the numbers:
    see `yolox` and `mmdet` for whose they are.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([[0.5, 0.5], [0.9, 0.1]])  # two anchors, two classes
    >>> ious, inside = np.array([[1.0], [0.5]]), np.array([[True], [False]])
    >>> SimOTACost(penalty=10.0)(scores, [0], ious, inside).round(3)
    array([[ 1.386],
           [12.29 ]])
    """

    iou_weight: float = 3.0
    eps: float = 1e-8
    penalty: float = 1e5

    def __post_init__(self) -> None:
        keep(
            self,
            iou_weight=check_number("iou_weight", self.iou_weight, low=0),
            eps=check_number("eps", self.eps, low=0),
            penalty=check_number("penalty", self.penalty, low=0),
        )
        require(self.eps > 0, "eps: expected a number above 0, got 0.0")

    @classmethod
    def yolox(cls) -> "SimOTACost":
        """Return the cost with the numbers of YOLOX: 3, 1e-8 and 1e5 (1e6 from its 0.3 on).

        Examples
        --------
        >>> SimOTACost.yolox()
        SimOTACost(iou_weight=3.0, eps=1e-08, penalty=100000.0)
        """
        return cls(3.0, 1e-8, 1e5)

    @classmethod
    def mmdet(cls) -> "SimOTACost":
        """Return the cost with the numbers of mmdetection 3's ``SimOTAAssigner``: 3, 1e-7 and 1e5.

        The 1e8 that is also found in mmdetection is that of RTMDet's ``DynamicSoftLabelAssigner``,
        whose cost of classes is another.

        Examples
        --------
        >>> SimOTACost.mmdet()
        SimOTACost(iou_weight=3.0, eps=1e-07, penalty=100000.0)
        """
        return cls(3.0, 1e-7, 1e5)

    def __call__(
        self,
        scores: npt.ArrayLike,
        labels: npt.ArrayLike,
        ious: npt.ArrayLike,
        inside: npt.ArrayLike,
    ) -> Array:
        """Compute the cost of every pair.

        Parameters
        ----------
        scores : array_like, real, (B, N, C) or (N, C)
            The score of each class: in [0, 1].
        labels : array_like, whole numbers, (B, M) or (M,)
            The class of each ground truth in [0, C), or -1 for none.
        ious : array_like, real, (B, N, M) or (N, M)
            The IoU of each anchor's predicted box with each ground truth, not negative.
        inside : array_like, bool, (B, N, M) or (N, M)
            Whether the anchor is inside the ground truth, and near its centre. A batch of 1 goes
            with any batch.

        Returns
        -------
        numpy.ndarray, (B, N, M), or (N, M) if nothing comes with a batch
            Costs, in the common dtype of `scores` and `ious`.
        """
        given_scores = as_real("scores", scores, finite=False)
        given_ious = as_real("ious", ious, finite=False)
        batch_scores, scores_batched = with_batch("scores", given_scores, "(N, C)")
        batch_ious, ious_batched = with_batch("ious", given_ious, "(N, M)")
        classes, labels_batched = as_classes(labels, batch_scores.shape[-1])
        mask, mask_batched = with_batch("inside", as_mask("inside", inside), "(N, M)")
        size = check_batch(
            scores=len(batch_scores), labels=len(classes), ious=len(batch_ious), inside=len(mask)
        )
        check_pairs("ious", batch_ious, batch_scores, classes, "scores and labels")
        check_pairs("inside", mask, batch_scores, classes, "scores and labels")
        dtype = common_real(batch_scores, batch_ious)
        own_scores, own_ious = to_computing(batch_scores, dtype), to_computing(batch_ious, dtype)
        numbers = self._numbers(dtype)
        if not within(own_scores.reshape(-1), *(own_scores.dtype.type(x) for x in (0, 1))):
            check_range("scores", given_scores, 0, 1)
        out = np.empty((size, *own_ious.shape[1:]), own_ious.dtype)
        if not _costs(own_scores, classes, own_ious, mask, numbers, out) or not out.size:
            check_range("ious", given_ious, 0)
        with np.errstate(all="ignore"):
            costs = out.astype(dtype, copy=False)
        batched = scores_batched or labels_batched or ious_batched or mask_batched
        return costs if batched else costs[0]

    def _numbers(self, dtype: np.dtype[Any]) -> Numbers:
        weight = constant("iou_weight", self.iou_weight, dtype)
        eps, penalty = constant("eps", self.eps, dtype), constant("penalty", self.penalty, dtype)
        number = eps.dtype.type
        tiny = np.finfo(number).tiny
        require(eps >= tiny, f"eps: {self.eps} vanishes in {eps.dtype}")
        clamp, least = number(CLAMP), number(math.exp(-CLAMP))
        raising = number(2.0**SHIFT), number(SHIFT)
        return Numbers(weight, eps, penalty, clamp, least, tiny, *raising, LOGARITHMS[eps.dtype])


@jit
def _products(rows, out):  # type: ignore[no-untyped-def]
    """Fill `out` (K,) with the products of 1 - s over `rows` (K, C), as they come.

    Each as 8 partial ones, which go along a vector.
    """
    one = rows.dtype.type(1)
    # Unsigned, since a sum that may be negative counts from the end, and then loads are single.
    eight = np.uint64(8)
    count = np.uint64(rows.shape[1])
    whole = count // eight * eight
    for i in range(rows.shape[0]):
        row = rows[i]
        a, b, c, d, e, f, g, h = one, one, one, one, one, one, one, one
        for start in range(np.uint64(0), whole, eight):
            k = np.uint64(start)  # as plain Python it is a signed one
            a *= one - row[k]
            b *= one - row[k + np.uint64(1)]
            c *= one - row[k + np.uint64(2)]
            d *= one - row[k + np.uint64(3)]
            e *= one - row[k + np.uint64(4)]
            f *= one - row[k + np.uint64(5)]
            g *= one - row[k + np.uint64(6)]
            h *= one - row[k + np.uint64(7)]
        for rest in range(whole, count):
            a *= one - row[rest]
        out[i] = ((a * e) * (b * f)) * ((c * g) * (d * h))


@jit
def _product(row, tiny):  # type: ignore[no-untyped-def]
    """Return the product of 1 - s over `row` (C,) where that is not 0, and how often it is.

    The product as a number about 1 and a power of two.
    """
    zero, one = row.dtype.type(0), row.dtype.type(1)
    product, exponent, zeros = one, zero, zero
    part = np.empty(1, row.dtype)
    for first in range(0, row.size, CLASSES):
        own = row[first : first + CLASSES]
        _products(own.reshape(1, own.size), part)
        if part[0] >= tiny:
            product, power = split(product * part[0])
            exponent += power
            continue
        for c in range(own.size):
            factor = one - own[c]
            if factor > zero:
                product, power = split(product * factor)
                exponent += power
            else:
                zeros += one
    return product, exponent, zeros


@jit
def _cross_entropy(score, others, power, numbers):  # type: ignore[no-untyped-def]
    """Return the cross entropy of a pair where no score is 1, without branches.

    `score` is that of the truth's class: 0.5 stands for none, as then the product stays what it is.
    `others` and `power` are the product of 1 - s over all classes, the truth's too, so large that
    its own product with a subnormal score is normal.
    """
    one = numbers.log.half + numbers.log.half
    own = one - score
    is_clamped = score < numbers.least
    entropy = -logarithm(others * (one if is_clamped else score) / own, power, numbers.log)
    return entropy + numbers.clamp if is_clamped else entropy


@jit
def _sure_cross_entropy(score, others, power, zeros, numbers):  # type: ignore[no-untyped-def]
    """Return the cross entropy of a pair where `zeros` scores are 1 and not in the product."""
    one = numbers.log.half + numbers.log.half
    if score == one:
        return numbers.clamp * (zeros - one) - logarithm(others, power, numbers.log)
    return numbers.clamp * zeros + _cross_entropy(score, others, power, numbers)


@jit
def _costs(scores, labels, ious, inside, numbers, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N, M) for scores in [0, 1]; return whether all IoUs are in their range.

    `scores` (B or 1, N, C), `labels` (B or 1, M), `ious` and `inside` (B or 1, N, M) are gone
    through in blocks of whole rows, in which pairs lie one after the other.
    """
    if out.size == 0:
        return True
    rows, columns = out.shape[1:]
    zero, no_class = out.dtype.type(0), out.dtype.type(0.5)
    largest = np.finfo(out.dtype).max
    height = max(1, BLOCK // columns)
    size = height * columns
    # Of each pair the arguments of `_cross_entropy`; of each row its number of zeros.
    score, others, power = (
        np.empty(size, out.dtype),
        np.empty(size, out.dtype),
        np.empty(size, out.dtype),
    )
    products, zeros = np.empty(height, out.dtype), np.empty(height, out.dtype)
    right = True
    for image in range(out.shape[0]):
        own_scores = scores[min(image, scores.shape[0] - 1)]
        own_labels = labels[min(image, labels.shape[0] - 1)]
        all_ious = ious[min(image, ious.shape[0] - 1)].reshape(-1)
        all_inside = inside[min(image, inside.shape[0] - 1)].reshape(-1)
        all_costs = out[image].reshape(-1)
        for first in range(0, rows, height):
            last = min(first + height, rows)
            any_zeros = False
            _products(own_scores[first:last], products)
            for i in range(first, last):
                row = own_scores[i]
                product, exponent, count = products[i - first], zero, zero
                # Factors are at most 1, so that no partial product is less than the whole.
                if product >= numbers.tiny:
                    product, exponent = split(product)
                else:
                    product, exponent, count = _product(row, numbers.tiny)
                product, exponent = product * numbers.up, exponent - numbers.shift
                zeros[i - first] = count
                any_zeros |= count > zero
                start = (i - first) * columns
                own, own_others = score[start : start + columns], others[start : start + columns]
                own_power = power[start : start + columns]
                for j in range(columns):
                    label = own_labels[j]
                    own[j] = row[np.uint64(label)] if label >= 0 else no_class
                for j in range(columns):
                    own_others[j], own_power[j] = product, exponent
            own_ious = all_ious[first * columns : last * columns]
            own_inside = all_inside[first * columns : last * columns]
            costs = all_costs[first * columns : last * columns]
            for k in range(costs.size):
                costs[k] = _cross_entropy(score[k], others[k], power[k], numbers)
            if any_zeros:
                for k in range(costs.size):
                    count = zeros[k // columns]
                    if count > zero:
                        costs[k] = _sure_cross_entropy(
                            score[k], others[k], power[k], count, numbers
                        )
            for k in range(costs.size):
                right &= (own_ious[k] >= zero) & (own_ious[k] <= largest)
                place = -logarithm(own_ious[k] + numbers.eps, zero, numbers.log)
                outside = zero if own_inside[k] else numbers.penalty
                costs[k] = (costs[k] + numbers.weight * place) + outside
    return right
