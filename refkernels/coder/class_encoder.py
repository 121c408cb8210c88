"""Operators that encode the classes of anchors as training targets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_indices,
    as_numbers,
    as_real,
    check_finite,
    check_number,
    computing_dtype,
    keep,
    require,
    rounded,
)
from refkernels.arrays.printing import times
from refkernels.coder.assignment import as_assignment, with_batch
from refkernels.jit import jit

__all__ = ["MultiClassEncoder", "SigmoidClassEncoder"]


@dataclass(frozen=True)
class MultiClassEncoder:
    """Encode the class of each anchor, with the background as class 0.

    A positive sample gets the label of its match + 1, a negative one 0, any other `ignore_label`.

    Parameters
    ----------
    ignore_label : int or float, default -1
        The target of what is neither positive nor negative. A whole number.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If shapes do not go together, samples hold nan or infinity, labels are not whole numbers, a
        target is no number of the labels' dtype, or a positive sample has no match.

    References
    ----------
    SPEC section 4.

    Examples
    --------
    >>> MultiClassEncoder()([1, -1, 0], [1, -1, -1], [5, 7])
    array([ 8,  0, -1])
    """

    ignore_label: float = -1

    def __post_init__(self) -> None:
        label = check_number("ignore_label", self.ignore_label)
        whole = int(self.ignore_label)  # not of `label`, which may have been rounded
        require(
            label.is_integer() and whole == self.ignore_label and -(2**63) <= whole < 2**63,
            f"ignore_label: expected a whole number of int64, got {self.ignore_label!r}",
        )
        keep(self, ignore_label=whole)

    def __call__(
        self, samples: npt.ArrayLike, matches: npt.ArrayLike, refs: npt.ArrayLike
    ) -> Array:
        """Encode the classes.

        Parameters
        ----------
        samples : array_like, real, (B, N) or (N,)
            Positive where over 0.5, negative where below -0.5.
        matches : array_like, whole numbers, (B, N) or (N,)
            Which of `refs` an anchor is matched to; only looked at where the sample is positive.
        refs : array_like, whole numbers, (B, M) or (M,)
            The labels of the ground truth, without the background.

        Returns
        -------
        numpy.ndarray, (B, N), or (N,) if nothing came with a batch
            Class targets: int64 for integer labels, else of the dtype of `refs`.
        """
        labels, labels_batched = with_batch("refs", as_indices("refs", refs, min_ndim=1), "(M,)")
        assignment = as_assignment(samples, matches)
        size, count = labels.shape
        require(
            size == assignment.signs.shape[0],
            f"refs: expected the labels of {times(assignment.signs.shape[0], 'image')}, as "
            "samples has, "
            f"got {size}",
        )
        dtype = _target_dtype("refs", refs)
        self._check_exact(labels, dtype)
        computing = dtype if dtype == np.int64 else computing_dtype(dtype)
        classes = np.zeros((size, count + 1), computing)  # the last: so that none is empty
        classes[:, :count] = labels + 1
        targets = np.empty(assignment.signs.shape, computing)
        ignored = computing.type(self.ignore_label)
        if not _encode_classes(assignment.signs, assignment.matches, classes, ignored, targets):
            assignment.check_matched(count, "refs")
        targets = targets.astype(dtype, copy=False)
        return targets if labels_batched or assignment.batched else targets[0]

    def _check_exact(self, labels: Array, dtype: np.dtype[Any]) -> None:
        """Check that every target is a number of `dtype`."""
        limit = np.iinfo(dtype).max if dtype.kind == "i" else 2 ** (np.finfo(dtype).nmant + 1)
        require(
            abs(self.ignore_label) <= limit,
            f"ignore_label: {self.ignore_label} is not exact in {dtype}, the dtype of the labels",
        )
        beyond = (labels < -limit) | (labels >= limit)
        if beyond.any():
            image, ref = np.argwhere(beyond)[0]
            raise ValueError(
                f"refs: the label {labels[image, ref]} of image {image}, ref {ref}, gives a target "
                f"that is not exact in {dtype}; expected labels below {limit}"
            )


@dataclass(frozen=True)
class SigmoidClassEncoder:
    """Encode samples as targets of a two-class loss, and mask those that are ignored.

    +1 becomes target 1 with mask 1, -1 becomes target 0 with mask 1, and 0 target -1 with mask 0.

    Raises
    ------
    TypeError
        If the input has the wrong dtype.
    ValueError
        If a sample is not +1, -1 or 0, to within 1e-5.

    References
    ----------
    SPEC section 4; Ren et al., "Faster R-CNN", 2015, section 3.1.2.

    Examples
    --------
    >>> targets, masks = SigmoidClassEncoder()([1, -1, 0])
    >>> targets
    array([ 1,  0, -1])
    >>> masks
    array([1, 1, 0])
    """

    def __call__(self, samples: npt.ArrayLike) -> tuple[Array, Array]:
        """Encode `samples`.

        Parameters
        ----------
        samples : array_like, real, (B, N), (N,) or any other shape
            Each +1, -1 or 0.

        Returns
        -------
        targets : numpy.ndarray, of the shape of `samples`
            1, 0 or -1: int64 for integer samples, else of the dtype of `samples`.
        masks : numpy.ndarray, of the shape of `samples`
            1 or 0, in the dtype of `targets`.
        """
        values = as_numbers("samples", samples, min_ndim=1)
        dtype = _target_dtype("samples", samples)
        near = values.dtype.type(0) if dtype == np.int64 else rounded(1e-5, dtype)
        targets, masks = np.empty_like(values), np.empty_like(values)
        if not _encode_signs(values.reshape(-1), near, targets.reshape(-1), masks.reshape(-1)):
            check_finite("samples", values)
            rest = values - (values > 0.5).astype(values.dtype) + (values < -0.5)
            where = tuple(int(i) for i in np.argwhere((rest < -near) | (rest > near))[0])
            raise ValueError(
                f"samples{list(where)} is {values[where]}, expected 1, -1 or 0, to within 1e-5"
            )
        return targets.astype(dtype, copy=False), masks.astype(dtype, copy=False)


def _target_dtype(name: str, labels: npt.ArrayLike) -> np.dtype[Any]:
    """Return the dtype of class targets: int64 for whole dtypes, else that of the labels."""
    if np.asarray(labels).dtype.kind != "f":
        return np.dtype(np.int64)
    return as_real(name, labels, finite=False).dtype


@jit
def _encode_classes(signs, matches, classes, ignored, targets):  # type: ignore[no-untyped-def]
    """Fill `targets`; return whether every positive sample has a match.

    `classes` has one column more than there is ground truth, to look at where there is no match.
    """
    zero = targets.dtype.type(0)
    count = classes.shape[1] - 1
    complete = True
    for image in range(signs.shape[0]):
        # Positives are few: everything else first, in a loop that vectorises.
        for i in range(signs.shape[1]):
            targets[image, i] = zero if signs[image, i] < 0 else ignored
        for i in range(signs.shape[1]):
            if signs[image, i] > 0:
                match = matches[image, i]
                matched = (match >= 0) & (match < count)
                targets[image, i] = classes[image, np.uintp(match if matched else count)]
                complete &= matched
    return complete


@jit
def _encode_signs(samples, near, targets, masks):  # type: ignore[no-untyped-def]
    """Fill `targets` and `masks`; return whether every sample is near 1, -1 or 0."""
    one = samples.dtype.type(1)
    zero = samples.dtype.type(0)
    half = samples.dtype.type(0.5)  # of integers 0, and those over 0 are those over 0.5
    known = True
    for i in range(samples.size):
        value = samples[i]
        sign = one if value > half else (-one if value < -half else zero)
        targets[i] = one if sign > zero else (zero if sign < zero else -one)
        masks[i] = one if sign != zero else zero
        rest = value - sign
        known &= (rest >= -near) & (rest <= near)
    return known
