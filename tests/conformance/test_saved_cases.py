"""A failure is saved whole, at once or not at all, and comes back as it was."""

import json
import math
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from refkernels.conformance.cases import find, operators
from refkernels.conformance.engine import replay
from refkernels.conformance.engine.replay import Saved, load, save, saved_cases, write
from refkernels.conformance.model.operator import Case, Recipe

# Of processes, files and pages: the versions of NumPy and of frameworks play no part.
pytestmark = pytest.mark.once

BOX = Case({}, {"x": np.array([[0.0, 4.0, 4.0, 0.0]])})


def seen(case, operator="BBoxArea", target="wrong", law=""):
    return Saved(target, operator, case, law, "float32", "call", "cpu", "diverges", "it was 1")


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
