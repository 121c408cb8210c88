"""Boxes inside their image."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_boxes, as_real, require, shape_of, to_computing
from refkernels.arrays.printing import times
from refkernels.bbox.base import as_batch
from refkernels.jit import jit

__all__ = ["BBoxClipToImage"]


@dataclass(frozen=True)
class BBoxClipToImage:
    """Clip corner boxes to the image: x to [0, W], y to [0, H].

    Raises
    ------
    TypeError
        If an input has the wrong dtype.
    ValueError
        If shapes do not go together, or `x` or `sizes` holds nan, infinity or a negative size.

    References
    ----------
    SPEC section 1.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((1, 3, 100, 200))
    >>> BBoxClipToImage()(np.array([[[-5.0, 10.0, 250.0, 120.0]]]), image)
    array([[[  0.,  10., 200., 100.]]])
    """

    def __call__(
        self, x: npt.ArrayLike, img: npt.ArrayLike, sizes: npt.ArrayLike | None = None
    ) -> Array:
        """Clip `x`.

        Parameters
        ----------
        x : array_like, real, (B, N, 4) or (N, 4)
            Corner boxes, in pixels.
        img : array_like, (..., H, W)
            The images; only the shape is looked at.
        sizes : array_like, real, (B, 2) or (2,), optional
            The true (H, W) of each image, in pixels, where images are padded to a common shape.

        Returns
        -------
        numpy.ndarray
            Clipped boxes of the shape and dtype of `x`.
        """
        boxes = as_boxes("x", x)
        batch = as_batch("x", boxes)
        shape = shape_of("img", img)
        require(len(shape) >= 2, f"img: expected (..., H, W), got shape {shape}")
        if sizes is None:
            extents = np.array([shape[-2:]], np.float64)
        else:
            given = as_real("sizes", sizes)
            require(
                given.ndim in (1, 2) and given.shape[-1] == 2,
                f"sizes: expected (B, 2) or (2,), got shape {given.shape}",
            )
            require(bool((given >= 0).all()), "sizes: expected heights and widths of at least 0")
            extents = given.reshape(-1, 2).astype(np.float64)
        require(
            len(extents) in (1, len(batch)),
            f"sizes: expected one row for each of {times(len(batch), 'image')}, got {len(extents)}",
        )
        rows = to_computing(batch, boxes.dtype)
        out = np.empty_like(rows)
        with np.errstate(all="ignore"):
            limits = np.broadcast_to(extents, (len(batch), 2)).astype(rows.dtype)
            _clip(rows, limits, out)
            return out.reshape(boxes.shape).astype(boxes.dtype, copy=False)


@jit
def _clip(boxes, limits, out):  # type: ignore[no-untyped-def]
    zero = boxes.dtype.type(0)
    for image in range(boxes.shape[0]):
        height, width = limits[image, 0], limits[image, 1]
        for i in range(boxes.shape[1]):
            out[image, i, 0] = min(max(boxes[image, i, 0], zero), width)
            out[image, i, 1] = min(max(boxes[image, i, 1], zero), height)
            out[image, i, 2] = min(max(boxes[image, i, 2], zero), width)
            out[image, i, 3] = min(max(boxes[image, i, 3], zero), height)
