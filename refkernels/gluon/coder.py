"""Gluon blocks that encode targets and decode predictions (SPEC section 4).

See `refkernels.coder` for what each one means. No gradient flows through, and it is stopped at the
inputs: where it ends further inside, MXNet's imperative backward pass may crash, looking for arrays
that it did not keep.
"""

from collections.abc import Sequence
from typing import Any

from mxnet.gluon import HybridBlock

from refkernels import coder as operators
from refkernels.coder.offsets import MEANS, STDS
from refkernels.gluon.bbox import center_columns, columns
from refkernels.gluon.precision import as_real, common_like, constant_like, narrow, widen
from refkernels.gluon.rows import BEYOND, as_given, batch_axis, highest, pick, take_rows, with_batch

__all__ = [
    "CenterNetDecoder",
    "MultiClassDecoder",
    "MultiClassEncoder",
    "MultiPerClassDecoder",
    "NormalizedBoxCenterDecoder",
    "NormalizedBoxCenterEncoder",
    "NormalizedPerClassBoxCenterEncoder",
    "NumPyNormalizedBoxCenterEncoder",
    "SigmoidClassEncoder",
]


class NormalizedBoxCenterEncoder(HybridBlock):
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


class NormalizedPerClassBoxCenterEncoder(HybridBlock):
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

        indices = _positives_first(F, _positive(F, samples), operator.max_pos)
        samples, matches = (pick(F, array, indices) for array in (samples, matches))
        boxes = take_rows(F, boxes, indices)
        targets, masks = _encode(F, operator, samples, matches, boxes, truths)

        own = pick(F, F.cast(labels, dtype="float64"), _match(F, samples, matches))
        classes = F.arange(operator.num_class, dtype="float64")
        same = F.broadcast_equal(F.expand_dims(own, axis=2), classes)
        masks = F.broadcast_mul(
            F.expand_dims(masks, axis=2), F.expand_dims(F.cast(same, dtype="float32"), axis=3)
        )
        targets = F.broadcast_axis(F.expand_dims(targets, axis=2), axis=2, size=operator.num_class)
        outputs = narrow(F, targets, like), narrow(F, masks, like), F.cast(indices, dtype="float32")
        return tuple(as_given(F, output, indices, given) for output in outputs)


class NormalizedBoxCenterDecoder(HybridBlock):
    """Decode offsets into boxes: `refkernels.NormalizedBoxCenterDecoder` as a block.

    Parameters
    ----------
    stds : sequence of 4 float, default (0.1, 0.1, 0.2, 0.2)
        The encoder's. Not 0.
    convert_anchor : bool, default False
        Whether anchors come in corner form, and not in centre form.
    clip : float or None, default -1.0
        The upper limit of the exponents; None, 0 or less is no limit.
    minimal_opset : bool, default False
        There for the gluoncv API; the operators are the same either way.
    means : sequence of 4 float, default (0, 0, 0, 0), keyword only
        The encoder's.

    References
    ----------
    SPEC section 4.
    """

    def __init__(
        self,
        stds: Sequence[float] = STDS,
        convert_anchor: bool = False,
        clip: float | None = -1.0,
        minimal_opset: bool = False,
        *,
        means: Sequence[float] = MEANS,
    ) -> None:
        super().__init__()
        self._operator = operators.NormalizedBoxCenterDecoder(
            stds, convert_anchor, clip, means=means
        )

    def hybrid_forward(self, F: Any, x: Any, anchors: Any) -> Any:
        """Return corner boxes (B, N, 4) for `x` (B, N, 4) and `anchors` (1 or B, N, 4)."""
        operator = self._operator
        x, anchors = F.BlockGrad(x), F.BlockGrad(anchors)
        like = common_like(F, x, anchors)
        x, boxes = widen(F, x, anchors)
        if operator.convert_anchor:
            left, top, width, height = center_columns(F, boxes)
        else:
            left, top, width, height = columns(F, boxes)
        offsets = F.broadcast_mul(x, _constants_like(F, operator.stds, x))
        if any(operator.means):
            offsets = F.broadcast_add(offsets, _constants_like(F, operator.means, x))
        shift_x, shift_y, log_width, log_height = columns(F, offsets)
        if operator.clip is not None and operator.clip > 0:
            limit = constant_like(F, operator.clip, x)
            log_width = F.broadcast_minimum(log_width, limit)
            log_height = F.broadcast_minimum(log_height, limit)
        center_x = F.broadcast_add(F.broadcast_mul(shift_x, width), left)
        center_y = F.broadcast_add(F.broadcast_mul(shift_y, height), top)
        half_width = F.broadcast_mul(F.exp(log_width), width) * 0.5
        half_height = F.broadcast_mul(F.exp(log_height), height) * 0.5
        corners = (
            center_x - half_width,
            center_y - half_height,
            center_x + half_width,
            center_y + half_height,
        )
        return narrow(F, F.concat(*corners, dim=-1), like)


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
        own = pick(F, with_batch(F, as_real(F, refs), 1), _match(F, samples, matches))
        ignored = F.ones_like(own) * self._operator.ignore_label
        others = F.where(samples < -0.5, F.zeros_like(own), ignored)
        targets = F.where(_positive(F, samples), own + 1, others)
        return as_given(F, targets, samples, given)


class MultiClassDecoder(HybridBlock):
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


