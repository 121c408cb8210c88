"""Where detectron2 0.6 differs, as its documentation has it and a stand-in does."""

from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.detectron2.conditions import low_quality_floods, quota_is_cut

__all__ = ["DIVERGENCES"]

DIVERGENCES = (
    Divergence(
        "D2-001",
        "ThresholdMatcher",
        "with low-quality matches, an object that overlaps nothing is the best of every anchor "
        "that does not overlap it either: each of them gets a match at an IoU of 0",
        low_quality_floods,
        witness({"high": 0.7, "low": 0.3, "low_quality": "own"}, x=[[0.0, 0.0]]),
        authority="SPEC; its documentation, which takes in all ties, is silent on an IoU of 0",
    ),
    Divergence(
        "D2-002",
        "BalancedSampler",
        "the number of positives is cut from a product that rounding leaves below a whole number: "
        "of 100 at 0.29 there are 28",
        quota_is_cut,
        witness({"num_sample": 100, "pos_ratio": 0.29}, candidates=[1] * 29),
        authority="SPEC; its documentation has that product, and int() of it",
    ),
)
