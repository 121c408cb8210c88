"""A failure is saved whole, comes back as it was, and runs again anywhere."""

import json
import math
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from refkernels.cli import main
from refkernels.conformance import replay
from refkernels.conformance.cases import find, operators
from refkernels.conformance.replay import Saved, load, save, saved_cases, write
from refkernels.conformance.run import Options
from refkernels.conformance.spec import Case, Recipe
from refkernels.conformance.workers import check

TARGETS = Path(__file__).parent / "targets"


@pytest.fixture(autouse=True)
def targets_on_path(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(TARGETS))
    monkeypatch.chdir(tmp_path)


def seen(case, operator="BBoxArea", target="wrong", law=""):
    return Saved(target, operator, case, law, "float32", "call", "cpu", "diverges", "it was 1")


def run(*arguments):
    return CliRunner().invoke(main, ["replay", *map(str, arguments)])


BOX = Case({}, {"x": np.array([[0.0, 4.0, 4.0, 0.0]])})

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.just(np.float32(0.7))
    | st.just(np.int64(3)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from(["list", "operator", "config", "x"]), inner, max_size=3)
        | st.builds(Recipe, st.text(), st.dictionaries(st.text(), inner, max_size=2))
    ),
    max_leaves=6,
)

ARRAYS = npst.arrays(
    st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.bool_]),
    npst.array_shapes(min_dims=0, min_side=0, max_side=4),
)


@given(
    st.dictionaries(st.text(min_size=1), VALUES, max_size=3),
    st.dictionaries(st.text(min_size=1), ARRAYS, max_size=3),
)
def test_a_saved_case_comes_back_as_it_was(tmp_path_factory, config, inputs):
    case = Case(config, inputs)
    again = load(save(tmp_path_factory.mktemp("failures"), seen(case)))
    assert repr(again._replace(case=None)) == repr(seen(None))
    # Written out, so that nan equals nan, and -0.0 does not equal 0.0.
    assert repr(dict(again.case.config)) == repr(dict(config))
    assert list(again.case.inputs) == list(inputs)
    for name, array in inputs.items():
        assert again.case.inputs[name].dtype == array.dtype
        assert again.case.inputs[name].shape == array.shape
        np.testing.assert_array_equal(again.case.inputs[name], array)


