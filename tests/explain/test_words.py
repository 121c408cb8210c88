"""Traces worked by hand, one for each stage, and what is said of them."""

from typing import Any

import numpy as np
import pytest

from refkernels import (
    BipartiteMatcher,
    CompositeMatcher,
    MaximumMatcher,
    OHEMSampler,
    QuotaSampler,
)
from refkernels.arrays import Array
from refkernels.assign import TargetAssigner
from refkernels.explain.trace.records import Fate, Stage
from refkernels.explain.trace.trace import Trace, explain
from tests.explain.test_trace import Every

# Round 1: anchor 0 and truth 0 (0.875). Truth 1's best, 0.75, is anchor 0's too, which is taken: in
# round 2 it gets anchor 3 with 0.625. Anchor 1 shares truth 0's best. Anchor 2 reaches 0.5; anchor
# 4 does not; anchor 5 meets nothing. Truth 2 meets nothing.
IOUS = np.array(
    [
        [0.875, 0.75, 0.0],
        [0.875, 0.0, 0.0],
        [0.125, 0.5, 0.0],
        [0.0, 0.625, 0.0],
        [0.25, 0.375, 0.0],
        [0.0, 0.0, 0.0],
    ]
)
SSD = CompositeMatcher([BipartiteMatcher(share_max=False), MaximumMatcher(0.5)])


@pytest.fixture(scope="module")
def trace() -> Trace:
    return explain(SSD, IOUS, name="golden")


def test_the_stages_are_those_worked_by_hand(trace: Trace) -> None:
    assert trace.matches.tolist() == [0, 0, 1, 1, -1, -1]
    assert [Stage(stage) for stage in trace.anchors["stage"]] == [
        Stage.BIPARTITE,
        Stage.SHARED,
        Stage.MAXIMUM,
        Stage.BIPARTITE,
        Stage.MISSED,
        Stage.NO_OVERLAP,
    ]
    assert trace.anchors["round"].tolist() == [1, 0, 0, 2, 0, 0]
    assert trace.anchors["matcher"].tolist()[:4] == [0, 0, 1, 0]
    assert trace.anchors["margin"].tolist()[1:5] == [0.0, 0.0, 0.625 - 1e-12, -0.125]
    assert trace.anchors["runner_up"].tolist() == [1, 1, 0, 0, 0, 1]
    assert trace.anchors["gap"].tolist() == [0.125, 0.875, 0.375, 0.625, 0.125, 0.0]
    assert trace.anchors["tied_anchor"].tolist() == [1, -1, -1, -1, -1, -1]
    assert trace.anchors["via"].tolist() == [-1, 0, -1, -1, -1, -1]
    assert trace.rounds[["round", "anchor", "truth", "iou", "ties"]].tolist() == [
        (1, 0, 0, 0.875, 1),
        (2, 3, 1, 0.625, 0),
    ]


def test_the_truths_are_those_worked_by_hand(trace: Trace) -> None:
    assert trace.truths["best_anchor"].tolist() == [0, 0, -1]
    assert trace.truths["lost_to"].tolist() == [-1, 0, -1]
    assert trace.truths["own_anchor"].tolist() == [0, 3, -1]
    assert trace.truths["anchors"].tolist() == [2, 2, 0]
    assert trace.truths["shared"].tolist() == [1, 0, 0]
    assert trace.truths["maximum"].tolist() == [0, 1, 0]
    assert [Fate(fate) for fate in trace.truths["fate"]] == [
        Fate.MATCHED,
        Fate.MATCHED,
        Fate.NO_OVERLAP,
    ]


WORDS = {
    0: "Anchor 0 is matched with ground truth 0, in round 1 of the bipartite matcher: IoU 0.875 "
    "was the largest left. Anchor 1 has the same: the lowest index wins. Its next is ground truth "
    "1, with 0.75, 0.125 less.",
    1: "Anchor 1 is matched with ground truth 0, since it shares the largest IoU that ground truth "
    "0 has with any anchor: 0.875, as anchor 0 has it. It overlaps no other ground truth.",
    2: "Anchor 2 is matched with ground truth 1: its largest IoU, 0.5, reaches the threshold 0.5 "
    "exactly. Its next is ground truth 0, with 0.125, 0.375 less.",
    3: "Anchor 3 is matched with ground truth 1, in round 2 of the bipartite matcher: IoU 0.625 "
    "was the largest left. Anchor 0 has more with that ground truth, 0.75, but was given to ground "
    "truth 0 in round 1. It overlaps no other ground truth.",
    4: "Anchor 4 is not matched: its largest IoU is 0.375, with ground truth 1, which misses the "
    "threshold 0.5 by 0.125. The bipartite matcher gave that ground truth to anchor 3 in round 2, "
    "whose 0.625 is larger by 0.25.",
    5: "Anchor 5 is not matched: it overlaps no ground truth.",
}


