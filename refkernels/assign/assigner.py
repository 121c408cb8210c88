"""`TargetAssigner`: from ground truth boxes to training targets, for one image or a batch."""

from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_boxes,
    check_choice,
    check_dtype,
    check_integer,
    check_number,
    require,
    shown,
)
from refkernels.arrays.printing import times
from refkernels.assign.batch import Batch, rounded_boxes
from refkernels.assign.fused.adaptive import AdaptiveMatching
from refkernels.assign.fused.known import Scratch
from refkernels.assign.fused.plan import make_plan
from refkernels.assign.fused.samples import COMPOSE, DONE
from refkernels.assign.fused.targets import solve_dense
from refkernels.assign.fused.tiles import build_tiles
from refkernels.assign.operators import check_operators, check_size
from refkernels.assign.presets import Presets
from refkernels.assign.results import (
    Targets,
    arrays_of,
    empty_arrays,
    targets_of,
)
from refkernels.assign.sparse import SparseAssigner
from refkernels.assign.threads import Workers
from refkernels.chain.composition import BoxEncoder, Operators
from refkernels.chain.layout import Layout, check_layout
from refkernels.chain.published import SSD
from refkernels.coder import MultiClassEncoder, SigmoidClassEncoder
from refkernels.sampler import BalancedSampler, NaiveSampler, QuotaSampler

__all__ = ["TargetAssigner"]

DTYPES = ("float32", "float64")


