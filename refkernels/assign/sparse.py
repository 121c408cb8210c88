"""What an assigner gives of positive anchors alone: for each image, or of many as columns."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from refkernels.arrays import Array, as_seed, check_seed, require
from refkernels.assign.batch import Batch, read_batch, without_extent
from refkernels.assign.fused.adaptive import AdaptiveMatching
from refkernels.assign.fused.known import Scratch, new_scratch
from refkernels.assign.fused.samples import DONE, Plan, solve
from refkernels.assign.fused.targets import NEGATIVES, OTHERS, emit_sparse, solve_listed
from refkernels.assign.fused.tiles import Tiles
from refkernels.assign.operators import draws
from refkernels.assign.results import SparseTargets, empty_sparse, sparse_of
from refkernels.assign.threads import Workers
from refkernels.chain.composition import Operators, compose
from refkernels.jit import next_number

__all__ = ["Columns", "SparseAssigner"]

# Images that a thread takes at once, where there are several.
RUN = 32


@dataclass(frozen=True)
class Columns:
    """The sparse targets of images, one after the other.

    Attributes
    ----------
    counts : numpy.ndarray, int64, (B, 3)
        Of each image, the numbers of boxes without extent, of positive and of listed anchors.
    positives, matches, cls_targets, box_targets
        As in `SparseTargets`.
    listed : numpy.ndarray, int64, (sum of listed anchors,)
        Ascending indices of each image's negative anchors, or of its ignored ones.
    """

    counts: Array
    positives: Array
    matches: Array
    cls_targets: Array
    box_targets: Array
    listed: Array


class SparseAssigner:
    """The part of `refkernels.assign.TargetAssigner` that no array of all anchors is made in."""

    dtype: np.dtype[Any]
    degenerate: str
    threads: int
    operators: Operators
    _tiles: Tiles
    _plan: Plan | None
    _adaptive: AdaptiveMatching | None
    _workers: Workers
    _free: list[Scratch]

    def __len__(self) -> int:
        return len(self._tiles.anchors)

    @property
    def anchors(self) -> Array:
        """The anchors (N, 4), in the assigner's dtype, read-only."""
        view = self._tiles.anchors.view()
        view.setflags(write=False)  # the array itself stays as kernels are compiled for
        return view

    @property
    def predicts(self) -> bool:
        """Whether a call takes predictions."""
        return self.operators.cost is not None

    def sparse(
        self,
        boxes: Any,
        labels: Any,
        ignore: Any = None,
        *,
        predictions: Any = None,
        rng: int | np.random.Generator | None = None,
        image_ids: Any = None,
    ) -> Any:
        """Assign one image or a batch, and return only what is positive or negative.

        Parameters
        ----------
        boxes, labels, ignore, predictions, rng, image_ids
            As for a call.

        Returns
        -------
        SparseTargets, or a list of them for a batch

        Raises
        ------
        TypeError, ValueError
            As a call does.

        Examples
        --------
        >>> from refkernels.assign import TargetAssigner
        >>> assigner = TargetAssigner([[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0]])
        >>> targets = assigner.sparse([[21.0, 20.0, 31.0, 30.0]], [7])
        >>> targets.positives, targets.negatives
        (array([1]), array([0]))
        """
        batch = self._read(boxes, labels, ignore, rng, image_ids, predictions)
        found: list[Any] = [None] * batch.size
        dropped = np.empty(batch.size, np.int64)

        def solve_some(counter: Array) -> None:
            """Make the sparse targets of images until the shared counter has given out all."""
            while (index := next_number(counter)) < batch.size:
                found[index], dropped[index] = self._solve_sparse(batch, index)

        self._workers.share(solve_some, batch.size)
        if dropped.any():
            batch.review(dropped, self.degenerate == "error")
        for targets, count in zip(found, dropped, strict=True):
            targets.dropped = int(count)
        return found[0] if batch.form == "image" else found

    def columns(self, batch: Batch, *, ignored: bool) -> Columns:
        """Assign a batch, and return the targets of all its images one after the other.

        Parameters
        ----------
        batch : Batch
            A list of images, whose boxes and regions are in the computing dtype.
        ignored : bool
            Whether ignored anchors are listed, instead of negative ones.

        Returns
        -------
        Columns

        Raises
        ------
        TypeError, ValueError
            As a call does.
        """
        if self.predicts:
            batch.predict(None, len(self))  # raises
        size = batch.size
        run = RUN if self.threads > 1 else max(1, size)
        runs = -(-size // run)
        pieces: list[Any] = [None] * runs

        def solve_some(counter: Array) -> None:
            """Make the targets of runs of images until the shared counter has given out all."""
            while (number := next_number(counter)) < runs:
                last = min(size, (number + 1) * run)
                pieces[number] = self._solve_run(batch, number * run, last, ignored)

        self._workers.share(solve_some, runs)
        found = pieces[0] if runs == 1 else _joined(pieces, self.dtype)
        if found.counts[:, 0].any():
            batch.review(found.counts[:, 0], self.degenerate == "error")
        return found

    def _read(
        self, boxes: Any, labels: Any, ignore: Any, rng: Any, image_ids: Any, predictions: Any
    ) -> Batch:
        batch = read_batch(boxes, labels, ignore, image_ids, self.dtype)
        if self.predicts or predictions is not None:
            require(self.predicts, "predictions: the matcher does not look at any")
            batch.predict(predictions, len(self))
        rng = check_seed("rng", rng)
        if draws(self.operators):
            batch.places[:, 3] = as_seed("rng", rng)
        return batch

    def _solve_run(self, batch: Batch, first: int, last: int, ignored: bool) -> Columns:
        """Return the targets of the images from `first` to `last`."""
        if self._plan is None:
            return _joined(
                [self._composed_columns(batch, index, ignored) for index in range(first, last)],
                self.dtype,
            )
        scratch = self._scratch()
        kind = OTHERS if ignored else NEGATIVES
        results, *arrays = solve_listed(
            self._tiles, self._plan, batch.boxes, batch.labels, batch.regions, batch.places,
            first, last, kind, scratch,
        )  # fmt: skip
        self._free.append(scratch)
        _, _, positive, listed = results.sum(axis=0).tolist()
        whole = [*(array[:positive] for array in arrays[:4]), arrays[4][:listed]]
        found = Columns(results[:, 1:], *whole)
        composed = np.flatnonzero(results[:, 0] != DONE)
        if not len(composed):
            return found
        images = _cut(found)
        for index in composed.tolist():
            images[index] = self._composed_columns(batch, first + index, ignored)
        return _joined(images, self.dtype)

    def _composed_columns(self, batch: Batch, index: int, ignored: bool) -> Columns:
        """Return the targets of an image, by the operators."""
        arrays, dropped = self._compose(batch, index)
        found = sparse_of(*arrays)
        listed = np.flatnonzero(arrays[4] == 0) if ignored else found.negatives
        counts = np.array([(dropped, len(found.positives), len(listed))])
        return Columns(
            counts, found.positives, found.matches, found.cls_targets, found.box_targets, listed
        )

    def _solve_sparse(self, batch: Batch, index: int) -> tuple[SparseTargets, int]:
        """Return the targets, and how many boxes have no extent."""
        boxes, labels, regions = batch.image(index)
        place, seed = batch.places[index, 2:]
        if self._plan is not None:
            scratch = self._scratch()
            kept = np.empty(len(boxes), np.int64)
            status, count, default, positive, negative = solve(
                self._tiles, self._plan, boxes, labels, regions, seed, place, scratch, kept
            )
            if status == DONE:
                found = empty_sparse(positive, negative, self.dtype)
                emit_sparse(
                    self._tiles,
                    self._plan,
                    boxes,
                    labels,
                    default,
                    scratch,
                    kept,
                    *found,
                    NEGATIVES,
                )
            self._free.append(scratch)
            if status == DONE:
                return SparseTargets(*found), len(boxes) - count
        arrays, dropped = self._compose(batch, index)
        return sparse_of(*arrays), dropped

    def _compose(self, batch: Batch, index: int) -> tuple[tuple[Array, ...], int]:
        """Assign an image by the operators; also return how many boxes have no extent."""
        batch.check(index)
        boxes, labels, regions = batch.image(index)
        place, seed = batch.places[index, 2:]
        known = None if self._adaptive is None else self._adaptive.matches(boxes)
        predicted = batch.predicted(index)
        targets = compose(
            self.operators, self.anchors, boxes, labels, regions, seed, place, predicted, known
        )
        return targets, len(without_extent(boxes))

    def _scratch(self) -> Scratch:
        try:
            return self._free.pop()
        except IndexError:
            return new_scratch(len(self))


def _cut(found: Columns) -> list[Columns]:
    """Return the columns of each image."""
    ends = np.cumsum(found.counts, axis=0)[:-1]
    pieces = [
        np.split(own, ends[:, 1])
        for own in (found.positives, found.matches, found.cls_targets, found.box_targets)
    ]
    pieces.append(np.split(found.listed, ends[:, 2]))
    return [
        Columns(found.counts[k : k + 1], *own) for k, own in enumerate(zip(*pieces, strict=True))
    ]


def _joined(parts: list[Columns], dtype: np.dtype[Any]) -> Columns:
    """Return columns one after the other."""
    none = np.empty(0, np.int64)
    empty = Columns(np.empty((0, 3), np.int64), none, none, none, np.empty((0, 4), dtype), none)
    return Columns(
        *(np.concatenate([getattr(part, name) for part in [empty, *parts]]) for name in vars(empty))
    )
