"""Cases as JSON."""

import json

import numpy as np

from refkernels.conformance.model.encoding import LARGE, decode_case, encode_case
from refkernels.conformance.model.operator import Case


def test_what_is_no_number_has_a_name_and_comes_back():
    x = np.array([[np.nan, np.inf], [-np.inf, 0.5]], np.float32)
    text = json.dumps(encode_case(Case({}, {"x": x})), allow_nan=False)
    again = decode_case(json.loads(text)).inputs["x"]
    assert again.dtype == x.dtype
    np.testing.assert_array_equal(again, x)


def test_of_a_large_array_only_the_form_is_kept():
    case = encode_case(Case({}, {"x": np.zeros((LARGE + 1, 1))}))
    assert case["inputs"]["x"] == {"dtype": "float64", "shape": [LARGE + 1, 1], "values": None}
    assert decode_case(case) is None
