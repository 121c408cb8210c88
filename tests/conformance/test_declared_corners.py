"""Corners of what is declared of gluoncv that drawn cases seldom reach."""

import numpy as np
import pytest

from refkernels.conformance.cases import find
from refkernels.conformance.divergence import declared
from refkernels.conformance.gluoncv_divergences import chain
from refkernels.conformance.spec import Case
from tests.conformance.test_images import IMAGE

BOX = np.array([[0.0, 0.0, 2.0, 3.0]])


@pytest.mark.parametrize("anchors", [np.float16, np.float32])
def test_an_image_without_a_batch_is_no_matter_of_rounding(anchors):
    arrays = {"samples": np.ones(1), "matches": np.zeros(1)}
    case = Case({}, {**arrays, "anchors": BOX.astype(anchors), "refs": BOX.astype(np.float16)})
    declarations = declared("gluoncv.nn", "NormalizedBoxCenterEncoder")
    covering = [d.why for d in declarations if d.when(case)]
    assert "Arrays without a batch axis raise an error." in covering
    assert not any("round" in why for why in covering)


@pytest.mark.parametrize(("x", "covers"), [(25.0, True), (15.0, False)])
def test_softrelu_in_double_precision_is_told_apart_from_20_on(x, covers):
    inputs = {"x": np.array([[x]]), "weight": np.ones((1, 1))}
    case = Case({"num_output": 1, "activation": "softrelu", "use_bias": False}, inputs)
    found = [d.when(case) for d in declared("gluoncv.nn", "FCPredictor")]
    assert any(found) == covers


def test_a_chain_is_followed_no_further_than_to_ious_that_are_none():
    (case,) = find("SSDTargets").annotated(IMAGE)
    nothing = {name: np.zeros_like(case.inputs[name]) for name in ("anchors", "boxes")}
    empty = Case(case.config, {**case.inputs, **nothing}).astype(np.float32)
    declarations = [d for d in chain.divergences(()) if d.operator == "SSDTargets"]
    assert declarations
    assert not any(d.when(empty) for d in declarations)
