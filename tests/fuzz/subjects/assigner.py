"""Calls of `TargetAssigner`: a chain of operators on anchors, or a published detector's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.assign import TargetAssigner
from refkernels.conformance.model.operator import Case, Recipe
from tests.fuzz.calls import spoilt_array
from tests.fuzz.dice import Dice
from tests.fuzz.disguises import disguised_array, disguised_whole
from tests.fuzz.draw import boxes, cast
from tests.fuzz.examine import Examined
from tests.fuzz.given import EITHER, REFUSED, Call, Given, given
from tests.fuzz.parameters import Parameter, integer, real
from tests.fuzz.spoils import NOT_SEEDS, NOT_TEXT
from tests.fuzz.subject import Input, Subject
from tests.fuzz.subjects.encoder import normalisation
from tests.fuzz.subjects.matcher import recipe
from tests.fuzz.subjects.sampler import lottery
from tests.fuzz.targets import Image, examine_targets, is_batch, is_padded

__all__ = ["SUBJECTS"]

PRESETS = ("rpn_fpn", "faster_rcnn", "retinanet", "yolo3")


@dataclass(frozen=True)
class Assigner(Subject):
    """An assigner is held to its operators, one after the other."""

    def build(self, config: Mapping[str, Any]) -> Any:
        """Build the assigner, or take that of a preset, which is built once."""
        if "preset" not in config:
            return TargetAssigner(**config)
        options = {"dtype": "float32", "degenerate": "drop", **config}
        return _preset(*(options[name] for name in ("preset", "dtype", "degenerate")))

    def draw_call(self, dice: Dice) -> Call:
        """Draw a call, valid or wrong."""
        call = _drawn(self, dice)
        if dice.chance(0.5):
            call = _disguised(dice, call)
        if dice.chance(0.35):
            call = _spoilt(dice, call) or call
        return call

    def examine(self, call: Call) -> Examined:
        """Make a call, and say what is wrong with what becomes of it."""
        return examine_targets(call)

    def cuts(self, call: Call) -> Iterator[Call]:
        """Yield calls with an image, a box, a region or an anchor less."""
        if not any(value.python for value in call.inputs.values()):
            yield from _fewer_images(call)
            yield from _fewer_rows(call, "boxes", "labels")
            yield from _fewer_rows(call, "ignore")
        anchors = call.config.get("anchors", Given(python="None"))
        for i in range(0 if anchors.python else len(anchors.base)):
            config = {**call.case.config, "anchors": np.delete(anchors.base, i, 0)}
            case = replace(call.case, config=config)
            yield replace(
                call, case=case, config={**call.config, "anchors": Given(config["anchors"])}
            )


@cache
def _preset(name: str, dtype: str, degenerate: str) -> Any:
    make = getattr(TargetAssigner, name)
    return make(height=32, width=48, dtype=dtype, degenerate=degenerate)


def _drawn(subject: Assigner, dice: Dice) -> Call:
    config: dict[str, Any] = {}
    if dice.chance(0.5):
        config["dtype"] = dice.choose(("float32", "float64"))
    if dice.chance(0.2):
        config["degenerate"] = dice.choose(("drop", "error"))
    narrow = config.get("dtype", "float32") == "float32"
    if subject.parameters:
        own, images = _scene(dice, None)
        anchors = cast(own, dice.choose(("f4", "f8", "f8")))
        if narrow:  # what it does not overflow
            anchors = cast(anchors, "f4").astype(anchors.dtype)
        config = {"anchors": anchors, **_chain(dice), **config}
        if dice.chance(0.05):
            config["threads"] = 2
    else:
        config = {"preset": dice.choose(PRESETS), **config}
        _, images = _scene(dice, subject.build(config).anchors)
    arguments = _arguments(dice, images, "f4" if narrow else "f8")
    keywords = {"rng": Given(python=dice.choose(("0", "5", "2**64", "np.int64(3)")))}
    if dice.chance(0.2):
        ids = [dice.whole(0, 9) for _ in images]
        keywords["image_ids"] = Given(ids if is_batch(arguments["boxes"]) else ids[0])
    call = Call(subject, Case(config, arguments), given(config), given(arguments), keywords)
    return replace(call, image=dice.whole(0, 2**16))


def _scene(dice: Dice, anchors: Array | None) -> tuple[Array, list[Image]]:
    """Draw anchors, unless there are some, and boxes, labels and regions of some images."""
    count = 0 if anchors is not None else dice.count(most=150)
    size = dice.choose((0, 1, 1, 1, 2, 3))
    counts = [dice.count(most=20) for _ in range(size)]
    most, regions = max(counts, default=0), dice.choose((0, 0, 1, 2))
    drawn = boxes(dice, size + 1, count + most + regions)
    own = drawn[0, :count] if anchors is None else anchors
    if anchors is not None and dice.chance(0.8):  # to where the anchors are
        drawn = drawn / max(float(np.abs(drawn).max(initial=0.0)), 1e-300) * 48
    images = []
    for k, m in enumerate(counts, 1):
        found = drawn[k, count : count + m]
        if len(own) and m and dice.chance(0.6):  # some are anchors
            take = own[dice.rng.integers(0, len(own), m)]
            found = np.where(dice.rng.random((m, 1)) < 0.5, take, found)
        labels = dice.rng.integers(0, 5, m)
        images.append((found, labels, drawn[k, count + most :]))
    return own, images


def _chain(dice: Dice) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if dice.chance(0.6):
        config["matcher"] = recipe(dice, neither=True)
    if dice.chance(0.4):
        options = lottery(dice)
        if dice.chance(0.7):  # no positive is not matched
            options["pos_thresh"] = 1.0
            config["matcher"] = Recipe("MaximumMatcher", {"threshold": 0.5})
        config["sampler"] = Recipe("QuotaSampler", options)
    if dice.chance(0.4):
        config["box_encoder"] = Recipe("NormalizedBoxCenterEncoder", normalisation(dice))
    if dice.chance(0.4):
        encoders = (
            Recipe("SigmoidClassEncoder"),
            Recipe("MultiClassEncoder", {"ignore_label": -7}),
        )
        config["class_encoder"] = dice.choose(encoders)
    return config


def _arguments(dice: Dice, images: list[Image], dtype: str) -> dict[str, Any]:
    """Return images as one, as a list, or as padded arrays."""
    own = dice.choose((dtype, dtype, "f4", "f8"))
    with_regions = dice.chance(0.6)
    named = [
        (cast(cast(found, dtype), own), labels, cast(cast(regions, dtype), own))
        for found, labels, regions in images
    ]
    found: Sequence[Any]
    form = dice.choose(("image", "list", "padded") if len(images) == 1 else ("list", "padded"))
    if form == "image":
        found = named[0]
    elif form == "list" and images:
        found = [list(parts) for parts in zip(*named, strict=True)]
    else:
        found = _padded(named, own)
    arguments = dict(zip(("boxes", "labels", "ignore"), found, strict=True))
    if not with_regions:
        del arguments["ignore"]
    return arguments


def _padded(images: list[Image], dtype: str) -> list[Array]:
    most = max((len(own) for own, _, _ in images), default=0)
    regions = max((len(own) for _, _, own in images), default=0)
    found = [
        np.full((len(images), most, 4), -1, dtype),
        np.full((len(images), most), -1),
        np.zeros((len(images), regions, 4), dtype),
    ]
    for k, parts in enumerate(images):
        for array, part in zip(found, parts, strict=True):
            array[k, : len(part)] = part
    return found


def _disguised(dice: Dice, call: Call) -> Call:
    inputs = dict(call.inputs)
    for name, value in call.case.inputs.items():
        disguise: Callable[[Dice, Array], Given]
        disguise = disguised_whole if name == "labels" else disguised_array
        if isinstance(value, list):
            texts = [disguise(dice, array).text() for array in value]
            inputs[name] = Given(python=f"[{', '.join(texts)}]")
            continue
        other = disguise(dice, value)
        shown = other.value()
        # A row of a matrix is one, too; and a list of lists may be one image or several.
        if not isinstance(shown, (list, memoryview, np.matrix)):
            inputs[name] = other
    return replace(call, inputs=inputs)


def _spoilt(dice: Dice, call: Call) -> Call | None:
    parameters, arguments = call.subject.parameters, call.case.inputs
    name = dice.choose((*parameters, *arguments, *arguments, *arguments, "rng", "image_ids"))
    if name in parameters:
        text = parameters[name].spoil(dice)
        config = {**call.config, name: Given(python=text)}
        wrong = f"{name}={text}"
        return replace(
            call, config=config, expect=REFUSED, wrong=wrong, blamed=(name,), spoilt=(name,)
        )
    if name in ("rng", "image_ids"):
        # Without a sampler that draws the seed is not looked at.
        text = dice.choose(NOT_SEEDS if name == "rng" else NOT_IDS)
        keywords = {**call.keywords, name: Given(python=text)}
        return replace(call, keywords=keywords, expect=EITHER, wrong=f"{name}={text}")
    return _spoilt_input(dice, call, name)


def _spoilt_input(dice: Dice, call: Call, name: str) -> Call | None:
    value = call.case.inputs[name]
    kind, ranks = ("whole", 1) if name == "labels" else ("real", 2)
    if isinstance(value, list):
        k = dice.whole(0, len(value) - 1)
        spoilt = spoilt_array(dice, value[k], Input(kind, (ranks,)))
    else:
        spoilt = spoilt_array(dice, value, Input(kind, (ranks + is_padded(value),)))
    if spoilt is None:
        return None
    own = spoilt.given
    if isinstance(value, list):
        texts = [Given(array).text() for array in value]
        texts[k] = own.text()
        own = Given(python=f"[{', '.join(texts)}]")
    return replace(
        call,
        inputs={**call.inputs, name: own},
        # With an axis more or fewer it may be a batch or an image.
        expect=EITHER if spoilt.others else spoilt.expect,
        wrong=f"{name} with {spoilt.wrong}",
        blamed=() if spoilt.others else (name,),
        spoilt=(name,),
    )


def _fewer_images(call: Call) -> Iterator[Call]:
    inputs = call.case.inputs
    for k in range(len(inputs["boxes"]) if is_batch(inputs["boxes"]) else 0):
        fewer = {
            name: [*value[:k], *value[k + 1 :]]
            if isinstance(value, list)
            else np.delete(value, k, 0)
            for name, value in inputs.items()
        }
        keywords = dict(call.keywords)
        if "image_ids" in keywords and not keywords["image_ids"].python:
            ids = keywords["image_ids"].base
            keywords["image_ids"] = Given([*ids[:k], *ids[k + 1 :]])
        yield replace(_with_inputs(call, fewer), keywords=keywords)


def _fewer_rows(call: Call, *names: str) -> Iterator[Call]:
    inputs = call.case.inputs
    if names[0] not in inputs:
        return
    yield _with_inputs(call, {k: v for k, v in inputs.items() if k not in names or k != "ignore"})
    value = inputs[names[0]]
    if isinstance(value, list):
        for k, rows in enumerate(value):
            for i in range(len(rows)):
                fewer = {name: list(inputs[name]) for name in names}
                for name in names:
                    fewer[name][k] = np.delete(inputs[name][k], i, 0)
                yield _with_inputs(call, {**inputs, **fewer})
        return
    axis = int(is_padded(value))
    for i in range(value.shape[axis]):
        cut = {name: np.delete(inputs[name], i, axis) for name in names}
        yield _with_inputs(call, {**inputs, **cut})


def _with_inputs(call: Call, inputs: Mapping[str, Any]) -> Call:
    """Return a call with other arrays, in the same layouts."""
    own = {name: replace(call.inputs[name], base=value) for name, value in inputs.items()}
    return replace(call, case=Case(call.case.config, inputs), inputs=own)


def _one_of(*texts: str) -> Parameter:
    return Parameter(lambda dice, value: Given(value), lambda dice: dice.choose(texts))


NOT_IDS = ("'a'", "[0.5]", "[-1]", "-1", "[[0]]", "{1: 2}", "object()", "2**64", "[2**64]")
NOT_IDS += ("[None]", "0.5", "[2**63, 2**64]", "[np.nan]", "True")
WRONG_ANCHORS = ("None", "'a'", "[[0.0, 0.0, 1.0]]", "np.full((1, 4), np.nan)", "np.zeros(4)")
WRONG_ANCHORS += (
    "[[0, 0, 1, 10**400]]",
    "np.zeros((2, 4), complex)",
    "[[]]",
    "0",
    "np.zeros((0, 5))",
)
WRONG_ANCHORS += ("np.full((2, 4), np.inf)", "[[0, 0, 1, None]]", "np.zeros((1, 1, 4))")
NO_OPERATOR = ("0.5", "'MaximumMatcher'", "object()", "[]", "refkernels.BBoxArea()", "type", "len")
MATCHER, SAMPLER = "refkernels.MaximumMatcher", "refkernels.NaiveSampler"
INPUTS = {"boxes": Input(), "labels": Input("whole"), "ignore": Input(optional=True)}
IMPORTS = "from refkernels.assign import TargetAssigner\n"

SUBJECTS = (
    Assigner(
        "TargetAssigner",
        lambda dice: Case({}, {}),
        {
            "anchors": _one_of(*WRONG_ANCHORS),
            "matcher": _one_of(*NO_OPERATOR, MATCHER, f"{SAMPLER}()"),
            "sampler": _one_of(
                *NO_OPERATOR, SAMPLER, f"{MATCHER}(0.5)", "refkernels.OHEMSampler(3)"
            ),
            "box_encoder": _one_of(*NO_OPERATOR, "refkernels.MultiClassEncoder()"),
            "class_encoder": _one_of(*NO_OPERATOR, "refkernels.NormalizedBoxCenterEncoder()"),
            "dtype": _one_of(
                "'float16'", "'int32'", "'f4, f4'", "object", "'abc'", "5", "[]", "1.5"
            ),
            "degenerate": _one_of(*NOT_TEXT),
            "crowd_thresh": real(0, 1),
            "threads": integer(1),
        },
        INPUTS,
        lambda case: (),
        written=f"{IMPORTS}print(TargetAssigner({{config}})({{arguments}}))",
    ),
    Assigner(
        "TargetAssigner preset",
        lambda dice: Case({}, {}),
        {},
        INPUTS,
        lambda case: (),
        written=f"{IMPORTS}make = lambda preset, **options: getattr(TargetAssigner, preset)"
        "(height=32, width=48, **options)\nprint(make({config})({arguments}))",
    ),
)
