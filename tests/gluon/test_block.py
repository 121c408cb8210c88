"""Blocks take reals where reals are meant, and say so where integers come instead."""

from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from refkernels import gluon
from refkernels.gluon.block import RealBlock

BOXES = np.array([[[0, 0, 3, 2], [1, 1, 4, 6], [2, 0, 7, 5]]])
SCORES = np.arange(12).reshape(1, 3, 4)
MAPS = np.arange(18).reshape(1, 2, 3, 3)
MATCHES, SAMPLES = np.array([[0, -1, 1]]), np.array([[1, -1, 0]])

# A block, what it is called with, and which of that may be integers.
BLOCKS: dict[str, tuple[Any, dict[str, Any], set[str]]] = {
    "BBoxCornerToCenter": (gluon.BBoxCornerToCenter, {"x": BOXES}, set()),
    "NumPyBBoxCornerToCenter": (gluon.NumPyBBoxCornerToCenter, {"x": BOXES}, set()),
    "BBoxCenterToCorner": (gluon.BBoxCenterToCorner, {"x": BOXES}, set()),
    "BBoxSplit": (lambda: gluon.BBoxSplit(-1), {"x": BOXES}, set()),
    "BBoxArea": (gluon.BBoxArea, {"x": BOXES}, set()),
    "BBoxBatchIOU": (gluon.BBoxBatchIOU, {"a": BOXES, "b": BOXES}, set()),
    "BBoxClipToImage": (
        gluon.BBoxClipToImage,
        {"x": BOXES, "img": MAPS, "sizes": np.array([[3, 3]])},
        {"img", "sizes"},
    ),
    "BipartiteMatcher": (gluon.BipartiteMatcher, {"x": SCORES}, set()),
    "MaximumMatcher": (lambda: gluon.MaximumMatcher(2), {"x": SCORES}, set()),
    "CompositeMatcher": (
        lambda: gluon.CompositeMatcher([gluon.MaximumMatcher(2)]),
        {"x": SCORES},
        set(),
    ),
    "NaiveSampler": (gluon.NaiveSampler, {"matches": MATCHES}, {"matches"}),
    "OHEMSampler": (
        lambda: gluon.OHEMSampler(1),
        {"matches": MATCHES, "logits": SCORES, "ious": SCORES},
        {"matches"},
    ),
    "QuotaSampler": (
        lambda: gluon.QuotaSampler(9, 1, 1),
        {"matches": MATCHES, "ious": SCORES},
        {"matches"},
    ),
    "NormalizedBoxCenterEncoder": (
        gluon.NormalizedBoxCenterEncoder,
        {"samples": SAMPLES, "matches": MATCHES, "anchors": BOXES, "refs": BOXES},
        {"samples", "matches"},
    ),
    "NumPyNormalizedBoxCenterEncoder": (
        gluon.NumPyNormalizedBoxCenterEncoder,
        {"samples": SAMPLES, "matches": MATCHES, "anchors": BOXES, "refs": BOXES},
        {"samples", "matches"},
    ),
    "NormalizedPerClassBoxCenterEncoder": (
        lambda: gluon.NormalizedPerClassBoxCenterEncoder(2),
        {
            "samples": SAMPLES,
            "matches": MATCHES,
            "anchors": BOXES,
            "labels": np.array([[0, 1, 0]]),
            "refs": BOXES,
        },
        {"samples", "matches", "labels"},
    ),
    "NormalizedBoxCenterDecoder": (
        gluon.NormalizedBoxCenterDecoder,
        {"x": SCORES, "anchors": BOXES},
        set(),
    ),
    "MultiClassEncoder": (
        gluon.MultiClassEncoder,
        {"samples": SAMPLES, "matches": MATCHES, "refs": np.array([[0, 1]])},
        {"samples", "matches", "refs"},
    ),
    "SigmoidClassEncoder": (gluon.SigmoidClassEncoder, {"samples": SAMPLES}, {"samples"}),
    "MultiClassDecoder": (gluon.MultiClassDecoder, {"x": SCORES}, set()),
    "MultiPerClassDecoder": (lambda: gluon.MultiPerClassDecoder(4), {"x": SCORES}, set()),
    "CenterNetDecoder": (
        lambda: gluon.CenterNetDecoder(topk=2),
        {"x": MAPS, "wh": MAPS, "reg": MAPS},
        set(),
    ),
    "ConvPredictor": (lambda: initialized(gluon.ConvPredictor(2)), {"x": MAPS}, set()),
    "FCPredictor": (lambda: initialized(gluon.FCPredictor(2)), {"x": SCORES}, set()),
}

