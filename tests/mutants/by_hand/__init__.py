"""Mistakes that somebody who writes these blocks could make, each as one replacement."""

from tests.mutants.by_hand import (
    bbox,
    box_coder,
    class_coder,
    feature,
    matcher,
    predictor,
    sampler,
    shared,
    split,
    tiles,
)

__all__ = ["MUTANTS"]

MUTANTS = (
    *bbox.MUTANTS,
    *matcher.MUTANTS,
    *sampler.MUTANTS,
    *split.MUTANTS,
    *box_coder.MUTANTS,
    *class_coder.MUTANTS,
    *predictor.MUTANTS,
    *feature.MUTANTS,
    *shared.MUTANTS,
    *tiles.MUTANTS,
)
