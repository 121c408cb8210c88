"""The matcher of points, as anchor-free detectors have them, with boxes."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_boxes,
    as_real,
    check_axis_length,
    check_finite,
    check_flag,
    check_number,
    common_real,
    keep,
    require,
    rounded_to_computing,
    to_computing,
)
from refkernels.arrays.printing import times
from refkernels.jit import jit
from refkernels.matcher.base import UNMATCHED

__all__ = ["PointMatcher"]

# Points that are matched in one go: enough to keep the vector units busy, few enough to stay in the
# first cache with all that is known of them.
BLOCK = 512


@dataclass(frozen=True)
class PointMatcher:
    """Match each point with the smallest box that it is in and that has the right size for it.

    With l, t, r, b the distances from a point to the sides of a box, the pair counts if all four
    are more than 0, and the largest of them is in the point's range. With a radius the point must
    also be strictly inside the square of side ``2 * radius * stride`` around the box's centre. Of
    several boxes the one of least area is matched, ties by lowest index.

    Parameters
    ----------
    radius : float, optional
        Half the side of the square, in strides of the point. Not negative; by default there is no
        square.
    inclusive : bool, default True
        Whether the ends of a range belong to it.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If `radius` is out of range (in the computing dtype too), shapes do not go together, points,
        boxes or strides hold nan or infinity, or ranges hold nan.

    Notes
    -----
    The four distances are single differences in the common dtype of all inputs (float32 for
    float16), and so are the centre and ``radius * stride``. Areas are computed in double precision
    whatever the dtype. Rows that pad a batch, without a positive width or height, have no point
    inside.

    References
    ----------
    SPEC section 6; Tian et al., "FCOS: Fully convolutional one-stage object detection", 2019,
    section 3.2; the square is that of the journal's version, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.array([[4.0, 4.0], [12.0, 4.0], [8.0, 8.0]])
    >>> boxes = np.array([[0.0, 0.0, 16.0, 16.0], [10.0, 2.0, 14.0, 8.0]])
    >>> strides, ranges = np.array([8.0, 8.0, 16.0]), np.array([[0, 64], [0, 64], [64, np.inf]])
    >>> PointMatcher()(points, boxes, strides, ranges)
    array([ 0,  1, -1])
    >>> PointMatcher(radius=0.5)(points, boxes, strides, ranges)
    array([-1,  1, -1])
    """

    radius: float | None = None
    inclusive: bool = True

    def __post_init__(self) -> None:
        keep(self, inclusive=check_flag("inclusive", self.inclusive))
        if self.radius is not None:
            keep(self, radius=check_number("radius", self.radius, low=0))

    @classmethod
    def torchvision(cls, radius: float = 1.5) -> "PointMatcher":
        """Return how torchvision's FCOS matches: the ends of a range do not belong to it.

        In the paper they do. torchvision's ranges are (4, 8) times a point's stride, from 0 on the
        first level and without end on the last; it looks for the largest of ``1e8 - area``, where
        single precision takes areas for equal that differ by less than 8.

        Parameters
        ----------
        radius : float, default 1.5
            ``center_sampling_radius``.

        Examples
        --------
        >>> PointMatcher.torchvision()
        PointMatcher(radius=1.5, inclusive=False)
        """
        return cls(radius, inclusive=False)

    @classmethod
    def detectron2(cls, radius: float = 1.5) -> "PointMatcher":
        """Return how detectron2's FCOS matches, which is how torchvision's does.

        Parameters
        ----------
        radius : float, default 1.5
            ``center_sampling_radius``.

        Examples
        --------
        >>> PointMatcher.detectron2() == PointMatcher.torchvision()
        True
        """
        return cls.torchvision(radius)

    def __call__(
        self,
        points: npt.ArrayLike,
        boxes: npt.ArrayLike,
        strides: npt.ArrayLike,
        ranges: npt.ArrayLike,
    ) -> Array:
        """Match points.

        Parameters
        ----------
        points : array_like, real, (N, 2)
            x and y.
        boxes : array_like, real, (B, M, 4) or (M, 4)
            Corner boxes: the ground truth.
        strides : array_like, real, (N,)
            The stride of each point's level. It counts only with a radius.
        ranges : array_like, real, (N, 2)
            From where to where the largest of the four distances is the point's; infinity is no
            limit.

        Returns
        -------
        numpy.ndarray of int64, (B, N), or (N,) if `boxes` came without a batch
            The matched box in [0, M), or -1.
        """
        places = _as_rows("points", points, (2,))
        truths = as_boxes("boxes", boxes)
        require(
            truths.ndim in (2, 3), f"boxes: expected shape (B, M, 4) or (M, 4), got {truths.shape}"
        )
        steps = _as_rows("strides", strides, ())
        limits = _as_rows("ranges", ranges, (2,), infinite=True)
        count = len(places)
        for name, array in (("strides", steps), ("ranges", limits)):
            require(
                len(array) == count,
                f"{name}: expected one for each of the {times(count, 'point')}, got shape "
                f"{array.shape}",
            )
        dtype = common_real(places, truths, steps, limits)
        batch = truths if truths.ndim == 3 else truths[None]
        reach = np.full(count, np.inf, rounded_to_computing(0, dtype).dtype)
        if self.radius is not None:
            radius = rounded_to_computing(self.radius, dtype)
            if not math.isfinite(radius):
                raise ValueError(f"radius: {self.radius} does not fit {radius.dtype}")
            with np.errstate(all="ignore"):
                np.multiply(to_computing(steps, dtype), radius, out=reach)
        out = np.full((len(batch), count), UNMATCHED, np.int64)
        _match_points(
            to_computing(places.T, dtype),
            to_computing(batch, dtype),
            _largest_first(batch),
            reach,
            to_computing(limits.T, dtype),
            self.inclusive,
            out,
        )
        return out if truths.ndim == 3 else out[0]


def _as_rows(
    name: str, value: npt.ArrayLike, rest: tuple[int, ...], infinite: bool = False
) -> Array:
    """Check that `value` is real with one row for each point, (N, *rest)."""
    array = as_real(name, value, finite=not infinite)
    if array.ndim != 1 + len(rest):
        shape = "(N,)" if not rest else f"(N, {rest[0]})"
        raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
    if rest:
        check_axis_length(name, array, -1, rest[0])
    if infinite:
        check_finite(name, np.where(np.isinf(array), array.dtype.type(0), array))
    return array


def _largest_first(boxes: Array) -> Array:
    """Return the boxes (B, M, 4) of each image by area, the largest first, ties by highest index.

    So among those that count the last one is the match.
    """
    with np.errstate(all="ignore"):
        low, high = boxes[..., :2].astype(np.float64), boxes[..., 2:].astype(np.float64)
        sides = high - low
        areas = sides[..., 0] * sides[..., 1]
    order: Array = np.argsort(areas, axis=-1, kind="stable")[..., ::-1]
    return np.ascontiguousarray(order)


@jit
def _match_points(points, boxes, order, reach, ranges, inclusive, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N), which comes as UNMATCHED, with the matches of `points` (2, N).

    The last box in `order` (B, M) for which a point counts takes it. `reach` (N,) is how far from a
    box's centre it may be in x and in y, `ranges` (2, N) between what the largest distance must be.
    """
    count = points.shape[1]
    half, zero = points.dtype.type(0.5), points.dtype.type(0)
    # The matches before and after a box: with one array for both LLVM would write only those that
    # change, one by one.
    before, after = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    for image in range(boxes.shape[0]):
        for start in range(0, count, BLOCK):
            x, y = points[0, start : start + BLOCK], points[1, start : start + BLOCK]
            least, most = ranges[0, start : start + BLOCK], ranges[1, start : start + BLOCK]
            own = reach[start : start + BLOCK]
            before[:] = UNMATCHED
            for c in order[image]:
                left, top = boxes[image, c, 0], boxes[image, c, 1]
                right, bottom = boxes[image, c, 2], boxes[image, c, 3]
                # Halves of coordinates, since their sum may overflow.
                middle, centre = left * half + right * half, top * half + bottom * half
                for i in range(len(x)):
                    near = min(min(x[i] - left, right - x[i]), min(y[i] - top, bottom - y[i]))
                    far = max(max(x[i] - left, right - x[i]), max(y[i] - top, bottom - y[i]))
                    off = max(abs(x[i] - middle), abs(y[i] - centre))
                    counts = (near > zero) & (off < own[i])
                    counts &= (least[i] < far) | (inclusive & (least[i] == far))
                    counts &= (far < most[i]) | (inclusive & (most[i] == far))
                    match = before[i]
                    after[i] = c if counts else match
                before, after = after, before
            out[image, start : start + BLOCK] = before[: len(x)]
