"""Mistakes in the blocks that encode and decode."""

from functools import partial

from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

_assignment = partial(Mutant, "coder/assignment.py")
_encoder = partial(Mutant, "coder/box_encoder.py")
_decoder = partial(Mutant, "coder/box_decoder.py")
_class_encoder = partial(Mutant, "coder/class_encoder.py")
_class_decoder = partial(Mutant, "coder/class_decoder.py")
_heat_map = partial(Mutant, "coder/heatmap_decoder.py")

MUTANTS = (
    _assignment(
        "samples > 0.5",
        "samples >= 0.5",
        "boundary",
        "a sample of 0.5 is positive",
    ),
    _assignment(
        "samples > 0.5",
        "samples == 1",
        "boundary",
        "only a sample of 1 is positive",
    ),
    _assignment(
        "return F.where(positive(F, samples), whole, F.zeros_like(whole))",
        "return F.cast(F.cast(F.where(positive(F, samples), whole, F.zeros_like(whole)),\n"
        '        dtype="float16"), dtype="float64")',
        "precision",
        "matches are counted in float16",
    ),
    _assignment(
        "return F.where(positive(F, samples), whole, F.zeros_like(whole))",
        "return whole",
        "padding",
        "the match of what is not positive is looked up too",
        equivalent="rows are taken with mode 'clip', so any match finds a row of the table, and "
        "what is not positive is replaced afterwards, in targets and in masks",
    ),
    _encoder(
        "F.broadcast_sub(truths[k], boxes[k]), boxes[k + 2]) for k in (0, 1)",
        "F.broadcast_sub(truths[k], boxes[k]), boxes[3 - k]) for k in (0, 1)",
        "swap",
        "x is divided by the height, y by the width",
    ),
    _encoder(
        "F.broadcast_sub(truths[k], boxes[k]), boxes[k + 2]) for k in (0, 1)",
        "F.broadcast_sub(truths[k], boxes[k]), truths[k + 2]) for k in (0, 1)",
        "swap",
        "offsets are divided by the ground truth's sides",
    ),
    _encoder(
        "F.broadcast_sub(truths[k], boxes[k]), boxes[k + 2]) for k in (0, 1)",
        "F.broadcast_sub(boxes[k], truths[k]), boxes[k + 2]) for k in (0, 1)",
        "sign",
        "offsets from the ground truth to the anchor",
    ),
    _encoder(
        "F.log(F.broadcast_div(truths[k], boxes[k]))",
        "F.log(F.broadcast_div(boxes[k], truths[k]))",
        "sign",
        "the anchor's sides over the ground truth's",
    ),
    _encoder(
        "F.log(F.broadcast_div(truths[k], boxes[k]))",
        "F.broadcast_sub(F.log(truths[k]), F.log(boxes[k]))",
        "wrong formula",
        "a difference of logarithms, which has none for two negative sides",
    ),
    _encoder(
        "F.log(F.broadcast_div(truths[k], boxes[k]))",
        "F.log(F.maximum(F.broadcast_div(truths[k], boxes[k]), 1e-12))",
        "clamped",
        "a side of 0 gives a finite target",
    ),
    _encoder(
        "F.log(F.broadcast_div(truths[k], boxes[k]))",
        "F.log10(F.broadcast_div(truths[k], boxes[k]))",
        "wrong formula",
        "the decimal logarithm",
    ),
    _encoder(
        "    codes = F.broadcast_div(codes, constants_like(F, operator.stds, refs))\n",
        "    codes = F.broadcast_mul(codes, constants_like(F, operator.stds, refs))\n",
        "wrong formula",
        "targets are multiplied by the standard deviations",
    ),
    _encoder(
        "    if any(operator.means):\n"
        "        codes = F.broadcast_sub(codes, constants_like(F, operator.means, refs))\n"
        "    codes = F.broadcast_div(codes, constants_like(F, operator.stds, refs))\n",
        "    codes = F.broadcast_div(codes, constants_like(F, operator.stds, refs))\n"
        "    if any(operator.means):\n"
        "        codes = F.broadcast_sub(codes, constants_like(F, operator.means, refs))\n",
        "wrong order",
        "means are subtracted after the division",
    ),
    _encoder(
        "    if any(operator.means):\n",
        "    if all(operator.means):\n",
        "condition",
        "means count only if none of them is 0",
    ),
    _encoder(
        "return F.where(masks, codes, F.zeros_like(codes)), masks",
        "return codes * masks, masks",
        "padding",
        "nan times 0 is nan where a box is degenerate",
    ),
    _encoder(
        "return F.where(masks, codes, F.zeros_like(codes)), masks",
        "return codes, masks",
        "padding",
        "targets of what is not positive stay",
    ),
    _encoder(
        "        boxes, truths = (with_batch(F, array, 2) for array in widen(F, anchors, refs))\n"
        "        targets, masks = _encode(F, self._operator",
        "        boxes, truths = (with_batch(F, array, 2) for array in (anchors, refs))\n"
        "        targets, masks = _encode(F, self._operator",
        "precision",
        "float16 is encoded in float16",
    ),
    _encoder(
        "        like = common_like(F, anchors, refs)\n"
        "        given = batch_axis(F, (samples, 1), (matches, 1), (anchors, 2), (refs, 2))\n",
        "        like = common_like(F, refs)\n"
        "        given = batch_axis(F, (samples, 1), (matches, 1), (anchors, 2), (refs, 2))\n",
        "dtype",
        "targets have the dtype of the ground truth alone",
    ),
    _encoder(
        "        indices = positives_first(F, positive(F, samples), operator.max_pos)\n",
        "        indices = positives_first(F, positive(F, samples), operator.max_pos + 1)\n",
        "off by one",
        "one row more than max_pos",
    ),
    _encoder(
        "        indices = positives_first(F, positive(F, samples), operator.max_pos)\n",
        "        indices = positives_first(F, 1 - positive(F, samples), operator.max_pos)\n",
        "sign",
        "positives come last",
    ),
    _encoder(
        "        boxes = take_rows(F, boxes, indices)\n",
        "        boxes = F.slice_axis(boxes, axis=1, begin=0, end=operator.max_pos)\n",
        "wrong rows",
        "the first anchors, not those of the rows",
    ),
    _encoder(
        "samples, matches = (pick(F, array, indices) for array in (samples, matches))",
        "samples = pick(F, samples, indices)\n"
        "        matches = F.slice_axis(matches, axis=1, begin=0, end=operator.max_pos)",
        "wrong rows",
        "the first matches, not those of the rows",
    ),
    _encoder(
        'classes = F.arange(operator.num_class, dtype="float64")',
        'classes = F.arange(1, operator.num_class + 1, dtype="float64")',
        "off by one",
        "classes are counted from 1",
    ),
    _encoder(
        'F.expand_dims(masks, axis=2), F.expand_dims(F.cast(same, dtype="float32"), axis=3)',
        "F.ones_like(F.expand_dims(masks, axis=2)),\n"
        '            F.expand_dims(F.cast(same, dtype="float32"), axis=3),',
        "missing mask",
        "rows that are not positive have a mask too",
    ),
    _encoder(
        "targets = F.broadcast_axis(F.expand_dims(targets, axis=2), axis=2, size=operator.num_class)",
        "targets = F.broadcast_mul(F.expand_dims(targets, axis=2),\n"
        '            F.cast(F.expand_dims(same, axis=3), dtype="float32"))',
        "wrong value",
        "targets of other classes are 0",
    ),
    _encoder(
        'narrow(F, masks, like), F.cast(indices, dtype="float32")',
        "narrow(F, masks, like), narrow(F, indices, like)",
        "precision",
        "indices have the dtype of the boxes",
    ),
    _decoder(
        "left, top, width, height = center_columns(F, boxes)",
        "left, top, width, height = columns(F, boxes)",
        "ignored parameter",
        "corner anchors are taken for centre anchors",
    ),
    _decoder(
        "if operator.convert_anchor:",
        "if not operator.convert_anchor:",
        "condition",
        "convert_anchor the other way round",
    ),
    _decoder(
        "        if any(operator.means):\n"
        "            offsets = F.broadcast_add(offsets, constants_like(F, operator.means, x))\n",
        "",
        "ignored parameter",
        "means are not added",
    ),
    _decoder(
        "        offsets = F.broadcast_mul(x, constants_like(F, operator.stds, x))\n"
        "        if any(operator.means):\n"
        "            offsets = F.broadcast_add(offsets, constants_like(F, operator.means, x))\n",
        "        offsets = x\n"
        "        if any(operator.means):\n"
        "            offsets = F.broadcast_add(offsets, constants_like(F, operator.means, x))\n"
        "        offsets = F.broadcast_mul(offsets, constants_like(F, operator.stds, x))\n",
        "wrong order",
        "means are added before the multiplication",
    ),
    _decoder(
        "if operator.clip is not None and operator.clip > 0:",
        "if operator.clip is not None:",
        "condition",
        "a negative limit is one",
    ),
    _decoder(
        "            log_width = F.broadcast_minimum(log_width, limit)\n"
        "            log_height = F.broadcast_minimum(log_height, limit)\n",
        "            log_width = F.broadcast_minimum(log_width, limit)\n",
        "missing clamp",
        "only the width is limited",
    ),
    _decoder(
        "            log_width = F.broadcast_minimum(log_width, limit)\n",
        "            log_width = F.broadcast_maximum(F.broadcast_minimum(log_width, limit), -limit)\n",
        "clamped",
        "the limit holds below too",
    ),
    _decoder(
        "shift_x, shift_y, log_width, log_height = columns(F, offsets)\n"
        "        if operator.clip is not None and operator.clip > 0:\n"
        "            limit = constant_like(F, operator.clip, x)\n",
        "shift_x, shift_y, log_width, log_height = columns(F, offsets)\n"
        "        if operator.clip is not None and operator.clip > 0:\n"
        "            limit = F.exp(constant_like(F, operator.clip, x))\n",
        "clamped too early",
        "exponents are limited by what limits the factor",
    ),
    _decoder(
        "half_width = F.broadcast_mul(F.exp(log_width), width) * 0.5",
        "half_width = F.broadcast_mul(F.exp(log_width), width)",
        "wrong formula",
        "the whole width to each side",
    ),
    _decoder(
        "half_width = F.broadcast_mul(F.exp(log_width), width) * 0.5",
        "half_width = F.broadcast_mul(F.exp(log_height), width) * 0.5",
        "swap",
        "the width grows with the height",
    ),
    _decoder(
        "half_width = F.broadcast_mul(F.exp(log_width), width) * 0.5",
        "half_width = F.broadcast_mul(1 + log_width, width) * 0.5",
        "wrong formula",
        "1 + x for exp(x)",
    ),
    _decoder(
        "center_x = F.broadcast_add(F.broadcast_mul(shift_x, width), left)",
        "center_x = F.broadcast_mul(F.broadcast_add(shift_x, left), width)",
        "wrong order",
        "the centre is added before the multiplication",
    ),
    _decoder(
        "x, boxes = widen(F, x, anchors)",
        "x, boxes = x, anchors",
        "precision",
        "float16 is decoded in float16",
    ),
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
    ),
    _class_encoder(
        "constant_like(F, 1e-5, samples)",
        "constant_like(F, 0.5, samples)",
        "boundary",
        "what is halfway to 1 is positive",
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
)
