"""Gluon blocks that match anchors with ground truth (SPEC section 2); see `refkernels.matcher`.

Decisions are exact: comparisons are made in the dtype of the scores, and ties go to the lowest
index in row-major order. Two facts about MXNet carry that. ``bipartite_matching`` sorts stably, but
keeps its indices in the dtype of the scores, where float32 loses count past 2^24 pairs in a batch,
so it is given float64. ``argmax`` finds the first maximum, with the same reservation.
"""

from collections.abc import Sequence
from typing import Any

from mxnet.gluon import HybridBlock

from refkernels.arrays import as_sequence, check_flag, check_number, shown
from refkernels.gluon.block import RealBlock
from refkernels.gluon.precision import as_real, constant_like

__all__ = ["BipartiteMatcher", "CompositeMatcher", "MaximumMatcher"]


class BipartiteMatcher(RealBlock):
    """Match greedily one to one, then share: `refkernels.BipartiteMatcher` as a block.

    Parameters
    ----------
    threshold : float, default 1e-12
        A pair is a candidate if its score is above (with `is_ascend`, below) this.
    is_ascend : bool, default False
        Scores are distances: the smallest come first.
    eps : float, default 1e-12
        How far below a column's best score a row may be and still share it. Not negative.
    share_max : bool, default True
        An unmatched row shares if any of its candidates comes up to its column's best; otherwise
        only if its own best candidate does.

    References
    ----------
    SPEC section 2.
    """

    def __init__(
        self,
        threshold: float = 1e-12,
        is_ascend: bool = False,
        eps: float = 1e-12,
        share_max: bool = True,
    ) -> None:
        super().__init__()
        self._threshold = check_number("threshold", threshold)
        self._is_ascend = check_flag("is_ascend", is_ascend)
        self._eps = check_number("eps", eps, low=0)
        self._share_max = check_flag("share_max", share_max)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Match the rows of `x` (..., N, M); the result (..., N) is float32, -1 for no match."""
        x = as_real(F, x)
        if self._is_ascend:  # negation is exact, so distances are scores below 0
            x, threshold = -x, -self._threshold
        else:
            threshold = self._threshold
        candidate = F.broadcast_greater(x, constant_like(F, threshold, x))
        scores = F.cast(x, dtype="float64")

        # -inf keeps other pairs out, as the operator's own threshold is rounded to float32. Adding
        # 0 makes -0 equal to 0 for the radix sort of GPUs, which looks at bits.
        ranked = F.where(candidate, scores + 0.0, F.ones_like(scores) * float("-inf"))
        matches, _ = F.contrib.bipartite_matching(ranked, threshold=float("-inf"))

        best = F.max(x, axis=-2, keepdims=True)
        near = F.broadcast_greater_equal(F.broadcast_add(x, constant_like(F, self._eps, x)), best)
        near = near * candidate
        own = F.argmax(scores, axis=-1)
        shares = F.max(near, axis=-1) if self._share_max else F.pick(near, own, axis=-1)
        shared = F.where(shares, own, F.ones_like(own) * -1)
        return F.cast(F.where(matches >= 0, matches, shared), dtype="float32")


class MaximumMatcher(RealBlock):
    """Match each row with its best column: `refkernels.MaximumMatcher` as a block.

    Parameters
    ----------
    threshold : float
        The least score of a match.

    References
    ----------
    SPEC section 2.
    """

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self._threshold = check_number("threshold", threshold)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Match the rows of `x` (..., N, M); the result (..., N) is float32, -1 for no match."""
        x = as_real(F, x)
        own = F.argmax(F.cast(x, dtype="float64"), axis=-1)
        matched = F.broadcast_greater_equal(F.max(x, axis=-1), constant_like(F, self._threshold, x))
        return F.cast(F.where(matched, own, F.ones_like(own) * -1), dtype="float32")


class CompositeMatcher(RealBlock):
    """Ask several matchers in turn: `refkernels.CompositeMatcher` as a block.

    Parameters
    ----------
    matchers : sequence of HybridBlock
        Each maps scores to matches. At least one; the first that matches a row decides.

    References
    ----------
    SPEC section 2.
    """

    def __init__(self, matchers: Sequence[HybridBlock]) -> None:
        super().__init__()
        self._matchers = as_sequence("matchers", matchers, "a list of matchers")
        if not self._matchers:
            raise ValueError("matchers: expected at least one matcher, got none")
        for i, matcher in enumerate(self._matchers):
            if not isinstance(matcher, HybridBlock):
                raise TypeError(
                    f"matchers[{i}]: expected a HybridBlock that matches, got {shown(matcher)}"
                )
            self.register_child(matcher)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Match the rows of `x` (..., N, M); the result (..., N) is float32, -1 for no match."""
        decided, *later = (F.cast(matcher(x), dtype="float32") for matcher in self._matchers)
        for matches in later:
            decided = F.where(decided >= 0, decided, matches)
        return decided
