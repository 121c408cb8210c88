"""The coders beside gluoncv's, on a batch of SSD512 and on a heat map of CenterNet."""

from typing import Any

import numpy as np

import refkernels
from bench.batch import CLASSES, SHAPE, Batch, batch
from bench.harness import Contestant, compare, load
from bench.peers import GLUONCV

__all__ = ["run"]

HEAT_MAP = (1, 80, 128, 128)


def run(rounds: int) -> bool:
    """Measure all; return whether every target is met."""
    peers, skipped = load((GLUONCV,))
    print("\n".join(skipped))
    met = True
    for name, options, inputs, size, target in _races(batch()):
        ours = getattr(refkernels, name)(**options)
        contestants = [Contestant("refkernels, one thread", _bound(ours, inputs), _arrays)]
        if "gluoncv" in peers:
            contestants += _peers(*peers["gluoncv"], name, options, inputs, target)
        met &= compare(f"{name}, {size}, {rounds} rounds", contestants, rounds, _differ)
    return met


def _races(data: Batch) -> Any:
    """Name operators with options, inputs, the size to show, and how many times gluoncv's speed."""
    assigned = data.samples, data.matches
    share = f"{(data.samples > 0).mean():.1%} positive"
    rng = np.random.default_rng(1)
    # The worst case of the encoders: nothing is skipped.
    everywhere = (
        np.ones_like(data.samples),
        rng.integers(0, data.truths.shape[1], data.samples.shape),
    )
    encoder, per_class = "NormalizedBoxCenterEncoder", "NormalizedPerClassBoxCenterEncoder"
    boxes = {"stds": (0.1, 0.1, 0.2, 0.2)}
    classes = {"num_class": CLASSES - 1, "per_device_batch_size": len(data.samples)}
    yield encoder, boxes, (*assigned, data.anchors, data.truths), f"{SHAPE}, {share}", 80
    yield encoder, boxes, (*everywhere, data.anchors, data.truths), f"{SHAPE}, all positive", None
    # As in R-CNN: a quota that fits the rows, so that they hold the same anchors in any order.
    few = refkernels.QuotaSampler(256, 0.5, 0.5)(data.matches, data.ious, rng=0), data.matches
    yield per_class, classes, (*few, data.anchors, data.labels, data.truths), SHAPE, 80
    yield "MultiClassEncoder", {}, (*assigned, data.labels), SHAPE, 30
    yield "SigmoidClassEncoder", {}, (data.samples,), SHAPE, None
    offsets = rng.standard_normal((*data.samples.shape, 4), np.float32)
    yield "NormalizedBoxCenterDecoder", {}, (offsets, data.anchors), SHAPE, None
    scores = np.exp(data.logits) / np.exp(data.logits).sum(-1, keepdims=True)
    yield "MultiClassDecoder", {}, (scores,), f"{SHAPE}, {CLASSES} classes", None
    counted = {"num_class": CLASSES}
    yield "MultiPerClassDecoder", counted, (scores,), f"{SHAPE}, {CLASSES} classes", None
    heat = rng.random(HEAT_MAP, np.float32)
    maps = [rng.random((1, 2, *HEAT_MAP[2:]), np.float32) for _ in range(2)]
    yield "CenterNetDecoder", {}, (heat, *maps), " x ".join(map(str, HEAT_MAP[1:])), 3


def _peers(
    mxnet: Any, nn: Any, name: str, options: Any, inputs: Any, target: float | None
) -> list[Contestant]:
    if name == "SigmoidClassEncoder":  # takes NumPy arrays there as well
        encode = nn.coder.SigmoidClassEncoder()
        return [Contestant("gluoncv", lambda: encode(*inputs), _arrays, target)]
    given = [mxnet.nd.array(x, dtype=np.float32) for x in inputs]
    if name.endswith("Encoder") and len(given) > 3:  # anchors are not shared by images there
        given[2] = mxnet.nd.broadcast_to(given[2], (len(inputs[0]), 0, 0)).copy()
    contestants = []
    for hybrid in (False, True):
        block = getattr(nn.coder, name)(**options)
        block.initialize()
        if hybrid:
            block.hybridize(static_alloc=True, static_shape=True)
        contestants.append(
            Contestant(
                "gluoncv, hybridised" if hybrid else "gluoncv, as constructed",
                _bound(lambda *x, block=block: _waited(block(*x)), given),
                lambda results: tuple(result.asnumpy() for result in _several(results)),
                None if hybrid else target,
            )
        )
    return contestants


def _bound(operator: Any, inputs: Any) -> Any:
    return lambda: operator(*inputs)


def _several(results: Any) -> tuple[Any, ...]:
    return tuple(results) if isinstance(results, (tuple, list)) else (results,)


def _arrays(results: Any) -> tuple[Any, ...]:
    return _several(results)


def _waited(results: Any) -> Any:
    for result in _several(results):
        result.wait_to_read()
    return results


def _differ(ours: Any, theirs: Any) -> str:
    """Say for each output how far it is off, or in how many places where it is whole numbers."""
    if len(ours) == 3 and ours[0].ndim == 4:
        return "positive rows " + _differ(_positive_rows(*ours), _positive_rows(*theirs))
    words = []
    for one, other in zip(ours, theirs, strict=True):
        if one.dtype.kind == "f" and (one % 1).any():
            words.append(f"within {np.abs(one - other).max():.0e}")
        else:
            count = int((one != other).sum())
            words.append(f"{count} differ" if count else "equal")
    return ", ".join(words)


def _positive_rows(targets: Any, masks: Any, indices: Any) -> tuple[Any, ...]:
    """Return the rows of positive samples by image and anchor, in whatever order they came."""
    image, row = np.nonzero(masks.any((2, 3)))
    anchor = indices[image, row].astype(int)
    order = np.lexsort((anchor, image))
    image, row, anchor = image[order], row[order], anchor[order]
    return anchor, targets[image, row], masks[image, row]
