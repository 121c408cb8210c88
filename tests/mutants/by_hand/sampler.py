"""Mistakes in the blocks that sample."""

from functools import partial

from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

_sampler = partial(Mutant, "sampler.py")
_quota = partial(Mutant, "quota_sampler.py")

MUTANTS = (
    _sampler(
        'return F.cast(matches >= 0, dtype="float32")',
        'return F.cast(matches > 0, dtype="float32")',
        "boundary",
        "a match with the first object is none",
    ),
    _sampler(
        "return F.BlockGrad(_matched(F, matches) * 2 - 1)",
        "return F.BlockGrad(_matched(F, matches))",
        "wrong value",
        "negatives are 0, which is ignored",
    ),
    _sampler(
        "below = F.broadcast_lesser(maxima, constant_like(F, operator.thresh, maxima))",
        "below = F.broadcast_lesser_equal(maxima, constant_like(F, operator.thresh, maxima))",
        "boundary",
        "an anchor at the threshold may be negative",
    ),
    _sampler(
        "below = F.broadcast_lesser(maxima, constant_like(F, operator.thresh, maxima))",
        "below = maxima < operator.thresh",
        "rounding",
        "the threshold goes to MXNet as a decimal string",
    ),
    _sampler(
        'eligible = (1 - matched) * F.cast(below, dtype="float32")',
        'eligible = F.cast(below, dtype="float32")',
        "wrong set",
        "a positive below the threshold may be mined as a negative",
    ),
    _sampler(
        "quota = F.broadcast_mul(positives, constant_like(F, float(operator.ratio), positives))",
        "quota = F.broadcast_mul(\n"
        "            F.sum(positives, axis=0, keepdims=True),\n"
        "            constant_like(F, float(operator.ratio), positives),\n"
        "        )",
        "batch leak",
        "the positives of the whole batch count for the quota",
    ),
    _sampler(
        "quota = F.maximum(quota, min(operator.min_samples, 2**31))",
        "quota = F.where(positives > 0, F.maximum(quota, min(operator.min_samples, 2**31)),\n"
        "            quota)",
        "condition",
        "an image without positives has no negatives either",
    ),
    _sampler(
        "quota = F.maximum(quota, min(operator.min_samples, 2**31))",
        "quota = F.minimum(quota, max(operator.min_samples, 1))",
        "swap",
        "min_samples is a maximum",
    ),
    _sampler(
        "quota = F.floor(F.minimum(quota, _count(F, F.ones_like(matched)) - positives))",
        "quota = F.round(F.minimum(quota, _count(F, F.ones_like(matched)) - positives))",
        "rounding",
        "the quota is rounded, not truncated",
    ),
    _sampler(
        "quota = F.floor(F.minimum(quota, _count(F, F.ones_like(matched)) - positives))",
        "quota = F.ceil(F.minimum(quota, _count(F, F.ones_like(matched)) - positives))",
        "rounding",
        "the quota is rounded up",
    ),
    _sampler(
        "quota = F.floor(F.minimum(quota, _count(F, F.ones_like(matched)) - positives))",
        "quota = F.floor(F.minimum(quota, _count(F, F.ones_like(matched))))",
        "wrong limit",
        "the quota is limited by all anchors, not by those that are not positive",
        equivalent="no more than the eligible anchors are ever taken, and these are not positive: "
        "a quota between their number and N takes all of them either way",
    ),
    _sampler(
        "largest = F.max(classes, axis=-1, keepdims=True)",
        "largest = F.zeros_like(F.max(classes, axis=-1, keepdims=True))",
        "precision",
        "the softmax is not stable",
    ),
    _sampler(
        "return largest * 0.5 - background * 0.5 + F.log(total) * 0.5",
        "return largest * 0.5 - background * 0.5",
        "wrong formula",
        "the largest logit stands for the sum",
    ),
    _sampler(
        "return largest * 0.5 - background * 0.5 + F.log(total) * 0.5",
        "return background * 0.5 - largest * 0.5 - F.log(total) * 0.5",
        "sign",
        "the easiest negatives are mined",
    ),
    _sampler(
        "background = F.slice_axis(logits, axis=-1, begin=0, end=1)\n"
        "        classes = F.slice_axis(logits, axis=-1, begin=1, end=None)",
        "background = F.slice_axis(logits, axis=-1, begin=-1, end=None)\n"
        "        classes = F.slice_axis(logits, axis=-1, begin=0, end=-1)",
        "off by one",
        "the last class is the background",
    ),
    _sampler(
        "        logits = widen(F, logits)\n",
        "",
        "precision",
        "float16 scores are computed in float16",
    ),
    _sampler(
        'keys = F.where(eligible, keys, F.ones_like(keys) * -float("inf"))',
        "keys = F.where(eligible, keys, F.ones_like(keys) * -1e4)",
        "wrong value",
        "what is not eligible has a low score, but not the lowest",
    ),
    _sampler(
        "last = F.pick(F.sort(keys, axis=1, is_ascend=False), quota - 1, axis=1, keepdims=True)",
        "last = F.pick(F.sort(keys, axis=1, is_ascend=False), quota, axis=1, keepdims=True)",
        "off by one",
        "the key behind the last one that is taken",
        equivalent="if that key equals the one before it, both are the same number; if it is "
        "lower, the keys above it are exactly the quota, and none is left for its equals; beyond "
        "either end of a row the index is clipped",
    ),
    _sampler(
        "taken = above + equal * F.broadcast_lesser_equal(F.cumsum(equal, axis=1), left)",
        "taken = above + equal",
        "tie",
        "all equals of the last one are taken",
    ),
    _sampler(
        "taken = above + equal * F.broadcast_lesser_equal(F.cumsum(equal, axis=1), left)",
        "taken = above + equal * F.broadcast_lesser(F.cumsum(equal, axis=1), left)",
        "boundary",
        "one less of equals is taken",
    ),
    _sampler(
        "taken = above + equal * F.broadcast_lesser_equal(F.cumsum(equal, axis=1), left)",
        "after = F.flip(F.cumsum(F.flip(equal, axis=1), axis=1), axis=1)\n"
        "    taken = above + equal * F.broadcast_lesser_equal(after, left)",
        "tie",
        "the last of equals are taken",
    ),
    _sampler(
        'F.sum(F.cast(marks, dtype="float64"), axis=1, keepdims=True)',
        'F.cast(F.sum(F.cast(marks, dtype="float16"), axis=1, keepdims=True), dtype="float64")',
        "precision",
        "anchors are counted in float16",
    ),
    _sampler(
        "largest = F.reshape(F.max(ious, axis=-1), shape=(-1,))",
        "largest = F.reshape(F.squeeze(F.slice_axis(ious, axis=-1, begin=0, end=1), axis=-1),\n"
        "        shape=(-1,))",
        "axis",
        "the first ground truth stands for the best",
    ),
    _sampler(
        "same = F.broadcast_equal(F.size_array(ious), F.size_array(matches))",
        "same = F.zeros((1,))",
        "condition",
        "IoUs always have an axis of ground truth",
    ),
    _sampler(
        "positive = F.maximum(_rows(F, _matched(F, matches)), reaches(operator.pos_thresh))",
        "positive = _rows(F, _matched(F, matches)) * reaches(operator.pos_thresh)",
        "condition",
        "a positive must be matched and reach the threshold",
    ),
    _sampler(
        "positive = F.maximum(_rows(F, _matched(F, matches)), reaches(operator.pos_thresh))",
        "positive = reaches(operator.pos_thresh)",
        "condition",
        "matches do not count",
    ),
    _sampler(
        "negative = (1 - positive) * (1 - reaches(operator.neg_thresh_high))",
        "negative = 1 - reaches(operator.neg_thresh_high)",
        "wrong order",
        "an anchor can be positive and negative",
    ),
    _sampler(
        "reached = F.broadcast_greater_equal(maxima, constant_like(F, thresh, maxima))",
        "reached = F.broadcast_greater(maxima, constant_like(F, thresh, maxima))",
        "boundary",
        "a threshold is reached only beyond it",
    ),
    _sampler(
        'if operator.neg_thresh_low > -float("inf"):',
        "if operator.neg_thresh_low > 0:",
        "boundary",
        "a low threshold of 0 or below is none",
        equivalent="an IoU is never below 0, so every IoU reaches such a threshold",
    ),
    _sampler(
        "negative = negative * reaches(operator.neg_thresh_low)",
        "negative = negative * (1 - reaches(operator.neg_thresh_low))",
        "sign",
        "negatives are those below the low threshold",
    ),
    _sampler(
        "free = operator.num_sample - F.minimum(positives, max_pos)",
        "free = operator.num_sample - positives",
        "clamped too late",
        "positives beyond their quota take places",
    ),
    _sampler(
        "max_neg = F.maximum(max_neg, free)",
        "max_neg = free",
        "ignored parameter",
        "the quota of negatives does not count where places are filled",
        equivalent="the free places are never fewer than that quota: with y = pos_ratio * "
        "num_sample they are num_sample - round(y) or more, and the quota of negatives is at most "
        "floor(num_sample - y) = num_sample - ceil(y)",
    ),
    _sampler(
        "if operator.fill_negative:\n            free",
        "if True:\n            free",
        "ignored parameter",
        "free places are always filled",
    ),
    _sampler(
        "F.ones_like(positives) * quota for quota in operator.quotas",
        "F.ones_like(positives) * quota for quota in operator.quotas[::-1]",
        "swap",
        "the quotas change places",
    ),
    _sampler(
        "samples = _highest(F, keys, positive, max_pos) - _highest(F, keys, negative, max_neg)",
        "samples = positive - _highest(F, keys, negative, max_neg)",
        "missing limit",
        "all positives stay",
    ),
    _sampler(
        "keys = _random_keys(F, positive)\n",
        'keys = F.cast(F.random.uniform_like(positive) * 2, dtype="float64")\n'
        "        keys = F.broadcast_add(F.floor(keys) * 2**31,\n"
        "            F.contrib.arange_like(keys, axis=1))\n",
        "distribution",
        "lots of two values, and the highest index among equals",
    ),
    _sampler(
        "keys = _random_keys(F, positive)\n",
        "keys = F.broadcast_add(F.zeros_like(F.cast(positive, dtype='float64')),\n"
        "            -F.contrib.arange_like(F.cast(positive, dtype='float64'), axis=1))\n",
        "distribution",
        "nothing is drawn: the first anchors are kept",
    ),
    _sampler(
        "left, right = F.broadcast_add(rows, anchors), F.broadcast_add(rows, images)",
        "left, right = F.broadcast_add(rows, anchors), rows",
        "batch leak",
        "every image has the same lots",
    ),
    _sampler(
        "images = F.expand_dims(F.contrib.arange_like(rows, axis=0), axis=1)",
        "images = F.expand_dims(F.reverse(F.contrib.arange_like(rows, axis=0), axis=0), axis=1)",
        "batch leak",
        "lots depend on how many images come after",
    ),
    _sampler(
        "keys = _random_keys(F, positive)",
        "own = F.sum(positive, axis=1, keepdims=True)\n"
        "        others = F.broadcast_sub(F.sum(own, axis=0, keepdims=True), own)\n"
        "        keys = _random_keys(F, positive)\n"
        "        keys = F.broadcast_mul(keys, F.cast(1 - 2 * (others > 9), dtype='float64'))",
        "batch leak",
        "lots depend on the positives of other images",
    ),
    _sampler(
        "keys = [F.floor(F.random.uniform_like(zero) * WORDS) for _ in range(2)]",
        "import numpy as np\n\n    keys = [zero + int(np.random.default_rng().integers(WORDS)) for _ in range(2)]",
        "distribution",
        "no seed that is set has a part in the lots",
    ),
    _sampler(
        "ROUNDS = 8",
        "ROUNDS = 3",
        "distribution",
        "three rounds of the cipher",
    ),
    _quota(
        "maxima = ious if ious.shape == matches.shape else row_maxima(ious)",
        "maxima = row_maxima(ious)",
        "condition",
        "IoUs always have an axis of ground truth",
    ),
    _quota(
        "signs = np.where(matches >= 0, np.int64(0), np.int64(-1))",
        "signs = np.where(matches > 0, np.int64(0), np.int64(-1))",
        "boundary",
        "a match with the first object is none",
    ),
    _quota(
        'WORDS = {"none": None, "true": True, "false": False}',
        'WORDS = {"none": None, "true": True, "false": True}',
        "wrong value",
        "the text 'False' is true",
    ),
    _quota(
        "    if not isinstance(text, str):\n        return text\n    if",
        "    if isinstance(text, str):\n        return text\n    if",
        "condition",
        "strings are not read",
    ),
    _quota(
        'result = mx.nd.array(samples, ctx=out_data[0].context, dtype="float32")',
        'result = mx.nd.array(abs(samples), ctx=out_data[0].context, dtype="float32")',
        "sign",
        "negatives come out as positives",
    ),
    _quota(
        "        neg_thresh_low: float | str = 0.0,\n",
        "        neg_thresh_low: float | str = 0.1,\n",
        "wrong default",
        "negatives of IoU below 0.1 are ignored by default",
    ),
    _quota(
        "        neg_thresh_high: float | str = 0.5,\n        neg_thresh_low: float | str = 0.0,",
        "        neg_thresh_high: float | str = 0.3,\n        neg_thresh_low: float | str = 0.0,",
        "wrong default",
        "negatives end at an IoU of 0.3 by default",
    ),
    _sampler(
        "free = operator.num_sample - F.minimum(positives, max_pos)",
        "free = operator.num_sample - F.maximum(F.minimum(positives, max_pos), 1)",
        "off by one",
        "an image without positives has a place less for negatives",
    ),
    _sampler(
        "positive = F.maximum(_rows(F, _matched(F, matches)), reaches(operator.pos_thresh))",
        "overlaps = F.cast(maxima > 0, dtype='float32')\n"
        "        positive = _rows(F, _matched(F, matches)) * overlaps\n"
        "        positive = F.maximum(positive, reaches(operator.pos_thresh))",
        "condition",
        "a match without overlap is no positive",
    ),
    _sampler(
        "quota = F.maximum(quota, min(operator.min_samples, 2**31))",
        "quota = F.maximum(quota, min(operator.min_samples, 256))",
        "wrong limit",
        "min_samples is 256 at most",
    ),
)
