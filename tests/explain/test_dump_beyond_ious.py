"""Every matcher may stand in a dump: it is derived again, explained, and told where it differs."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

import refkernels as rk
from refkernels.chain.roles import PLACE_OF
from refkernels.cli.main import main
from refkernels.explain import compare_dumps, make_dump, read_dump
from refkernels.explain.diff.headline import headline
from refkernels.explain.diff.words import tell
from refkernels.explain.dumped import trace_of_dump

PADDING = 1  # objects at the end of the second image


def inputs(seed=0):
    """What all matchers look at: points of two levels, and two images of which one is padded."""
    rng = np.random.default_rng(seed)
    near, far = ((np.arange(n) + 0.5) * 32 / n for n in (8, 4))
    points = np.concatenate([np.stack(np.meshgrid(own, own), -1).reshape(-1, 2)
                             for own in (near, far)])  # fmt: skip
    strides = np.repeat([4.0, 8.0], [64, 16])
    low = rng.uniform(0, 16, (2, 3, 2))
    boxes = np.concatenate([low, low + rng.uniform(6, 14, (2, 3, 2))], -1)
    boxes[1, -PADDING:] = -1
    anchors = np.concatenate([points - strides[:, None], points + strides[:, None]], -1)
    found = {
        "anchors": anchors,
        "boxes": boxes,
        "points": points,
        "strides": strides,
        "ranges": np.repeat([[0.0, 8.0], [8.0, np.inf]], [64, 16], axis=0),
        "levels": np.array([64, 16]),
        "ious": rk.BBoxBatchIOU()(anchors[None], boxes),
        "distances": rk.CenterDistance()(anchors[None], boxes),
        "inside": rk.InsideMask()(points, boxes),
        "valid": np.ones((2, 80), bool),
    }
    found["metric"] = found["ious"] * rng.uniform(0, 1, found["ious"].shape)
    found["cost"] = 3 - found["metric"]
    return found


MATCHERS = [
    rk.ATSSMatcher(4),
    rk.PointMatcher(1.5),
    rk.SimOTAMatcher(),
    rk.TaskAlignedMatcher(4),
    rk.HungarianMatcher(),
]
each_matcher = pytest.mark.parametrize("matcher", MATCHERS, ids=lambda own: type(own).__name__)


def dump_of(matcher, **changed):
    """A dump of what a matcher makes of images one by one, without padding."""
    arrays = inputs()
    names = PLACE_OF[type(matcher).__name__].operators[type(matcher).__name__].values()
    matches = np.full((2, 80), -1)
    for image, count in enumerate((3, 3 - PADDING)):
        own = {name: arrays[name] for name in names}
        for name, array in own.items():
            if name not in ("points", "strides", "ranges", "levels"):
                own[name] = array[image, :count] if name == "boxes" else array[image]
                if own[name].ndim == 2 and name != "boxes":
                    own[name] = own[name][:, :count]
        matches[image] = matcher(*own.values())
    kept = {name: arrays[name] for name in (*names, "anchors", "boxes")}
    kept |= {"matches": matches, **changed}
    return make_dump("a", {k: v for k, v in kept.items() if v is not None}, {"matcher": matcher})


@each_matcher
def test_a_matcher_is_derived_again_from_what_it_looked_at(matcher, tmp_path):
    dump_of(matcher).write(tmp_path / "a.npz")
    dump = read_dump(tmp_path / "a.npz")
    assert dump.operators["matcher"] == matcher
    found = compare_dumps(dump, dump)
    assert found.status == 0
    held = found.stages[-1].held[0]
    assert held.not_held == held.undefined == ""
    assert held.keeps
    assert (held.expected["matches"] >= 0).any()


@each_matcher
def test_what_a_matcher_must_not_decide_is_found_and_explained(matcher):
    own = dump_of(matcher)
    matches = own.arrays["matches"].copy()
    anchor = int(np.flatnonzero(matches[0] >= 0)[0])
    matches[0, anchor] = -1
    found = compare_dumps(own, dump_of(matcher, matches=matches))
    assert headline(found) == "B leaves the contract first at matches: for 1 of 160 anchors."
    text = " ".join(" ".join(tell(found)).split())
    assert f"image 0, anchor {anchor}: it has no match, but by its own inputs it must have" in text
    assert f"Anchor {anchor} is matched" not in text


@each_matcher
def test_an_image_of_the_dump_is_explained(matcher, tmp_path):
    dump = dump_of(matcher)
    dump.write(tmp_path / "a.npz")
    for image, count in (("0", 3), ("1", 3 - PADDING)):
        trace, notes = trace_of_dump(dump, image)
        assert notes == []
        assert np.array_equal(trace.matches, dump.arrays["matches"][int(image)])
        assert len(trace.truths) == count
    result = CliRunner().invoke(main, ["explain", str(tmp_path / "a.npz")])
    assert result.exit_code == 0, result.output
    assert "is matched with ground truth" in result.output


@pytest.mark.parametrize("other", [rk.ATSSMatcher(9), rk.TaskAlignedMatcher(2)])
def test_another_parameter_is_a_parameter(other):
    own = next(matcher for matcher in MATCHERS if type(matcher) is type(other))
    found = compare_dumps(dump_of(own), dump_of(other))
    name = type(other).__name__
    topk = f"topk of {name} is {own.topk} in A, {other.topk} in B"
    assert headline(found) == f"Their parameters differ, first at matches: {topk}."
    assert "A has " in "\n".join(tell(found))


def test_what_a_matcher_looks_at_and_the_dump_lacks_is_told():
    dump = dump_of(MATCHERS[0])
    arrays = {name: own for name, own in dump.arrays.items() if name != "distances"}
    dump = replace(dump, arrays=arrays)
    found = compare_dumps(dump, dump)
    assert found.stages[-1].held[0].not_held == "made of distances, not in it"
    with pytest.raises(ValueError, match=r"a: an? ATSSMatcher looks at distances, which it lacks"):
        trace_of_dump(dump)


def test_other_costs_are_other_inputs():
    own = dump_of(rk.HungarianMatcher())
    other = replace(own, arrays={**own.arrays, "cost": own.arrays["cost"] + 1})
    found = compare_dumps(own, other)
    assert headline(found).startswith("They were given different inputs: B's costs differ from A's")


def test_arrays_that_do_not_fit_are_refused():
    own, levels = dump_of(MATCHERS[0]).arrays, "levels: .* are not as many as the anchors"
    with pytest.raises(ValueError, match=levels):
        make_dump("a", {**own, "levels": [64, 15]}, {})
    with pytest.raises(ValueError, match=r"inside.* expected a mask of bools, or of 0 and 1"):
        make_dump("a", {**own, "inside": own["inside"] * 2.0}, {})
    with pytest.raises(ValueError, match=r"points: expected shape \(N, 2\), got \(80, 3\)"):
        make_dump("a", {**own, "points": np.zeros((80, 3))}, {})


def balanced(samples=None):
    """A dump with a sampler that draws, of candidates that the matches make."""
    arrays = {"matches": [[0, 0, 0, -1, -1, -1, -2]]}
    operators = {"sampler": rk.BalancedSampler(4, 0.5)}
    own = [[1, 1, 0, -1, -1, 0, 0]] if samples is None else [samples]
    return make_dump("a", {**arrays, "samples": own}, operators)


def test_a_balanced_draw_is_held_to_its_quotas():
    found = compare_dumps(balanced(), balanced([0, 1, 1, -1, 0, -1, 0]))
    assert headline(found) == "What differs was drawn by lot, or is rounding."
    found = compare_dumps(balanced(), balanced([1, 1, 1, -1, 0, 0, 0]))
    assert "image 0 keeps 3 positives, expected 2: the quota is 2, and 3 may be" in headline(found)
    found = compare_dumps(balanced(), balanced([1, 1, 0, -1, 0, 0, -1]))
    told = "\n".join(tell(found))
    assert "it is negative, but must not be: it has ground truth -2, so it may be ignored" in told


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"high": 0.4, "low": 0.3}, "high 0.4 of ThresholdMatcher in place of 0.5"),
        ({"low": 0.1}, "low 0.1 of ThresholdMatcher in place of 0.3"),
        ({"low_quality": None}, "low_quality None of ThresholdMatcher in place of own"),
    ],
)
def test_another_threshold_explains_what_left_the_contract(changed, said):
    contract = rk.ThresholdMatcher(0.5, 0.3, low_quality="own")
    ious = np.concatenate([inputs()["ious"], [[[0.45, 0, 0], [0.2, 0, 0]] * 40] * 2], axis=1)
    ious[0, 0] = 0.09
    own = {"ious": ious}
    a, b = (
        make_dump("a", {**own, "matches": operator(ious)}, {"matcher": contract})
        for operator in (contract, replace(contract, **changed))
    )
    assert f"which is explained by {said}" in headline(compare_dumps(a, b))