@pytest.mark.parametrize("name", list(operators()))
def test_cases_of_every_operator_come_back_as_they_were(name, tmp_path):
    from hypothesis import HealthCheck, Phase, settings

    @settings(
        max_examples=5,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(find(name).cases())
    def come_back(case):
        again = load(save(tmp_path, seen(case, name))).case
        assert again.call(name) == case.call(name)
        assert again.assignments() == case.assignments()

    come_back()


def test_the_order_of_memory_does_not_matter(tmp_path):
    x = np.arange(12.0).reshape(3, 4)
    place = save(tmp_path, seen(Case({}, {"x": x[::-1, ::2]})))
    np.testing.assert_array_equal(load(place).case.inputs["x"], x[::-1, ::2])


def test_infinity_is_written_in_json_that_anybody_reads(tmp_path):
    place = save(tmp_path, seen(Case({"neg_thresh_low": -math.inf}, {})))
    text = (place / "case.json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert load(place).case.config["neg_thresh_low"] == -math.inf


def test_a_parameter_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path):
    with pytest.raises(TypeError, match="cannot save a parameter of type object"):
        save(tmp_path, seen(Case({"matcher": object()}, {})))
    assert not list(tmp_path.iterdir())


def test_the_same_case_has_the_same_place(tmp_path):
    first = save(tmp_path, seen(BOX))
    second = save(tmp_path, seen(BOX)._replace(what="it was 2"))
    assert first == second
    assert list(tmp_path.iterdir()) == [first]
    assert load(first).what == "it was 2"


def test_other_values_parameters_and_laws_have_other_places(tmp_path):
    x = BOX.inputs["x"]
    cases = [BOX, Case({"fmt": "center"}, {"x": x}), Case({}, {"x": -x}), Case({}, {"y": x})]
    places = {save(tmp_path, seen(case)) for case in cases}
    places |= {save(tmp_path, seen(None, law=law)) for law in ("one", "two")}
    assert len(places) == len(list(tmp_path.iterdir())) == 6


def test_a_damaged_folder_of_the_same_name_makes_room(tmp_path):
    place = save(tmp_path, seen(BOX))
    (place / "case.json").unlink()
    (place / "something else").write_text("")
    assert save(tmp_path, seen(BOX)) == place
    assert load(place).what == "it was 1"
    assert not (place / "something else").exists()


def test_a_file_of_the_same_name_makes_room(tmp_path):
    place = save(tmp_path, seen(BOX))
    for file in place.iterdir():
        file.unlink()
    place.rmdir()
    place.write_text("a file")
    assert load(save(tmp_path, seen(BOX))).what == "it was 1"
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("failing", ["savez", "text"])
def test_what_cannot_be_written_whole_is_not_written(tmp_path, monkeypatch, failing):
    def full(*arguments, **keywords):
        raise OSError("no space left on device")

    if failing == "savez":
        monkeypatch.setattr(np, "savez", full)
    else:
        monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        save(tmp_path, seen(BOX))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_put_in_its_place_is_an_error(tmp_path, monkeypatch):
    def refused(self, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(PermissionError):
        save(tmp_path, seen(BOX))
    assert not list(tmp_path.iterdir())


def test_only_cases_of_the_operator_that_can_be_read_are_tried_again(tmp_path):
    save(tmp_path, seen(BOX))
    save(tmp_path, seen(None, law="it is symmetric"))
    save(tmp_path, seen(BOX, "BBoxArea-float32"))  # whose folder's name begins the same
    damaged = save(tmp_path, seen(Case({}, {"x": BOX.inputs["x"] + 1})))
    (damaged / "case.json").write_text("{")
    (case,) = saved_cases(tmp_path, "wrong", "BBoxArea")
    np.testing.assert_array_equal(case.inputs["x"], BOX.inputs["x"])


def test_what_a_killed_process_leaves_is_no_failure(tmp_path):
    """A process that is killed while it saves leaves a folder that nobody takes for one."""
    half = tmp_path / f"{replay.UNFINISHED}-1-0"
    half.mkdir()
    (half / "case.json").write_text("{")
    place = save(tmp_path, seen(BOX))
    assert [case.inputs["x"].tolist() for case in saved_cases(tmp_path, "wrong", "BBoxArea")] == [
        BOX.inputs["x"].tolist()
    ]
    assert place.exists()


def test_a_folder_is_seen_only_when_it_is_whole(tmp_path, monkeypatch):
    def spy(folder, saved):
        write(folder, saved)
        assert not [p for p in tmp_path.iterdir() if not p.name.startswith(".")]

    monkeypatch.setattr(replay, "write", spy)
    save(tmp_path, seen(BOX))


def test_many_may_save_the_same_at_once(tmp_path):
    errors = []

    def go():
        try:
            for _ in range(20):
                load(save(tmp_path, seen(BOX)))
        except ValueError:
            pass  # another one was just replacing it
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    (place,) = tmp_path.iterdir()
    assert load(place).what == "it was 1"


def test_others_may_read_what_is_saved(tmp_path):
    mask = os.umask(0o022)
    try:
        place = save(tmp_path, seen(BOX))
    finally:
        os.umask(mask)
    assert place.stat().st_mode & 0o777 == 0o755
    assert all(file.stat().st_mode & 0o044 for file in place.iterdir())


def damage(place, how):
    file = place / "case.json"
    content = json.loads(file.read_text())
    if how == "no case.json":
        file.unlink()
    elif how == "no arrays.npz":
        (place / "arrays.npz").unlink()
    elif how == "cut short":
        file.write_text(file.read_text()[:40])
    elif how == "empty":
        file.write_text("")
    elif how == "not text":
        file.write_bytes(b"\xff\xfe\x00")
    elif how == "a list":
        file.write_text("[]")
    elif how == "not a zip":
        (place / "arrays.npz").write_text("arrays")
    elif how == "half a zip":
        data = (place / "arrays.npz").read_bytes()
        (place / "arrays.npz").write_bytes(data[: len(data) // 2])
    elif how == "pickled":
        np.savez(place / "arrays.npz", input0=np.array([{}], object))
    elif how == "fewer arrays":
        np.savez(place / "arrays.npz")
    elif how in content:
        del content[how]
        file.write_text(json.dumps(content))
    else:
        key, value = how.split("=")
        file.write_text(json.dumps({**content, key: json.loads(value)}))


DAMAGES = {
    "no case.json": "not a saved failure: there is no case.json",
    "no arrays.npz": "there is no arrays.npz",
    "cut short": "damaged",
    "empty": "damaged",
    "not text": "damaged",
    "a list": "damaged",
    "not a zip": "damaged",
    "half a zip": "damaged",
    "pickled": "damaged: Object arrays cannot be loaded",
    "fewer arrays": "damaged: no 'input0",
    "target": "damaged: no 'target' in it",
    "inputs": "damaged: no 'inputs' in it",
    "config": "damaged: no 'config' in it",
    "format": "damaged: no 'format' in it",
    "format=99": "format is 99, expected 1",
    'dtype="int8"': "dtype is 'int8', expected one of float16, float32, float64",
    'config={"a": {"b": 1}}': "unknown value {'b': 1}",
    'operator="BBoxAria"': "unknown operator 'BBoxAria'",
    'config={"corners": 5}': "corners",
    'inputs=["boxes"]': "the check itself failed",
}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_folder_is_one_line_and_a_usage_error(tmp_path, how):
    place = save(tmp_path / "failures", seen(BOX))
    damage(place, how)
    result = run(place)
    assert result.exit_code == 2
    (line,) = result.output.strip().splitlines()
    assert line.startswith("refkernels: ")
    assert DAMAGES[how] in line


def test_a_place_that_is_not_there_is_one_line(tmp_path):
    for place in (tmp_path / "nowhere", tmp_path):
        result = run(place)
        assert result.exit_code == 2
        assert result.output.strip().endswith("not a saved failure: there is no case.json")
    (tmp_path / "file").write_text("")
    assert "expected a folder" in run(tmp_path / "file").output


def test_a_failure_that_is_still_one_exits_with_1_and_the_call(tmp_path):
    result = run(save(tmp_path, seen(BOX)))
    assert result.exit_code == 1
    assert "it was: it was 1" in result.output
    assert "areas[0, 0] is -16.0, expected 0" in result.output or "exactly 0" in result.output
    assert "print(BBoxArea()(x))" in result.output


def test_a_failure_of_one_target_runs_on_another(tmp_path):
    result = run(save(tmp_path, seen(BOX)), "--target", "faithful")
    assert result.exit_code == 0, result.output
    assert "conforms" in result.output


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("nowhere.at.all", "cannot import nowhere.at.all: No module named 'nowhere'"),
        ("json", "json has no BBoxArea"),
    ],
)
def test_a_target_that_cannot_run_it_is_one_line(tmp_path, target, what):
    result = run(save(tmp_path, seen(BOX)), "--target", target)
    assert result.exit_code == 2
    assert result.output.strip() == f"refkernels: {what}"


def test_what_check_saves_is_tried_first_the_next_time(tmp_path):
    options = Options(60, dtypes=("float32",))
    failures = tmp_path / "failures"
    (first,) = check("wrong", ["BBoxArea"], options, failures=failures)
    (second,) = check("wrong", ["BBoxArea"], options, failures=failures)
    assert second.dissents[0].origin == "a failure saved earlier"
    assert second.cases == 1 <= first.cases
    assert second.dissents[0].saved == first.dissents[0].saved
    assert len(list(failures.iterdir())) == 1


def test_what_failed_for_one_target_is_not_tried_on_another(tmp_path):
    save(tmp_path, seen(BOX))
    (result,) = check("faithful", ["BBoxArea"], Options(5), failures=tmp_path)
    assert result.verdict == "conforms"
    assert result.cases == 6  # five are drawn, and there is a corner case


def test_a_saved_crash_crashes_again_and_costs_only_the_child(tmp_path):
    options = Options(5, dtypes=("float32",))
    (result,) = check("wrong", ["BipartiteMatcher"], options, failures=tmp_path)
    (dissent,) = result.dissents
    assert load(Path(dissent.saved)).kind == "crashes"
    again = run(dissent.saved)
    assert again.exit_code == 1
    assert "was killed by SIGSEGV" in again.output
    assert "print(BipartiteMatcher(" in again.output


def test_a_saved_hang_hangs_again(tmp_path):
    case = Case({}, {"x": np.zeros((1, 4)), "img": np.zeros((1, 1, 2, 2))})
    place = save(tmp_path, seen(case, "BBoxClipToImage"))
    result = run(place, "--time-limit", "1")
    assert result.exit_code == 1
    assert "no answer within 1 s" in result.output


def test_a_crash_is_tried_first_too(tmp_path):
    options = Options(5, dtypes=("float32",))
    first, second = (
        check("wrong", ["BipartiteMatcher"], options, failures=tmp_path)[0] for _ in range(2)
    )
    assert second.dissents[0].origin == "a failure saved earlier"
    assert second.dissents[0].saved == first.dissents[0].saved


def test_a_broken_law_is_saved_by_its_name_and_runs_again(tmp_path):
    (result,) = check("lawless", ["QuotaSampler"], Options(3), failures=tmp_path)
    assert result.verdict == "breaks a law"
    (dissent,) = result.dissents
    assert load(Path(dissent.saved)).law == "every subset of the quota's size is equally likely"
    again = run(dissent.saved)
    assert again.exit_code == 1
    assert "chi-square" in again.output
    assert run(dissent.saved, "--target", "refkernels").exit_code == 0


def test_the_paste_of_a_broken_law_tries_that_law(tmp_path, capsys):
    (result,) = check("lawless", ["QuotaSampler"], Options(3), failures=tmp_path)
    exec(result.dissents[0].paste, {})
    assert "chi-square" in capsys.readouterr().out


def test_a_law_that_is_no_more_is_one_line(tmp_path):
    result = run(save(tmp_path, seen(None, "QuotaSampler", "lawless", "all is well")))
    assert result.exit_code == 2
    assert "QuotaSampler has no law that all is well" in result.output


def test_a_chain_is_saved_and_runs_again(tmp_path, monkeypatch):
    (tmp_path / "greedy.py").write_text(
        "from refkernels import *\n"
        "import refkernels\n"
        "class MaximumMatcher(refkernels.MaximumMatcher):\n"
        "    def __call__(self, x):\n"
        "        return super().__call__(x) * 0\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    options = Options(20, dtypes=("float32",))
    (result,) = check("greedy", ["RCNNTargets"], options, failures=tmp_path / "failures")
    (dissent,) = result.dissents
    again = run(dissent.saved)
    assert again.exit_code == 1
    assert "at MaximumMatcher(threshold=0.5)" in again.output
    assert run(dissent.saved, "--target", "refkernels").exit_code == 0


@pytest.mark.usefixtures("mx")
def test_a_block_of_mxnet_runs_again(tmp_path):
    result = run(save(tmp_path, seen(BOX)), "--target", "refkernels.gluon")
    assert result.exit_code == 0, result.output


def test_a_declared_divergence_is_known_unless_strict(tmp_path, monkeypatch):
    """The declarations of a package are found by its name, here a module of our own."""
    (tmp_path / "declared_away.py").write_text(
        "from wrong import BBoxArea\n"
        "import sys\n"
        "from refkernels.conformance import divergence\n"
        "from refkernels.conformance.divergence import Divergence\n"
        "divergence.DECLARATIONS['declared_away'] = 'declared_away'\n"
        "DIVERGENCES = (Divergence('OWN-001', 'BBoxArea', 'no clamp', lambda case: True, None),)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    place = save(tmp_path / "failures", seen(BOX, target="declared_away"))
    result = run(place)
    assert result.exit_code == 0, result.output
    assert "known OWN-001" in result.output
    assert run(place, "--strict").exit_code == 1
    assert "declared_away" not in sys.modules
