"""Gluon blocks that encode targets and decode predictions (SPEC section 4).

See `refkernels.coder` for what each one means. No gradient flows through, and it is stopped at the
inputs: where it ends further inside, MXNet's imperative backward pass may crash, looking for arrays
that it did not keep.
"""

from refkernels.gluon.coder.box_decoder import NormalizedBoxCenterDecoder
from refkernels.gluon.coder.box_encoder import (
    NormalizedBoxCenterEncoder,
    NormalizedPerClassBoxCenterEncoder,
    NumPyNormalizedBoxCenterEncoder,
)
from refkernels.gluon.coder.class_decoder import MultiClassDecoder, MultiPerClassDecoder
from refkernels.gluon.coder.class_encoder import MultiClassEncoder, SigmoidClassEncoder
from refkernels.gluon.coder.heatmap_decoder import CenterNetDecoder

__all__ = [
    "CenterNetDecoder",
    "MultiClassDecoder",
    "MultiClassEncoder",
    "MultiPerClassDecoder",
    "NormalizedBoxCenterDecoder",
    "NormalizedBoxCenterEncoder",
    "NormalizedPerClassBoxCenterEncoder",
    "NumPyNormalizedBoxCenterEncoder",
    "SigmoidClassEncoder",
]