@pytest.mark.parametrize("anchor", WORDS)
def test_why(trace: Trace, anchor: int) -> None:
    assert trace.why(anchor=anchor) == WORDS[anchor]


@pytest.mark.parametrize(
    ("anchor", "truth", "words"),
    [
        (
            0,
            1,
            "Anchor 0 has IoU 0.75 with ground truth 1. The bipartite matcher had given it to "
            "ground truth 0 in round 1, with 0.875. The maximum matcher looks at its largest "
            "alone: ground truth 0, 0.875. It is matched with ground truth 0 (bipartite round, "
            "IoU 0.875).",
        ),
        (
            4,
            0,
            "Anchor 4 has IoU 0.25 with ground truth 0. The bipartite matcher gave that ground "
            "truth to anchor 0 in round 1, whose 0.875 is larger by 0.625. The maximum matcher "
            "looks at its largest alone: ground truth 1, 0.375.",
        ),
        (5, 2, "Anchor 5 and ground truth 2 do not overlap: their IoU is 0."),
        (2, 1, f"It is. {WORDS[2]}"),
    ],
)
def test_why_not(trace: Trace, anchor: int, truth: int, words: str) -> None:
    assert trace.why_not(anchor=anchor, truth=truth) == words


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (0, "Ground truth 0 has 2 anchors: 1 by bipartite round, 1 by shared maximum. Its best is "
         "anchor 0, with 0.875."),
        (1, "Ground truth 1 has 2 anchors: 1 by bipartite round, 1 by maximum. Its best is anchor "
         "0, with 0.75, which went to ground truth 0."),
        (2, "Ground truth 2 meets no anchor, so it has none."),
    ],
)  # fmt: skip
def test_why_a_truth_has_what_it_has(trace: Trace, truth: int, words: str) -> None:
    assert trace.why_truth(truth) == words


def test_a_truth_whose_best_anchor_is_lost_and_has_no_other() -> None:
    lost = explain(MaximumMatcher(0.5), [[0.75, 0.625], [0.25, 0.125]])
    assert Fate(lost.truths["fate"][1]) == Fate.LOST
    assert lost.why_truth(1) == (
        "Ground truth 1 has no anchor. Its best is anchor 0, with 0.625, which went to ground "
        "truth 0."
    )
    below = explain(MaximumMatcher(0.5), [[0.25]])
    assert below.why_truth(0) == (
        "Ground truth 0 has no anchor. Its best is anchor 0, with 0.25, which reaches no threshold."
    )


def test_who_shares_another_truths_best_goes_to_its_own() -> None:
    # Anchor 1 has truth 1's best, 0.5, as anchor 2 has it; with 0.625 truth 0 is nearer to it.
    ious = [[0.75, 0.0], [0.625, 0.5], [0.0, 0.5]]
    matcher = BipartiteMatcher()
    trace = explain(matcher, [*ious, [0.625, 0.5]])
    assert trace.matches.tolist() == [0, 1, 1, 0]
    assert trace.why(3) == (
        "Anchor 3 is matched with ground truth 0, since it shares the largest IoU that ground "
        "truth 1 has with any anchor: 0.5, as anchor 1 has it. It goes to its own best, ground "
        "truth 0, with 0.625. Its next is ground truth 1, with 0.5, 0.125 less."
    )


def test_what_comes_within_eps_is_told_with_how_much() -> None:
    trace = explain(BipartiteMatcher(eps=0.125), [[0.75], [0.6875]])
    assert trace.why(1) == (
        "Anchor 1 is matched with ground truth 0, since it comes within eps of the largest IoU "
        "that ground truth 0 has with any anchor: 0.75, of anchor 0, 0.0625 off."
    )
    assert trace.anchors["margin"][1] == -0.0625


def test_distances_are_told_as_such() -> None:
    trace = explain(
        BipartiteMatcher(threshold=9, is_ascend=True), [[2.0, 4.0], [5.0, 3.0], [12, 10]]
    )
    assert trace.why(1) == (
        "Anchor 1 is matched with ground truth 1, in round 2 of the bipartite matcher: distance 3 "
        "was the smallest left. Its next is ground truth 0, with 5, 2 more."
    )
    assert trace.why(2) == (
        "Anchor 2 is not matched: its smallest distance is 10, with ground truth 1. For the "
        "bipartite matcher it is no candidate: that is not below 9."
    )


