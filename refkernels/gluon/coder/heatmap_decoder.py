"""The block that finds the peaks of centre heat maps and decodes them into boxes."""

from typing import Any

from refkernels import coder as operators
from refkernels.gluon.block import RealBlock
from refkernels.gluon.precision import common_like, constant_like, narrow, widen
from refkernels.gluon.rows import as_given, batch_axis, highest, pick, with_batch

__all__ = ["CenterNetDecoder"]


class CenterNetDecoder(RealBlock):
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

    reals = ("x", "wh", "reg")

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
