"""Blocks that encode the classes of anchors as training targets."""

from typing import Any

from mxnet.gluon import HybridBlock

from refkernels import coder as operators
from refkernels.gluon.coder.assignment import match, positive
from refkernels.gluon.precision import as_real, constant_like
from refkernels.gluon.rows import as_given, batch_axis, pick, with_batch

__all__ = ["MultiClassEncoder", "SigmoidClassEncoder"]


class MultiClassEncoder(HybridBlock):
    """Encode the class of each anchor: `refkernels.MultiClassEncoder` as a block.

    Parameters
    ----------
    ignore_label : int or float, default -1
        The target of what is neither positive nor negative. A whole number.

    References
    ----------
    SPEC section 4.
    """

    def __init__(self, ignore_label: float = -1) -> None:
        super().__init__()
        self._operator = operators.MultiClassEncoder(ignore_label)

    def hybrid_forward(self, F: Any, samples: Any, matches: Any, refs: Any) -> Any:
        """Return targets (B, N) for `samples` and `matches` (B, N) and the labels `refs` (B, M).

        They have the dtype of the labels, or float32 for integer labels.
        """
        samples, matches, refs = map(F.BlockGrad, (samples, matches, refs))
        given = batch_axis(F, (samples, 1), (matches, 1), (refs, 1))
        samples, matches = with_batch(F, samples, 1), with_batch(F, matches, 1)
        own = pick(F, with_batch(F, as_real(F, refs), 1), match(F, samples, matches))
        ignored = F.ones_like(own) * self._operator.ignore_label
        others = F.where(samples < -0.5, F.zeros_like(own), ignored)
        targets = F.where(positive(F, samples), own + 1, others)
        return as_given(F, targets, samples, given)


class SigmoidClassEncoder(HybridBlock):
    """Encode samples as targets of a two-class loss: `refkernels.SigmoidClassEncoder` as a block.

    References
    ----------
    SPEC section 4.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def hybrid_forward(self, F: Any, samples: Any) -> Any:
        """Return targets and masks of the shape of `samples`, each of them +1, -1 or 0."""
        samples = as_real(F, samples)
        near = constant_like(F, 1e-5, samples)
        is_positive = F.broadcast_lesser_equal(F.abs(samples - 1), near)
        is_negative = F.broadcast_lesser_equal(F.abs(samples + 1), near)
        return is_positive * 2 + is_negative - 1, is_positive + is_negative
