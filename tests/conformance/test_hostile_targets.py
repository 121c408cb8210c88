"""Whatever a target returns or raises, it gets a verdict in words that can be printed."""

import signal
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import refkernels
from refkernels.conformance.cases import find
from refkernels.conformance.engine.examine import Examiner
from refkernels.conformance.engine.run import Options, check_operator
from refkernels.conformance.model.operator import Case
from refkernels.conformance.targets.subject import Subject

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

MATCHES = Case({}, {"matches": np.array([[0.0, -1.0]])})
RIGHT = [[1, -1]]


def found(sampler, case=MATCHES, name="NaiveSampler"):
    dissent = Examiner(find(name), Subject(sampler, name)).examine(case, "a test", ("float32",))
    return None if dissent is None else (dissent.kind, dissent.what)


def returning(value):
    return found(lambda matches: value)


class Closed:
    """An array that cannot be read."""

    def __array__(self, dtype=None, copy=None):
        raise OSError("closed")


class Untrue:
    """Says that it is an array, and gives none."""

    def __array__(self, dtype=None, copy=None):
        return [1, -1]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (np.array(RIGHT, object), "dtype object"),
        (np.array(RIGHT, np.complex128), "dtype complex128"),
        (np.array(RIGHT) > 0, "dtype bool"),
        (np.array([["1", "-1"]]), "dtype <U2"),
        (np.array(RIGHT, "timedelta64[s]"), "dtype timedelta64[s]"),
        (np.zeros((1, 2), [("\x1b[31m", "i4")]), r"dtype [('\x1b[31m'"),
        (np.zeros((1, 2), [(f"field {i}", "i4") for i in range(1000)]), "dtype [('field 0'"),
    ],
)
def test_whole_numbers_come_as_integers_or_floats(value, what):
    kind, said = returning(value)
    assert kind == "wrong dtype"
    assert what in said
    assert said.endswith("expected one of integers or of floats")
    assert len(said) < 200


@pytest.mark.parametrize(
    "dtype", [np.int8, np.int64, np.uint8, np.float16, np.float32, np.float64, np.longdouble]
)
def test_integers_and_floats_of_every_width_conform(dtype):
    assert found(lambda matches: (matches * 0 + 1).astype(dtype), ALL_MATCHED) is None


ALL_MATCHED = Case({}, {"matches": np.zeros((2, 3))})


def test_reals_come_in_the_dtype_of_the_inputs():
    case = Case({}, {"x": np.array([[0.0, 0, 2, 1]])})
    for dtype in (object, np.complex64, np.float64, np.int64):
        kind, said = found(lambda x, dtype=dtype: np.array([[2]], dtype), case, "BBoxArea")
        assert kind == "wrong dtype"
        assert said == f"areas has dtype {np.dtype(dtype)}, expected float32"


@pytest.mark.parametrize("name", ["OHEMSampler", "QuotaSampler"])
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.zeros((1, 2), object), "wrong dtype"),
        (np.zeros(3), "wrong shape"),
        ((np.zeros((1, 2)),) * 2, "wrong outputs"),
        ((), "wrong outputs"),
    ],
)
def test_a_sampler_is_held_to_the_form_of_its_samples_too(name, value, kind):
    config = {
        "OHEMSampler": {"ratio": 1.0},
        "QuotaSampler": {"num_sample": 2, "pos_thresh": 0.5, "neg_thresh_high": 0.5},
    }[name]
    logits = {"logits": np.zeros((1, 2, 2))} if name == "OHEMSampler" else {}
    case = Case(config, {**MATCHES.inputs, **logits, "ious": np.zeros((1, 2))})
    assert found(lambda *inputs: value, case, name)[0] == kind


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (None, "the output is of type NoneType, expected an array"),
        ("[[1, -1]]", "the output is of type str, expected an array"),
        ({"samples": RIGHT}, "the output is of type dict, expected an array"),
        ({1, -1}, "the output is of type set, expected an array"),
        (object(), "the output is of type object, expected an array"),
        ((row for row in RIGHT), "the output is of type generator, expected an array"),
        ((None,), "output 0 is of type NoneType, expected an array"),
        ([[[1, -1], [1]]], "output 0 cannot be read as an array: ValueError"),
        (Closed(), "the output cannot be read as an array: OSError: closed"),
        (Untrue(), "the output cannot be read as an array: ValueError"),
        (np.ma.array(RIGHT, mask=[[1, 1]]), "the output is a masked array that hides 2 of its"),
        ((1, -1), "2 outputs, expected 1: samples"),
        ((), "0 outputs, expected 1: samples"),
    ],
)
def test_what_is_no_array_is_no_output(value, what):
    kind, said = returning(value)
    assert kind == "wrong outputs"
    assert said.startswith(what)


