"""The operator that encodes boxes as peaks of centre heat maps."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_boxes,
    as_indices,
    check_flag,
    check_integer,
    check_number,
    check_pair,
    keep,
    require,
    rounded_to_computing,
    to_computing,
)
from refkernels.coder.assignment import with_batch
from refkernels.jit import jit

__all__ = ["CenterHeatmapEncoder"]

# NumPy has no array of as many bytes, even of one without images.
MOST_BYTES = 2**63 - 1


@dataclass(frozen=True)
class CenterHeatmapEncoder:
    """Encode boxes as peaks of centre heat maps, with their sizes and offsets: CenterNet's targets.

    The centre of a box, divided by `scale`, lies in a cell of the map. Around that cell the box's
    class has a Gaussian, ``exp(-(dx**2 + dy**2) / (2 * sigma**2))`` with ``sigma = (2 * r + 1) /
    6``, on the ``(2 * r + 1)**2`` cells that are on the map; several combine by their maximum. At
    the cell itself stand the box's sides in cells, and where in the cell its centre lies.

    The radius r is the largest whole number of cells by which both corners may move, both one way,
    both inwards or both outwards, such that the IoU with the box is at least `min_overlap` in each
    of the three cases.

    Parameters
    ----------
    num_class : int
        The number of classes. At least 1.
    size : (int, int) or int
        The height and width of the maps, in cells. At least 1.
    scale : float, default 4.0
        The size of a cell in pixels. Over 0.
    min_overlap : float, default 0.7
        An IoU over 0, at most 1.
    ceil : bool, default False
        Whether the sides that the radius is found for are rounded up to whole cells first, as
        CenterNet's code does.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If a parameter is out of range, in the computing dtype too, shapes do not go together, boxes
        hold nan or infinity, labels are not whole numbers, or that of a box with a peak is not in
        [0, num_class).

    Notes
    -----
    Boxes without a positive width and height, such as the rows that pad a batch, and boxes whose
    centre is not on the map leave no peak; their labels are not looked at. Where centres of several
    boxes lie in one cell, the sides and the offset are those of the first of them.

    A radius is the smallest positive root of three quadratics, without its fraction; which is
    always that of the shift inwards. In CornerNet's code, and what took it over, the roots of two
    of them are not divided by the leading coefficient.

    References
    ----------
    SPEC section 6; Law and Deng, "CornerNet: Detecting objects as paired keypoints", 2018, section
    3.2; Zhou et al., "Objects as points", 2019, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> encode = CenterHeatmapEncoder(num_class=1, size=(2, 3))
    >>> heat, wh, reg, mask = encode(np.array([[-26.0, -25.0, 38.0, 31.0]]), [0])
    >>> heat.round(4)
    array([[[0.1353, 1.    , 0.1353],
            [0.0183, 0.1353, 0.0183]]])
    >>> mask
    array([[0., 1., 0.],
           [0., 0., 0.]])
    >>> wh[:, 0, 1], reg[:, 0, 1]
    (array([16., 14.]), array([0.5 , 0.75]))
    """

    num_class: int
    size: tuple[int, int]
    scale: float = 4.0
    min_overlap: float = 0.7
    ceil: bool = False

    def __post_init__(self) -> None:
        keep(
            self,
            num_class=check_integer("num_class", self.num_class, low=1),
            size=check_pair("size", self.size, low=1),
            scale=check_number("scale", self.scale),
            min_overlap=check_number("min_overlap", self.min_overlap, low=0, high=1),
            ceil=check_flag("ceil", self.ceil),
        )
        for name in ("scale", "min_overlap"):
            value = getattr(self, name)
            require(value > 0, f"{name}: expected a number over 0, got {value}")

    def __call__(
        self, boxes: npt.ArrayLike, labels: npt.ArrayLike
    ) -> tuple[Array, Array, Array, Array]:
        """Encode the boxes of each image.

        Parameters
        ----------
        boxes : array_like, real, (B, M, 4) or (M, 4)
            Corner boxes in pixels.
        labels : array_like, whole numbers, (B, M) or (M,)
            The class of each, from 0 on.

        Returns
        -------
        heatmap : numpy.ndarray, (B, num_class, H, W), or (num_class, H, W) for one image
            Between 0 and 1, in the dtype of `boxes`, as are the others.
        wh : numpy.ndarray, (B, 2, H, W) or (2, H, W)
            Widths and heights in cells, 0 but at centres.
        reg : numpy.ndarray, (B, 2, H, W) or (2, H, W)
            Where in its cell a centre lies, (x, y), in cells; 0 but there.
        mask : numpy.ndarray, (B, H, W) or (H, W)
            1 at centres, else 0.
        """
        corners = as_boxes("boxes", boxes)
        rows, boxes_batched = with_batch("boxes", corners, "(M, 4)")
        classes, labels_batched = with_batch("labels", as_indices("labels", labels), "(M,)")
        require(
            classes.shape == rows.shape[:2],
            f"labels: expected one for each of boxes, {rows.shape[:2]}, got {classes.shape}",
        )
        dtype = rows.dtype
        scale, overlap = (
            rounded_to_computing(value, dtype) for value in (self.scale, self.min_overlap)
        )
        require(0 < scale < np.inf, f"scale: {self.scale} overflows or vanishes in {scale.dtype}")
        require(overlap > 0, f"min_overlap: {self.min_overlap} vanishes in {overlap.dtype}")
        height, width = self.size
        channels = max(self.num_class, 2)
        require(
            max(len(rows), 1) * channels * height * width * scale.itemsize <= MOST_BYTES,
            f"num_class, size: {channels} maps of {height} x {width} cells for each of {len(rows)} "
            "images are more than there is memory for",
        )
        heat, sides, offsets, mask = (
            np.zeros((len(rows), channels, height, width), scale.dtype)
            for channels in (self.num_class, 2, 2, 1)
        )
        maps = heat, sides, offsets, mask
        with np.errstate(all="ignore"):
            wrong = _encode(to_computing(rows, dtype), classes, scale, overlap, self.ceil, *maps)
            results = [
                array.astype(dtype, copy=False) for array in (heat, sides, offsets, mask[:, 0])
            ]
        if wrong >= 0:
            image, i = divmod(wrong, rows.shape[1])
            where = [image, i] if labels_batched else [i]
            raise ValueError(
                f"labels{where} is {classes[image, i]}, expected a class from 0 to "
                f"{self.num_class - 1}"
            )
        if not (boxes_batched or labels_batched):
            results = [result[0] for result in results]
        heat, sides, offsets, mask = results
        return heat, sides, offsets, mask


@jit
def _encode(  # type: ignore[no-untyped-def]
    boxes, labels, scale, overlap, ceil, heat, sides, offsets, mask
):
    """Fill the maps, which come as zeros; return the flat index of a box of no class, or -1."""
    real, half = heat.dtype.type, heat.dtype.type(0.5)
    classes, height, width = heat.shape[1], heat.shape[2], heat.shape[3]
    profile = np.empty(max(height, width), heat.dtype)
    along = np.empty(width, heat.dtype)
    for image in range(boxes.shape[0]):
        for i in range(boxes.shape[1]):
            box = boxes[image, i]
            if not (box[2] > box[0] and box[3] > box[1]):
                continue
            x = (box[0] * half + box[2] * half) / scale
            y = (box[1] * half + box[3] * half) / scale
            if not (x >= 0 and x < width and y >= 0 and y < height):
                continue
            label = labels[image, i]
            if label < 0 or label >= classes:
                return image * boxes.shape[1] + i
            column, row = int(x), int(y)
            wide, high = (box[2] - box[0]) / scale, (box[3] - box[1]) / scale
            if mask[image, 0, row, column] == 0:
                mask[image, 0, row, column] = 1
                sides[image, 0, row, column], sides[image, 1, row, column] = wide, high
                offsets[image, 0, row, column] = x - real(column)
                offsets[image, 1, row, column] = y - real(row)
            if ceil:
                wide, high = np.ceil(wide), np.ceil(high)
            radius = _radius(np.float64(wide), np.float64(high), np.float64(overlap))
            reach = int(min(radius, float(profile.size)))
            _fill_profile(real(radius), profile[: min(reach + 1, profile.size)])
            left, right = max(column - reach, 0), min(column + reach + 1, width)
            for j in range(left, right):
                along[j - left] = profile[abs(j - column)]
            for k in range(max(row - reach, 0), min(row + reach + 1, height)):
                factor = profile[abs(k - row)]
                stretch = heat[image, label, k, left:right]
                for j in range(right - left):
                    stretch[j] = max(stretch[j], factor * along[j])
    return -1


@jit
def _fill_profile(radius, profile):  # type: ignore[no-untyped-def]
    """Fill `profile` with the Gaussian of a radius at 0, 1, 2 ... cells from its centre."""
    real = profile.dtype.type
    deviation = (real(2) * radius + real(1)) / real(6)
    twice = real(2) * deviation * deviation
    for k in range(profile.size):
        profile[k] = np.exp(-(real(k) * real(k)) / twice)


@jit
def _radius(width, height, overlap):  # type: ignore[no-untyped-def]
    """Return the largest whole shift of both corners of a box that overlaps enough, as a float.

    The shift inwards decides, whatever the box. Where it leaves the share (1 - a)(1 - b) = m, a
    shift outwards does no worse, since (1 + a)(1 + b) m = (1 - a**2)(1 - b**2) <= 1; nor does one
    to a side, whose overlap (1 - a / 2)(1 - b / 2) >= sqrt((1 - a)(1 - b)) is at least the
    harmonic mean of 1 and m, 2 m / (1 + m).

    In double precision whatever the boxes' is, so that rounding hardly ever decides. The root is
    written such that nothing cancels, and in units of a power of two, such that nothing overflows.
    """
    largest = np.finfo(np.float64).max
    width, height = min(width, largest), min(height, largest)
    if width + height == 0:  # the scale is so large that both underflow
        return 0.0
    unit = math.ldexp(1.0, math.frexp(max(width, height))[1] - 1)
    w, h = width / unit, height / unit
    total, lost = w + h, w * h * (1.0 - overlap)
    shift = lost / (total + math.sqrt(max(total * total - 4 * lost, 0.0)))
    return np.floor(shift * unit)
