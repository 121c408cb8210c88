"""Mistakes in the blocks that encode and decode boxes."""

from functools import partial

from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

_assignment = partial(Mutant, "coder/assignment.py")
_encoder = partial(Mutant, "coder/box_encoder.py")
_decoder = partial(Mutant, "coder/box_decoder.py")

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
    _decoder(
        "log_height = F.broadcast_minimum(log_height, limit)",
        "log_height = F.broadcast_minimum(log_height, limit)\n"
        "            log_height = F.broadcast_maximum(log_height, -limit)",
        "wrong limit",
        "heights are limited below as above",
    ),
    _decoder(
        "if operator.clip is not None and operator.clip > 0:",
        "if operator.clip is not None and operator.clip >= 1:",
        "wrong limit",
        "a clip below 1 is none",
    ),
    _encoder(
        "if any(operator.means):",
        "if any(mean > 0 for mean in operator.means):",
        "condition",
        "means below 0 alone are not subtracted",
    ),
    _encoder(
        "if any(operator.means):",
        "if sum(operator.means):",
        "condition",
        "means that sum to 0 are not subtracted",
    ),
)
