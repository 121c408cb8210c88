"""Operators that encode matched boxes as regression targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_boxes,
    as_indices,
    check_integer,
    common_real,
    keep,
    require,
    to_computing,
)
from refkernels.arrays.printing import times
from refkernels.coder.assignment import Assignment, as_assignment, with_batch
from refkernels.coder.offsets import (
    MEANS,
    STDS,
    center_form,
    check_anchors,
    check_normalisation,
    encode_box,
    normalisation,
)
from refkernels.jit import jit

__all__ = [
    "NormalizedBoxCenterEncoder",
    "NormalizedPerClassBoxCenterEncoder",
    "NumPyNormalizedBoxCenterEncoder",
]


@dataclass(frozen=True)
class NormalizedBoxCenterEncoder:
    """Encode the box that each positive sample is matched to, as an offset from its anchor.

    With the anchor (ax, ay, aw, ah) and its match (gx, gy, gw, gh) in centre form, the targets are
    ``((gx - ax) / aw - means[0]) / stds[0]``, ``((gy - ay) / ah - means[1]) / stds[1]``,
    ``(log(gw / aw) - means[2]) / stds[2]`` and ``(log(gh / ah) - means[3]) / stds[3]``, computed in
    this order of operations.

    Parameters
    ----------
    stds : sequence of 4 float, default (0.1, 0.1, 0.2, 0.2)
        What offsets are divided by. Not 0.
    means : sequence of 4 float, default (0, 0, 0, 0)
        What is subtracted from offsets before that.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If there are not 4 stds and 4 means, a std is 0 (in the computing dtype too), shapes do not
        go together, samples or boxes hold nan or infinity, or a positive sample has no match.

    Notes
    -----
    Boxes without a positive width and height give what IEEE arithmetic makes of the formula: -inf
    for a match without extent, nan for one with a negative extent, and so on.

    References
    ----------
    SPEC section 4; Girshick et al., "Rich feature hierarchies", 2014, appendix C; the stds are
    those of Liu et al., "SSD: Single shot multibox detector", 2016.

    Examples
    --------
    >>> import numpy as np
    >>> anchors = np.array([[0.0, 0.0, 10.0, 10.0], [10.0, 10.0, 20.0, 20.0]])
    >>> truths = np.array([[11.0, 10.0, 21.0, 20.0]])
    >>> targets, masks = NormalizedBoxCenterEncoder()([-1, 1], [-1, 0], anchors, truths)
    >>> targets
    array([[0., 0., 0., 0.],
           [1., 0., 0., 0.]])
    >>> masks
    array([[0., 0., 0., 0.],
           [1., 1., 1., 1.]])
    """

    stds: Sequence[float] = STDS
    means: Sequence[float] = MEANS

    def __post_init__(self) -> None:
        check_normalisation(self)

    def __call__(
        self,
        samples: npt.ArrayLike,
        matches: npt.ArrayLike,
        anchors: npt.ArrayLike,
        refs: npt.ArrayLike,
    ) -> tuple[Array, Array]:
        """Encode the match of every positive sample.

        Parameters
        ----------
        samples : array_like, real, (B, N) or (N,)
            Positive where over 0.5.
        matches : array_like, whole numbers, (B, N) or (N,)
            Which of `refs` an anchor is matched to; only looked at where the sample is positive.
        anchors : array_like, real, (B or 1, N, 4) or (N, 4)
            Corner boxes.
        refs : array_like, real, (B, M, 4) or (M, 4)
            Corner boxes: the ground truth.

        Returns
        -------
        targets : numpy.ndarray, (B, N, 4), or (N, 4) if nothing came with a batch
            Offsets in the common dtype of `anchors` and `refs`, 0 where the sample is not positive.
        masks : numpy.ndarray, (B, N, 4) or (N, 4)
            1 in the rows of positive samples, else 0, in the dtype of `targets`.
        """
        inputs = _read(samples, matches, anchors, refs)
        means, stds = normalisation(self.means, self.stds, inputs.dtype)
        # One block: NumPy asks for huge pages from 4 MB on, and memory in small ones takes longer
        # to come than everything else here.
        targets, masks = np.empty((2, *inputs.assignment.signs.shape, 4), inputs.anchors.dtype)
        with np.errstate(all="ignore"):
            complete = _encode(*inputs.for_kernel(), means, stds, targets, masks)
        if not complete:
            inputs.assignment.check_matched(inputs.refs.shape[1], "refs")
        return inputs.result(targets), inputs.result(masks)


class NumPyNormalizedBoxCenterEncoder(NormalizedBoxCenterEncoder):
    """The same operator as `NormalizedBoxCenterEncoder`, as the gluoncv API also names it."""


@dataclass(frozen=True)
class NormalizedPerClassBoxCenterEncoder:
    """Encode the matches of at most `max_pos` anchors of an image, with a mask for each class.

    The rows of an image are its positive samples in ascending order, then the other anchors in
    ascending order, cut to ``P = min(max_pos, N)``.

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

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        As `NormalizedBoxCenterEncoder`; and if labels are not whole numbers, or that of a positive
        sample's match, within the first `max_pos` or beyond, is not in [0, num_class).

    References
    ----------
    SPEC section 4; Girshick, "Fast R-CNN", 2015, section 2.3.

    Examples
    --------
    >>> import numpy as np
    >>> anchors = np.array([[0.0, 0.0, 10.0, 10.0], [10.0, 10.0, 20.0, 20.0]])
    >>> truths = np.array([[11.0, 10.0, 21.0, 20.0]])
    >>> encode = NormalizedPerClassBoxCenterEncoder(num_class=2, max_pos=1)
    >>> targets, masks, indices = encode([-1, 1], [-1, 0], anchors, [1], truths)
    >>> targets
    array([[[1., 0., 0., 0.],
            [1., 0., 0., 0.]]])
    >>> masks
    array([[[0., 0., 0., 0.],
            [1., 1., 1., 1.]]])
    >>> indices
    array([1])
    """

    num_class: int
    max_pos: int = 128
    per_device_batch_size: int = 1
    stds: Sequence[float] = STDS
    means: Sequence[float] = MEANS

    def __post_init__(self) -> None:
        names = ("num_class", "max_pos", "per_device_batch_size")
        keep(self, **{name: check_integer(name, getattr(self, name), low=1) for name in names})
        check_normalisation(self)

    def __call__(
        self,
        samples: npt.ArrayLike,
        matches: npt.ArrayLike,
        anchors: npt.ArrayLike,
        labels: npt.ArrayLike,
        refs: npt.ArrayLike,
    ) -> tuple[Array, Array, Array]:
        """Encode the matches of the first positive samples of each image.

        Parameters
        ----------
        samples, matches, anchors, refs : array_like
            As for `NormalizedBoxCenterEncoder`.
        labels : array_like, whole numbers, (B, M) or (M,)
            The class of each of `refs`, without the background. Those that no positive sample is
            matched to, such as the -1 of padding, may be out of range.

        Returns
        -------
        targets : numpy.ndarray, (B, P, num_class, 4), or (P, num_class, 4)
            The offsets of each row, repeated for every class, in the common dtype of `anchors` and
            `refs`; 0 where the sample is not positive.
        masks : numpy.ndarray, (B, P, num_class, 4) or (P, num_class, 4)
            1 for the class of a positive sample's match, else 0, in the dtype of `targets`.
        indices : numpy.ndarray, int64, (B, P) or (P,)
            The anchor of each row.
        """
        classes, batched = with_batch("labels", as_indices("labels", labels), "(M,)")
        inputs = _read(samples, matches, anchors, refs, batched)
        require(
            classes.shape == inputs.refs.shape[:2],
            f"labels: expected one for each of refs, {inputs.refs.shape[:2]}, got {classes.shape}",
        )
        means, stds = normalisation(self.means, self.stds, inputs.dtype)
        size, count = inputs.assignment.signs.shape
        indices = np.empty((size, min(self.max_pos, count)), np.int64)
        targets, masks = np.zeros((2, *indices.shape, self.num_class, 4), inputs.anchors.dtype)
        with np.errstate(all="ignore"):
            complete = _encode_per_class(
                *inputs.for_kernel(), classes, means, stds, targets, masks, indices
            )
        if not complete:
            inputs.assignment.check_matched(inputs.refs.shape[1], "refs")
            self._fail(inputs.assignment, classes, batched)
        return inputs.result(targets), inputs.result(masks), inputs.result(indices)

    def _fail(self, assignment: Assignment, classes: Array, batched: bool) -> NoReturn:
        """Raise `ValueError` for the first positive sample whose match has no label in range.

        `batched` says whether labels came with a batch axis.
        """
        positives = np.argwhere(assignment.signs > 0)
        matches = assignment.matches[tuple(positives.T)]
        labels = classes[positives[:, 0], matches]
        first = int(np.argmax((labels < 0) | (labels >= self.num_class)))
        image, anchor = positives[first]
        where = f"{image}, {matches[first]}" if batched else matches[first]
        raise ValueError(
            f"labels[{where}] is {labels[first]}, and image {image}, anchor "
            f"{anchor} is a positive sample matched to it; expected a label from 0 to "
            f"{self.num_class - 1}"
        )


class _Inputs(NamedTuple):
    """What a box encoder is called with, checked, with a batch axis, in the computing dtype."""

    assignment: Assignment
    anchors: Array
    refs: Array
    dtype: np.dtype[Any]  # of the results
    batched: bool

    def for_kernel(self) -> tuple[Array, Array, Array, Array]:
        """Return what the kernels take."""
        return self.assignment.signs, self.assignment.matches, self.anchors, self.refs

    def result(self, array: Array) -> Array:
        """Round an output, and take its batch axis away if no input had one."""
        if array.dtype.kind == "f":
            with np.errstate(all="ignore"):
                array = array.astype(self.dtype, copy=False)
        return array if self.batched else array[0]


def _read(
    samples: npt.ArrayLike,
    matches: npt.ArrayLike,
    anchors: npt.ArrayLike,
    refs: npt.ArrayLike,
    batched: bool = False,
) -> _Inputs:
    """Check what a box encoder is called with; `batched` if another input has a batch axis."""
    assignment = as_assignment(samples, matches)
    boxes, boxes_batched = with_batch("anchors", as_boxes("anchors", anchors), "(N, 4)")
    truths, truths_batched = with_batch("refs", as_boxes("refs", refs), "(M, 4)")
    size, count = assignment.signs.shape
    check_anchors(boxes, size, count)
    require(
        truths.shape[0] == size,
        f"refs: expected the boxes of {times(size, 'image')}, as samples has, got "
        f"{truths.shape[0]}",
    )
    dtype = common_real(boxes, truths)
    return _Inputs(
        assignment,
        to_computing(boxes, dtype),
        to_computing(truths, dtype),
        dtype,
        batched or assignment.batched or boxes_batched or truths_batched,
    )


@jit
def _encode(signs, matches, anchors, refs, means, stds, targets, masks):  # type: ignore[no-untyped-def]
    """Fill `targets` and `masks` (B, N, 4); return whether every positive sample has a match."""
    zero, one = targets.dtype.type(0), targets.dtype.type(1)
    count = refs.shape[1]
    for image in range(signs.shape[0]):
        boxes = anchors[min(image, anchors.shape[0] - 1)]
        targets[image] = zero
        masks[image] = zero
        for i in range(signs.shape[1]):
            if signs[image, i] <= 0:
                continue
            match = matches[image, i]
            if match < 0 or match >= count:
                return False
            target = encode_box(center_form(boxes[i]), center_form(refs[image, match]), means, stds)
            for k in range(4):
                targets[image, i, k] = target[k]
                masks[image, i, k] = one
    return True


@jit
def _encode_per_class(  # type: ignore[no-untyped-def]
    signs, matches, anchors, refs, labels, means, stds, targets, masks, indices
):
    """Fill `indices`, and the rows of positive samples into zeros.

    Returns whether every positive sample has a match with a valid label.
    """
    one = targets.dtype.type(1)
    count, rows, classes = refs.shape[1], targets.shape[1], targets.shape[2]
    for image in range(signs.shape[0]):
        boxes = anchors[min(image, anchors.shape[0] - 1)]
        row = 0
        for i in range(signs.shape[1]):
            if signs[image, i] <= 0:
                continue
            match = matches[image, i]
            if match < 0 or match >= count:
                return False
            label = labels[image, match]
            if label < 0 or label >= classes:
                return False
            if row == rows:
                continue
            target = encode_box(center_form(boxes[i]), center_form(refs[image, match]), means, stds)
            for c in range(classes):
                for k in range(4):
                    targets[image, row, c, k] = target[k]
            masks[image, row, label, :] = one
            indices[image, row] = i
            row += 1
        for i in range(signs.shape[1]):
            if row == rows:
                break
            if signs[image, i] <= 0:
                indices[image, row] = i
                row += 1
    return True