def test_a_tie_of_truths_goes_to_the_first() -> None:
    trace = explain(MaximumMatcher(0.5), [[0.625, 0.625]])
    assert trace.anchors["tied_truth"].tolist() == [1]
    assert trace.why(0) == (
        "Anchor 0 is matched with ground truth 0: its largest IoU, 0.625, reaches the threshold "
        "0.5 by 0.125. Its IoU with ground truth 1 is the same: the lowest index wins."
    )
    assert "ground truth 0, 0.625 too, of the lower index." in trace.why_not(0, 1)


def test_a_quota_is_told() -> None:
    sampler = QuotaSampler(2, pos_thresh=0.5, neg_thresh_high=0.25, pos_ratio=0.5)
    trace = explain(
        MaximumMatcher(0.5),
        [[0.75], [0.5], [0.375], [0.125], [0.0]],
        sampler=sampler,
        rng=0,
    )
    stages = [Stage(stage) for stage in trace.anchors["stage"]]
    assert sorted(stages[:2]) == [Stage.MAXIMUM, Stage.QUOTA]
    assert stages[2] == Stage.BETWEEN
    assert Stage.QUOTA in stages[3:]
    out = stages.index(Stage.QUOTA)
    assert trace.why(out).endswith(
        "The sampler's quota of positives left it out by lot: it is ignored."
    )
    negative = 3 + stages[3:].index(Stage.QUOTA)
    assert trace.why(negative).endswith(
        "The sampler's quota of negatives left it out by lot: it is ignored."
    )
    assert trace.why(2).endswith("It is at or above the sampler's threshold 0.25: it is ignored.")
    assert trace.why_truth(0).startswith(
        "Ground truth 0 has 2 anchors: 2 by maximum. Positive after sampling: 1."
    )


def test_a_positive_of_the_sampler_alone_is_told() -> None:
    sampler = QuotaSampler(8, pos_thresh=0.5, neg_thresh_high=0.25)
    trace = explain(BipartiteMatcher(share_max=False), [[0.75], [0.625]], sampler=sampler, rng=0)
    assert Stage(trace.anchors["stage"][1]) == Stage.SAMPLER_THRESHOLD
    assert trace.why(1).endswith(
        "The sampler makes it positive all the same: it reaches its threshold 0.5 by 0.125."
    )


def test_hard_negatives_are_told() -> None:
    logits = [[0.0, 5.0], [1.0, 0.0], [0.0, 1.0], [0.0, 9.0]]
    trace = explain(
        MaximumMatcher(0.75),
        [[0.875], [0.125], [0.25], [0.625]],
        sampler=OHEMSampler(1),
        logits=logits,
    )
    assert [Stage(stage) for stage in trace.anchors["stage"]] == [
        Stage.MAXIMUM,
        Stage.EASY_NEGATIVE,
        Stage.HARD_NEGATIVE,
        Stage.BETWEEN,
    ]
    assert trace.why(1).endswith("Harder negatives fill the sampler's quota: it is ignored.")
    assert trace.why(2).endswith("It is among the hardest negatives, so it is negative.")
    assert trace.why(3).endswith("It is at or above the sampler's threshold 0.5: it is ignored.")


def test_regions_and_boxes_without_extent_are_told() -> None:
    anchors = [[0.0, 0.0, 8.0, 8.0], [16.0, 0.0, 24.0, 8.0], [32.0, 0.0, 40.0, 8.0]]
    boxes = [[4.0, 4.0, 4.0, 9.0], [0.0, 0.0, 8.0, 8.0]]
    trace = explain(TargetAssigner(anchors), boxes, [1, 2], [[15.0, 0.0, 25.0, 8.0]])
    assert trace.matches.tolist() == [1, -1, -1]
    assert [Stage(stage) for stage in trace.anchors["stage"]] == [
        Stage.BIPARTITE,
        Stage.REGION,
        Stage.NO_OVERLAP,
    ]
    assert trace.why(1) == (
        "Anchor 1 is not matched: it overlaps no ground truth. Ignored region 0 covers it, so it "
        "is ignored."
    )
    dropped = "Ground truth 0 has no extent, so it was dropped before matching."
    assert trace.why_truth(0) == trace.why_not(0, 0) == dropped
    assert trace.iou(0, 1) == 1.0
    assert trace.iou(0, 0) == 0.0