class MultiPerClassDecoder(HybridBlock):
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
        positive = F.broadcast_lesser_equal(F.abs(samples - 1), near)
        negative = F.broadcast_lesser_equal(F.abs(samples + 1), near)
        return positive * 2 + negative - 1, positive + negative


class CenterNetDecoder(HybridBlock):
    """Decode the peaks of a heat map into boxes: `refkernels.CenterNetDecoder` as a block.

    Parameters
    ----------
    topk : int, default 100
        The number of boxes of an image. At least 1.
    scale : float, default 4.0
        The size of a heat map's cell in pixels. Over 0.

    References
    ----------
    SPEC section 4.
    """

    def __init__(self, topk: int = 100, scale: float = 4.0) -> None:
        super().__init__()
        self._operator = operators.CenterNetDecoder(topk, scale)

    def hybrid_forward(self, F: Any, x: Any, wh: Any, reg: Any) -> Any:
        """Return ids and scores (B, K) and boxes (B, K, 4).

        For the scores `x` (B, C, H, W), and `wh` and `reg` (B, 2, H, W); B may be absent.
        """
        x, wh, reg = map(F.BlockGrad, (x, wh, reg))
        like = common_like(F, x, wh, reg)
        given = batch_axis(F, (x, 3), (wh, 3), (reg, 3))
        maps, sizes, shifts = (with_batch(F, array, 3) for array in widen(F, x, wh, reg))
        scores, indices = highest(F, F.reshape(maps, shape=(0, -1)), self._operator.topk)

        height_width = F.cast(F.shape_array(maps), dtype="float64")
        width = F.slice_axis(height_width, axis=0, begin=3, end=4)
        area = F.slice_axis(height_width, axis=0, begin=2, end=3) * width
        ids = F.floor(F.broadcast_div(indices, area))
        cells = F.broadcast_sub(indices, F.broadcast_mul(ids, area))
        rows = F.floor(F.broadcast_div(cells, width))
        places = F.broadcast_sub(cells, F.broadcast_mul(rows, width))

        seconds = F.broadcast_add(cells, area)  # of two planes that follow each other
        sizes, shifts = (F.reshape(array, shape=(0, -1)) for array in (sizes, shifts))
        center_x = narrow(F, places, maps) + pick(F, shifts, cells)
        center_y = narrow(F, rows, maps) + pick(F, shifts, seconds)
        half_width, half_height = (pick(F, sizes, at) * 0.5 for at in (cells, seconds))
        corners = (
            center_x - half_width,
            center_y - half_height,
            center_x + half_width,
            center_y + half_height,
        )
        boxes = F.concat(*(F.expand_dims(corner, axis=-1) for corner in corners), dim=-1)
        boxes = F.broadcast_mul(boxes, constant_like(F, self._operator.scale, maps))
        outputs = F.cast(ids, dtype="float32"), narrow(F, scores, like), narrow(F, boxes, like)
        return tuple(as_given(F, output, indices, given) for output in outputs)


def _constants_like(F: Any, values: Sequence[float], like: Any) -> Any:
    return F.concat(*(constant_like(F, value, like) for value in values), dim=0)


def _positive(F: Any, samples: Any) -> Any:
    return F.cast(samples > 0.5, dtype="float32")


def _match(F: Any, samples: Any, matches: Any) -> Any:
    """Return the matches of positive samples, and 0 elsewhere."""
    whole = F.cast(matches, dtype="float64")
    return F.where(_positive(F, samples), whole, F.zeros_like(whole))


def _encode(F: Any, operator: Any, samples: Any, matches: Any, anchors: Any, refs: Any) -> Any:
    """Return targets, and masks in float32, of positive samples; everything has a batch axis."""
    truths = center_columns(F, take_rows(F, refs, _match(F, samples, matches)))
    boxes = center_columns(F, anchors)
    offsets = [
        *(F.broadcast_div(F.broadcast_sub(truths[k], boxes[k]), boxes[k + 2]) for k in (0, 1)),
        *(F.log(F.broadcast_div(truths[k], boxes[k])) for k in (2, 3)),
    ]
    codes = F.concat(*offsets, dim=2)
    if any(operator.means):
        codes = F.broadcast_sub(codes, _constants_like(F, operator.means, refs))
    codes = F.broadcast_div(codes, _constants_like(F, operator.stds, refs))
    masks = F.broadcast_like(F.expand_dims(_positive(F, samples), axis=2), codes)
    # Not codes * masks: the codes of other rows may be inf or nan.
    return F.where(masks, codes, F.zeros_like(codes)), masks


def _positives_first(F: Any, positive: Any, count: int) -> Any:
    """Return the indices of positives, ascending, then of the others; of each row the first few."""
    keys = (1 - F.cast(positive, dtype="float64")) * BEYOND
    keys = F.sort(F.broadcast_add(keys, F.contrib.arange_like(keys, axis=1)), axis=1)
    keys = F.slice(keys, begin=(None, 0), end=(None, count))
    return keys - (keys >= BEYOND) * BEYOND


def _over(F: Any, thresh: float, ids: Any, scores: Any) -> Any:
    """Return ids and scores where the score exceeds `thresh`, elsewhere -1 and 0."""
    counts = F.broadcast_greater(scores, constant_like(F, thresh, scores))
    return F.where(counts, ids, F.ones_like(ids) * -1), F.where(
        counts, scores, F.zeros_like(scores)
    )
