"""How every operator, preset and layout of anchors is made, and values that a parameter may get."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

import refkernels
from refkernels import assign, feature
from refkernels.assign import TargetAssigner
from refkernels.assign.network import network_of
from tests.calls import NETWORK

BOXES = np.array([[0, 0, 4, 4], [1, 1, 5, 5], [2, 0, 6, 4]], np.float32)
LOGITS = np.array([[0.5, 1.0], [0.1, 0.2], [3.0, -1.0]], np.float32)
MATCHES, SAMPLES = np.array([0, -1, 1]), np.array([1, -1, 0])
IOUS = np.array([[0.9, 0.1], [0.2, 0.3], [0.1, 0.6]], np.float32)
MAPS = np.zeros((2, 3, 3), np.float32)

# No parameter is any of these, but for those that are said to be.
NO_PARAMETER = {
    "a set": {1, 2, 3, 4},
    "a frozen set": frozenset([1, 2]),
    "a dict": {0: 1, 1: 1},
    "an iterator": iter([1, 2, 3, 4]),
    "a function": len,
    "an object": object(),
    "bytes": b"1",
    "a string": "no",
    "complex": 1j,
    "an array": np.ones(3),
    "a matrix": np.ones((2, 2)),
    "no array": np.ones(0),
    "masked": np.ma.masked_array([1.0, 2.0]),
    "a masked number": np.ma.masked_array(1),
    "nothing but a mask": np.ma.masked,
    "nan": np.nan,
    "a nan of numpy's": np.float32(np.nan),
    "a date": np.datetime64("2020-01-01"),
    "a list of lists": [[1], [2]],
    "a class": int,
}

# These may be right for one parameter and wrong for another.
EXTREMES = {
    "None": None,
    "True": True,
    "numpy's False": np.bool_(False),
    "inf": np.inf,
    "-inf": -np.inf,
    "0": 0,
    "-1": -1,
    "a half": 0.5,
    "a third": Fraction(1, 3),
    "2**31": 2**31,
    "2**63": 2**63,
    "-(2**63)": -(2**63),
    "2**64": 2**64,
    "-(2**70)": -(2**70),
    "10**400": 10**400,
    "-(10**400)": -(10**400),
    "10**5000": 10**5000,
    "a fraction of 10**400": Fraction(10**400, 3),
    "a fraction near 0": Fraction(1, 10**400),
    "1e308": 1e308,
    "5e-324": 5e-324,
    "int8": np.int8(1),
    "uint8": np.uint8(200),
    "uint64": np.uint64(2**64 - 1),
    "float16": np.float16(0.5),
    "longdouble": np.longdouble("1e400"),
    "an array without axes": np.array(1),
    "a real without axes": np.array(0.5),
    "a pair": (2, 2),
    "a huge pair": (2**64, 10**400),
    "four numbers": [1, 2, 3, 4],
    "four arrays": list(np.ones((4, 1))),
    "four of anything": [0.1, True, "x", None],
    "four huge": [10**400, 1e39, -1e39, 1e308],
}


def build(kind: Any, **fixed: Any) -> Callable[..., Any]:
    return lambda **given: kind(**{**fixed, **given})


def forms(name: str) -> Any:
    return lambda operator: operator(BOXES)


def convolved(operator: Any) -> Any:
    shape = (operator.num_channel, 2, *operator.kernel)
    if np.prod(shape, dtype=float) > 1e6:
        return None
    return operator(MAPS, np.ones(shape, np.float32), np.ones(shape[0]))


def iterated(sampler: Any) -> Any:
    assert len(sampler) >= 0
    return list(sampler) if len(sampler) < 10**6 else None


# How each is made, how it is called, and the names of its parameters.
OPERATORS: dict[str, tuple[Callable[..., Any], Callable[[Any], Any], str]] = {
    "BBoxCornerToCenter": (refkernels.BBoxCornerToCenter, forms("x"), "axis split"),
    "BBoxCenterToCorner": (refkernels.BBoxCenterToCorner, forms("x"), "axis split"),
    "BBoxSplit": (build(refkernels.BBoxSplit, axis=-1), forms("x"), "axis squeeze_axis"),
    "BBoxArea": (refkernels.BBoxArea, forms("x"), "axis fmt"),
    "BBoxBatchIOU": (
        refkernels.BBoxBatchIOU,
        lambda operator: operator(BOXES, BOXES),
        "axis fmt offset eps",
    ),
    "BBoxBatchIOA": (
        refkernels.BBoxBatchIOA,
        lambda operator: operator(BOXES, BOXES),
        "axis fmt offset",
    ),
    "BBoxBatchGIOU": (
        refkernels.BBoxBatchGIOU,
        lambda operator: operator(BOXES, BOXES),
        "axis fmt",
    ),
    "BipartiteMatcher": (
        refkernels.BipartiteMatcher,
        lambda operator: (operator(IOUS), operator(IOUS.astype(np.float16))),
        "threshold is_ascend eps share_max",
    ),
    "MaximumMatcher": (refkernels.MaximumMatcher, lambda operator: operator(IOUS), "threshold"),
    "CompositeMatcher": (refkernels.CompositeMatcher, lambda operator: operator(IOUS), "matchers"),
    "OHEMSampler": (
        build(refkernels.OHEMSampler, ratio=1),
        lambda operator: operator(MATCHES, LOGITS, IOUS),
        "ratio min_samples thresh",
    ),
    "QuotaSampler": (
        build(refkernels.QuotaSampler, num_sample=2, pos_thresh=0.7, neg_thresh_high=0.3),
        lambda operator: operator(MATCHES, IOUS, rng=0),
        "num_sample pos_thresh neg_thresh_high neg_thresh_low pos_ratio neg_ratio fill_negative",
    ),
    "QuotaSampler's rng": (
        lambda rng: refkernels.QuotaSampler(2, 0.7, 0.3)(MATCHES, IOUS, rng=rng),
        lambda samples: samples,
        "rng",
    ),
    "SplitSampler": (
        build(refkernels.SplitSampler, length=10),
        iterated,
        "length num_parts part_index remainder seed",
    ),
    "SplitSortedBucketSampler": (
        build(refkernels.SplitSortedBucketSampler, sort_keys=[3, 1, 2], batch_size=2),
        iterated,
        "sort_keys batch_size mult num_parts part_index shuffle seed",
    ),
    "set_epoch": (
        lambda epoch: refkernels.SplitSampler(3).set_epoch(epoch),
        lambda nothing: None,
        "epoch",
    ),
    "NormalizedBoxCenterEncoder": (
        refkernels.NormalizedBoxCenterEncoder,
        lambda operator: operator(SAMPLES, MATCHES, BOXES, BOXES),
        "stds means",
    ),
    "NormalizedPerClassBoxCenterEncoder": (
        build(refkernels.NormalizedPerClassBoxCenterEncoder, num_class=2),
        lambda operator: (
            operator(SAMPLES, MATCHES, BOXES, [0, 0, 0], BOXES) if operator.num_class < 99 else None
        ),
        "num_class max_pos per_device_batch_size stds means",
    ),
    "NormalizedBoxCenterDecoder": (
        refkernels.NormalizedBoxCenterDecoder,
        lambda operator: operator(BOXES, BOXES),
        "stds convert_anchor clip means",
    ),
    "MultiClassEncoder": (
        refkernels.MultiClassEncoder,
        lambda operator: (
            operator(SAMPLES, MATCHES, [1, 2]),
            operator(SAMPLES, MATCHES, np.float16([1, 2])),
        ),
        "ignore_label",
    ),
    "MultiClassDecoder": (
        refkernels.MultiClassDecoder,
        lambda operator: operator(LOGITS),
        "axis thresh",
    ),
    "MultiPerClassDecoder": (
        build(refkernels.MultiPerClassDecoder, num_class=2),
        lambda operator: operator(LOGITS),
        "num_class axis thresh",
    ),
    "CenterNetDecoder": (
        build(refkernels.CenterNetDecoder, topk=2),
        lambda operator: operator(MAPS, MAPS, MAPS),
        "topk scale",
    ),
    "ConvPredictor": (
        build(refkernels.ConvPredictor, num_channel=1),
        convolved,
        "num_channel kernel pad stride activation use_bias in_channels",
    ),
    "FCPredictor": (
        build(refkernels.FCPredictor, num_output=2),
        lambda operator: operator(LOGITS, np.ones((2, 2), np.float32), [1, 2]),
        "num_output activation use_bias",
    ),
    "FeatureExtractor": (
        build(feature.FeatureExtractor, network=NETWORK, outputs="c", inputs=("x",)),
        lambda operator: operator.graph,
        "network outputs inputs",
    ),
    "FeatureExpander": (
        build(
            feature.FeatureExpander, network=NETWORK, outputs="c", inputs=("x",), num_filters=[2]
        ),
        lambda operator: operator.graph,
        "outputs num_filters use_1x1_transition use_bn reduce_ratio min_depth global_pool inputs",
    ),
    "FPNFeatureExpander": (
        build(
            feature.FPNFeatureExpander,
            network=NETWORK,
            outputs=["c", "r"],
            inputs=("x",),
            num_filters=[2, 2],
        ),
        lambda operator: operator.graph,
        "outputs num_filters use_1x1 use_upsample use_elewadd use_p6 p6_conv no_bias norm_layer "
        "norm_kwargs inputs",
    ),
    "TargetAssigner": (
        build(TargetAssigner, anchors=BOXES),
        lambda assigner: assigner(BOXES[:1], [1]),
        "anchors matcher sampler box_encoder class_encoder dtype degenerate crowd_thresh threads "
        "name",
    ),
    "a call of an assigner": (
        lambda **given: TargetAssigner(BOXES)(
            **{"boxes": BOXES[:1], "labels": [1], "ignore": None, "image_ids": 3, **given}
        ),
        lambda targets: targets,
        "boxes labels ignore rng image_ids out",
    ),
    "a batch of an assigner": (
        lambda **given: TargetAssigner(BOXES)(
            **{"boxes": [BOXES[:1]] * 2, "labels": [[1]] * 2, "image_ids": [3, 4], **given}
        ),
        lambda targets: targets,
        "boxes labels ignore rng image_ids out",
    ),
    "one of many image_ids": (
        lambda image_ids: TargetAssigner(BOXES)([BOXES], [[1, 2, 3]], image_ids=[image_ids]),
        lambda targets: targets,
        "image_ids",
    ),
    "empty": (
        lambda batch: TargetAssigner(np.zeros((0, 4))).empty(batch),
        lambda targets: targets,
        "batch",
    ),
    "ssd300_anchors": (assign.ssd300_anchors, lambda anchors: anchors, "dataset"),
    "ssd512_anchors": (assign.ssd512_anchors, lambda anchors: anchors, "dataset"),
    "rpn_fpn_anchors": (
        build(assign.rpn_fpn_anchors, height=64, width=64),
        lambda anchors: anchors,
        "height width rounded",
    ),
    "retinanet_anchors": (
        build(assign.retinanet_anchors, height=64, width=64),
        lambda anchors: anchors,
        "height width rounded",
    ),
    "faster_rcnn_anchors": (
        build(assign.faster_rcnn_anchors, height=64, width=64),
        lambda anchors: anchors,
        "height width",
    ),
    "yolo3_anchors": (
        build(assign.yolo3_anchors, height=64, width=64),
        lambda anchors: anchors,
        "height width",
    ),
    "grid_anchors": (
        build(assign.grid_anchors, cell=BOXES, rows=2, columns=2, step=(4, 4)),
        lambda anchors: anchors,
        "cell rows columns step",
    ),
    "sample_images": (
        build(assign.sample_images, count=1),
        lambda images: images,
        "count seed",
    ),
    "TargetAssigner.ssd300": (TargetAssigner.ssd300, lambda assigner: assigner, "dataset"),
    "TargetAssigner.rpn_fpn": (
        build(TargetAssigner.rpn_fpn, height=64, width=64),
        lambda assigner: assigner,
        "height width rounded",
    ),
    "network_of": (
        build(network_of, preset="retinanet"),
        lambda found: found,
        "preset size resize",
    ),
}
