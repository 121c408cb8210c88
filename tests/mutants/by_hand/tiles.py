"""Mistakes that only arrays larger than a block of threads, or a grid of blocks, can show."""

from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


def _tile(file: str, old: str, new: str, meaning: str) -> Mutant:
    return Mutant(file, old, new, "tile", meaning)


def _below(array: str, count: int, axis: int = -1) -> str:
    """Return an expression: 1 along an axis up to `count`, 0 beyond."""
    return f"(F.contrib.arange_like({array}, axis={axis}) < {count})"


PAIRS = "inter = F.relu(self._side(F, left, right)) * F.relu(self._side(F, top, bottom))\n"
BEST = "best = F.max(x, axis=-2, keepdims=True)\n"
GREEDY = 'matches, _ = F.contrib.bipartite_matching(ranked, threshold=float("-inf"))'

MUTANTS = (
    _tile(
        "bbox.py",
        PAIRS,
        f"{PAIRS}        inter = F.broadcast_mul(inter, {_below('inter', 1024)})\n",
        "ground truths from the 1025th on meet nothing",
    ),
    _tile(
        "bbox.py",
        PAIRS,
        f"{PAIRS}        turned = F.swapaxes(inter, -1, -2)\n"
        f"        turned = F.broadcast_mul(turned, {_below('turned', 65536)})\n"
        "        inter = F.swapaxes(turned, -1, -2)\n",
        "anchors from the 65537th on meet nothing",
    ),
    _tile(
        "bbox.py",
        "area = F.where((width > 0) * (height > 0), width * height, F.zeros_like(width))",
        "flat = F.reshape(width, shape=(-1,))\n"
        f"        inside = F.reshape_like({_below('flat', 65536, 0)}, width)\n"
        "        area = F.where((width > 0) * (height > 0), width * height, F.zeros_like(width))\n"
        "        area = area * inside",
        "boxes from the 65537th on have no area",
    ),
    _tile(
        "bbox.py",
        "return [xmin + width * 0.5, ymin + height * 0.5, width, height]",
        "flat = F.reshape(width, shape=(-1,))\n"
        f"    half = F.reshape_like({_below('flat', 65536, 0)}, width) * 0.5\n"
        "    return [xmin + width * half, ymin + height * half, width, height]",
        "boxes from the 65537th on keep their corner as centre",
    ),
    _tile(
        "matcher.py",
        "own = F.argmax(scores, axis=-1)",
        f"beyond = (1 - {_below('scores', 1024)}) * -1e9\n"
        "        own = F.argmax(F.broadcast_add(scores, beyond), axis=-1)",
        "a row's best is among the first 1024 columns",
    ),
    _tile(
        "matcher.py",
        BEST,
        "turned = F.swapaxes(x, -1, -2)\n"
        f"        turned = F.broadcast_add(turned, (1 - {_below('turned', 1024)}) * -1e4)\n"
        "        best = F.swapaxes(F.max(turned, axis=-1, keepdims=True), -1, -2)\n",
        "a column's best is among the first 1024 rows",
    ),
    _tile(
        "matcher.py",
        GREEDY,
        GREEDY.replace("threshold=", "topk=128, threshold="),
        "there are 128 greedy rounds at most",
    ),
    _tile(
        "matcher.py",
        'own = F.argmax(F.cast(x, dtype="float64"), axis=-1)',
        'wide = F.cast(x, dtype="float64")\n'
        f"        beyond = (1 - {_below('wide', 1024)}) * -1e9\n"
        "        own = F.argmax(F.broadcast_add(wide, beyond), axis=-1)",
        "a row's best is among the first 1024 columns, which a threshold is not held to",
    ),
    _tile(
        "matcher.py",
        "decided = F.where(decided >= 0, decided, matches)",
        f"later = F.broadcast_mul(matches + 1, {_below('matches', 65536)}) - 1\n"
        "            decided = F.where(decided >= 0, decided, later)",
        "the second matcher is not asked about anchors from the 65537th on",
    ),
    _tile(
        "sampler.py",
        "return F.BlockGrad(_matched(F, matches) * 2 - 1)",
        "samples = _matched(F, matches) * 2 - 1\n"
        f"        return F.BlockGrad(F.broadcast_mul(samples, {_below('samples', 65536)}))",
        "anchors from the 65537th on are ignored",
    ),
    _tile(
        "sampler.py",
        'eligible = (1 - matched) * F.cast(below, dtype="float32")\n',
        'eligible = (1 - matched) * F.cast(below, dtype="float32")\n'
        f"        eligible = F.broadcast_mul(eligible, {_below('eligible', 4096, 1)})\n",
        "no anchor from the 4097th on is mined",
    ),
    _tile(
        "sampler.py",
        "total = F.sum(F.exp(F.broadcast_sub(classes, largest)), axis=-1, keepdims=True)",
        "shares = F.exp(F.broadcast_sub(classes, largest))\n"
        f"        shares = F.broadcast_mul(shares, {_below('shares', 512)})\n"
        "        total = F.sum(shares, axis=-1, keepdims=True)",
        "classes from the 513th on are not summed",
    ),
    _tile(
        "sampler.py",
        "free = operator.num_sample - F.minimum(positives, max_pos)",
        "free = F.minimum(operator.num_sample - F.minimum(positives, max_pos), 1024)",
        "1024 negatives fill free places at most",
    ),
    _tile(
        "rows.py",
        "flat = F.broadcast_add(rows, F.expand_dims",
        "rows = F.minimum(rows, 1023)\n    flat = F.broadcast_add(rows, F.expand_dims",
        "rows from the 1025th on are the 1024th",
    ),
    _tile(
        "rows.py",
        "flat = F.broadcast_add(rows, F.expand_dims(F.broadcast_mul(image, length), axis=1))",
        "image = F.minimum(image, 127)\n"
        "    flat = F.broadcast_add(rows, F.expand_dims(F.broadcast_mul(image, length), axis=1))",
        "images from the 129th on have the table of the 128th",
    ),
    _tile(
        "rows.py",
        'keys = (1 - F.cast(positive, dtype="float64")) * BEYOND',
        f"positive = F.broadcast_mul(positive, {_below('positive', 1024, 1)})\n"
        '    keys = (1 - F.cast(positive, dtype="float64")) * BEYOND',
        "no positive from the 1025th anchor on comes first",
    ),
    _tile(
        "coder/box_encoder.py",
        "masks = F.broadcast_like(F.expand_dims(positive(F, samples), axis=2), codes)",
        "taken = positive(F, samples)\n"
        f"    taken = F.broadcast_mul(taken, {_below('taken', 65536, 1)})\n"
        "    masks = F.broadcast_like(F.expand_dims(taken, axis=2), codes)",
        "anchors from the 65537th on have no targets",
    ),
    _tile(
        "coder/box_encoder.py",
        'classes = F.arange(operator.num_class, dtype="float64")',
        'classes = F.arange(operator.num_class, dtype="float64")\n'
        "        classes = classes - 1024 * (classes >= 1024)",
        "classes from the 1025th on have the first ones' numbers",
    ),
    _tile(
        "coder/box_decoder.py",
        "half_width = F.broadcast_mul(F.exp(log_width), width) * 0.5",
        "flat = F.reshape(log_width, shape=(-1,))\n"
        f"        inside = F.reshape_like({_below('flat', 65536, 0)}, log_width)\n"
        "        half_width = F.broadcast_mul(F.exp(log_width) * inside, width) * 0.5",
        "boxes from the 65537th on have no width",
    ),
    _tile(
        "coder/class_encoder.py",
        "targets = F.where(positive(F, samples), own + 1, others)",
        f"own = F.broadcast_mul(own, {_below('own', 65536, 1)})\n"
        "        targets = F.where(positive(F, samples), own + 1, others)",
        "positives from the 65537th anchor on are of the first class",
    ),
    _tile(
        "coder/class_encoder.py",
        "return is_positive * 2 + is_negative - 1, is_positive + is_negative",
        "flat = F.reshape(is_positive, shape=(-1,))\n"
        f"        inside = F.reshape_like({_below('flat', 65536, 0)}, is_positive)\n"
        "        masks = (is_positive + is_negative) * inside\n"
        "        return is_positive * 2 + is_negative - 1, masks",
        "samples from the 65537th on have no mask",
    ),
    _tile(
        "coder/class_decoder.py",
        "ids, scores = F.argmax(widen(F, x), axis=axis), F.max(x, axis=axis)",
        "ids, scores = F.argmax(widen(F, x), axis=axis), F.max(x, axis=axis)\n"
        "        ids = F.minimum(ids, 1023)",
        "ids from 1024 on are 1023",
    ),
    _tile(
        "coder/class_decoder.py",
        "ids = F.broadcast_mul(ones, F.arange(operator.num_class - 1))",
        "ids = F.broadcast_mul(ones, F.minimum(F.arange(operator.num_class - 1), 1023))",
        "ids from 1024 on are 1023, class by class",
    ),
    _tile(
        "coder/heatmap_decoder.py",
        "ids = F.floor(F.broadcast_div(indices, area))",
        "ids = F.minimum(F.floor(F.broadcast_div(indices, area)), 1023)",
        "peaks of the classes from the 1025th on are in that of the 1024th",
    ),
    _tile(
        "coder/heatmap_decoder.py",
        "corners = (\n            center_x - half_width,",
        f"half_width = F.broadcast_mul(half_width, {_below('half_width', 1024, 1)})\n"
        "        corners = (\n            center_x - half_width,",
        "boxes from the 1025th on have no width",
    ),
    _tile(
        "predictor.py",
        "images = F.reshape(x, shape=(-1, 0, 0, 0), reverse=True)\n",
        "images = F.reshape(x, shape=(-1, 0, 0, 0), reverse=True)\n"
        "        last = F.transpose(images, axes=(0, 2, 3, 1))\n"
        f"        last = F.broadcast_mul(last, {_below('last', 512)})\n"
        "        images = F.transpose(last, axes=(0, 3, 1, 2))\n",
        "channels from the 513th on do not count",
    ),
    _tile(
        "predictor.py",
        "images = F.reshape(x, shape=(-1, 0, 0, 0), reverse=True)\n",
        "images = F.reshape(x, shape=(-1, 0, 0, 0), reverse=True)\n"
        f"        images = F.broadcast_mul(images, {_below('images', 64)})\n",
        "pixels from the 65th column on do not count",
    ),
    _tile(
        "predictor.py",
        "return self.predictor(x)",
        "x = F.reshape(x, shape=(0, -1))\n"
        f"        return self.predictor(F.broadcast_mul(x, {_below('x', 1024)}))",
        "features from the 1025th on do not count",
    ),
)