each_block = pytest.mark.parametrize("name", BLOCKS)
hybridised = pytest.mark.parametrize("hybridise", [False, True])


def initialized(block: Any) -> Any:
    block.initialize()
    return block


def call(block: Any, inputs: dict[str, Any], **dtypes: Any) -> Any:
    arrays = [mx.nd.array(v, dtype=dtypes.get(k, "float32")) for k, v in inputs.items()]
    outputs = block(*arrays)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [output.asnumpy() for output in outputs]


@each_block
@hybridised
@pytest.mark.parametrize("integer", ["int8", "uint8", "int32", "int64"])
def test_integers_are_refused_where_reals_are_meant(
    name: str, hybridise: bool, integer: str
) -> None:
    make, inputs, whole = BLOCKS[name]
    block = make()
    block.hybridize(hybridise)
    expected = call(block, inputs)  # once with reals, so that there is a graph
    for key in inputs:
        if key not in whole:
            with pytest.raises(TypeError, match=rf"^{key}: expected float16, .*, got {integer};"):
                call(block, inputs, **{key: integer})
        elif integer in ("int32", "int64"):
            for one, other in zip(call(block, inputs, **{key: integer}), expected, strict=True):
                np.testing.assert_array_equal(one, other)


@hybridised
def test_what_float32_does_not_hold_is_not_rounded_to_it(hybridise: bool) -> None:
    boxes = np.array([[0, 0, 2**25 + 1, 1]])
    block = gluon.BBoxArea()
    block.hybridize(hybridise)
    with pytest.raises(TypeError, match=r"^x: expected float16, float32 or float64, got int64"):
        block(mx.nd.array(boxes, dtype="int64"))
    assert block(mx.nd.array(boxes, dtype="float64")).asscalar() == 2**25 + 1


def test_every_block_that_computes_reals_checks_them() -> None:
    for name in gluon.__all__:
        kind = getattr(gluon, name)
        if issubclass(kind, HybridBlock) and not name.startswith("F"):
            assert name in BLOCKS
            _, inputs, whole = BLOCKS[name]
            meant = set(inputs) - whole
            assert set(kind.reals) == meant if issubclass(kind, RealBlock) else not meant


def test_a_checked_block_is_exported_and_part_of_others_as_before(tmp_path: Any) -> None:
    class Chain(HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.iou, self.matcher = gluon.BBoxBatchIOU(), gluon.MaximumMatcher(0.5)

        def hybrid_forward(self, F: Any, a: Any, b: Any) -> Any:
            return self.matcher(self.iou(a, b))

    boxes = mx.nd.array(BOXES)
    chain = Chain()
    expected = chain(boxes, boxes).asnumpy()
    chain.hybridize()
    np.testing.assert_array_equal(chain(boxes, boxes).asnumpy(), expected)
    chain.export(str(tmp_path / "chain"))
    loaded = mx.gluon.SymbolBlock.imports(str(tmp_path / "chain-symbol.json"), ["data0", "data1"])
    np.testing.assert_array_equal(loaded(boxes, boxes).asnumpy(), expected)
    with pytest.raises(TypeError, match=r"^a: expected float16"):
        Chain()(boxes.astype("int32"), boxes)
