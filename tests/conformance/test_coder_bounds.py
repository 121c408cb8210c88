"""Bounds of the coders are true (no kernel leaves them) and tight (errors come near them)."""

import numpy as np
import pytest

from refkernels.conformance import cases
from refkernels.conformance.model.compare import error_ratio
from refkernels.conformance.model.operator import Case

ANCHORS, MATCHES = 60, 12


def random_corners(rng, *shape):
    low = rng.uniform(0, 100, (*shape, 2))
    return np.concatenate([low, low + rng.uniform(1, 100, (*shape, 2))], -1)


def encoding(rng):
    return {
        "samples": np.ones((2, ANCHORS), int),
        "matches": rng.integers(0, MATCHES, (2, ANCHORS)),
        "anchors": random_corners(rng, 1, ANCHORS),
        "refs": random_corners(rng, 2, MATCHES),
    }


def per_class(rng):
    inputs = encoding(rng)
    refs = inputs.pop("refs")
    return {**inputs, "labels": rng.integers(0, 2, (2, MATCHES)), "refs": refs}


def decoding(rng):
    return {"x": rng.standard_normal((2, ANCHORS, 4)), "anchors": random_corners(rng, 1, ANCHORS)}


def heat_maps(rng):
    maps = rng.random((2, 2, 8, 9))
    return {"x": rng.random((2, 3, 8, 9)), "wh": 10 * maps, "reg": maps[::-1]}


def measuring(name):
    def draw(rng):
        points, sizes = rng.uniform(0, 100, (ANCHORS, 2)), rng.uniform(3, 40, (ANCHORS, 2))
        return {"points": points, name: random_corners(rng, 2, ANCHORS), "sizes": sizes}

    return draw


def unmeasured(name):
    return lambda rng: {k: v for k, v in measuring(name)(rng).items() if k != "sizes"}


MEANS = {"means": (0.1, 0.2, 0.3, 0.4), "stds": (0.3, 0.4, 0.5, 3.0)}
CASES = [
    ("NormalizedBoxCenterEncoder", {}, encoding),
    ("NormalizedBoxCenterEncoder", MEANS, encoding),
    ("NormalizedPerClassBoxCenterEncoder", {"num_class": 2, "max_pos": 30}, per_class),
    ("NormalizedBoxCenterDecoder", {}, decoding),
    ("NormalizedBoxCenterDecoder", {"convert_anchor": True, "clip": 0.2, **MEANS}, decoding),
    ("NormalizedBoxCenterDecoder", {"clip": 2, "clip_low": -0.3}, decoding),
    ("CenterNetDecoder", {"topk": 50, "scale": 3.7}, heat_maps),
    ("DistanceEncoder", {}, unmeasured("boxes")),
    ("DistanceEncoder", {"normalize": True}, measuring("boxes")),
    ("DistanceDecoder", {}, unmeasured("distances")),
    ("DistanceDecoder", {"normalize": True}, measuring("distances")),
]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("name", "config", "draw"), CASES)
def test_the_worst_error_lies_between_a_tenth_of_the_bound_and_the_bound(name, config, draw, dtype):
    operator = cases.find(name)
    case = Case(config, draw(np.random.default_rng(20))).astype(np.dtype(dtype))
    reference = operator.refer(case, ask_definition=True)
    outputs = zip(operator.outputs(case), reference.kernel, reference.exact, strict=True)
    bounded = [entry for entry in outputs if entry[0].bound is not None]
    assert bounded
    for output, kernel, exact in bounded:
        bound = np.broadcast_to(output.bound(case, exact), kernel.shape)
        ratios = [
            error_ratio(float(k), e, float(b), kernel.dtype)
            for k, e, b in zip(kernel.flat, exact.flat, bound.flat, strict=True)
        ]
        # Of each of the four numbers of a box.
        for worst in np.reshape(ratios, (-1, 4)).max(0):
            assert 0.1 <= worst <= 1


def test_an_input_without_a_batch_axis_has_the_bound_of_a_batch_of_one():
    rng = np.random.default_rng(3)
    operator = cases.find("NormalizedBoxCenterDecoder")
    (bound,) = (output.bound for output in operator.outputs(Case({}, {})))
    inputs = decoding(rng)
    flat = {**inputs, "anchors": inputs["anchors"][0]}
    np.testing.assert_array_equal(bound(Case({}, flat), None), bound(Case({}, inputs), None))

    config = {"num_class": 2, "max_pos": 30}
    operator = cases.find("NormalizedPerClassBoxCenterEncoder")
    bound = operator.outputs(Case(config, {}))[0].bound
    inputs = {name: array[:1] for name, array in per_class(rng).items()}
    flat = {**inputs, "samples": inputs["samples"][0]}
    np.testing.assert_array_equal(
        bound(Case(config, flat), None), bound(Case(config, inputs), None)
    )
