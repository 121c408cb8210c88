"""Blocks that decode class scores."""

from typing import Any

from refkernels import coder as operators
from refkernels.gluon.block import RealBlock
from refkernels.gluon.precision import as_real, constant_like, widen

__all__ = ["MultiClassDecoder", "MultiPerClassDecoder"]


class MultiClassDecoder(RealBlock):
    """Find the foreground class of the highest score: `refkernels.MultiClassDecoder` as a block.

    Parameters
    ----------
    axis : int, default -1
        The axis of the classes.
    thresh : float, default 0.01
        What a score must exceed to count.

    References
    ----------
    SPEC section 4.
    """

    def __init__(self, axis: int = -1, thresh: float = 0.01) -> None:
        super().__init__()
        self._operator = operators.MultiClassDecoder(axis, thresh)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Return ids and scores, of the shape of `x` without the classes' axis."""
        axis = self._operator.axis
        x = as_real(F, F.slice_axis(F.BlockGrad(x), axis=axis, begin=1, end=None))
        ids, scores = F.argmax(widen(F, x), axis=axis), F.max(x, axis=axis)
        return _over(F, self._operator.thresh, F.cast(ids, dtype="float32"), scores)


class MultiPerClassDecoder(RealBlock):
    """Decide for every class by itself: `refkernels.MultiPerClassDecoder` as a block.

    Parameters
    ----------
    num_class : int
        The number of classes with the background, which is the first. At least 2.
    axis : int, default -1
        The axis of the classes.
    thresh : float, default 0.01
        What a score must exceed to count.

    References
    ----------
    SPEC section 4.
    """

    def __init__(self, num_class: int, axis: int = -1, thresh: float = 0.01) -> None:
        super().__init__()
        self._operator = operators.MultiPerClassDecoder(num_class, axis, thresh)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Return ids and scores, of the shape of `x` without its first class."""
        operator = self._operator
        scores = F.slice_axis(F.BlockGrad(x), axis=operator.axis, begin=1, end=None)
        scores = as_real(F, scores)
        ones = F.swapaxes(F.cast(F.ones_like(scores), dtype="float32"), operator.axis, -1)
        ids = F.broadcast_mul(ones, F.arange(operator.num_class - 1))
        return _over(F, operator.thresh, F.swapaxes(ids, operator.axis, -1), scores)


def _over(F: Any, thresh: float, ids: Any, scores: Any) -> Any:
    """Return ids and scores where the score exceeds `thresh`, elsewhere -1 and 0."""
    counts = F.broadcast_greater(scores, constant_like(F, thresh, scores))
    return F.where(counts, ids, F.ones_like(ids) * -1), F.where(
        counts, scores, F.zeros_like(scores)
    )
