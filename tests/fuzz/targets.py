"""What is held of a `TargetAssigner`, beside what is held of every operator.

Its targets have the bits that the operators give one after the other; sparse targets are the dense
ones; arrays that are filled again have the same bits; and an image alone has those that it has in a
batch.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from refkernels.arrays import Array
from tests.assign.scenes import composed
from tests.fuzz.examine import Examined, Failed, difference, fault_of, outline, say
from tests.fuzz.given import ACCEPTED, EITHER, REFUSED, Call, Given, given, quiet

__all__ = ["Image", "examine_predicting", "examine_targets", "is_batch", "is_padded"]

NAMES = ("cls_targets", "box_targets", "box_masks", "matches", "samples")
SPARSE = ("positives", "matches", "cls_targets", "box_targets", "negatives")

Image = tuple[Array, Array, Array]  # boxes, labels, ignored regions


def examine_targets(call: Call) -> Examined:
    """Make a call, and say what is wrong with what becomes of it."""
    examined = Examined()
    try:
        _examine(call, examined)
    except Failed as failed:
        examined.finding = failed.finding
    return examined


def examine_predicting(call: Call) -> Examined:
    """Make a call with predictions, or of points, and say what is wrong with what becomes of it."""
    examined = Examined()
    try:
        _examine_predicting(call, examined)
    except Failed as failed:
        examined.finding = failed.finding
    return examined


def is_padded(boxes: Any) -> bool:
    """Whether boxes are those of a batch in one array."""
    return isinstance(boxes, np.ndarray) and boxes.ndim == 3


def is_batch(boxes: Any) -> bool:
    """Whether boxes are those of several images."""
    return isinstance(boxes, list) or is_padded(boxes)


def _examine(call: Call, examined: Examined) -> None:
    arguments = _arguments(call)
    before = _bits(arguments)
    with quiet():
        config = {name: value.value() for name, value in call.config.items()}
    try:
        assigner = call.subject.build(config)
        targets = assigner(**arguments)
    except Exception as error:
        _hold_error(call, error)
        return
    examined.accepted = True
    outputs = _outputs(targets)
    if call.expect == REFUSED:
        raise Failed(f"accepts {call.wrong}", f"{say(outputs)}, where an error was expected")
    if _bits(arguments) != before:
        raise Failed("changes its input", "an input is not as it was")
    if call.expect == ACCEPTED:
        examined.compared = True
        _hold_composition(call, assigner, outputs)
        _hold_image(call, assigner, outputs)
    filled = _attempt(call, lambda: assigner(**_arguments(call), out=targets))
    if filled is not targets or difference(outputs, _outputs(targets)):
        raise Failed("a second call, into `out`, differs", difference(outputs, _outputs(targets)))
    _hold_sparse(_attempt(call, lambda: assigner.sparse(**_arguments(call))), outputs)


def _examine_predicting(call: Call, examined: Examined) -> None:
    assigner = call.subject.build(call.case.config)
    arguments = _with_predictions(_arguments(call))
    before = _bits(arguments)
    try:
        targets = assigner(**arguments, rng=0)
    except Exception as error:
        fault = fault_of(error, call.blamed or tuple(arguments))
        if fault is not None:
            raise Failed(*fault) from None
        if call.expect == ACCEPTED:
            raise Failed(f"refuses what is valid: {outline(str(error))}", str(error)) from None
        return
    examined.accepted = True
    outputs = _outputs(targets)
    if call.expect == REFUSED:
        raise Failed(f"accepts {call.wrong}", f"{say(outputs)}, where an error was expected")
    if _bits(arguments) != before:
        raise Failed("changes its input", "an input is not as it was")
    examined.compared = True
    filled = _attempt(call, lambda: assigner(**arguments, rng=0, out=targets))
    if filled is not targets or difference(outputs, _outputs(targets)):
        raise Failed("a second call, into `out`, differs", difference(outputs, _outputs(targets)))
    _hold_sparse(_attempt(call, lambda: assigner.sparse(**arguments, rng=0)), outputs)
    for k in range(len(arguments["boxes"])):
        own = {
            name: tuple(part[k] for part in value) if name == "predictions" else value[k]
            for name, value in arguments.items()
        }
        alone = _attempt(call, lambda own=own, k=k: assigner(**own, rng=0, image_ids=k))
        if differs := difference(tuple(output[k] for output in outputs), _outputs(alone)):
            raise Failed("an image differs alone", f"image {k}: {differs}")


def _with_predictions(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments of a call, predicted boxes and scores as one of them."""
    if "predicted" in arguments:
        arguments["predictions"] = arguments.pop("predicted"), arguments.pop("scores")
    return arguments


def _arguments(call: Call) -> dict[str, Any]:
    with quiet():
        given_all = {**call.inputs, **call.keywords}
        return {name: value.value() for name, value in given_all.items()}


def _attempt(call: Call, make: Callable[[], Any]) -> Any:
    """Make a further call; every error is wrong."""
    try:
        return make()
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise Failed(f"refuses a further call: {outline(what)}", what) from None


