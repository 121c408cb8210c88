"""Real boxes become cases of each operator, and laws say what breaks them."""

import numpy as np
import pytest

from refkernels.conformance.cases import operators
from refkernels.conformance.model.operator import Image

BOXES = np.array([[10.0, 20, 60, 90], [100, 40, 180, 200], [30, 30, 40, 44]])
ANCHORS = np.concatenate([BOXES + 2, BOXES - [5, 0, 0, 5], np.array([[200.0, 200, 250, 260]])])
IMAGE = Image("image 1", BOXES, np.array([3, 0, 19]), ANCHORS)
NOTHING = Image("image 2", BOXES[:0], np.zeros(0, int), ANCHORS)

annotated = [operator for operator in operators().values() if list(operator.annotated(IMAGE))]
lawful = [(operator, law) for operator in operators().values() for law in operator.laws]


def test_most_operators_have_cases_of_images():
    assert len(annotated) >= 10


@pytest.mark.parametrize("operator", annotated, ids=lambda operator: operator.name)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_kernels_conform_on_boxes_of_an_image(operator, dtype):
    for case in operator.annotated(IMAGE):
        cast = case.astype(np.dtype(dtype))
        reference = operator.refer(cast)
        assert operator.judge_kernel(cast, reference) is None
        assert operator.judge(cast, reference, reference.kernel) is None


@pytest.mark.parametrize("operator", annotated, ids=lambda operator: operator.name)
def test_an_image_without_boxes_has_no_case(operator):
    assert list(operator.annotated(NOTHING)) == []


@pytest.mark.parametrize(("operator", "law"), lawful, ids=lambda own: own.name)
def test_the_kernels_keep_every_law(operator, law):
    assert law.check(operator.run_kernel) is None


@pytest.mark.parametrize(("operator", "law"), lawful, ids=lambda own: own.name)
def test_a_law_says_what_breaks_it(operator, law):
    rng = np.random.default_rng(0)

    def shuffled(array):
        return rng.permuted(array.ravel()).reshape(array.shape)

    def nothing(array):
        return np.full_like(array, -1)

    def larger(array):  # what is no index
        return array * array.dtype.type(1.25) + 2 if array.dtype.kind == "f" else array

    def the_same_for_every_image(array):
        return np.broadcast_to(array[:1], array.shape)

    def other_than_seeded(array):
        return rng.permuted(array, axis=-1)

    told, ran = [], []
    lots = (the_same_for_every_image, other_than_seeded)
    for wrong in lots if operator.random else (shuffled, nothing, larger):

        def run(case, seed=None, wrong=wrong):
            ran.append(case)
            return tuple(map(wrong, operator.run_kernel(case, seed)))

        told.append(law.check(run))
    if not ran:
        pytest.skip("the law is about MXNet's model zoo, which is not installed")
    assert any(isinstance(what, str) for what in told)
