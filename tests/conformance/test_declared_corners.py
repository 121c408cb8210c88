"""Corners of what is declared of gluoncv that drawn cases seldom reach."""

import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

from refkernels.conformance.cases import find
from refkernels.conformance.model.operator import Case
from refkernels.conformance.peers.gluoncv import chain
from refkernels.conformance.peers.gluoncv.bbox import intersection_and_union
from refkernels.conformance.peers.opening import declared
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
    # One area is infinity, the other one of a mirrored box and so -infinity: their sum is nan.
    mirrored = case.inputs["boxes"][..., [2, 1, 0, 3]]
    far = {"anchors": 1e20 * case.inputs["anchors"], "boxes": 1e20 * mirrored}
    endless = Case(case.config, {**case.inputs, **far}).astype(np.float32)
    iou = find("SSDTargets").stages[0].case(endless.inputs)
    with np.errstate(all="ignore"):
        assert np.isnan(np.divide(*intersection_and_union(iou))).all()
    declarations = [d for d in chain.divergences(()) if d.operator == "SSDTargets"]
    assert declarations
    assert not any(d.when(endless) for d in declarations)


def test_quotas_of_negatives_that_are_given_or_not_filled_are_as_they_should_be():
    inputs = {"matches": np.array([[0.0, -1]]), "ious": np.array([[[1.0], [0.0]]])}
    config = {"num_sample": 2, "pos_thresh": 0.5, "neg_thresh_high": 0.5, "neg_thresh_low": 0.0}
    case = Case({**config, "fill_negative": False, "neg_ratio": 0.5}, inputs).astype(np.float32)
    told = [d.why for d in declared("gluoncv.nn", "QuotaSampler") if d.when(case)]
    assert not any("quota of negatives" in why for why in told)


def test_the_module_prints_the_page_of_what_is_declared():
    module = "tests.gluoncv_divergences"
    done = subprocess.run(
        [sys.executable, "-m", module], capture_output=True, text=True, check=True
    )
    assert done.stdout == import_module(f"{module}.__main__").page()