def test_what_scipy_makes_is_no_array():
    sparse = pytest.importorskip("scipy.sparse")
    assert returning(sparse.csr_matrix(RIGHT))[0] == "wrong outputs"


def test_what_is_no_array_of_mxnet_is_no_output_of_a_block(mx):
    class Block(mx.gluon.Block):
        def forward(self, matches):
            return np.array(RIGHT)

    kind, said = found(Block())
    assert kind == "wrong outputs"
    assert said == "the output is of type ndarray, expected an NDArray"


def test_one_that_holds_an_object_has_a_wrong_shape():
    assert returning(np.array(None)) == (
        "wrong shape",
        "samples has shape (), expected (1, 2)",
    )


class Closing(np.ndarray):
    """An array that cannot be copied or compared."""

    def copy(self, order="C"):
        raise OSError("closed")

    def __ne__(self, other):
        raise OSError("closed")


@pytest.mark.parametrize(
    "value",
    [
        np.ma.array(RIGHT),
        np.ma.array(RIGHT, mask=[[0, 0]]),
        np.array(RIGHT).view(np.matrix),
        np.array(RIGHT).view(Closing),
        [RIGHT],
    ],
)
def test_what_is_an_array_at_bottom_conforms(value):
    assert returning(value) is None


def test_a_file_that_is_mapped_into_memory_conforms(tmp_path):
    mapped = np.memmap(tmp_path / "samples", np.int64, "w+", shape=(1, 2))
    mapped[:] = RIGHT
    assert returning(mapped) is None


class Text(str):
    """A string that does not let itself be read."""

    __slots__ = ()

    def splitlines(self, keepends=False):
        raise MemoryError

    def __getitem__(self, key):
        raise MemoryError


class Named(type):
    """A class that does not tell its name."""

    @property
    def __name__(cls):
        raise RuntimeError("no name")


def error(text, name="Odd", base=Exception, **members):
    """Return an exception that says what `text` returns."""
    return type(name, (base,), {"__str__": lambda self: text(), **members})()


def fails():
    raise LookupError("no text")


def refuses(*args):
    raise LookupError("no such thing")


def recurses():
    return recurses()


def leaves():
    sys.exit(3)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: error(fails), "raises Odd: (its text is not to be had: LookupError)"),
        (lambda: error(leaves), "raises Odd: (its text is not to be had: SystemExit)"),
        (lambda: error(recurses), "raises Odd: (its text is not to be had: RecursionError)"),
        (lambda: error(lambda: 3), "raises Odd: (its text is not to be had: TypeError)"),
        (lambda: error(lambda: Text("words")), "raises Odd: words"),
        (lambda: error(lambda: "\x1b[31mred\x00\ud800"), r"raises Odd: \x1b[31mred\x00\ud800"),
        (lambda: error(lambda: "word " * 10**7), "raises Odd: word word"),
        (lambda: error(lambda: "line\n" * 10**6), "raises Odd: line line"),
        (lambda: error(lambda: "", "Odd\x1b[31m"), r"raises Odd\x1b[31m: "),
        (lambda: error(lambda: "", "O" * 10**6), "raises OOO"),
        (lambda: Named("Odd", (Exception,), {})("words"), "raises Odd: words"),
        (lambda: error(lambda: "words", __class__=property(refuses)), "raises Odd: words"),
        (lambda: error(lambda: "words", base=BaseException), "raises Odd: words"),
        (lambda: GeneratorExit("words"), "raises GeneratorExit: words"),
        (lambda: StopIteration("words"), "raises StopIteration: words"),
        (lambda: KeyboardInterrupt("words"), "raises KeyboardInterrupt: words"),
        (lambda: MemoryError(), "raises MemoryError: "),
    ],
)
def test_an_exception_of_every_sort_is_told(make, what):
    def sampler(matches):
        raise make()

    kind, said = found(sampler)
    assert kind == "raises"
    assert said.startswith(what)
    assert said.isprintable()
    assert len(said) < 1000


