"""The block that decodes predicted offsets into boxes."""

from collections.abc import Sequence
from typing import Any

from refkernels import coder as operators
from refkernels.coder.offsets import MEANS, STDS
from refkernels.gluon.bbox import center_columns, columns
from refkernels.gluon.block import RealBlock
from refkernels.gluon.precision import common_like, constant_like, constants_like, narrow, widen

__all__ = ["NormalizedBoxCenterDecoder"]


class NormalizedBoxCenterDecoder(RealBlock):
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
    clip_low : float or None, default None, keyword only
        The lower limit of the exponents; None is no limit.

    References
    ----------
    SPEC section 4.
    """

    reals = ("x", "anchors")

    def __init__(
        self,
        stds: Sequence[float] = STDS,
        convert_anchor: bool = False,
        clip: float | None = -1.0,
        minimal_opset: bool = False,
        *,
        means: Sequence[float] = MEANS,
        clip_low: float | None = None,
    ) -> None:
        super().__init__()
        self._operator = operators.NormalizedBoxCenterDecoder(
            stds, convert_anchor, clip, means=means, clip_low=clip_low
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
        offsets = F.broadcast_mul(x, constants_like(F, operator.stds, x))
        if any(operator.means):
            offsets = F.broadcast_add(offsets, constants_like(F, operator.means, x))
        shift_x, shift_y, log_width, log_height = columns(F, offsets)
        if operator.clip is not None and operator.clip > 0:
            limit = constant_like(F, operator.clip, x)
            log_width = F.broadcast_minimum(log_width, limit)
            log_height = F.broadcast_minimum(log_height, limit)
        if operator.clip_low is not None:
            limit = constant_like(F, operator.clip_low, x)
            log_width = F.broadcast_maximum(log_width, limit)
            log_height = F.broadcast_maximum(log_height, limit)
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
