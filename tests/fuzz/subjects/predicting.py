"""Calls of the `TargetAssigner` of detectors that match by points, levels or predictions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from refkernels.assign import TargetAssigner
from refkernels.conformance.model.operator import Case
from tests.fuzz.dice import Dice
from tests.fuzz.draw import cast
from tests.fuzz.examine import Examined
from tests.fuzz.given import REFUSED, Call, Given, given
from tests.fuzz.subject import Input, Subject
from tests.fuzz.subjects.assigner import IMPORTS
from tests.fuzz.targets import examine_predicting

__all__ = ["SUBJECTS"]

PREDICTING = ("simota", "task_aligned", "detr")
PRESETS = (*PREDICTING, "atss", "fcos")
HEIGHT, WIDTH, CLASSES = 64, 96, 5

# What is put in the place of predictions, of anchors as they are.
WRONG = (
    "None", "5", "'ab'", "[]", "([], [])", "{'boxes': []}", "(np.zeros(4), np.zeros(3))",
    "(np.zeros((1, 4)), np.zeros((2, 3)))", "object()", "(None, None)", "[np.zeros((7, 4))]",
    "(np.full((1, 4), np.nan), np.zeros((1, 3)))", "{'boxes': [], 'scores': [], 'more': []}",
    "(np.zeros((1, 4), complex), np.zeros((1, 3)))", "(np.zeros((1, 3)), np.zeros((1, 3)))",
)  # fmt: skip
BLAMED = ("predictions", "predictions.boxes", "predictions.scores")
# Of an array of them.
SPOILT = ("one fewer", "nan", "infinity", "another axis")


@cache
def _preset(name: str, dtype: str) -> Any:
    sizes = {"queries": 12} if name == "detr" else {}
    return getattr(TargetAssigner, name)(height=HEIGHT, width=WIDTH, dtype=dtype, **sizes)


@dataclass(frozen=True)
class Predicting(Subject):
    """An assigner that looks at more than IoUs: held to itself, image by image, and to errors."""

    def build(self, config: Mapping[str, Any]) -> Any:
        """Take the assigner of a preset, which is built once."""
        return _preset(config["preset"], config.get("dtype", "float32"))

    def draw_call(self, dice: Dice) -> Call:
        """Draw a call, valid or wrong."""
        config: dict[str, Any] = {"preset": dice.choose(PRESETS)}
        if dice.chance(0.5):
            config["dtype"] = dice.choose(("float32", "float64"))
        assigner = self.build(config)
        images = dice.choose((1, 1, 2, 3))
        counts = [dice.count(most=6) for _ in range(images)]
        corners = dice.rng.uniform(0, 0.7, (images, max(counts) + 1, 2)) * (WIDTH, HEIGHT)
        sides = dice.rng.uniform(1, 60, corners.shape)
        whole = np.concatenate([corners, corners + sides], -1)
        if dice.chance(0.5):  # ties, and boxes of no extent
            whole = np.round(whole / 16) * 16
        inputs = {
            "boxes": [cast(whole[k, :m], "f4") for k, m in enumerate(counts)],
            "labels": [dice.rng.integers(1, CLASSES, m) for m in counts],
        }
        if config["preset"] in PREDICTING:
            inputs |= _predictions(dice, config["preset"], images, assigner)
        call = Call(self, Case(config, inputs), given(config), given(inputs), {})
        return (_spoilt(dice, call) if dice.chance(0.35) else None) or call

    def examine(self, call: Call) -> Examined:
        """Make a call, and say what is wrong with what becomes of it."""
        return examine_predicting(call)

    def cuts(self, call: Call) -> Iterator[Call]:
        """Yield calls with an image less, or a box."""
        inputs = call.case.inputs
        for k in range(len(inputs["boxes"]) if len(inputs["boxes"]) > 1 else 0):
            fewer = {
                name: np.delete(value, k, 0)
                if isinstance(value, np.ndarray)
                else [*value[:k], *value[k + 1 :]]
                for name, value in inputs.items()
            }
            yield _with(call, fewer)
        for k, boxes in enumerate(inputs["boxes"]):
            for i in range(len(boxes)):
                fewer = dict(inputs)
                for name in ("boxes", "labels"):
                    fewer[name] = list(inputs[name])
                    fewer[name][k] = np.delete(inputs[name][k], i, 0)
                yield _with(call, fewer)


def _predictions(dice: Dice, preset: str, images: int, assigner: Any) -> dict[str, Any]:
    count, kind = len(assigner), dice.choose(("f4", "f8"))
    scores = dice.rng.uniform(0, 1, (images, count, CLASSES))
    if preset == "detr":
        boxes = dice.rng.uniform(0.05, 0.9, (images, count, 4))
        scores = 8 * scores - 4
    else:
        boxes = assigner.anchors + dice.rng.normal(0, 4, (images, count, 4))
        boxes[..., 2:] = np.maximum(boxes[..., :2], boxes[..., 2:])
    if dice.chance(0.3):  # ties
        scores, boxes = np.round(scores * 4) / 4, np.round(boxes * 8) / 8
    return {"predicted": boxes.astype(kind), "scores": scores.astype(kind)}


def _spoilt(dice: Dice, call: Call) -> Call | None:
    """Return the call with wrong predictions, or with such that are not looked at."""
    inputs, blamed = dict(call.inputs), BLAMED
    if "predicted" not in call.case.inputs:
        keywords = {"predictions": Given(python="(np.zeros((1, 1, 4)), np.zeros((1, 1, 3)))")}
        return replace(call, keywords=keywords, expect=REFUSED, wrong="predictions", blamed=blamed)
    if dice.chance(0.5):
        text = dice.choose(WRONG)
        kept = {name: inputs[name] for name in ("boxes", "labels")}
        keywords = {"predictions": Given(python=text)}
        wrong = f"predictions={text}"
        return replace(
            call, inputs=kept, keywords=keywords, expect=REFUSED, wrong=wrong, blamed=blamed
        )
    name, how = dice.choose(("predicted", "scores")), dice.choose(SPOILT)
    own = np.array(call.case.inputs[name])
    if how == "one fewer":
        own = own[:, :-1]
    elif how == "another axis":
        own = own[None]
    elif own.size:
        own[tuple(dice.whole(0, n - 1) for n in own.shape)] = np.nan if how == "nan" else np.inf
    inputs[name] = Given(own)
    return replace(call, inputs=inputs, expect=REFUSED, wrong=f"{name} with {how}", blamed=blamed)


def _with(call: Call, inputs: Mapping[str, Any]) -> Call:
    own = {name: replace(call.inputs[name], base=inputs[name]) for name in call.inputs}
    return replace(call, case=Case(call.case.config, inputs), inputs=own)


SUBJECTS = (
    Predicting(
        "TargetAssigner predictions",
        lambda dice: Case({}, {}),
        {},
        {"boxes": Input(), "labels": Input("whole")},
        lambda case: (),
        written=f"{IMPORTS}make = lambda preset, **options: getattr(TargetAssigner, preset)("
        f"height={HEIGHT}, width={WIDTH}, **options, **({{{{'queries': 12}}}} if preset == 'detr' "
        "else {{}}))\n"
        "call = lambda boxes, labels, predicted=None, scores=None, **given: print(make({config})("
        "boxes, labels, **given, "
        "**({{}} if predicted is None else {{'predictions': (predicted, scores)}})))\n"
        "call({arguments})",
    ),
)
