"""Compare outputs: decisions exactly, reals within a derived bound."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.quoting import printable

__all__ = ["Disagreement", "compare_exact", "compare_real", "wrong_form"]

# An exact value is written as a fraction if its parts are up to this, a dtype up to this length.
SHOWN, LONGEST_DTYPE = 1000, 60


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
    """Demand equal shapes and values, and that dtype, or with None any of whole numbers or reals.

    `expected` may hold exact numbers (`fractions.Fraction`), which are rounded once to `dtype`.
    """
    wrong = wrong_form(name, found, expected.shape, dtype)
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
    because: Callable[[], str] = lambda: "",
) -> Disagreement | None:
    """Demand that every element lies within `bound` of the exact value.

    Of several that do not, one is named that must be a finite number if there is such, and of these
    the one that is farthest off.

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
    because : callable
        Returns why what is expected may be infinite or no number, to be said if it is.
    """
    wrong = wrong_form(name, found, center.shape, dtype)
    if wrong is not None:
        return wrong
    if both_rounded:
        return _compare_rounded(name, found, center, bound, because)
    bounds = np.broadcast_to(bound, found.shape)
    ratios = np.zeros(found.shape)
    for index in np.ndindex(found.shape):
        ratios[index] = error_ratio(float(found[index]), center[index], float(bounds[index]), dtype)
    where = _worst(ratios, np.reshape([_is_finite(value) for value in center.flat], found.shape))
    if where is None:
        return None
    what = f"{_element(name, where)} is {float(found[where])!r}, expected {_shown(center[where])}"
    finite = _is_finite(center[where])
    what += _allowed("an error", float(bounds[where])) if finite else because()
    return Disagreement(name, f"{what}{_count(ratios)}", float(ratios[where]))


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
    return as_float(error / Fraction(bound)) if bound > 0 else float("inf")


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
        whole = -int(mantissa) if sign else int(mantissa)
        return Fraction(whole << exponent) if exponent >= 0 else Fraction(whole, 1 << -exponent)
    return Fraction(float(value) if isinstance(value, np.floating) else value)


def as_float(value: Any) -> float:
    """Return an exact number rounded to a float, infinity if it is beyond all."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def round_to(value: Any, dtype: np.dtype[Any]) -> Any:
    """Round an exact number once to `dtype`, ties to even.

    Through float64 first it would be rounded twice. That is harmless for float16 and float32, whose
    halfway points float64 holds, only when float64 did not have to round onto such a point; so the
    direction of its error decides there.
    """
    near = as_float(value)
    with np.errstate(all="ignore"):
        rounded = dtype.type(near)
        if dtype == np.float64 or not np.isfinite(near) or Fraction(near) == value:
            return rounded
        low = np.nextafter(rounded, dtype.type(-np.inf))
        high = np.nextafter(rounded, dtype.type(np.inf))

    def distance(candidate: Any) -> Fraction:
        """Return how far a candidate is from the value, exactly."""
        if np.isinf(candidate):  # as near as the next number would be, if there was one
            exact = Fraction(2) ** int(np.finfo(dtype).maxexp) * (1 if candidate > 0 else -1)
        else:
            exact = Fraction(float(candidate))
        far: Fraction = abs(exact - value)
        return far

    return min((rounded, low, high), key=distance)


def wrong_form(
    name: str, found: Array, shape: tuple[int, ...], dtype: np.dtype[Any] | None
) -> Disagreement | None:
    """Demand a shape, and a dtype; without one, that of whole numbers or of reals, of any width."""
    if found.shape != shape:
        what = f"{name} has shape {found.shape}, expected {shape}"
        return Disagreement(name, what, kind="wrong shape")
    if dtype is None and found.dtype.kind not in "iuf":
        what = f"{name} has dtype {_named(found.dtype)}, expected one of integers or of floats"
        return Disagreement(name, what, kind="wrong dtype")
    if dtype is not None and found.dtype != dtype:
        what = f"{name} has dtype {_named(found.dtype)}, expected {dtype}"
        return Disagreement(name, what, kind="wrong dtype")
    return None


def _compare_rounded(
    name: str, found: Array, center: Array, bound: Array, because: Callable[[], str]
) -> Disagreement | None:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        allowed = np.broadcast_to(2 * bound, found.shape)
        error = np.abs(found.astype(np.longdouble) - center.astype(np.longdouble))
        same = (found == center) | (np.isnan(found) & np.isnan(center))
        # Infinity is not near a finite number, however large the bound.
        near = (error <= allowed) & np.isfinite(error)
        ratios = np.where(same, 0, np.where(near, 0.5, error / allowed))
        # What is no number here is the error of what is none, or infinite.
        ratios = np.where(np.isnan(ratios), np.inf, ratios).astype(np.float64)
    where = _worst(ratios, np.isfinite(center))
    if where is None:
        return None
    what = f"{_element(name, where)} is {float(found[where])!r}, the kernel says "
    what += _shown(float(center[where]))
    finite = np.isfinite(center[where])
    what += _allowed("a difference", float(allowed[where])) if finite else because()
    return Disagreement(name, f"{what}{_count(ratios)}", float(ratios[where]))


def _worst(ratios: Array, finite: Array) -> tuple[int, ...] | None:
    """Return the place of the largest ratio above 1, where it must be finite if there is one."""
    beyond = ratios > 1
    if not beyond.any():
        return None
    chosen = beyond & finite if (beyond & finite).any() else beyond
    return _first(np.where(chosen, ratios, 0) == ratios[chosen].max())


def _allowed(what: str, bound: float) -> str:
    """Say how much is allowed; where it is all that there is, what is wrong is no number."""
    if bound >= float(np.finfo(np.float64).max) / 4:
        return ""
    return f"; allowed is {what} of {bound:.3g}"


def _count(ratios: Array) -> str:
    count = int((ratios > 1).sum())
    verb = "is" if count == 1 else "are"
    return f" ({count} of {ratios.size} {verb} beyond)" if ratios.size > 1 else ""


def _first(mask: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), mask.shape))


def _element(name: str, where: tuple[int, ...]) -> str:
    return f"{name}{list(where)}" if where else name


def _named(dtype: np.dtype[Any]) -> str:
    text = printable(str(dtype))
    return text if len(text) <= LONGEST_DTYPE else f"{text[:LONGEST_DTYPE]}..."


def _is_finite(value: Any) -> bool:
    return not isinstance(value, (float, np.floating)) or bool(np.isfinite(value))


def _shown(value: Any) -> str:
    """Return a number in few digits, or a fraction where that is shorter."""
    if isinstance(value, Fraction) and value.denominator <= SHOWN >= abs(value.numerator):
        return str(value)
    return repr(as_float(value))
