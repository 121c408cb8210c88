"""What an operator's judge says of outputs that are not what they must be."""

import numpy as np
import pytest
from hypothesis import find as draw
from hypothesis import given, settings

from refkernels.conformance.cases import find, operators
from refkernels.conformance.model.operator import Case, Operator, Reference
from refkernels.conformance.network import mxnet_graph
from tests.conformance.test_strategies import SEARCH

FEW = settings(SEARCH, max_examples=5)


@pytest.mark.parametrize("name", list(operators()))
def test_outputs_and_axes_are_named_for_every_case(name):
    operator = find(name)

    @FEW
    @given(operator.cases())
    def are_named(case):
        axes, outputs = operator.axes(case), operator.outputs(case)
        if type(operator).judge is Operator.judge:  # which compares arrays by name
            for own in axes.keys() & case.inputs.keys():
                assert len(axes[own]) == case.inputs[own].ndim
            assert len(outputs) == len(operator.refer(case, ask_definition=False).kernel)

    are_named()


BUCKETS = {"sort_keys": [3, 1, 2, 0, 9, 8], "batch_size": 3, "mult": 1}
ONE_BUCKET = {"sort_keys": [*range(8)], "batch_size": 2, "mult": 4, "shuffle": True}


@pytest.mark.parametrize(
    ("config", "batches", "what"),
    [
        (BUCKETS, [[1, 2, 0], [4, 5, 3]], None),
        (BUCKETS, [[1, 2, 0, 3], [4, 5]], "batches have lengths"),
        (BUCKETS, [[1, 0, 2], [3, 5, 4]], "batch [1, 0, 2] is not sorted: its keys are [1, 3, 2]"),
        (BUCKETS, [[1, 2, 2], [3, 5, 4]], "has [[1, 2, 2]], expected [[1, 2, 0]] or [[0, 2, 1]]"),
        ({**BUCKETS, "shuffle": True}, [[1, 2, 2], [3, 5, 4]], "has 5 examples, expected 6"),
        # One bucket: batches follow each other by key, but for one that reaches back to be full.
        (ONE_BUCKET, [[4, 5], [0, 1], [6, 7], [3, 2]], None),
        (ONE_BUCKET, [[4, 5], [0, 2], [6, 7], [3, 1]], "2 batches have keys on both sides of one"),
        ({**ONE_BUCKET, "sort_keys": [0, 1, 2]}, [[1, 2], [0, 1]], None),
    ],
)
def test_an_epoch_of_buckets(config, batches, what):
    sampler = find("SplitSortedBucketSampler")
    told = sampler.check_epoch(Case(config, {}), batches)
    assert (told is None) if what is None else (what in told)


def test_samples_that_are_no_samples_and_quotas_that_are_missed():
    sampler = find("QuotaSampler")
    inputs = {"matches": np.array([[0.0, 0, -1, -1]]), "ious": np.array([[[1.0], [1], [0], [0]]])}
    config = {"num_sample": 2, "pos_thresh": 0.5, "neg_thresh_high": 0.5, "neg_thresh_low": 0.0}
    case = Case(config, inputs)
    reference = sampler.refer(case)

    def judged(*samples):
        return sampler.judge(case, reference, (np.array([samples]),))

    assert judged(1, 0, -1, 0) is judged(0, 1, 0, -1) is None
    assert judged(1, 0, 1, 0).what.startswith("samples[0, 2] is 1")
    assert judged(1, 1, -1, 0).what.startswith("image 0 keeps 2 positives, expected 1 (quota 1 of")
    assert judged(1, 0, 0, 0).what.startswith("image 0 keeps 0 negatives, expected 1 (quota 1 of")


def test_hard_negatives_are_negative():
    sampler = find("OHEMSampler")
    inputs = {
        "matches": np.array([[0.0, -1]]),
        "logits": np.zeros((1, 2, 2)),
        "ious": np.array([[[1.0], [0.0]]]),
    }
    case = Case({"ratio": 1.0}, inputs)
    wrong = sampler.judge(case, sampler.refer(case), (np.array([[1, 5]]),))
    assert wrong.what == "samples holds values other than -1, 0 and 1"


def test_an_extractor_has_as_many_outputs_as_were_asked_for():
    extractor = find("FeatureExtractor")
    reference = Reference(None, (np.zeros(1), np.zeros(1)))
    wrong = extractor.judge(Case({}, {}), reference, (np.zeros(1),))
    assert wrong.what == "1 output, expected 2"


def test_without_a_model_zoo_no_whole_network_is_compared(monkeypatch):
    def missing(name):
        raise ImportError("there is no MXNet")

    monkeypatch.setattr(mxnet_graph, "random_network", missing)
    (law,) = find("FeatureExtractor").laws
    assert law.check(lambda case: pytest.fail("it was run")) is None


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize(
    ("name", "corner"),
    [
        ("SigmoidClassEncoder", lambda x: (x["samples"] % 1 != 0).any()),
        ("CenterNetDecoder", lambda x: len(x["x"]) > 256),
        ("NormalizedPerClassBoxCenterEncoder", lambda x: x["samples"].ndim == 1),
    ],
)
def test_cases_reach_corners_in_which_kernels_conform(name, corner):
    operator = find(name)
    case = draw(operator.cases(), lambda case: corner(case.inputs), settings=SEARCH)
    cast = case.astype(np.float32)
    assert operator.judge_kernel(cast, operator.refer(cast, ask_definition=True)) is None


def test_a_predictor_takes_one_image_alone():
    operator = find("ConvPredictor")
    rng = np.random.default_rng(0)
    shapes = {"x": (2, 5, 5), "weight": (3, 2, 3, 3), "bias": (3,)}
    case = Case({"num_channel": 3}, {name: rng.normal(size=own) for name, own in shapes.items()})
    assert operator.judge_kernel(case, operator.refer(case, ask_definition=True)) is None
