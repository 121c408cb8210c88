"""The operator that finds the peaks of centre heat maps and decodes them into boxes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_real,
    check_finite,
    check_integer,
    check_number,
    common_real,
    keep,
    require,
    rounded_to_computing,
    to_computing,
)
from refkernels.coder.assignment import with_batch
from refkernels.jit import jit

__all__ = ["CenterNetDecoder"]

# The selection first finds the maximum of each block of this many scores. Longer blocks leave more
# scores to look at twice, shorter ones more maxima.
BLOCK = 128


@dataclass(frozen=True)
class CenterNetDecoder:
    """Decode the highest scores of a centre heat map into boxes.

    The `topk` highest of an image's C * H * W scores are taken, among equal ones those of the
    lowest flat index, and listed in that order. One at row y and column x of class c stands for a
    box of class c with its centre at ``(x + reg[0], y + reg[1])`` and the size ``wh``, both taken
    at (y, x); with cx, cy, w, h its corners are ``(cx - w / 2) * scale`` and so on.

    Parameters
    ----------
    topk : int, default 100
        The number of boxes of an image. At least 1.
    scale : float, default 4.0
        The size of a heat map's cell in pixels. Over 0.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If `topk` exceeds C * H * W, shapes do not go together, `scale` is not a positive number of
        the computing dtype, or an input holds nan or infinity.

    References
    ----------
    SPEC section 4; Zhou et al., "Objects as points", 2019, section 3.1 (whose suppression of all
    but local maxima comes before this).

    Examples
    --------
    >>> import numpy as np
    >>> heat = np.array([[[0.1, 0.9], [0.3, 0.2]]])
    >>> wh, reg = np.full((2, 2, 2), 2.0), np.full((2, 2, 2), 0.5)
    >>> ids, scores, boxes = CenterNetDecoder(topk=2)(heat, wh, reg)
    >>> ids
    array([0, 0])
    >>> scores
    array([0.9, 0.3])
    >>> boxes
    array([[ 2., -2., 10.,  6.],
           [-2.,  2.,  6., 10.]])
    """

    topk: int = 100
    scale: float = 4.0

    def __post_init__(self) -> None:
        keep(
            self,
            topk=check_integer("topk", self.topk, low=1),
            scale=check_number("scale", self.scale),
        )
        require(self.scale > 0, f"scale: expected a number over 0, got {self.scale}")

    def __call__(
        self, x: npt.ArrayLike, wh: npt.ArrayLike, reg: npt.ArrayLike
    ) -> tuple[Array, Array, Array]:
        """Decode the heat maps `x`.

        Parameters
        ----------
        x : array_like, real, (B, C, H, W) or (C, H, W)
            Scores.
        wh : array_like, real, (B, 2, H, W) or (2, H, W)
            Widths and heights, in cells.
        reg : array_like, real, (B, 2, H, W) or (2, H, W)
            Where in its cell a centre lies, (x, y), in cells.

        Returns
        -------
        ids : numpy.ndarray, int64, (B, topk), or (topk,) if nothing came with a batch
            The classes.
        scores : numpy.ndarray, (B, topk) or (topk,)
            The scores, descending, in the common dtype of the inputs.
        boxes : numpy.ndarray, (B, topk, 4) or (topk, 4)
            Corner boxes, in pixels, in the common dtype of the inputs.
        """
        given = as_real("x", x, finite=False)
        maps, x_batched = with_batch("x", given, "(C, H, W)")
        sizes, wh_batched = with_batch("wh", as_real("wh", wh), "(2, H, W)")
        shifts, reg_batched = with_batch("reg", as_real("reg", reg), "(2, H, W)")
        size, classes, height, width = maps.shape
        for name, array in (("wh", sizes), ("reg", shifts)):
            require(
                array.shape == (size, 2, height, width),
                f"{name}: expected shape {(size, 2, height, width)} to go with the {maps.shape} of "
                f"x, got {array.shape}",
            )
        count = classes * height * width
        require(self.topk <= count, f"topk: {self.topk} exceeds C * H * W = {count} of x")
        dtype = common_real(maps, sizes, shifts)
        scale = rounded_to_computing(self.scale, dtype)
        require(0 < scale < np.inf, f"scale: {self.scale} overflows or vanishes in {scale.dtype}")
        values = to_computing(maps, maps.dtype).reshape(size, count)
        integer = np.dtype(f"i{values.itemsize}")  # LLVM vectorises no maximum of floats
        infinity = values.dtype.type(np.inf).view(integer)
        indices = np.empty((size, self.topk), np.int64)
        if not _select(values, values.view(integer), infinity, BLOCK, indices):
            check_finite("x", given)
        ids = indices // (height * width)
        boxes = np.empty((size, self.topk, 4), scale.dtype)
        scores = np.take_along_axis(values, indices, axis=1).astype(dtype, copy=False)
        with np.errstate(all="ignore"):
            _decode(
                indices % (height * width),
                to_computing(sizes, dtype),
                to_computing(shifts, dtype),
                scale,
                boxes,
            )
            boxes = boxes.astype(dtype, copy=False)
        if x_batched or wh_batched or reg_batched:
            return ids, scores, boxes
        return ids[0], scores[0], boxes[0]


@jit
def _decode(cells, sizes, shifts, scale, boxes):  # type: ignore[no-untyped-def]
    """Fill `boxes` (B, K, 4) with those at the flat `cells` (B, K)."""
    half = boxes.dtype.type(0.5)
    width = sizes.shape[3]
    for image in range(cells.shape[0]):
        for i in range(cells.shape[1]):
            y, x = cells[image, i] // width, cells[image, i] % width
            center_x = boxes.dtype.type(x) + shifts[image, 0, y, x]
            center_y = boxes.dtype.type(y) + shifts[image, 1, y, x]
            half_width = sizes[image, 0, y, x] * half
            half_height = sizes[image, 1, y, x] * half
            boxes[image, i, 0] = (center_x - half_width) * scale
            boxes[image, i, 1] = (center_y - half_height) * scale
            boxes[image, i, 2] = (center_x + half_width) * scale
            boxes[image, i, 3] = (center_y + half_height) * scale


@jit
def _select(values, bits, infinity, block, indices):  # type: ignore[no-untyped-def]
    """Fill `indices` (B, K) with those of the K highest values of each row, highest first.

    Among equal values the lowest index comes first. `bits` are the values as integers. Returns
    whether all values are finite; `indices` are undefined if not.
    """
    topk, count = indices.shape[1], values.shape[1]
    peaks = np.empty((count + block - 1) // block, bits.dtype)
    heap = np.empty(topk, np.int64)
    for image in range(values.shape[0]):
        row = values[image]
        if not _block_peaks(bits[image], infinity, block, peaks):
            return False
        # K blocks have a peak no lower than the K-th highest, so no other block has a value among
        # the K highest of all.
        floor = peaks.min()
        if peaks.size > topk:
            _offer(peaks, 0, peaks.size, heap, 0)
            floor = peaks[heap[0]]
        filled = 0
        for i in range(peaks.size):
            if peaks[i] >= floor:
                filled = _offer(row, i * block, min((i + 1) * block, count), heap, filled)
        for k in range(topk - 1, -1, -1):
            indices[image, k] = heap[0]
            heap[0] = heap[k]
            _sift_down(row, heap, k)
    return True


@jit
def _block_peaks(bits, infinity, block, peaks):  # type: ignore[no-untyped-def]
    """Fill `peaks` with integers in the order of the blocks' maxima; return whether all are finite.

    As integers, positive floats are in order, negative ones in reverse, with the sign in the
    highest bit; and those that are not finite are from the bits of infinity on.
    """
    integer = bits.dtype.type
    sign = integer(bits.itemsize * 8 - 1)
    rest = integer(np.iinfo(bits.dtype).max)
    largest = integer(0)
    for i in range(peaks.size):
        part = bits[i * block : (i + 1) * block]
        peak = integer(np.iinfo(bits.dtype).min)
        for j in range(part.size):
            value = part[j]
            largest = max(largest, integer(value & rest))
            peak = max(peak, integer(value ^ integer(integer(value >> sign) & rest)))
        peaks[i] = integer(0) if peak == integer(-1) else peak  # -1 is -0.0, which equals 0.0
    return largest < infinity


@jit
def _worse(values, a, b):  # type: ignore[no-untyped-def]
    """Return whether index `a` comes after index `b` in the result."""
    return values[a] < values[b] or (values[a] == values[b] and a > b)


@jit
def _offer(values, start, stop, heap, filled):  # type: ignore[no-untyped-def]
    """Offer the indices from `start` to `stop` to the heap.

    The heap holds the best indices so far, the worst of them in front. Offers come in ascending
    order, so that a full heap has no use for a value that only equals its worst. Returns how many
    it holds.
    """
    for i in range(start, stop):
        if filled == heap.size:
            if values[i] > values[heap[0]]:
                heap[0] = i
                _sift_down(values, heap, filled)
        else:
            _sift_up(values, heap, filled, i)
            filled += 1
    return filled


@jit
def _sift_up(values, heap, place, index):  # type: ignore[no-untyped-def]
    """Put `index` into the heap, from its free last `place` up to where it belongs."""
    while place > 0:
        parent = (place - 1) // 2
        if not _worse(values, index, heap[parent]):
            break
        heap[place] = heap[parent]
        place = parent
    heap[place] = index


@jit
def _sift_down(values, heap, size):  # type: ignore[no-untyped-def]
    """Move the front of the heap, of the first `size` entries, down to where it belongs."""
    place, index = 0, heap[0]
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and _worse(values, heap[child + 1], heap[child]):
            child += 1
        if not _worse(values, heap[child], index):
            break
        heap[place] = heap[child]
        place = child
    heap[place] = index
