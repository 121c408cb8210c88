"""Networks, node by node (SPEC section 5).

A reference evaluator for MXNet graphs, and networks that are cut or extended to give features.
"""

from refkernels.feature.expander import FeatureExpander, FeatureExtractor, FPNFeatureExpander
from refkernels.network import convolution, layers
from refkernels.network.evaluator import GraphEvaluator

__all__ = ["FPNFeatureExpander", "FeatureExpander", "FeatureExtractor", "GraphEvaluator"]


def warmup() -> None:
    """Compile the kernels for float32 and float64."""
    convolution.warmup()
    layers.warmup()
