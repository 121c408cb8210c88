"""A case can be pasted: what is written of it makes it again."""

import numpy as np
import pytest

from refkernels.conformance.model.operator import Case


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 4), np.float32),
        np.float16([[0.1, -2]]),
        np.zeros((30, 40)),
        np.eye(40, dtype=np.float32),
        np.arange(6).reshape(2, 3),
    ],
)
def test_an_array_is_written_as_python_that_makes_it(array):
    names = {"np": np}
    exec(Case({}, {"x": array}).assignments(), names)
    assert names["x"].dtype == array.dtype
    np.testing.assert_array_equal(names["x"], array)
