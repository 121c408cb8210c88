"""MXNet Gluon blocks with the names and the meaning of `refkernels`' NumPy operators (SPEC).

Every block is a `HybridBlock`: it runs imperatively, hybridised, or exported to symbol and
parameters and loaded again, on every context, with the same result. Index outputs are float32
whatever the input dtype (float16 cannot count past 2048); values are not checked for nan (a block
cannot raise from the device); integers are refused where reals are meant, since a graph would make
float32 of them and not float64; and outputs carry no gradient unless a block says otherwise, since
targets are constants of training.
"""

from refkernels.gluon.compat import import_mxnet

import_mxnet()

from refkernels.gluon.bbox import (  # noqa: E402
    BBoxArea,
    BBoxBatchIOU,
    BBoxCenterToCorner,
    BBoxClipToImage,
    BBoxCornerToCenter,
    BBoxSplit,
    NumPyBBoxCornerToCenter,
)
from refkernels.gluon.coder import (  # noqa: E402
    CenterNetDecoder,
    MultiClassDecoder,
    MultiClassEncoder,
    MultiPerClassDecoder,
    NormalizedBoxCenterDecoder,
    NormalizedBoxCenterEncoder,
    NormalizedPerClassBoxCenterEncoder,
    NumPyNormalizedBoxCenterEncoder,
    SigmoidClassEncoder,
)
from refkernels.gluon.feature import (  # noqa: E402
    FeatureExpander,
    FeatureExtractor,
    FPNFeatureExpander,
)
from refkernels.gluon.matcher import (  # noqa: E402
    BipartiteMatcher,
    CompositeMatcher,
    MaximumMatcher,
)
from refkernels.gluon.predictor import ConvPredictor, FCPredictor  # noqa: E402
from refkernels.gluon.quota_sampler import QuotaSamplerOp, QuotaSamplerProp  # noqa: E402
from refkernels.gluon.sampler import (  # noqa: E402
    NaiveSampler,
    OHEMSampler,
    QuotaSampler,
    SplitSampler,
    SplitSortedBucketSampler,
)

__all__ = [
    "BBoxArea",
    "BBoxBatchIOU",
    "BBoxCenterToCorner",
    "BBoxClipToImage",
    "BBoxCornerToCenter",
    "BBoxSplit",
    "BipartiteMatcher",
    "CenterNetDecoder",
    "CompositeMatcher",
    "ConvPredictor",
    "FCPredictor",
    "FPNFeatureExpander",
    "FeatureExpander",
    "FeatureExtractor",
    "MaximumMatcher",
    "MultiClassDecoder",
    "MultiClassEncoder",
    "MultiPerClassDecoder",
    "NaiveSampler",
    "NormalizedBoxCenterDecoder",
    "NormalizedBoxCenterEncoder",
    "NormalizedPerClassBoxCenterEncoder",
    "NumPyBBoxCornerToCenter",
    "NumPyNormalizedBoxCenterEncoder",
    "OHEMSampler",
    "QuotaSampler",
    "QuotaSamplerOp",
    "QuotaSamplerProp",
    "SigmoidClassEncoder",
    "SplitSampler",
    "SplitSortedBucketSampler",
]