class TargetAssigner(SparseAssigner, Presets):
    """Assign ground truth to anchors and encode the targets, in one pass without an IoU matrix.

    The result has the bits that the NumPy operators give in the same dtype when they are composed:
    `BBoxBatchIOU` of the anchors and the boxes that have an extent, then the matcher, the sampler,
    and the encoders.

    Parameters
    ----------
    anchors : array_like, real, (N, 4)
        Corner boxes. They are copied and sorted into tiles once.
    matcher : matcher, optional
        Any of this package, or a `Matcher` of your own. By default that of SSD: each box gets its
        best anchor, and every anchor whose largest IoU is at least 0.5 is matched too.
    sampler : NaiveSampler, BalancedSampler or QuotaSampler, optional
        By default `NaiveSampler()`.
    box_encoder : NormalizedBoxCenterEncoder, DistanceEncoder or BBoxCornerToCenter, optional
        By default the first, with the stds of SSD. The last gives centre forms as shares of the
        input, which DETR predicts.
    class_encoder : MultiClassEncoder or SigmoidClassEncoder, optional
        By default `MultiClassEncoder()`. Of the other one, the targets are kept; its masks are 1
        where samples are not 0.
    dtype : {'float32', 'float64'}
        What anchors and boxes are rounded to, and targets are computed in.
    degenerate : {'drop', 'error'}
        What becomes of boxes whose width or height is not positive: they are left out and counted,
        or an error. Trailing ones of an image in a padded array are padding, and neither.
    crowd_thresh : float, default 0.5
        An anchor that would be negative is ignored if an ignored region covers more than this
        share of it.
    cost : SimOTACost, TaskAlignedMetric or DETRCost, optional
        What a `SimOTAMatcher`, `TaskAlignedMatcher` or `HungarianMatcher` goes by: then a call
        takes predictions too.
    layout : Layout, optional
        Levels, strides and ranges of the anchors, for matchers and encoders that look at them.
    size : (int, int), optional
        The height and width of the input, where boxes are predicted as shares of it.
    threads : int, default 1
        How many threads share a batch.
    name : str, default 'custom'
        Shown by repr, and noted in what is written to disk.

    Raises
    ------
    TypeError
        If an operator is not one of those above, or a parameter has the wrong type.
    ValueError
        If a parameter or the anchors are out of range.

    Notes
    -----
    An assigner can be pickled, used by several threads at once, and used after a fork.

    Fused kernels do what has matchers of positive threshold that look for large IoUs, or a
    `ThresholdMatcher` with positive thresholds and no `QuotaSampler`, and boxes with areas from
    1e-30 up and coordinates that can be squared; everything else, such as a matcher of your own, is
    done by the operators, through the matrix.

    References
    ----------
    SPEC sections 1 to 4; Liu et al., "SSD: Single Shot MultiBox Detector", 2016, section 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> anchors = [[0.0, 0.0, 10.0, 10.0], [5.0, 5.0, 15.0, 15.0], [20.0, 20.0, 30.0, 30.0]]
    >>> assigner = TargetAssigner(anchors)
    >>> targets = assigner([[1.0, 0.0, 11.0, 10.0]], [7])
    >>> targets.cls_targets
    array([8, 0, 0])
    >>> targets.box_targets[0]
    array([1., 0., 0., 0.], dtype=float32)
    """

    def __init__(
        self,
        anchors: npt.ArrayLike,
        matcher: Any = None,
        sampler: NaiveSampler | BalancedSampler | QuotaSampler | None = None,
        box_encoder: BoxEncoder | None = None,
        class_encoder: MultiClassEncoder | SigmoidClassEncoder | None = None,
        *,
        dtype: npt.DTypeLike = "float32",
        degenerate: str = "drop",
        crowd_thresh: float = 0.5,
        cost: Any = None,
        layout: Layout | None = None,
        size: tuple[int, int] | None = None,
        threads: int = 1,
        name: str = "custom",
    ) -> None:
        self.dtype = check_dtype("dtype", dtype, DTYPES)
        self.degenerate = check_choice("degenerate", degenerate, ("drop", "error"))
        self.threads = check_integer("threads", threads, low=1)
        require(isinstance(name, str), f"name: expected a string, got {shown(name)}")
        self.name = name
        given = as_boxes("anchors", anchors)
        require(given.ndim == 2, f"anchors: expected (N, 4), got shape {given.shape}")
        require(len(given) < 2**31, f"anchors: expected fewer than 2**31, got {len(given)}")
        self._tiles = build_tiles(rounded_boxes("anchors", given, self.dtype))
        self.operators = Operators(
            SSD["matcher"] if matcher is None else matcher,
            SSD["sampler"] if sampler is None else sampler,
            SSD["box_encoder"] if box_encoder is None else box_encoder,
            SSD["class_encoder"] if class_encoder is None else class_encoder,
            check_number("crowd_thresh", crowd_thresh, low=0, high=1),
            cost,
            layout,
            None if size is None else check_size(size),
        )
        check_layout(layout, len(given))
        check_operators(self.operators)
        self._plan = make_plan(self.operators, self._tiles, self.dtype)
        self._workers = Workers(self.threads)
        self._free: list[Scratch] = []
        self._adaptive = AdaptiveMatching.of(self.operators, self.anchors)
        if not self.predicts:
            self(np.empty((0, 0, 4)), np.empty((0, 0)))  # loads kernels, for forks as well

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_free": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)

    def __repr__(self) -> str:
        return f"<TargetAssigner {self.name}: {times(len(self), 'anchor')}, {self.dtype}>"

    @property
    def fused(self) -> bool:
        """Whether fused kernels do the work, without an IoU matrix."""
        return self._plan is not None or self._adaptive is not None

    def __call__(
        self,
        boxes: Any,
        labels: Any,
        ignore: Any = None,
        *,
        predictions: Any = None,
        rng: int | np.random.Generator | None = None,
        image_ids: Any = None,
        out: Targets | None = None,
    ) -> Targets:
        """Assign one image or a batch.

        Parameters
        ----------
        boxes : array_like, real, (M, 4), or a list of such, or (B, M, 4)
            Corner boxes in the anchors' unit. A list is a batch, whose images may differ in their
            number of boxes; in an array, rows without extent pad an image.
        labels : array_like, whole numbers, (M,), or a list of such, or (B, M)
            The class of each box, from 0.
        ignore : array_like, real, (R, 4), or a list of such, or (B, R, 4), optional
            Ignored regions, such as crowds.
        predictions : Predictions, or a pair of boxes and scores, optional
            What the network predicts for the image, or with a leading axis for the batch, if the
            matcher looks at that; arrays, or PyTorch tensors, which are not copied.
        rng : int or numpy.random.Generator, optional
            The seed of a sampler that draws, or what a seed is drawn from; without one, every call
            differs.
        image_ids : int, or a sequence of B int, optional
            What, beside the seed, an image's random numbers depend on, so that they do not depend
            on the batch. By default its place in the batch.
        out : Targets, optional
            Arrays to be filled, such as an earlier result of the same shape; `empty` makes some.

        Returns
        -------
        Targets
            New ones, or `out`.

        Raises
        ------
        TypeError
            If an argument has the wrong type or dtype.
        ValueError
            If shapes do not go together, a box or region is not finite, a box has no extent where
            that is an error, or a sampler makes a positive of an anchor that is not matched.
        """
        batch = self._read(boxes, labels, ignore, rng, image_ids, predictions)
        if out is None:
            arrays = empty_arrays(batch.size, len(self), self.dtype)
        else:
            image = batch.form == "image"
            arrays, owners = arrays_of(out, batch.size, len(self), self.dtype, image=image)
            batch.leave(owners)
        counts = self._fill(batch, arrays)
        dropped: Any = int(counts[0]) if batch.form == "image" else counts
        if out is not None:
            out.dropped = dropped
            return out
        if batch.form == "image":
            arrays = [array[0] for array in arrays]
        return targets_of(arrays, dropped)

    def empty(self, batch: int | None = None) -> Targets:
        """Make arrays for the targets of a batch, or of one image, to be filled again and again.

        Examples
        --------
        >>> assigner = TargetAssigner([[0.0, 0.0, 10.0, 10.0]])
        >>> assigner.empty(batch=2).box_targets.shape
        (2, 1, 4)
        """
        size = 1 if batch is None else check_integer("batch", batch, low=0)
        # Each in memory of its own, so that a call sees at once that they share none.
        arrays = [np.empty_like(array) for array in empty_arrays(size, len(self), self.dtype)]
        return targets_of(arrays if batch is not None else [array[0] for array in arrays], 0)

    def _fill(self, batch: Batch, arrays: list[Array]) -> Array:
        """Fill `arrays` (B, N, ...), and return how many boxes were dropped."""
        results = np.zeros((batch.size, 2), np.int64)
        known = () if self._plan is None else (*self._tiles, *self._plan)
        given = (batch.boxes, batch.labels, batch.regions, batch.places)
        fine = True

        def fill_some(counter: Array) -> None:
            """Fill in images until the shared counter has given out all; note if all went well."""
            nonlocal fine
            scratch = self._scratch()
            if not solve_dense(*known, *scratch, *given, counter, *arrays, results):
                fine = False
            self._free.append(scratch)

        if self._plan is None:
            results[:, 0] = COMPOSE
        else:
            self._workers.share(fill_some, batch.size)
            if fine:
                return results[:, 1]
        for index in np.flatnonzero(results[:, 0] != DONE):
            targets, results[index, 1] = self._compose(batch, index)
            for array, target in zip(arrays, targets, strict=True):
                array[index] = target
        batch.review(results[:, 1], self.degenerate == "error")
        return results[:, 1]
