"""Compare outputs: decisions exactly, reals within a derived bound."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from refkernels.arrays import Array

__all__ = ["Disagreement", "compare_exact", "compare_real"]


@dataclass(frozen=True)
class Disagreement:
    """Where an output is not what it must be.

    Parameters
    ----------
    output : str
        The output's name.
    what : str
        Index, value and expectation, as one sentence.
    ratio : float
        Error in units of the bound; infinity where the value must be equal.
    kind : str
        How it differs, as one of the failed verdicts (`verdict.VERDICTS`).
    """

    output: str
    what: str
    ratio: float = float("inf")
    kind: str = "diverges"


def compare_exact(
    name: str, found: Array, expected: Array, dtype: np.dtype[Any] | None
) -> Disagreement | None:
    """Demand equal shapes and values, and if `dtype` is given, that dtype.

    `expected` may hold exact numbers (`fractions.Fraction`), which are rounded once to `dtype`.
    """
    wrong = _wrong_form(name, found, expected.shape, dtype)
    if wrong is not None:
        return wrong
    if expected.dtype == object and dtype is not None:
        expected = np.array([round_to(value, dtype) for value in expected.flat], dtype).reshape(
            expected.shape
        )
    differs = np.asarray(found != expected)
    if found.dtype.kind == "f" and expected.dtype.kind == "f":
        differs &= ~(np.isnan(found) & np.isnan(expected))
    if not differs.any():
        return None
    where = _first(differs)
    count = int(differs.sum())
    return Disagreement(
        name,
        f"{_element(name, where)} is {found[where]}, expected {expected[where]}"
        f" ({count} of {found.size} differ)",
    )


def compare_real(
    name: str,
    found: Array,
    center: Array,
    bound: Array,
    dtype: np.dtype[Any],
    *,
    both_rounded: bool,
) -> Disagreement | None:
    """Demand that every element lies within `bound` of the exact value.

    Parameters
    ----------
    name : str
        The output's name.
    found : numpy.ndarray
        What came out.
    center : numpy.ndarray
        Exact values (object array of `Fraction` or mpmath numbers), or with `both_rounded` those of
        the kernel, which may be off by the bound themselves.
    bound : numpy.ndarray
        The largest absolute error of a correct evaluation, per element.
    dtype : numpy.dtype
        The dtype that the output must have.
    both_rounded : bool
        Whether `center` is itself rounded, so that two bounds are allowed.
    """
    wrong = _wrong_form(name, found, center.shape, dtype)
    if wrong is not None:
        return wrong
    if both_rounded:
        with np.errstate(over="ignore"):  # of a bound that allows nearly every number
            return _compare_rounded(name, found, center, 2 * bound)
    bounds = np.broadcast_to(bound, found.shape)
    worst, where = 0.0, None
    for index in np.ndindex(found.shape):
        ratio = error_ratio(float(found[index]), center[index], float(bounds[index]), dtype)
        if ratio > 1 and ratio > worst:
            worst, where = ratio, index
    if where is None:
        return None
    return Disagreement(
        name,
        f"{_element(name, where)} is {float(found[where])!r}, exactly {_shown(center[where])}; "
        f"allowed is an error of {float(bounds[where]):.3g}",
        worst,
    )


def error_ratio(found: float, exact: Any, bound: float, dtype: np.dtype[Any]) -> float:
    """Return the error of one element in units of its bound; above 1 is wrong."""
    special = _special(exact)
    if special is not None:
        same = np.isnan(found) if np.isnan(special) else found == special
        return 0.0 if same else float("inf")
    value = as_fraction(exact)
    if not np.isfinite(found):
        # Infinity is right where the exact value, give or take the bound, rounds to it.
        info = np.finfo(dtype)
        limit = Fraction(float(info.max)) * (1 + Fraction(float(info.eps)) / 4)
        overflows = np.isinf(bound) or abs(value) + Fraction(bound) >= limit
        right = overflows and not np.isnan(found) and (found > 0) == (value > 0)
        return 0.0 if right else float("inf")
    error = abs(Fraction(found) - value)
    if error == 0 or np.isinf(bound):
        return 0.0
    try:
        return float(error / Fraction(bound)) if bound > 0 else float("inf")
    except OverflowError:  # so far off that no float says how far
        return float("inf")


def _special(exact: Any) -> float | None:
    """Return infinity and nan as a float, None for a number."""
    if hasattr(exact, "_mpf_"):
        _, mantissa, exponent, _ = exact._mpf_
        return float(exact) if mantissa == 0 and exponent != 0 else None
    is_float = isinstance(exact, (float, np.floating))
    return float(exact) if is_float and not np.isfinite(exact) else None


def as_fraction(value: Any) -> Fraction:
    """Return a finite number (int, float, Fraction or mpmath number) exactly as a `Fraction`."""
    if hasattr(value, "_mpf_"):
        sign, mantissa, exponent, _ = value._mpf_
        return Fraction(-1 if sign else 1) * int(mantissa) * Fraction(2) ** int(exponent)
    return Fraction(float(value) if isinstance(value, np.floating) else value)


def round_to(value: Any, dtype: np.dtype[Any]) -> Any:
    """Round an exact number once to `dtype`, ties to even.

    Through float64 first it would be rounded twice. That is harmless for float16 and float32, whose
    halfway points float64 holds, only when float64 did not have to round onto such a point; so the
    direction of its error decides there.
    """
    try:
        near = float(value)
    except OverflowError:
        near = float("inf") if value > 0 else -float("inf")
    with np.errstate(all="ignore"):
        rounded = dtype.type(near)
        if dtype == np.float64 or not np.isfinite(near) or Fraction(near) == value:
            return rounded
        low = np.nextafter(rounded, dtype.type(-np.inf))
        high = np.nextafter(rounded, dtype.type(np.inf))

    def distance(candidate: Any) -> Fraction:
        if np.isinf(candidate):  # as near as the next number would be, if there was one
            exact = Fraction(2) ** int(np.finfo(dtype).maxexp) * (1 if candidate > 0 else -1)
        else:
            exact = Fraction(float(candidate))
        far: Fraction = abs(exact - value)
        return far

    return min((rounded, low, high), key=distance)


def _compare_rounded(name: str, found: Array, center: Array, allowed: Array) -> Disagreement | None:
    with np.errstate(invalid="ignore"):
        error = np.abs(found.astype(np.longdouble) - center.astype(np.longdouble))
    same = (found == center) | (np.isnan(found) & np.isnan(center))
    wrong = ~same & ~(error <= allowed)
    if not wrong.any():
        return None
    where = _first(wrong)
    limit = float(np.broadcast_to(allowed, found.shape)[where])
    return Disagreement(
        name,
        f"{_element(name, where)} is {float(found[where])!r}, the kernel says "
        f"{float(center[where])!r}; allowed is a difference of {limit:.3g} ({int(wrong.sum())} of "
        f"{found.size} are beyond)",
        float(error[where] / limit) if limit > 0 else float("inf"),
    )


def _wrong_form(
    name: str, found: Array, shape: tuple[int, ...], dtype: np.dtype[Any] | None
) -> Disagreement | None:
    if found.shape != shape:
        what = f"{name} has shape {found.shape}, expected {shape}"
        return Disagreement(name, what, kind="wrong shape")
    if dtype is not None and found.dtype != dtype:
        what = f"{name} has dtype {found.dtype}, expected {dtype}"
        return Disagreement(name, what, kind="wrong dtype")
    return None


def _first(mask: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), mask.shape))


def _element(name: str, where: tuple[int, ...]) -> str:
    return f"{name}{list(where)}" if where else name


def _shown(value: Any) -> str:
    if isinstance(value, Fraction) and value.denominator > 10**6:
        return f"{float(value)!r} (rounded for display)"
    return str(value)