def _hold_error(call: Call, error: Exception) -> None:
    """Raise `Failed` unless an error is what it must be."""
    # Matches are an argument of the operators.
    every = (*call.subject.inputs, *call.subject.parameters, "rng", "image_ids", "matches")
    names = every if call.expect == EITHER or not call.blamed else call.blamed
    fault = fault_of(error, names)
    due = type(error) is ValueError and _has_error(call)
    if fault is not None and not (due and fault_of(error, every) is None):
        raise Failed(*fault) from None
    if call.expect == ACCEPTED and not due:
        raise Failed(f"refuses what is valid: {outline(str(error))}", str(error)) from None


def _has_error(call: Call) -> bool:
    """Whether a box without extent is an error, or the operators themselves raise one."""
    inputs = call.case.inputs
    if call.expect != ACCEPTED:  # what is wrong may be the seed or the ids
        call = replace(call, keywords={"rng": Given(0)})
    with quiet():
        config = {name: value.value() for name, value in given(call.case.config).items()}
        assigner = call.subject.build(config)
    for boxes, _, _ in _images(inputs):
        flat = _without_extent(boxes, assigner.dtype)
        while is_padded(inputs["boxes"]) and len(flat) and flat[-1]:
            flat = flat[:-1]
        if assigner.degenerate == "error" and flat.any():
            return True
    try:
        _compose(call, assigner)
    except ValueError:
        return True
    return False


def _without_extent(boxes: Array, dtype: Any) -> Array:
    rounded = boxes.astype(dtype)
    return ~(rounded[:, 2:] > rounded[:, :2]).all(axis=1)


def _images(inputs: Mapping[str, Any]) -> list[Image]:
    boxes, labels, ignore = inputs["boxes"], inputs["labels"], inputs.get("ignore")
    if not is_batch(boxes):
        boxes, labels, ignore = [boxes], [labels], None if ignore is None else [ignore]
    regions = [np.zeros((0, 4))] * len(boxes) if ignore is None else ignore
    return list(zip(boxes, labels, regions, strict=True))


def _places(call: Call) -> list[int]:
    """Return what the random numbers of each image depend on, beside the seed."""
    if "image_ids" not in call.keywords:
        return list(range(len(_images(call.case.inputs))))
    ids = call.keywords["image_ids"].value()
    return ids if isinstance(ids, list) else [ids]


def _compose(call: Call, assigner: Any) -> tuple[Array, ...]:
    seed, images = call.keywords["rng"].value(), _images(call.case.inputs)
    with quiet():
        found = composed(assigner, images, seed=seed, ids=_places(call))
    return tuple(found[name] for name in NAMES)


def _hold_composition(call: Call, assigner: Any, outputs: tuple[Array, ...]) -> None:
    """Hold targets to what the operators give."""
    places = _places(call)
    # One place twice is one row of the samples that are drawn together.
    if not places or len(set(places)) < len(places):
        return
    expected = _compose(call, assigner)
    if not is_batch(call.case.inputs["boxes"]):
        expected = tuple(array[0] for array in expected)
    if differs := difference(outputs, expected):
        raise Failed("differs from the operators", differs)


def _hold_image(call: Call, assigner: Any, outputs: tuple[Array, ...]) -> None:
    """Hold the targets of an image in a batch to its own."""
    inputs = call.case.inputs
    images = _images(inputs)
    if not is_batch(inputs["boxes"]) or not images:
        return
    k = call.image % len(images)
    boxes, labels, regions = images[k]
    if is_padded(inputs["boxes"]):
        extent = np.flatnonzero(~_without_extent(boxes, assigner.dtype))
        count = int(extent[-1]) + 1 if len(extent) else 0
        boxes, labels = boxes[:count], labels[:count]
    seed, place = call.keywords["rng"].value(), _places(call)[k]
    alone = _attempt(call, lambda: assigner(boxes, labels, regions, rng=seed, image_ids=place))
    if differs := difference(tuple(output[k] for output in outputs), _outputs(alone)):
        raise Failed("an image differs alone", f"image {k} of {len(images)}: {differs}")


def _hold_sparse(sparse: Any, outputs: tuple[Array, ...]) -> None:
    """Hold what is sparse to what is dense."""
    listed = sparse if isinstance(sparse, list) else [sparse]
    rows = outputs if isinstance(sparse, list) else tuple(output[None] for output in outputs)
    for k, own in enumerate(listed):
        classes, targets, _, matches, samples = (output[k] for output in rows)
        where = np.flatnonzero(samples > 0)
        negatives = np.flatnonzero(samples < 0)
        expected = (where, matches[where], classes[where], targets[where], negatives)
        if differs := difference(tuple(getattr(own, name) for name in SPARSE), expected):
            raise Failed("sparse targets differ from dense ones", f"image {k}: {differs}")


def _outputs(targets: Any) -> tuple[Array, ...]:
    return tuple(np.array(getattr(targets, name)) for name in NAMES)


def _bits(arguments: Mapping[str, Any]) -> list[bytes]:
    arrays: list[Any] = []
    for value in arguments.values():
        arrays += value if isinstance(value, (list, tuple)) else [value]
    return [np.asarray(array).tobytes() for array in arrays if isinstance(array, np.ndarray)]
