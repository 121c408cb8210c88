"""Blocks that encode matched boxes as regression targets."""

from collections.abc import Sequence
from typing import Any

from refkernels import coder as operators
from refkernels.coder.offsets import MEANS, STDS
from refkernels.gluon.bbox import center_columns
from refkernels.gluon.block import RealBlock
from refkernels.gluon.coder.assignment import match, positive
from refkernels.gluon.precision import common_like, constants_like, narrow, widen
from refkernels.gluon.rows import as_given, batch_axis, pick, positives_first, take_rows, with_batch

__all__ = [
    "NormalizedBoxCenterEncoder",
    "NormalizedPerClassBoxCenterEncoder",
    "NumPyNormalizedBoxCenterEncoder",
]


class NormalizedBoxCenterEncoder(RealBlock):
    """Encode matched boxes as offsets: `refkernels.NormalizedBoxCenterEncoder` as a block.

    Parameters
    ----------
    stds : sequence of 4 float, default (0.1, 0.1, 0.2, 0.2)
        What offsets are divided by. Not 0.
    means : sequence of 4 float, default (0, 0, 0, 0)
        What is subtracted from offsets before that.

    References
    ----------
    SPEC section 4.
    """

    reals = ("anchors", "refs")

    def __init__(
        self, stds: Sequence[float] = STDS, means: Sequence[float] = MEANS, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._operator = operators.NormalizedBoxCenterEncoder(stds, means)

    def hybrid_forward(self, F: Any, samples: Any, matches: Any, anchors: Any, refs: Any) -> Any:
        """Return targets and masks (B, N, 4).

        For `samples` and `matches` (B, N), `anchors` (B or 1, N, 4) and `refs` (B, M, 4), corner
        boxes; B may be absent.
        """
        samples, matches, anchors, refs = map(F.BlockGrad, (samples, matches, anchors, refs))
        like = common_like(F, anchors, refs)
        given = batch_axis(F, (samples, 1), (matches, 1), (anchors, 2), (refs, 2))
        samples, matches = with_batch(F, samples, 1), with_batch(F, matches, 1)
        boxes, truths = (with_batch(F, array, 2) for array in widen(F, anchors, refs))
        targets, masks = _encode(F, self._operator, samples, matches, boxes, truths)
        return tuple(as_given(F, narrow(F, a, like), samples, given) for a in (targets, masks))


class NumPyNormalizedBoxCenterEncoder(NormalizedBoxCenterEncoder):
    """The same block as `NormalizedBoxCenterEncoder`, under the gluoncv API's other name."""


class NormalizedPerClassBoxCenterEncoder(RealBlock):
    """Encode the first positives with a mask for each class, as the operator of the same name.

    Parameters
    ----------
    num_class : int
        The number of classes without the background. At least 1.
    max_pos : int, default 128
        The largest number of rows for an image. At least 1.
    per_device_batch_size : int, default 1
        There for the gluoncv API; any batch size is accepted.
    stds, means : sequence of 4 float
        As in `NormalizedBoxCenterEncoder`.

    References
    ----------
    SPEC section 4.
    """

    reals = ("anchors", "refs")

    def __init__(
        self,
        num_class: int,
        max_pos: int = 128,
        per_device_batch_size: int = 1,
        stds: Sequence[float] = STDS,
        means: Sequence[float] = MEANS,
    ) -> None:
        super().__init__()
        self._operator = operators.NormalizedPerClassBoxCenterEncoder(
            num_class, max_pos, per_device_batch_size, stds, means
        )

    def hybrid_forward(
        self, F: Any, samples: Any, matches: Any, anchors: Any, labels: Any, refs: Any
    ) -> Any:
        """Return targets and masks (B, P, C, 4) and indices (B, P), P = min(max_pos, N).

        For `samples` and `matches` (B, N), `anchors` (B or 1, N, 4), `labels` (B, M) and `refs`
        (B, M, 4); B may be absent.
        """
        operator = self._operator
        samples, matches, labels = map(F.BlockGrad, (samples, matches, labels))
        anchors, refs = F.BlockGrad(anchors), F.BlockGrad(refs)
        like = common_like(F, anchors, refs)
        given = batch_axis(F, (samples, 1), (matches, 1), (anchors, 2), (labels, 1), (refs, 2))
        samples, matches, labels = (with_batch(F, array, 1) for array in (samples, matches, labels))
        boxes, truths = (with_batch(F, array, 2) for array in widen(F, anchors, refs))

        indices = positives_first(F, positive(F, samples), operator.max_pos)
        samples, matches = (pick(F, array, indices) for array in (samples, matches))
        boxes = take_rows(F, boxes, indices)
        targets, masks = _encode(F, operator, samples, matches, boxes, truths)

        own = pick(F, F.cast(labels, dtype="float64"), match(F, samples, matches))
        classes = F.arange(operator.num_class, dtype="float64")
        same = F.broadcast_equal(F.expand_dims(own, axis=2), classes)
        masks = F.broadcast_mul(
            F.expand_dims(masks, axis=2), F.expand_dims(F.cast(same, dtype="float32"), axis=3)
        )
        targets = F.broadcast_axis(F.expand_dims(targets, axis=2), axis=2, size=operator.num_class)
        outputs = narrow(F, targets, like), narrow(F, masks, like), F.cast(indices, dtype="float32")
        return tuple(as_given(F, output, indices, given) for output in outputs)


def _encode(F: Any, operator: Any, samples: Any, matches: Any, anchors: Any, refs: Any) -> Any:
    """Return targets, and masks in float32, of positive samples; everything has a batch axis."""
    truths = center_columns(F, take_rows(F, refs, match(F, samples, matches)))
    boxes = center_columns(F, anchors)
    offsets = [
        *(F.broadcast_div(F.broadcast_sub(truths[k], boxes[k]), boxes[k + 2]) for k in (0, 1)),
        *(F.log(F.broadcast_div(truths[k], boxes[k])) for k in (2, 3)),
    ]
    codes = F.concat(*offsets, dim=2)
    if any(operator.means):
        codes = F.broadcast_sub(codes, constants_like(F, operator.means, refs))
    codes = F.broadcast_div(codes, constants_like(F, operator.stds, refs))
    masks = F.broadcast_like(F.expand_dims(positive(F, samples), axis=2), codes)
    # Not codes * masks: the codes of other rows may be inf or nan.
    return F.where(masks, codes, F.zeros_like(codes)), masks
