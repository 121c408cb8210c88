"""Mistakes that somebody who writes these blocks could make, each as one replacement."""

from tests.mutants.by_hand import bbox, coder, feature, matcher, predictor, sampler, shared

__all__ = ["MUTANTS"]

MUTANTS = (
    *bbox.MUTANTS,
    *matcher.MUTANTS,
    *sampler.MUTANTS,
    *coder.MUTANTS,
    *predictor.MUTANTS,
    *feature.MUTANTS,
    *shared.MUTANTS,
)