class Unspeakable:
    """Has no text, and gives no other either."""

    def __repr__(self):
        raise LookupError("no text")


class Leaving(SystemExit):
    """Does not say with what it leaves."""

    @property
    def code(self):
        raise LookupError("no code")


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: SystemExit(), "calls sys.exit(None)"),
        (lambda: SystemExit("\x1b[31m"), r"calls sys.exit('\x1b[31m')"),
        (
            lambda: SystemExit(Unspeakable()),
            "calls sys.exit((its text is not to be had: LookupError))",
        ),
        (lambda: Leaving(3), "calls sys.exit(3)"),
        (lambda: SystemExit("x" * 10**6), "calls sys.exit('xxx"),
    ],
)
def test_who_leaves_is_told_with_what(make, what):
    def sampler(matches):
        raise make()

    kind, said = found(sampler)
    assert kind == "exits"
    assert said.startswith(what)
    assert len(said) < 500


def test_who_calls_itself_for_ever_raises():
    def sampler(matches):
        return sampler(matches)

    assert found(sampler)[1].startswith("raises RecursionError: maximum recursion depth exceeded")


def test_an_interrupt_that_somebody_sends_is_nobodys_fault():
    with pytest.raises(KeyboardInterrupt):
        found(lambda matches: signal.raise_signal(signal.SIGINT))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_whoever_takes_interrupts_keeps_them():
    taken = []

    def sampler(matches):
        signal.signal(signal.SIGINT, lambda *args: taken.append(args))
        return refkernels.NaiveSampler()(matches)

    try:
        assert found(sampler) is None
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_in_another_thread_who_interrupts_is_not_to_be_seen():
    def sampler(matches):
        raise KeyboardInterrupt

    with ThreadPoolExecutor() as pool, pytest.raises(KeyboardInterrupt):
        pool.submit(found, sampler).result()


def warns(matches):
    warnings.warn("this is slow", RuntimeWarning, stacklevel=1)
    return refkernels.NaiveSampler()(matches)


def test_a_warning_is_no_error_unless_a_target_makes_it_one():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found(warns) is None

    def strict(matches):
        warnings.simplefilter("error")
        return warns(matches)

    verdict, said = found(strict)
    assert verdict == "raises"
    assert said.startswith("raises RuntimeWarning: this is slow; at ")


def test_what_a_target_makes_of_errors_is_its_own_affair():
    before = list(warnings.filters), np.geterr(), sys.getrecursionlimit()

    def sampler(matches):
        warnings.simplefilter("error")
        np.seterr(all="raise")
        sys.setrecursionlimit(5000)
        return refkernels.NaiveSampler()(matches)

    assert found(sampler) is None
    assert (list(warnings.filters), np.geterr(), sys.getrecursionlimit()) == before


@pytest.mark.parametrize("value", [None, np.zeros(1, object), np.array("a"), [[1], 2], {}])
def test_every_operator_has_a_verdict_on_what_is_no_output(value):
    class Wrong:
        def __init__(self, *args, **kwargs):
            pass

        def __call__(self, *args, **kwargs):
            return value

    for name in ("BBoxBatchIOU", "CompositeMatcher", "OHEMSampler", "QuotaSampler", "BBoxSplit"):
        options = Options(5, dtypes=("float32",), shrink_seconds=0.5)
        result = check_operator(name, Subject(Wrong, name), options)
        assert result.verdict in ("wrong outputs", "wrong shape", "wrong dtype"), result
        assert not result.note
