"""The operator that decodes predicted offsets into boxes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_boxes,
    check_flag,
    check_number,
    common_real,
    keep,
    require,
    rounded_to_computing,
    to_computing,
)
from refkernels.coder.assignment import with_batch
from refkernels.coder.offsets import (
    MEANS,
    STDS,
    center_form,
    check_anchors,
    check_normalisation,
    decode_box,
    normalisation,
)
from refkernels.jit import jit

__all__ = ["NormalizedBoxCenterDecoder"]


@dataclass(frozen=True)
class NormalizedBoxCenterDecoder:
    """Decode offsets from anchors into corner boxes: the inverse of `NormalizedBoxCenterEncoder`.

    With the anchor (ax, ay, aw, ah) in centre form, the box has its centre at
    ``(x[0] * stds[0] + means[0]) * aw + ax``, ``(x[1] * stds[1] + means[1]) * ah + ay``, and the
    half sides ``exp(dw) * aw / 2``, ``exp(dh) * ah / 2``, where ``dw = x[2] * stds[2] + means[2]``
    and ``dh = x[3] * stds[3] + means[3]``, neither of them over `clip` or below `clip_low`.

    Parameters
    ----------
    stds : sequence of 4 float, default (0.1, 0.1, 0.2, 0.2)
        The encoder's. Not 0.
    convert_anchor : bool, default False
        Whether anchors come in corner form, and not in centre form.
    clip : float or None, default -1.0
        The upper limit of dw and dh; None, 0 or less is no limit.
    means : sequence of 4 float, default (0, 0, 0, 0), keyword only
        The encoder's.
    clip_low : float or None, default None, keyword only
        The lower limit of dw and dh, no higher than the upper one; None is no limit.

    Raises
    ------
    TypeError
        If a parameter or an input has the wrong type or dtype.
    ValueError
        If there are not 4 stds and 4 means, a std is 0 (in the computing dtype too), `clip_low` is
        over `clip`, shapes do not go together, or an input holds nan or infinity.

    Notes
    -----
    Where exp overflows the computing dtype, the result is what IEEE arithmetic makes of the
    formula: a corner at infinity.

    References
    ----------
    SPEC section 4; Girshick et al., "Rich feature hierarchies", 2014, appendix C.

    Examples
    --------
    >>> import numpy as np
    >>> anchors = np.array([[15.0, 15.0, 10.0, 10.0]])
    >>> NormalizedBoxCenterDecoder()(np.array([[1.0, 0.0, 0.0, 0.0]]), anchors)
    array([[11., 10., 21., 20.]])
    """

    stds: Sequence[float] = STDS
    convert_anchor: bool = False
    clip: float | None = -1.0
    means: Sequence[float] = field(default=MEANS, kw_only=True)
    clip_low: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        keep(self, convert_anchor=check_flag("convert_anchor", self.convert_anchor))
        for name in ("clip", "clip_low"):
            value = getattr(self, name)
            if value is not None:
                keep(self, **{name: check_number(name, value)})
        low, high = self._limits
        require(low <= high, f"clip_low: expected at most clip, {high}, got {low}")
        check_normalisation(self)

    @property
    def _limits(self) -> tuple[float, float]:
        """The least and the largest number that exp is taken of."""
        no_limit = self.clip is None or self.clip <= 0
        return (
            -np.inf if self.clip_low is None else self.clip_low,
            np.inf if no_limit or self.clip is None else self.clip,
        )

    def __call__(self, x: npt.ArrayLike, anchors: npt.ArrayLike) -> Array:
        """Decode `x`.

        Parameters
        ----------
        x : array_like, real, (B, N, 4) or (N, 4)
            Offsets.
        anchors : array_like, real, (B or 1, N, 4) or (N, 4)
            Boxes, in the form that `convert_anchor` says.

        Returns
        -------
        numpy.ndarray, (B, N, 4), or (N, 4) if nothing came with a batch
            Corner boxes in the common dtype of `x` and `anchors`.
        """
        offsets, x_batched = with_batch("x", as_boxes("x", x), "(N, 4)")
        boxes, anchors_batched = with_batch("anchors", as_boxes("anchors", anchors), "(N, 4)")
        check_anchors(boxes, *offsets.shape[:2])
        dtype = common_real(offsets, boxes)
        means, stds = normalisation(self.means, self.stds, dtype)
        least, limit = (rounded_to_computing(limit, dtype) for limit in self._limits)
        out = np.empty(offsets.shape, means.dtype)
        with np.errstate(all="ignore"):
            _decode(
                to_computing(offsets, dtype),
                to_computing(boxes, dtype),
                self.convert_anchor,
                means,
                stds,
                least,
                limit,
                out,
            )
            decoded = out.astype(dtype, copy=False)
        return decoded if x_batched or anchors_batched else decoded[0]


@jit
def _decode(x, anchors, corner, means, stds, least, limit, out):  # type: ignore[no-untyped-def]
    for image in range(x.shape[0]):
        boxes = anchors[min(image, anchors.shape[0] - 1)]
        for i in range(x.shape[1]):
            box = boxes[i]
            anchor = center_form(box) if corner else (box[0], box[1], box[2], box[3])
            corners = decode_box(x[image, i], anchor, means, stds, least, limit)
            for k in range(4):
                out[image, i, k] = corners[k]
