"""Mistakes in the blocks that encode and decode classes, and heat maps."""

from functools import partial

from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

_class_encoder = partial(Mutant, "coder/class_encoder.py")
_class_decoder = partial(Mutant, "coder/class_decoder.py")
_heat_map = partial(Mutant, "coder/heatmap_decoder.py")

MUTANTS = (
    _class_encoder(
        "samples < -0.5",
        "samples <= -0.5",
        "boundary",
        "a sample of -0.5 is negative",
    ),
    _class_encoder(
        "samples < -0.5",
        "samples < 0.5",
        "boundary",
        "what is ignored is background",
    ),
    _class_encoder(
        "own + 1",
        "own",
        "off by one",
        "the first class is the background",
    ),
    _class_encoder(
        "ignored = F.ones_like(own) * self._operator.ignore_label",
        "ignored = F.ones_like(own) * -1",
        "ignored parameter",
        "what is ignored is always -1",
    ),
    _class_encoder(
        "own = pick(F, with_batch(F, as_real(F, refs), 1), match(F, samples, matches))",
        "own = F.pick(\n"
        "            F.broadcast_mul(\n"
        "                F.expand_dims(F.ones_like(F.cast(samples, dtype='float32')), axis=-1),\n"
        "                F.expand_dims(F.cast(with_batch(F, refs, 1), dtype='float32'), axis=1),\n"
        "            ),\n"
        "            F.cast(match(F, samples, matches), dtype='float16'),\n"
        "            axis=-1,\n"
        "        )",
        "dtype",
        "targets are float32, whatever the labels are",
    ),
    _class_encoder(
        "own = pick(F, with_batch(F, as_real(F, refs), 1), match(F, samples, matches))",
        "own = pick(F, with_batch(F, refs, 1), match(F, samples, matches))",
        "dtype",
        "class 128 of int8 labels has no number",
    ),
    _class_encoder(
        "F.abs(samples - 1), near",
        "samples * -1 + 1, near",
        "boundary",
        "everything above 1 is positive",
        equivalent="a sample is 1, -1 or 0 to within 1e-5, as in the operator, where another is an "
        "error; none is above 1 by more",
    ),
    _class_encoder(
        "constant_like(F, 1e-5, samples)",
        "constant_like(F, 0.5, samples)",
        "boundary",
        "what is halfway to 1 is positive",
        equivalent="a sample is 1, -1 or 0 to within 1e-5, as in the operator, where another is an "
        "error; one that is nearer to 1 than 0.5 is within 1e-5 of it",
    ),
    _class_encoder(
        "return is_positive * 2 + is_negative - 1, is_positive + is_negative",
        "return is_positive * 2 + is_negative - 1, F.ones_like(is_positive)",
        "missing mask",
        "what is ignored has a mask",
    ),
    _class_encoder(
        "return is_positive * 2 + is_negative - 1, is_positive + is_negative",
        "return is_positive * 1.0, is_positive + is_negative",
        "wrong value",
        "the target of what is ignored is 0",
    ),
    _class_decoder(
        "x = as_real(F, F.slice_axis(F.BlockGrad(x), axis=axis, begin=1, end=None))",
        "x = as_real(F, F.BlockGrad(x))",
        "off by one",
        "the background may be the class",
    ),
    _class_decoder(
        "x = as_real(F, F.slice_axis(F.BlockGrad(x), axis=axis, begin=1, end=None))",
        "x = as_real(F, F.slice_axis(F.BlockGrad(x), axis=axis, begin=0, end=-1))",
        "off by one",
        "the last class is the background",
    ),
    _class_decoder(
        "F.argmax(widen(F, x), axis=axis), F.max(x, axis=axis)",
        "F.argmax(widen(F, x), axis=-1), F.max(x, axis=-1)",
        "axis",
        "classes are always on the last axis",
    ),
    _class_decoder(
        "F.argmax(widen(F, x), axis=axis), F.max(x, axis=axis)",
        'F.argmax(F.cast(x, dtype="float16"), axis=axis), F.max(x, axis=axis)',
        "precision",
        "scores are compared in float16",
    ),
    _class_decoder(
        "counts = F.broadcast_greater(scores, constant_like(F, thresh, scores))",
        "counts = F.broadcast_greater_equal(scores, constant_like(F, thresh, scores))",
        "boundary",
        "a score at the threshold counts",
    ),
    _class_decoder(
        "counts = F.broadcast_greater(scores, constant_like(F, thresh, scores))",
        "counts = F.broadcast_greater(\n"
        "        F.cast(scores, dtype='float32'), F.ones((1,)) * thresh\n"
        "    )",
        "rounding",
        "scores of float64 are compared in float32",
    ),
    _class_decoder(
        "F.ones_like(ids) * -1",
        "F.zeros_like(ids)",
        "wrong value",
        "no class is class 0",
    ),
    _class_decoder(
        "        counts, scores, F.zeros_like(scores)\n",
        "        counts, scores, scores\n",
        "missing mask",
        "scores below the threshold stay",
    ),
    _class_decoder(
        "scores = F.slice_axis(F.BlockGrad(x), axis=operator.axis, begin=1, end=None)",
        "scores = F.slice_axis(F.BlockGrad(x), axis=operator.axis, begin=0, end=-1)",
        "off by one",
        "the last class is the background",
    ),
    _class_decoder(
        "ids = F.broadcast_mul(ones, F.arange(operator.num_class - 1))",
        "ids = F.broadcast_mul(ones, F.arange(1, operator.num_class))",
        "off by one",
        "classes are counted from 1",
    ),
    _class_decoder(
        "F.swapaxes(ids, operator.axis, -1)",
        "ids",
        "axis",
        "ids stay on the last axis",
    ),
    _heat_map(
        "F.reshape(maps, shape=(0, -1)), self._operator.topk",
        "F.reshape(F.transpose(maps, axes=(0, 2, 3, 1)), shape=(0, -1)), self._operator.topk",
        "axis",
        "the class is the last axis of the index",
    ),
    _heat_map(
        "scores, indices = highest(F, F.reshape(maps, shape=(0, -1)), self._operator.topk)",
        "flat = F.reshape(maps, shape=(0, -1))\n"
        '        scores = F.topk(flat, k=self._operator.topk, axis=1, ret_typ="value")\n'
        "        indices = F.topk(flat, k=self._operator.topk, axis=1, dtype='float64')",
        "tie",
        "MXNet's topk, which is not stable",
    ),
    _heat_map(
        "width = F.slice_axis(height_width, axis=0, begin=3, end=4)",
        "width = F.slice_axis(height_width, axis=0, begin=2, end=3)",
        "swap",
        "rows are as long as the map is high",
    ),
    _heat_map(
        "area = F.slice_axis(height_width, axis=0, begin=2, end=3) * width",
        "area = width * width",
        "swap",
        "maps are square",
    ),
    _heat_map(
        "seconds = F.broadcast_add(cells, area)",
        "seconds = cells",
        "swap",
        "widths and x shifts are used for both directions",
    ),
    _heat_map(
        "center_x = narrow(F, places, maps) + pick(F, shifts, cells)",
        "center_x = narrow(F, rows, maps) + pick(F, shifts, cells)",
        "swap",
        "the row is x",
    ),
    _heat_map(
        "center_y = narrow(F, rows, maps) + pick(F, shifts, seconds)",
        "center_y = narrow(F, rows, maps)",
        "wrong formula",
        "y is not shifted",
    ),
    _heat_map(
        "(pick(F, sizes, at) * 0.5 for at in (cells, seconds))",
        "(pick(F, sizes, at) * 0.5 for at in (seconds, cells))",
        "swap",
        "width and height change places",
    ),
    _heat_map(
        "boxes = F.broadcast_mul(boxes, constant_like(F, self._operator.scale, maps))",
        "boxes = boxes * 4",
        "ignored parameter",
        "the scale is 4",
    ),
    _heat_map(
        "maps, sizes, shifts = (with_batch(F, array, 3) for array in widen(F, x, wh, reg))",
        "maps, sizes, shifts = (with_batch(F, array, 3) for array in (x, wh, reg))",
        "precision",
        "float16 is decoded in float16",
    ),
    _heat_map(
        'height_width = F.cast(F.shape_array(maps), dtype="float64")',
        'height_width = F.cast(F.shape_array(maps), dtype="float32")\n'
        '        indices = F.cast(indices, dtype="float32")',
        "precision",
        "indices are reckoned in float32",
    ),
    _class_encoder(
        "targets = F.where(positive(F, samples), own + 1, others)",
        "half = F.cast(F.cast(own + 1, dtype='float16'), dtype='float32')\n"
        "        others = F.cast(others, dtype='float32')\n"
        "        targets = F.where(positive(F, samples), half, others)",
        "precision",
        "classes are numbered in float16",
    ),
    _class_decoder(
        "counts = F.broadcast_greater(scores, constant_like(F, thresh, scores))",
        "counts = F.broadcast_greater(scores, constant_like(F, max(thresh, 0), scores))",
        "wrong limit",
        "a threshold below 0 is 0",
    ),
    _class_decoder(
        "return F.where(counts, ids, F.ones_like(ids) * -1), F.where(",
        "counts = counts * (scores <= 1)\n"
        "    return F.where(counts, ids, F.ones_like(ids) * -1), F.where(",
        "wrong limit",
        "scores above 1 do not count",
    ),
    _heat_map(
        "center_x = narrow(F, places, maps) + pick(F, shifts, cells)",
        "center_x = narrow(F, places, maps) + F.minimum(pick(F, shifts, cells), 1)",
        "wrong limit",
        "an offset is a cell at most",
    ),
    _heat_map(
        "half_width, half_height = (pick(F, sizes, at) * 0.5 for at in (cells, seconds))",
        "half_width, half_height = (\n"
        "            F.relu(pick(F, sizes, at)) * 0.5 for at in (cells, seconds)\n"
        "        )",
        "wrong limit",
        "sizes below 0 are 0",
    ),
    _heat_map(
        "highest(F, F.reshape(maps, shape=(0, -1)), self._operator.topk)",
        "highest(F, F.relu(F.reshape(maps, shape=(0, -1))), self._operator.topk)",
        "wrong limit",
        "scores below 0 are 0",
    ),
)
