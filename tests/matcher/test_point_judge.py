"""PointMatcher's judge: what rounding decides is ambiguous, and nothing else is."""

import numpy as np

from refkernels.conformance.cases import find
from refkernels.conformance.model.operator import Case
from tests.matcher.points import scene


def judged(case, *matches):
    operator = find("PointMatcher")
    reference = operator.refer(case)
    wrong = operator.judge(case, reference, (np.array(matches),))
    return None if wrong is None else wrong.what


NAMES = ("points", "boxes", "strides", "ranges")


def test_areas_that_rounding_cannot_tell_apart_are_ambiguous():
    # 0.7 x 0.3 and 0.3 x 0.7, each as its sides come out, beside one that is clearly larger.
    boxes = [[0.1, 0.1, 0.8, 0.4], [0.1, 0.1, 0.4, 0.8], [0, 0, 1, 1]]
    case = Case({}, dict(zip(NAMES, scene([[0.2, 0.2]], boxes, dtype=np.float32), strict=True)))
    assert judged(case, 0) is judged(case, 1) is None
    assert judged(case, 2).startswith("matches[0] is 2, expected ")
    assert judged(case, -1).startswith("matches[0] is -1, expected ")
    operator = find("PointMatcher")
    reference = operator.refer(case)
    assert sum(operator.count_ambiguous(case, reference, (np.array([m]),)) for m in (0, 1)) == 1
    assert judged(case, 0, 0) == "matches has shape (2,), expected (1,)"
    # On a grid there is no rounding, and of equal boxes the first is the match.
    for boxes in ([[0, 0, 4, 9], [0, 0, 6, 6]], [[0.1, 0.1, 0.8, 0.4]] * 2):
        inputs = scene([[0.2, 0.2]], boxes, dtype=np.float32)
        case = Case({}, dict(zip(NAMES, inputs, strict=True)))
        assert judged(case, 0) is None
        assert judged(case, 1) == "matches[0] is 1, expected 0 (1 of 1 differ)"


def test_the_edge_of_a_square_is_ambiguous_where_its_place_rounds():
    # The centre is (0.45, 0.45), and 0.35 from it the square ends.
    inputs = scene([[0.1, 0.45]], [[-0.1, -0.1, 1.0, 1.0]], [0.7], dtype=np.float32)
    case = Case({"radius": 0.5}, dict(zip(NAMES, inputs, strict=True)))
    assert judged(case, 0) is judged(case, -1) is None
    inputs = scene([[1, 4]], [[0, 0, 8, 8]], [6], dtype=np.float32)
    case = Case({"radius": 0.5}, dict(zip(NAMES, inputs, strict=True)))
    assert judged(case, -1) is None
    assert judged(case, 0) == "matches[0] is 0, expected -1 (1 of 1 differ)"


def test_areas_that_overflow_are_ambiguous():
    boxes = [[0, 0, 2e30, 2e30], [0, 0, 1e30, 1e30]]
    inputs = scene([[1e29, 1e29]], boxes, dtype=np.float32)
    case = Case({}, dict(zip(NAMES, inputs, strict=True)))
    assert judged(case, 0) is judged(case, 1) is None
    assert judged(case, -1) is not None


def test_the_end_of_a_range_is_ambiguous_where_the_distance_rounds():
    # 1.5e-5 beyond the end, which is less than half a unit in the last place of the distance.
    given = [[1, 190.41648864746094]], [[0, 0, 2, 761.6659545898438]], [0], [[0, 571.2494506835938]]
    case = Case({}, dict(zip(NAMES, scene(*given, dtype=np.float32), strict=True)))
    assert judged(case, 0) is judged(case, -1) is None
    exact = [[1, 190]], [[0, 0, 2, 761]], [0], [[0, 570.9999]]
    case = Case({}, dict(zip(NAMES, scene(*exact, dtype=np.float32), strict=True)))
    assert judged(case, -1) is None
    assert judged(case, 0) == "matches[0] is 0, expected -1 (1 of 1 differ)"