def test_a_trace_prints_as_a_short_table(trace: Trace) -> None:
    assert str(trace).splitlines() == [
        "golden: 6 anchors, 3 ground truths; 4 positive, 2 negative, 0 ignored",
        "decided by        anchors",
        "bipartite round         2",
        "shared maximum          1",
        "maximum                 1",
        "threshold missed        1",
        "no overlap              1",
        "",
        "truth  best anchor  best IoU  lost to  anchors  positive  fate",
        "    0            0    0.8750        -        2         2  matched",
        "    1            0    0.7500        0        2         2  matched",
        "    2            -    0.0000        -        0         0  none: meets no anchor",
    ]
    assert repr(trace) == (
        "<Trace golden: 6 anchors, 3 ground truths; 4 positive, 2 negative, 0 ignored>"
    )


def test_a_long_table_is_cut_and_says_so() -> None:
    trace = explain(MaximumMatcher(0.5), np.eye(25))
    assert str(trace).splitlines()[-1] == "and 5 more ground truths"
    assert "<p>and 5 more ground truths</p>" in trace._repr_html_()


def test_a_notebook_gets_tables_with_names_escaped() -> None:
    html = explain(MaximumMatcher(0.5), [[0.75]], name="<b>")._repr_html_()
    assert "<p>&lt;b&gt;: 1 anchor, 1 ground truth" in html
    assert html.count("<table>") == html.count("</table>") == 2
    assert "<td>maximum</td><td>1</td>" in html


def test_a_tie_of_truths_that_another_round_decided() -> None:
    trace = explain(BipartiteMatcher(share_max=False), [[0.75, 0.0], [0.5, 0.5]])
    assert trace.why(1) == (
        "Anchor 1 is matched with ground truth 1, in round 2 of the bipartite matcher: IoU 0.5 was "
        "the largest left. Its IoU with ground truth 0 is the same, which was given away before."
    )


def test_an_anchor_with_more_of_another_truth_says_who_got_that() -> None:
    trace = explain(BipartiteMatcher(share_max=False), [[0.75, 0.0], [0.625, 0.5]])
    assert trace.why(1) == (
        "Anchor 1 is matched with ground truth 1, in round 2 of the bipartite matcher: IoU 0.5 was "
        "the largest left. It has more with ground truth 0, 0.625, which was given away in round 1 "
        "to anchor 0."
    )


def test_what_an_earlier_matcher_has_overruled_is_not_told_as_a_refusal() -> None:
    # The bipartite matcher serves anchor 1 first, and would give anchor 0 to truth 0.
    matcher = CompositeMatcher([MaximumMatcher(0.5), BipartiteMatcher(share_max=False)])
    trace = explain(matcher, [[0.6, 0.7], [0.0, 0.8]])
    assert trace.matches.tolist() == [1, 1]
    assert trace.why_not(0, 0) == (
        "Anchor 0 has IoU 0.6 with ground truth 0. The maximum matcher looks at its largest alone: "
        "ground truth 1, 0.7. It is matched with ground truth 1 (maximum, IoU 0.7)."
    )


def test_equal_ious_of_a_truth_go_to_the_first_anchor() -> None:
    trace = explain(SSD, [[0.75, 0.0], [0.75, 0.625]])
    assert trace.matches.tolist() == [0, 1]
    assert trace.why_not(1, 0) == (
        "Anchor 1 has IoU 0.75 with ground truth 0. The bipartite matcher gave that ground truth "
        "to anchor 0 in round 1, which has the same: the lowest index wins. It is matched with "
        "ground truth 1 (bipartite round, IoU 0.625)."
    )


class Nothing(Every):
    """Matches no anchor."""

    def __call__(self, x: Any) -> Array:
        return super().__call__(x) - 1


def test_a_matcher_of_another_kind_gives_no_reasons() -> None:
    assert explain(Nothing(), [[0.25]]).why(0) == (
        "Anchor 0 is left out by Nothing. Its largest IoU is 0.25, with ground truth 0."
    )
    trace = explain(Every(), [[0.9, 0.2]])
    assert trace.why(0) == (
        "Anchor 0 is matched with ground truth 0 by Every, with IoU 0.9. Its next is ground truth "
        "1, with 0.2, 0.7 less."
    )
    assert trace.why_not(0, 1) == (
        "Anchor 0 has IoU 0.2 with ground truth 1. It is matched with ground truth 0 (a matcher of "
        "your own, IoU 0.9)."
    )
