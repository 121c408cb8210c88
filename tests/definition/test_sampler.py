import mpmath
import numpy as np
import pytest

from refkernels.definition import sampler


def test_naive():
    np.testing.assert_array_equal(sampler.NaiveSampler(np.array([[0, -1, 5]])), [[1, -1, 1]])


@pytest.mark.parametrize(
    ("logits", "score"),
    [
        ([0, 0], mpmath.log(2)),
        ([0, 0, 0, 0], mpmath.log(4)),
        ([3, 3, 3], mpmath.log(3)),
        ([0, 1], mpmath.log(1 + mpmath.e)),
        ([1000, 0], mpmath.exp(-1000)),
        ([0, 1e30], mpmath.mpf("1e30")),
    ],
)
def test_the_score_of_mining(logits, score):
    assert mpmath.almosteq(sampler.background_score(logits), score, rel_eps=2.0**-50)


def test_equal_scores_are_equal_whatever_the_order_of_classes_and_the_common_offset():
    logits = [0.1, 0.7, -3.3, 2.9, 11.0]
    scores = {sampler.background_score([logits[0], *np.roll(logits[1:], i)]) for i in range(4)}
    scores.add(sampler.background_score([np.float64(logit) + 2.0 for logit in np.float32(logits)]))
    scores.add(sampler.background_score(np.float32(logits)))
    assert len(scores) == 2  # one in double precision, one in single


def test_scores_are_told_apart_far_beyond_double_precision():
    near, far = sampler.background_score([0, 1e-30]), sampler.background_score([0, 2e-30])
    assert near < far
    assert sampler.background_score([1e5, 0]) > sampler.background_score([1e5 + 1e-9, 0]) > 0


def test_mining_by_hand():
    matches = np.array([0, -1, -1, -1, -1])
    ious = np.array([0.9, 0.2, 0.5, 0.4, 0.0])
    logits = np.array([[0, 9], [0, 3], [0, 8], [0, 3], [0, 2.0]])
    # Anchor 2 is no candidate, as its IoU is not below 0.5; 1 comes before 3, its equal.
    for ratio, expected in ((1, [1, -1, 0, 0, 0]), (2, [1, -1, 0, -1, 0]), (9, [1, -1, 0, -1, -1])):
        samples = sampler.OHEMSampler(matches, logits, ious, ratio=ratio)
        np.testing.assert_array_equal(samples, expected)
    _, eligible, quota = sampler.mining_facts(matches, logits, ious, ratio=9)
    np.testing.assert_array_equal(eligible, [False, True, False, True, True])
    assert quota == 4  # no more than there are unmatched anchors


def test_mining_takes_whole_ious_too():
    samples = sampler.OHEMSampler(
        np.array([0, -1, -1]), np.zeros((3, 2)), np.array([[1], [0], [1]]), ratio=9
    )
    np.testing.assert_array_equal(samples, [1, -1, 0])


def test_ground_truth_may_be_absent():
    matches, logits, ious = np.full((2, 3), -1), np.zeros((2, 3, 2)), np.zeros((2, 3, 0))
    samples = sampler.OHEMSampler(matches, logits, ious, ratio=1, min_samples=2)
    np.testing.assert_array_equal(samples, [[-1, -1, 0]] * 2)
    candidates, _, _ = sampler.QuotaSampler(
        matches, ious, num_sample=4, pos_thresh=0.5, neg_thresh_high=0.5
    )
    np.testing.assert_array_equal(candidates, matches)


def test_quotas_by_hand():
    matches = np.array([[0, -1, -1, -1, -1], [-1, -1, -1, -1, -1]])
    ious = np.array([[0.1, 0.7, 0.5, 0.3, 0.1], [0.2, 0.2, 0.2, 0.2, 0.05]])
    parameters = {
        "num_sample": 6,
        "pos_thresh": 0.7,
        "neg_thresh_high": 0.3,
        "neg_thresh_low": 0.1,
        "pos_ratio": 0.25,
    }
    candidates, max_pos, max_neg = sampler.QuotaSampler(matches, ious, **parameters)
    np.testing.assert_array_equal(candidates, [[1, 1, 0, 0, -1], [-1, -1, -1, -1, 0]])
    np.testing.assert_array_equal(max_pos, [2, 2])  # 1.5, half to even
    np.testing.assert_array_equal(max_neg, [4, 6])  # what positives leave free
    _, _, max_neg = sampler.QuotaSampler(matches, ious, **parameters, fill_negative=False)
    np.testing.assert_array_equal(max_neg, [4, 4])  # 4.5


@pytest.mark.parametrize(("ratio", "quota"), [(0.29, 29), (0.2899999, 28), (0.2900001, 29)])
def test_a_product_near_a_whole_number_is_that_number(ratio, quota):
    matches, ious = np.zeros((1, 1)), np.zeros((1, 1))
    parameters = {"num_sample": 100, "pos_thresh": 1, "neg_thresh_high": 0, "fill_negative": False}
    _, _, max_neg = sampler.QuotaSampler(matches, ious, neg_ratio=ratio, **parameters)
    assert max_neg == quota


def test_parts():
    assert [list(sampler.SplitSampler(7, 3, i)) for i in range(3)] == [[0, 1], [2, 3], [4, 5]]
    spread = [list(sampler.SplitSampler(8, 3, i, remainder="spread")) for i in range(3)]
    assert spread == [[0, 1, 2], [3, 4, 5], [6, 7]]


def test_buckets():
    keys = [3, 1, 2, 0, 9, 8, 7]
    assert sampler.SplitSortedBucketSampler(keys, 2, mult=2) == [
        ([[3, 1], [2, 0]], [[0, 2], [1, 3]]),
        ([[6, 5], [5, 4]], [[4, 5], [5, 6]]),
    ]
    # Parts of 4, the second of which reaches back to example 3.
    assert sampler.SplitSortedBucketSampler(keys, 3, mult=1, num_parts=2, part_index=1) == [
        ([[3, 5, 4]], [[4, 5, 3]]),
        ([[6, 5, 4]], [[4, 5, 6]]),
    ]
    assert sampler.SplitSortedBucketSampler(keys, 9, num_parts=4, part_index=3) == [
        ([[6, 5]], [[5, 6]])
    ]
    # A part that lies past the end reaches back as the last one does.
    for part in (2, 3):
        assert sampler.SplitSortedBucketSampler([1, 2, 3, 4, 5], 9, 1, 4, part) == [
            ([[3, 4]], [[4, 3]])
        ]
    assert sampler.SplitSortedBucketSampler([1, 2], 2, order=[1, 0]) == [([[0, 1]], [[1, 0]])]
