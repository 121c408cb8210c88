"""What bad input gets: every check, and every error message, about arrays and parameters.

A check returns the value in the form that kernels take, or raises one `ValueError` or `TypeError`
that names the argument, what came and what was expected (SPEC section 0).
"""

from refkernels.arrays.dtypes import (
    common_real,
    computing_dtype,
    rounded,
    rounded_to_computing,
    to_computing,
)
from refkernels.arrays.inputs import (
    Array,
    as_boxes,
    as_indices,
    as_mask,
    as_numbers,
    as_real,
    as_sequence,
    check_axis,
    check_axis_length,
    check_batch,
    check_finite,
    check_output,
    check_range,
    require,
    shape_of,
    shown,
)
from refkernels.arrays.parameters import (
    as_seed,
    check_choice,
    check_dtype,
    check_flag,
    check_integer,
    check_number,
    check_numbers,
    check_pair,
    check_seed,
    check_sortable,
    keep,
)

__all__ = [
    "Array",
    "as_boxes",
    "as_indices",
    "as_mask",
    "as_numbers",
    "as_real",
    "as_seed",
    "as_sequence",
    "check_axis",
    "check_axis_length",
    "check_batch",
    "check_choice",
    "check_dtype",
    "check_finite",
    "check_flag",
    "check_integer",
    "check_number",
    "check_numbers",
    "check_output",
    "check_pair",
    "check_range",
    "check_seed",
    "check_sortable",
    "common_real",
    "computing_dtype",
    "keep",
    "require",
    "rounded",
    "rounded_to_computing",
    "shape_of",
    "shown",
    "to_computing",
]
