"""Mistakes in what the blocks are made of: rows of tables, dtypes."""

from functools import partial

from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

_rows = partial(Mutant, "rows.py")
_precision = partial(Mutant, "precision.py")

MUTANTS = (
    _rows(
        "flat = F.broadcast_add(rows, F.expand_dims(F.broadcast_mul(image, length), axis=1))",
        "flat = rows",
        "batch leak",
        "every image takes the rows of the first one",
    ),
    _rows(
        'length = F.slice_axis(F.cast(F.shape_array(table), dtype="float64"), axis=0, begin=1, end=2)',
        'length = F.slice_axis(F.cast(F.shape_array(table), dtype="float64"), axis=0, begin=2, end=3)',
        "axis",
        "images are as long as rows are wide",
    ),
    _rows(
        'length = F.slice_axis(F.cast(F.shape_array(table), dtype="float64"), axis=0, begin=1, end=2)',
        "length = (\n"
        '        F.slice_axis(F.cast(F.shape_array(table), dtype="float64"), axis=0, begin=1, end=2)\n'
        "        - 1\n"
        "    )",
        "off by one",
        "images overlap by a row",
    ),
    _rows(
        "keys = F.sort(F.broadcast_add(keys, F.contrib.arange_like(keys, axis=1)), axis=1)",
        'keys = F.argsort(F.cast(keys, dtype="float32"), axis=1, dtype="float64")',
        "tie",
        "MXNet's argsort, which is not stable, orders the anchors",
    ),
    _rows(
        "keys = F.sort(F.broadcast_add(keys, F.contrib.arange_like(keys, axis=1)), axis=1)",
        "keys = F.sort(\n"
        "        F.broadcast_sub(keys, F.contrib.arange_like(keys, axis=1)), axis=1\n"
        "    )\n"
        "    keys = F.abs(F.where(keys > 0, BEYOND * 2 - keys, keys))",
        "tie",
        "the highest index comes first",
    ),
    _rows(
        'side = F.cast(F.sign(F.broadcast_sub(x, last)), dtype="float64")',
        'side = F.cast(F.broadcast_sub(x, last) > 0, dtype="float64")',
        "boundary",
        "what is below the last counts as equal to it",
    ),
    _rows(
        "    order = F.sort(number + order, axis=1) - number\n",
        "",
        "tie",
        "equal scores come in the order of MXNet's argsort",
    ),
    _rows(
        "    return F.reshape(array, shape=(-1, *[0] * axes), reverse=True)",
        "    return F.reshape(array, shape=(1, -1, *[0] * (axes - 1)), reverse=True)",
        "batch leak",
        "the images of a batch become one",
    ),
    _rows(
        "    return F.reshape_like(output, axes, lhs_begin=0, lhs_end=2)",
        "    return output",
        "batch axis",
        "one image without a batch axis comes out with one",
    ),
    _precision(
        "    one = F.ones((1,))\n",
        '    one = F.ones((1,), dtype="float16")\n',
        "precision",
        "float16 is computed in float16",
    ),
    _precision(
        "    one = F.ones((1,))\n",
        '    one = F.ones((1,), dtype="float64")\n',
        "dtype",
        "everything is computed in float64",
    ),
    _precision(
        "    if len(arrays) > 1:\n"
        "        one = _multiply(F, one, _one_like(F, common_like(F, *arrays)))\n",
        "",
        "dtype",
        "each input is computed in its own dtype, whatever the others are",
    ),
    _precision(
        "    for array in arrays[1:]:\n",
        "    for array in arrays[:0]:\n",
        "dtype",
        "the result has the dtype of the first input",
    ),
    _precision(
        "half, single = float(np.float16(value)), float(np.float32(value))",
        "single = float(np.float32(value))\n        half = float(np.float16(np.float32(value)))",
        "rounding",
        "constants are rounded to float16 by way of float32",
    ),
    _precision(
        "half, single = float(np.float16(value)), float(np.float32(value))",
        "half, single = value, value",
        "rounding",
        "constants go to MXNet as decimal strings",
    ),
    _precision(
        "    return F.where(is_narrow, F.where(is_half, one * half, one * single), double)",
        "    return F.where(is_narrow, F.where(is_half, one * half, one * single), one * value)",
        "rounding",
        "float64 constants go to MXNet as decimal strings",
    ),
    _precision(
        "    double, exponent = one * int(fraction * 2**53), exponent - 53\n",
        "    double, exponent = one * int(fraction * 2**24), exponent - 24\n",
        "precision",
        "float64 constants have the digits of float32",
    ),
    _precision(
        "    return F.where(is_narrow, F.where(is_half, one * half, one * single), double)",
        "    return F.where(is_narrow, one * single, double)",
        "rounding",
        "float16 constants are rounded on the way by float32",
    ),
    _precision(
        "    return F.reshape_like(F.BlockGrad(F.slice_axis(rounded, axis=0, begin=0, end=-1)), array)",
        "    return F.reshape_like(F.BlockGrad(F.slice_axis(rounded, axis=0, begin=1, end=None)), array)",
        "off by one",
        "values move by one place",
    ),
)
