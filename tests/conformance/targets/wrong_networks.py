"""Predictors and feature extractors of which each has one fault."""

from dataclasses import replace

import refkernels.feature
import refkernels.predictor


class ConvPredictor(refkernels.predictor.ConvPredictor):
    """Turns the kernel around."""

    def __call__(self, x, weight, bias=None):
        return super().__call__(x, weight[..., ::-1, ::-1], bias)


class FCPredictor(refkernels.predictor.FCPredictor):
    """Forgets the bias."""

    def __call__(self, x, weight, bias=None):
        return super().__call__(x, weight, None if bias is None else 0 * bias)


class FeatureExtractor(refkernels.feature.FeatureExtractor):
    """Is off by a little everywhere."""

    def __call__(self, *arrays, params):
        outputs = super().__call__(*arrays, params=params)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return tuple((y * 1.0001).astype(y.dtype) for y in outputs)


class FeatureExpander(refkernels.feature.FeatureExpander):
    """Returns the outputs the other way around."""

    def __call__(self, *arrays, params):
        return super().__call__(*arrays, params=params)[::-1]


class FPNFeatureExpander(refkernels.feature.FPNFeatureExpander):
    """Adds nothing up."""

    def __call__(self, *arrays, params):
        bare = replace(self, use_elewadd=False)
        return refkernels.feature.FPNFeatureExpander.__call__(bare, *arrays, params=params)
