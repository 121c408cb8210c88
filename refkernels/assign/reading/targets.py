"""`open_targets`: the targets of a data set that were written, by image and in batches."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from refkernels.arrays import Array, check_flag, check_integer, shown
from refkernels.arrays.printing import times
from refkernels.assign.batch import without_extent
from refkernels.assign.reading.files import Block, NpzRows, ParquetRows, not_ours, open_rows
from refkernels.assign.reading.rebuilt import rebuilt_anchors
from refkernels.assign.reading.training import TrainingDataset
from refkernels.assign.results import SparseTargets, Targets

__all__ = ["StoredImage", "StoredTargets", "open_targets"]

# What class encoders give anchors that are negative.
BACKGROUND = 0

# How many sizes' anchors are kept.
KEPT_SIZES = 16


@dataclass(frozen=True, eq=False)
class StoredImage:
    """One image of a data set, with its targets as they were written.

    Attributes
    ----------
    image_id : int or str
        As in the annotations.
    width, height : int
        Of the original image, in pixels.
    scale : (float, float)
        The factors of x and y from the original's pixels to those of the network's input.
    shift : (int, int)
        Where the image begins in the input: not at 0 in a letterbox.
    size : (int, int)
        The height and width of the input, which in some data sets each image has its own of.
    boxes : numpy.ndarray, (M, 4)
        The objects, crowds left out, in pixels of the network's input.
    labels : numpy.ndarray, int64, (M,)
        Their places in `StoredTargets.categories`.
    targets : SparseTargets
        Those that the assigner gave.
    """

    image_id: int | str
    width: int
    height: int
    scale: tuple[float, float]
    shift: tuple[int, int]
    size: tuple[int, int]
    boxes: Array
    labels: Array
    targets: SparseTargets


def open_targets(path: str | Path, *, verify: bool = True) -> "StoredTargets":
    """Open the targets that `assign_dataset` or ``refkernels assign`` has written.

    Parameters
    ----------
    path : str or pathlib.Path
        A folder of Parquet files, or a file.npz.
    verify : bool, default True
        Look at checksums: at that of an ``.npz`` now, and at that of each Parquet file when
        something of it is first read.

    Returns
    -------
    StoredTargets

    Raises
    ------
    OSError
        If there is nothing at `path`, or it cannot be read.
    ValueError
        If it is damaged, not finished, or was made by something else.
    ImportError
        If it is Parquet, and pyarrow is missing.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from refkernels.assign import assign_dataset, sample_images
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "targets.npz"
    ...     summary = assign_dataset(sample_images(4), path, "ssd300")
    ...     targets = open_targets(path)
    ...     batch = targets.batch([2, 0])
    >>> len(targets), targets.anchors.shape, batch.box_targets.shape
    (4, (8732, 4), (2, 8732, 4))
    """
    return StoredTargets(open_rows(Path(path), check_flag("verify", verify)))


class StoredTargets(Sequence[StoredImage]):
    """The targets of a data set, as a sequence of its images; `open_targets` makes it.

    Nothing is read but what is asked for, and little of that is kept. It can be pickled, used by
    threads and after a fork: `torch.utils.data.DataLoader` takes it, and `training` is made for it.

    Attributes
    ----------
    metadata : dict
        What was noted with the targets: preset, options, size, seed and so on.
    categories : tuple of (int or str, str)
        The id and the name of each class; the position is the label. Files of format 1 have them in
        a folder's manifest only, and those of an ``.npz`` are not known.
    """

    def __init__(self, rows: NpzRows | ParquetRows) -> None:
        self._rows = rows
        self.metadata = rows.metadata
        try:
            pairs = rows.metadata.get("categories", [])
            self.categories = tuple((own, str(name)) for own, name in pairs)
            self._count = int(rows.metadata["anchors"])
            self._dtype = np.dtype(rows.metadata["dtype"])
            self._by_size = rows.metadata.get("resize") == "shorter"
            self._ignored = int(rows.metadata.get("ignored_cls_target", -1))
            self._rest = {"negative": -1, "ignored": 0}[rows.metadata["anchors_in_no_list_are"]]
        except (KeyError, TypeError, ValueError) as error:
            raise not_ours(rows.path, error) from None

    def __repr__(self) -> str:
        return (
            f"<StoredTargets {self._rows.path}: {times(len(self), 'image')}, "
            f"{times(self._count, 'anchor')}>"
        )

    def __getstate__(self) -> dict[str, Any]:
        # Of what is derived, each process makes its own.
        derived = ("anchors", "_anchors_of_size", "_order")
        return {name: value for name, value in vars(self).items() if name not in derived}

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        """Return the image at a position, from the end if it is negative; or those of a slice."""
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        return self._read(self._position(index), self._image)

    def __iter__(self) -> Iterator[StoredImage]:
        return (self[position] for position in range(len(self)))

    def position(self, image_id: int | str) -> int:
        """Return where an image is, by its id; the first call reads the ids of all images.

        Raises
        ------
        KeyError
            If there is none of that id.
        """
        ids, order = self._order
        kind = str if ids.dtype.kind in "OU" else int
        if isinstance(image_id, (kind, np.integer)):
            place = int(np.searchsorted(ids, image_id, sorter=order))
            if place < len(ids) and ids[order[place]] == image_id:
                return int(order[place])
        raise KeyError(f"{self._rows.path}: no image has the id {shown(image_id)}")

    @cached_property
    def _order(self) -> tuple[Array, Array]:
        ids = self._rows.ids()
        return ids, np.argsort(ids, kind="stable")

    @cached_property
    def anchors(self) -> Array:
        """The anchors (N, 4), made again by the preset, in the dtype of the targets, read-only.

        Raises `ValueError` if they are not those that the targets were made with, or images have
        inputs of their own sizes: then `anchors_of` has those of an image.
        """
        if self._by_size:
            raise ValueError(
                f"{self._rows.path}: images have inputs of their own sizes: anchors_of(position) "
                "has the anchors of one"
            )
        return rebuilt_anchors(self._rows.path, self.metadata, self._rows.kept_anchors())

    def anchors_of(self, position: int) -> Array:
        """Return the anchors of an image's input, (N, 4); those of the last few sizes are kept.

        Raises
        ------
        TypeError, IndexError
            If there is no such position.
        ValueError
            If anchors cannot be made again.
        """
        own = self._position(position)
        return self._anchors_of_size(self._read(own, self._size)) if self._by_size else self.anchors

    @cached_property
    def _anchors_of_size(self) -> Callable[[tuple[int, int]], Array]:
        make = partial(rebuilt_anchors, self._rows.path, self.metadata, None)
        return lru_cache(KEPT_SIZES)(make)

    def _size(self, block: Block, row: int) -> tuple[int, int]:
        own = _pair(block, ("input_height", "input_width"), row)
        return own or (int(self.metadata["height"]), int(self.metadata["width"]))

    def _count_of(self, block: Block, row: int) -> int:
        """Return how many anchors an image has."""
        return int(block["anchors"][row]) if self._by_size else self._count

    def batch(self, positions: Iterable[int], out: Targets | None = None) -> Targets:
        """Return the targets of every anchor, for some images.

        Parameters
        ----------
        positions : iterable of int
            B positions.
        out : Targets, optional
            Arrays to be filled, such as an earlier batch of as many images.

        Returns
        -------
        Targets
            As the assigner gave them, but `matches` is -1 wherever an anchor is not positive.
            Arrays begin with B: `cls_targets`, `matches` and `samples` are int64 (B, N),
            `box_targets` and `box_masks` (B, N, 4).

        Raises
        ------
        TypeError
            If a position is no integer.
        ValueError
            If `out` is of another number of images, or a file is damaged.
        IndexError
            If there is no such position.
        """
        own = [self._position(position) for position in positions]
        count = self._count_of_all(own)
        if out is None:
            out = self._empty(len(own), count)
        elif len(out.samples) != len(own):
            raise ValueError(
                f"out: expected that of {times(len(own), 'image')}, got {len(out.samples)}"
            )
        out.dropped = np.empty(len(own), np.int64)
        for place, position in enumerate(own):
            out.dropped[place] = self._read(
                position, lambda block, row, k=place: self._fill(block, row, out, k)
            )
        return out

    def sparse(self, positions: Iterable[int]) -> list[SparseTargets]:
        """Return the targets of the positive anchors, for some images, as they were written."""
        return [self[position].targets for position in positions]

    def batches(self, size: int, *, out: Targets | None = None) -> Iterator[Targets]:
        """Yield the targets of all images in their order, `size` at a time; the last has the rest.

        With `out`, arrays of `size` images, each full batch is written to those.
        """
        size = check_integer("size", size, low=1)
        for first in range(0, len(self), size):
            positions = range(first, min(first + size, len(self)))
            yield self.batch(positions, out if len(positions) == size else None)

    def training(self) -> "TrainingDataset":
        """Return a data set for ``torch.utils.data.DataLoader``, of dicts of fixed arrays."""
        return TrainingDataset(self)

    def table(self, columns: list[str] | None = None) -> Any:
        """Return all images as a `pyarrow.Table`, or some of its columns; needs pyarrow.

        The numbers of an ``.npz`` stay in the file until they are looked at; those of Parquet are
        decoded, so ask for no more columns than you need.
        """
        return self._rows.table(columns)

    def verify(self) -> None:
        """Look at every checksum now, and raise `ValueError` for the first file that is damaged."""
        self._rows.verify()

    def _position(self, index: Any) -> int:
        if isinstance(index, (bool, np.bool_)) or not hasattr(index, "__index__"):
            raise TypeError(f"position: expected an integer, got {shown(index)}")
        position = index.__index__()
        if not -len(self) <= position < len(self):
            raise IndexError(
                f"position {position} is out of range: there are {times(len(self), 'image')}"
            )
        return int(position % len(self))

    def _read(self, position: int, make: Any) -> Any:
        """Return what `make` makes of a block and a row."""
        block, row = self._rows.find(position)
        try:
            return make(block, row)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise not_ours(self._rows.path, error) from None

    def _image(self, block: Block, row: int) -> StoredImage:
        samples = np.empty(self._count_of(block, row), np.int64)
        positives, matches = self._samples(block, row, samples)
        boxes, identity = _cut(block, "boxes", row), block["image_id"][row]
        return StoredImage(
            image_id=identity.item() if isinstance(identity, np.generic) else identity,
            width=int(block["width"][row]),
            height=int(block["height"][row]),
            scale=(float(block["scale_x"][row]), float(block["scale_y"][row])),
            shift=_pair(block, ("shift_x", "shift_y"), row) or (0, 0),
            size=self._size(block, row),
            boxes=np.array(boxes),
            labels=_cut(block, "labels", row).astype(np.int64),
            targets=SparseTargets(
                positives,
                matches,
                _cut(block, "cls_targets", row).astype(np.int64),
                np.array(_cut(block, "box_targets", row)),
                np.flatnonzero(samples < 0),
                len(without_extent(boxes)),
            ),
        )

    def _fill(self, block: Block, row: int, out: Targets, place: int) -> int:
        """Write the targets of an image to arrays, and return how many boxes had no extent."""
        samples = out.samples[place]
        positives, matches = self._samples(block, row, samples)
        out.cls_targets[place] = np.where(samples < 0, BACKGROUND, self._ignored)
        out.cls_targets[place][positives] = _cut(block, "cls_targets", row)
        out.matches[place] = -1
        out.matches[place][positives] = matches
        out.box_targets[place] = out.box_masks[place] = 0
        out.box_targets[place][positives] = _cut(block, "box_targets", row)
        out.box_masks[place][positives] = 1
        return len(without_extent(_cut(block, "boxes", row)))

    def _samples(self, block: Block, row: int, samples: Array) -> tuple[Array, Array]:
        """Fill the samples of every anchor; return the positive ones, and their matches."""
        positives = _cut(block, "positives", row).astype(np.int64)
        others = "ignored" if self._rest < 0 else "negatives"
        samples[:] = self._rest
        samples[_cut(block, others, row)] = -1 - self._rest
        samples[positives] = 1
        return positives, _cut(block, "matches", row).astype(np.int64)

    def _count_of_all(self, positions: list[int]) -> int:
        """Return how many anchors images of one batch have, which must be as many."""
        if not self._by_size or not positions:
            return self._count
        sizes = [self._read(position, self._size) for position in positions]
        for position, size in zip(positions, sizes, strict=True):
            if size != sizes[0]:
                first, other = (" x ".join(map(str, pixels)) for pixels in (sizes[0], size))
                raise ValueError(
                    f"positions: image {positions[0]} has an input of {first} pixels and image "
                    f"{position} one of {other}: a batch needs one size, or use sparse"
                )
        count: int = self._read(positions[0], self._count_of)
        return count

    def _empty(self, size: int, count: int) -> Targets:
        whole = np.empty((3, size, count), np.int64)
        real = np.empty((2, size, count, 4), self._dtype)
        return Targets(whole[0], real[0], real[1], whole[1], whole[2])


def _pair(block: Block, names: tuple[str, str], row: int) -> tuple[int, int] | None:
    first, second = (int(block[name][row]) if name in block else None for name in names)
    return None if first is None or second is None else (first, second)


def _cut(block: Block, name: str, row: int) -> Array:
    first, last = block[f"{name}_offsets"][row : row + 2].tolist()
    return np.asarray(block[name][first:last])
