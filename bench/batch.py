"""What a training step of SSD512 sees: a batch from boxes to samples, made by refkernels."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.scenes import scene
from refkernels import BBoxBatchIOU, BipartiteMatcher, CompositeMatcher, MaximumMatcher, OHEMSampler

__all__ = ["SHAPE", "Batch", "batch"]

Array = npt.NDArray[Any]

IMAGES, TRUTHS, CLASSES = 8, 20, 21
SHAPE = f"{IMAGES} x 24564 x {TRUTHS}"


@dataclass(frozen=True)
class Batch:
    """Reals are float32; matches, samples and labels are int64, as operators return them."""

    anchors: Array  # (1, N, 4)
    truths: Array  # (B, M, 4)
    labels: Array  # (B, M)
    ious: Array  # (B, N, M)
    matches: Array  # (B, N)
    logits: Array  # (B, N, C)
    samples: Array  # (B, N)


@cache
def batch() -> Batch:
    """Make the batch."""
    scenes = [scene("24564 x 100", np.float32, seed) for seed in range(IMAGES)]
    anchors, truths = scenes[0][0][None], np.stack([truth[:TRUTHS] for _, truth in scenes])
    rng = np.random.default_rng(0)
    ious = BBoxBatchIOU()(anchors, truths)
    matcher = CompositeMatcher([BipartiteMatcher(share_max=False), MaximumMatcher(0.5)])
    matches = matcher(ious)
    logits = rng.standard_normal((*matches.shape, CLASSES), np.float32)
    samples = OHEMSampler(3)(matches, logits, ious)
    labels = rng.integers(0, CLASSES - 1, truths.shape[:2])
    return Batch(anchors, truths, labels, ious, matches, logits, samples)
