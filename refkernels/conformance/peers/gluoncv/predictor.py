"""Differences in the predictors, which are those of MXNet's layers on a CPU."""

from typing import Any

import numpy as np

from refkernels import predictor as kernels
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.model.operator import Case

__all__ = ["DIVERGENCES"]


def _is_float16(case: Case) -> bool:
    return case.inputs["x"].dtype == np.float16


def _softrelu_is_off(operator: Any) -> Any:
    """Tell where numbers come into softrelu that MXNet gets wrong on a CPU."""

    def when(case: Case) -> bool:
        """Return whether softrelu is given a number that MXNet gets wrong."""
        if case.config.get("activation") != "softrelu" or _is_float16(case):
            return False
        before = operator(**{**case.config, "activation": None})(*case.inputs.values())
        if before.dtype == np.float64:
            # From 33 on x itself is the nearest number, or next to it.
            return bool(((before > 20) & (before < 33)).any())
        return bool(((before > -88) & (before < -1.6)).any())

    return when


NO_FLOAT16 = "It fails in float16 on a CPU, where MXNet multiplies no float16 matrices."
SOFTRELU = (
    "Its softrelu, MXNet's, is x from 20 on, which float64 tells apart; and in float32 on a CPU it "
    "is off by up to 1e-5, and below 0 for some x, between -87 and -1.7."
)

DIVERGENCES = (
    Divergence(
        "GCV-060",
        "ConvPredictor",
        NO_FLOAT16,
        _is_float16,
        witness({"num_channel": 1}, x=[[[[1.0]]]], weight=np.ones((1, 1, 3, 3)), bias=[0.0]),
        "float16",
    ),
    Divergence(
        "GCV-061",
        "FCPredictor",
        NO_FLOAT16,
        _is_float16,
        witness({"num_output": 1}, x=[[1.0]], weight=[[1.0]], bias=[0.0]),
        "float16",
    ),
    Divergence(
        "GCV-062",
        "ConvPredictor",
        SOFTRELU,
        _softrelu_is_off(kernels.ConvPredictor),
        witness(
            {"num_channel": 1, "activation": "softrelu"},
            x=[[[[-10.0]]]],
            weight=np.ones((1, 1, 3, 3)),
            bias=[0.0],
        ),
    ),
    Divergence(
        "GCV-063",
        "FCPredictor",
        SOFTRELU,
        _softrelu_is_off(kernels.FCPredictor),
        witness(
            {"num_output": 1, "activation": "softrelu"}, x=[[-10.0]], weight=[[1.0]], bias=[0.0]
        ),
    ),
    Divergence(
        "GCV-116",
        "ConvPredictor",
        "One image without a batch axis raises an error.",
        lambda case: case.inputs["x"].ndim == 3,
        witness({"num_channel": 1}, x=[[[1.0]]], weight=np.ones((1, 1, 3, 3)), bias=[0.0]),
    ),
)
