"""The ground truth for target assignment in object detection.

refkernels answers three questions: is this code right (`refkernels.conformance`), assign these
targets, now (`refkernels.assign`), and why was this anchor matched (`refkernels.explain`). At its
core are NumPy and Numba kernels for every component of the ``gluoncv.nn`` API; `refkernels.gluon`
holds MXNet blocks of the same names.

Names load when they are first used: importing refkernels compiles nothing and imports no framework.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refkernels.anchor import *  # noqa: F403
    from refkernels.bbox import *  # noqa: F403
    from refkernels.coder import *  # noqa: F403
    from refkernels.cost import *  # noqa: F403
    from refkernels.feature import *  # noqa: F403
    from refkernels.matcher import *  # noqa: F403
    from refkernels.predictor import *  # noqa: F403
    from refkernels.sampler import *  # noqa: F403
    from refkernels.suppression import *  # noqa: F403

__version__ = "0.2.0"

_OPERATORS = {
    "bbox": (
        "BBoxArea",
        "BBoxBatchCIOU",
        "BBoxBatchDIOU",
        "BBoxBatchGIOU",
        "BBoxBatchIOA",
        "BBoxBatchIOU",
        "BBoxCenterToCorner",
        "BBoxClipToImage",
        "BBoxCornerToCenter",
        "BBoxSplit",
        "NumPyBBoxCornerToCenter",
    ),
    "cost": (
        "CenterDistance",
        "DETRCost",
        "InsideMask",
        "SimOTACost",
        "TaskAlignedMetric",
    ),
    "matcher": (
        "ATSSMatcher",
        "BipartiteMatcher",
        "CompositeMatcher",
        "HungarianMatcher",
        "MaximumMatcher",
        "PointMatcher",
        "SimOTAMatcher",
        "TaskAlignedMatcher",
        "ThresholdMatcher",
    ),
    "sampler": (
        "BalancedSampler",
        "NaiveSampler",
        "OHEMSampler",
        "QuotaSampler",
        "SplitSampler",
        "SplitSortedBucketSampler",
    ),
    "coder": (
        "CenterHeatmapEncoder",
        "CenterNetDecoder",
        "DistanceDecoder",
        "DistanceEncoder",
        "MultiClassDecoder",
        "MultiClassEncoder",
        "MultiPerClassDecoder",
        "NormalizedBoxCenterDecoder",
        "NormalizedBoxCenterEncoder",
        "NormalizedPerClassBoxCenterEncoder",
        "NumPyNormalizedBoxCenterEncoder",
        "SigmoidClassEncoder",
    ),
    "anchor": ("AnchorGrid",),
    "suppression": ("BatchedNMS", "NMS"),
    "predictor": (
        "ConvPredictor",
        "FCPredictor",
    ),
    "feature": (
        "FPNFeatureExpander",
        "FeatureExpander",
        "FeatureExtractor",
    ),
}
_MODULE_OF = {name: family for family, names in _OPERATORS.items() for name in names}

__all__ = ["warmup", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def warmup() -> None:
    """Compile every kernel now, for float32 and float64, instead of at its first call.

    Once per machine this takes a minute; afterwards compiled kernels come from Numba's cache.

    Examples
    --------
    >>> import refkernels
    >>> refkernels.warmup()  # doctest: +SKIP
    """
    for family in _OPERATORS:
        import_module(f"{__name__}.{family}").warmup()
