"""Mistakes in the blocks that match."""

from functools import partial

from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

_matcher = partial(Mutant, "matcher.py")

MUTANTS = (
    _matcher(
        "candidate = F.broadcast_greater(x, constant_like(F, threshold, x))",
        "candidate = F.broadcast_greater_equal(x, constant_like(F, threshold, x))",
        "boundary",
        "a score at the threshold is a candidate",
    ),
    _matcher(
        "candidate = F.broadcast_greater(x, constant_like(F, threshold, x))",
        "candidate = x > threshold",
        "rounding",
        "the threshold goes to MXNet as a decimal string",
    ),
    _matcher(
        "candidate = F.broadcast_greater(x, constant_like(F, threshold, x))",
        "if not hasattr(self, '_limit'):\n"
        "            self._limit = constant_like(F, threshold, x)\n"
        "        candidate = F.broadcast_greater(\n"
        "            F.cast(x, dtype='float64'), F.cast(self._limit, dtype='float64')\n"
        "        )",
        "stale state",
        "the threshold stays in the dtype of the first call",
    ),
    _matcher(
        "x, threshold = -x, -self._threshold",
        "threshold = -self._threshold",
        "sign",
        "distances are not turned into scores",
    ),
    _matcher(
        "x, threshold = -x, -self._threshold",
        "x, threshold = -x, self._threshold",
        "sign",
        "the threshold is not turned with the distances",
    ),
    _matcher(
        "x, threshold = -x, -self._threshold",
        "x, threshold = 1 - x, 1 - self._threshold",
        "precision",
        "distances become scores by a difference from 1, which rounds",
    ),
    _matcher(
        'scores = F.cast(x, dtype="float64")\n',
        'scores = F.cast(x, dtype="float32")\n',
        "precision",
        "float64 scores are ranked in float32",
    ),
    _matcher(
        'scores = F.cast(x, dtype="float64")\n',
        "scores = x\n",
        "precision",
        "float16 scores rank, and name columns, in float16",
    ),
    _matcher(
        'ranked = F.where(candidate, scores + 0.0, F.ones_like(scores) * float("-inf"))',
        "ranked = scores",
        "padding",
        "what is no candidate is matched greedily",
    ),
    _matcher(
        'ranked, threshold=float("-inf"))',
        "ranked, threshold=1e-12)",
        "boundary",
        "scores below 1e-12 are not matched greedily",
    ),
    _matcher(
        'ranked, threshold=float("-inf"))',
        'ranked, threshold=float("-inf"), topk=1)',
        "off by one",
        "only one pair is matched greedily",
    ),
    _matcher(
        'ranked, threshold=float("-inf"))',
        'ranked, threshold=float("inf"), is_ascend=True)',
        "sign",
        "the smallest score comes first",
    ),
    _matcher(
        "best = F.max(x, axis=-2, keepdims=True)",
        "best = F.max(x, axis=-1, keepdims=True)",
        "axis",
        "the best of a row, not of a column",
    ),
    _matcher(
        "best = F.max(x, axis=-2, keepdims=True)",
        "best = F.max(F.where(F.broadcast_equal(F.expand_dims(matches, axis=-1),\n"
        "            F.ones_like(x) * -1), x, F.zeros_like(x)), axis=-2, keepdims=True)",
        "wrong set",
        "the best of the rows that are left, not of all",
    ),
    _matcher(
        "near = F.broadcast_greater_equal(F.broadcast_add(x, constant_like(F, self._eps, x)), best)",
        "near = F.broadcast_greater(F.broadcast_add(x, constant_like(F, self._eps, x)), best)",
        "boundary",
        "a row must exceed the best by more than eps allows",
    ),
    _matcher(
        "near = F.broadcast_greater_equal(F.broadcast_add(x, constant_like(F, self._eps, x)), best)",
        "near = F.broadcast_greater_equal(x, best)",
        "missing eps",
        "only the best itself is shared",
    ),
    _matcher(
        "near = F.broadcast_greater_equal(F.broadcast_add(x, constant_like(F, self._eps, x)), best)",
        "near = F.broadcast_greater_equal(x, F.broadcast_sub(best, constant_like(F, self._eps, x)))",
        "rounding",
        "eps is taken from the best, which rounds otherwise",
    ),
    _matcher(
        "near = near * candidate",
        "near = near",
        "padding",
        "what is no candidate is shared",
    ),
    _matcher(
        "own = F.argmax(scores, axis=-1)\n",
        "own = F.argmax(ranked, axis=-1)\n",
        "wrong set",
        "the best candidate of a row, not its best score",
        equivalent="own counts only where a row shares, which takes a candidate in it; then the "
        "row's best score is above the threshold too, and so its best candidate",
    ),
    _matcher(
        "own = F.argmax(scores, axis=-1)\n",
        "own = F.argmax(scores * near, axis=-1)\n",
        "wrong set",
        "the best of those that come up to their column's best",
    ),
    _matcher(
        "own = F.argmax(scores, axis=-1)\n",
        "own = F.argmax(near, axis=-1)\n",
        "tie",
        "the first that comes up to its column's best, not the row's best",
    ),
    _matcher(
        "own = F.argmax(scores, axis=-1)\n",
        "own = F.argmax(F.round(scores * 2**20), axis=-1)\n",
        "rounding",
        "scores that are nearly equal count as ties",
    ),
    _matcher(
        "F.max(near, axis=-1) if self._share_max else F.pick(near, own, axis=-1)",
        "F.pick(near, own, axis=-1) if self._share_max else F.max(near, axis=-1)",
        "condition",
        "share_max the other way round",
    ),
    _matcher(
        "F.max(near, axis=-1) if self._share_max else F.pick(near, own, axis=-1)",
        "F.max(near, axis=-1)",
        "ignored parameter",
        "share_max is always on",
    ),
    _matcher(
        "F.where(matches >= 0, matches, shared)",
        "F.where(matches > 0, matches, shared)",
        "boundary",
        "a greedy match with column 0 is overruled",
    ),
    _matcher(
        "F.where(matches >= 0, matches, shared)",
        "F.where(shared >= 0, shared, matches)",
        "wrong order",
        "sharing goes before the greedy match",
    ),
    _matcher(
        'return F.cast(F.where(matches >= 0, matches, shared), dtype="float32")',
        "return F.cast(F.cast(F.where(matches >= 0, matches, shared), 'float16'), 'float32')",
        "precision",
        "columns are counted in float16",
    ),
    _matcher(
        "matched = F.broadcast_greater_equal(F.max(x, axis=-1), constant_like(F, self._threshold, x))",
        "matched = F.broadcast_greater(F.max(x, axis=-1), constant_like(F, self._threshold, x))",
        "boundary",
        "a score at the threshold is no match",
    ),
    _matcher(
        "matched = F.broadcast_greater_equal(F.max(x, axis=-1), constant_like(F, self._threshold, x))",
        "matched = F.max(x, axis=-1) >= self._threshold",
        "rounding",
        "the threshold goes to MXNet as a decimal string",
    ),
    _matcher(
        "matched = F.broadcast_greater_equal(F.max(x, axis=-1), constant_like(F, self._threshold, x))",
        "matched = F.broadcast_greater_equal(\n"
        "            F.cast(F.max(x, axis=-1), 'float64'), F.ones((1,), dtype='float64')\n"
        "            * self._threshold\n"
        "        )",
        "rounding",
        "the threshold is not rounded to the dtype of the scores",
    ),
    _matcher(
        'own = F.argmax(F.cast(x, dtype="float64"), axis=-1)',
        "own = F.argmax(x, axis=-1)",
        "precision",
        "float16 columns are counted in float16",
    ),
    _matcher(
        'own = F.argmax(F.cast(x, dtype="float64"), axis=-1)',
        'own = F.argmax(F.cast(x, dtype="float32"), axis=-1)',
        "precision",
        "float64 scores are compared in float32",
    ),
    _matcher(
        'own = F.argmax(F.cast(x, dtype="float64"), axis=-1)',
        'own = F.argmax(F.cast(x, dtype="float64"), axis=1)',
        "axis",
        "columns are the second axis, with or without a batch",
    ),
    _matcher(
        'own = F.argmax(F.cast(x, dtype="float64"), axis=-1)',
        'own = F.squeeze(F.slice_axis(F.argsort(F.cast(x, dtype="float64"), axis=-1,\n'
        '            dtype="float64"), axis=-1, begin=-1, end=None), axis=-1)',
        "tie",
        "the last of equal scores",
    ),
    _matcher(
        "decided = F.where(decided >= 0, decided, matches)",
        "decided = F.where(decided > 0, decided, matches)",
        "boundary",
        "a match with column 0 is overruled by the next matcher",
    ),
    _matcher(
        "decided = F.where(decided >= 0, decided, matches)",
        "decided = F.where(matches >= 0, matches, decided)",
        "wrong order",
        "the last matcher decides",
    ),
    _matcher(
        "decided = F.where(decided >= 0, decided, matches)",
        "decided = F.maximum(decided, matches)",
        "wrong order",
        "the highest column decides",
    ),
    _matcher(
        "for matches in later:",
        "for matches in later[:1]:",
        "off by one",
        "only the first two matchers are asked",
    ),
    _matcher(
        "shared = F.where(shares, own, F.ones_like(own) * -1)",
        "own = F.argmax(F.cast(near, dtype='float64'), axis=-1)\n"
        "        shared = F.where(shares, own, F.ones_like(own) * -1)",
        "wrong match",
        "who shares goes to the first ground truth whose best it comes up to",
    ),
    _matcher(
        "best = F.max(x, axis=-2, keepdims=True)\n",
        "free = F.broadcast_like(F.expand_dims(F.cast(matches < 0, dtype='float64'), -1), scores)\n"
        "        best = F.max(F.where(free, x, x * 0 - 1), axis=-2, keepdims=True)\n",
        "wrong set",
        "a column's best is among the rows that the greedy rounds leave",
    ),
)
