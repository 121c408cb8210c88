"""Samples and matches in the form that the encoders' kernels take (SPEC section 4).

An encoder looks at samples by their sign alone, and at the match of a positive sample alone. So
samples become int8 signs and matches int64, whatever dtype they come in, and kernels need one
specialisation for each dtype of boxes or labels.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_numbers, check_finite, require
from refkernels.jit import jit

__all__ = ["Assignment", "as_assignment", "as_samples", "with_batch"]

# Stands for a float match that is no whole number: no index, so an error if a sample needs it.
NOT_WHOLE = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Assignment:
    """Which anchors are samples, and what each is matched to.

    Attributes
    ----------
    signs : numpy.ndarray, int8, (B, N)
        1 where samples > 0.5, -1 where samples < -0.5, else 0.
    matches : numpy.ndarray, int64, (B, N)
        Matches; anything at all where signs is not 1.
    given : numpy.ndarray, (B, N)
        Matches as the caller gave them, for messages.
    batched : bool
        Whether samples or matches came with a batch axis.
    """

    signs: Array
    matches: Array
    given: Array
    batched: bool

    def check_matched(self, count: int, what: str) -> None:
        """Raise `ValueError` for the first positive sample whose match is not in [0, count)."""
        unmatched = (self.signs > 0) & ~((self.matches >= 0) & (self.matches < count))
        if not unmatched.any():
            return
        image, anchor = np.argwhere(unmatched)[0]
        expected = (
            f"a match from 0 to {count - 1}, one of the {count} {what}"
            if count
            else f"a match, but there are no {what}"
        )
        raise ValueError(
            f"matches: image {image}, anchor {anchor} is a positive sample with match "
            f"{self.given[image, anchor]}, expected {expected}"
        )


def as_assignment(samples: npt.ArrayLike, matches: npt.ArrayLike) -> Assignment:
    """Check samples and matches, each (B, N) or (N,)."""
    signs, samples_batched = with_batch("samples", as_samples("samples", samples), "(N,)")
    whole, matches_batched = with_batch("matches", _as_matches(matches), "(N,)")
    require(
        signs.shape == whole.shape,
        f"matches: expected the shape of samples, {signs.shape}, got {whole.shape}",
    )
    given = np.asarray(matches).reshape(whole.shape)
    return Assignment(signs, whole, given, samples_batched or matches_batched)


def as_samples(name: str, value: npt.ArrayLike) -> Array:
    """Check that `value` is finite, and return int8: 1 over 0.5, -1 below -0.5, else 0."""
    array = as_numbers(name, value, min_ndim=1)
    signs = np.empty(array.shape, np.int8)
    if not _signs(array.reshape(-1), signs.reshape(-1)):
        check_finite(name, array)
    return signs


def with_batch(name: str, array: Array, image: str) -> tuple[Array, bool]:
    """Give `array` a batch axis unless it has one; also return whether it had.

    `image` is the shape of what belongs to one image, such as ``"(N, 4)"``.
    """
    axes = image.count(",") + (not image.endswith(",)"))
    if array.ndim not in (axes, axes + 1):
        inside = image.strip("(,)")
        raise ValueError(f"{name}: expected (B, {inside}) or {image}, got shape {array.shape}")
    return (array, True) if array.ndim > axes else (array[np.newaxis], False)


def _as_matches(given: npt.ArrayLike) -> Array:
    array = as_numbers("matches", given, min_ndim=1)
    if array.dtype == np.int64:
        return array
    whole = np.empty(array.shape, np.int64)
    _whole(array.reshape(-1), NOT_WHOLE, whole.reshape(-1))
    whole.flags.writeable = False  # as integers come out of the check: one specialisation for both
    return whole


@jit
def _signs(values, signs):  # type: ignore[no-untyped-def]
    """Fill `signs`; return whether all values are finite."""
    half = values.dtype.type(0.5)  # of integers 0, and those over 0 are those over 0.5
    finite = True
    for i in range(values.size):
        value = values[i]
        signs[i] = np.int8(value > half) - np.int8(value < -half)
        finite &= np.isfinite(value)
    return finite


@jit
def _whole(values, not_whole, whole):  # type: ignore[no-untyped-def]
    """Fill `whole` with the values that are whole numbers of int64, and elsewhere with a mark."""
    limit = values.dtype.type(2.0**63)
    zero = values.dtype.type(0)
    for i in range(values.size):
        value = values[i]
        fits = (value >= -limit) & (value < limit)  # false for nan
        number = np.int64(value if fits else zero)
        whole[i] = number if fits & (values.dtype.type(number) == value) else not_whole
