"""The matcher that asks others in turn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_indices, as_real, as_sequence, keep, require, shown
from refkernels.matcher.base import NEITHER, UNMATCHED, Matcher

__all__ = ["CompositeMatcher", "flat"]


@dataclass(frozen=True)
class CompositeMatcher(Matcher):
    """Match each row by the first of several matchers that matches it.

    Parameters
    ----------
    matchers : sequence of Matcher
        At least one, in order of precedence.

    Raises
    ------
    TypeError
        If `matchers` is no sequence, or one of them is no `Matcher`.
    ValueError
        If `matchers` is empty, `x` is not what they accept, or one of them returns something else
        than matches for `x`.

    References
    ----------
    SPEC section 2.

    Examples
    --------
    The matching of SSD: every ground truth gets its best anchor, and every anchor that overlaps
    one by half is positive too.

    >>> import numpy as np
    >>> from refkernels import BipartiteMatcher, MaximumMatcher
    >>> matcher = CompositeMatcher([BipartiteMatcher(share_max=False), MaximumMatcher(0.5)])
    >>> matcher(np.array([[0.3, 0.0], [0.6, 0.2], [0.5, 0.0], [0.1, 0.1]]))
    array([-1,  0,  0,  1])
    """

    matchers: Sequence[Matcher]

    def __post_init__(self) -> None:
        matchers = tuple(as_sequence("matchers", self.matchers, "a list of matchers"))
        require(len(matchers) > 0, "matchers: expected at least one matcher, got none")
        for i, matcher in enumerate(matchers):
            if not isinstance(matcher, Matcher):
                raise TypeError(f"matchers[{i}]: expected a Matcher, got {shown(matcher)}")
        keep(self, matchers=matchers)

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Match the rows of `x`.

        Parameters
        ----------
        x : array_like, real, (..., N, M)
            What each of the matchers accepts.

        Returns
        -------
        numpy.ndarray of int64, (..., N)
            The matched column in [0, M), or -1. Where none of the matchers has a match, but one of
            them says -2 (neither), that is left.
        """
        values = as_real("x", x, min_ndim=2)
        out = np.full(values.shape[:-1], UNMATCHED, np.int64)
        for i, matcher in enumerate(self.matchers):
            matches = as_indices(f"matchers[{i}](x)", matcher(values))
            require(
                matches.shape == out.shape,
                f"matchers[{i}](x): expected matches of shape {out.shape}, got {matches.shape}",
            )
            require(
                bool(((matches >= NEITHER) & (matches < values.shape[-1])).all()),
                f"matchers[{i}](x): expected matches from -2 to {values.shape[-1] - 1}",
            )
            np.copyto(out, matches, where=(out < 0) & (matches != UNMATCHED))
        return out


def flat(matcher: Matcher) -> list[Matcher]:
    """Return the matchers that a composite asks, in order; a matcher alone is the only one."""
    if type(matcher) is CompositeMatcher:
        return [inner for outer in matcher.matchers for inner in flat(outer)]
    return [matcher]
