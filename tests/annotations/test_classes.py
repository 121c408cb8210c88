"""Class maps: the same labels in all files, whatever each happens to hold."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refkernels.annotations import yaml_files
from refkernels.annotations.classes import as_class_map, classes_as_json, natural_order
from refkernels.assign import read_annotations, read_coco, read_voc, read_yolo
from tests.annotations.written import OBJECT, coco, png, voc


def of(*names: str) -> str:
    return "".join(OBJECT.format(name=name, box=(1, 1, 50, 50)) for name in names)


def test_labels_are_those_of_the_map_in_every_form(tmp_path: Path) -> None:
    voc(tmp_path / "voc", "a", of("dog"))
    png(tmp_path / "yolo" / "b.png", 10, 10)
    (tmp_path / "yolo" / "b.txt").write_text("1 0.5 0.5 1 1")
    (tmp_path / "yolo" / "classes.txt").write_text("cat\ndog\n")
    file = coco(tmp_path / "c.json", {"category_id": 9}, {})
    for path, labels in ((tmp_path / "voc", [2]), (tmp_path / "yolo", [2]), (file, [2, 1])):
        read = read_annotations(path, classes=["bird", "cat", "dog"])
        np.testing.assert_array_equal(read[0].labels, labels)
        assert read.categories == (("bird", "bird"), ("cat", "cat"), ("dog", "dog"))


def test_the_categories_of_one_set_are_a_map_for_another(tmp_path: Path) -> None:
    voc(tmp_path / "train", "a", of("bird", "cat", "dog"))
    voc(tmp_path / "val", "b", of("dog"))
    assert read_voc(tmp_path / "val")[0].labels == [0]
    train = read_voc(tmp_path / "train")
    assert read_voc(tmp_path / "val", classes=train.categories)[0].labels == [2]
    file = tmp_path / "classes.json"
    file.write_bytes(classes_as_json(train.categories))
    assert read_voc(tmp_path / "val", classes=file)[0].labels == [2]


def test_classes_of_the_same_name_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    twins = [{"id": 9, "name": "cat"}, {"id": 7, "name": "cat"}]
    read = read_coco(coco(tmp_path / "a.json", {}, {"category_id": 9}, categories=twins))
    again = read_coco(tmp_path / "a.json", classes=read.categories)
    np.testing.assert_array_equal(again[0].labels, [0, 1])


def test_numbers_without_names_are_places_in_the_map(tmp_path: Path) -> None:
    png(tmp_path / "b.png", 10, 10)
    (tmp_path / "b.txt").write_text("1 0.5 0.5 1 1")
    assert read_yolo(tmp_path, classes="cat,dog")[0].labels == [1]
    with pytest.raises(
        ValueError, match=r"b\.txt: line 1: class: expected at most 0, the last of classes, got 1$"
    ):
        read_yolo(tmp_path, classes="cat")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '["cat", "dog"]'),
        ("a.json", '{"cat": 0, "dog": 1}'),
        ("a.json", '{"1": "dog", "0": "cat"}'),
        ("a.json", '{"names": ["cat", "dog"]}'),
        ("a.yaml", "names:\n  0: cat\n  1: dog\n"),
        ("a.yml", "- cat\n- dog\n"),
        ("a.txt", "cat\n\n dog\n"),
        ("names", "cat\ndog"),
        ("a,b", "cat\ndog"),
    ],
)
def test_a_map_is_read_from_any_of_these_files(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    for path in (tmp_path / name, str(tmp_path / name)):
        found = as_class_map(path)
        assert found is not None
        assert found.categories == (("cat", "cat"), ("dog", "dog"))
        assert as_class_map(found) is found


def test_names_may_be_more_than_a_path_may_have_letters() -> None:
    names = [f"class {number}.x" for number in range(1000)]
    for text in (",".join(names), "a\0b"):
        found = as_class_map(text)
        assert found is not None
        assert [name for _, name in found.categories] == text.split(",")


def test_the_categories_of_a_coco_file_are_a_map(tmp_path: Path) -> None:
    found = as_class_map(coco(tmp_path / "a.json"))
    assert found is not None
    assert found.categories == ((7, "cat"), (9, "dog"))


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([], "classes: expected one class or more"),
        (["cat", "cat"], "classes: the class 'cat' comes twice"),
        ([(1, "a", 2)], r"classes\[0\]: expected an id and a name, got \[1, \"a\", 2\]"),
        ([(True, "a")], r"classes\[0\]: expected an id and a name"),
        (["a", 3], r"classes\[0\]: expected an id and a name, got \"a\""),
        ([{"id": 3}], r"classes\[0\]: expected an id and a name, got \[3, null\]"),
        ("cat,", r"classes\[1\]: expected a name, got nothing"),
        ({"cat": 1, "dog": 2}, "classes: expected the labels 0 to 1, without 0"),
        ({"cat": 0, "dog": 0}, "classes: the label 0 comes twice, 'cat' and 'dog'"),
        ({"cat": -1}, r"classes: expected a name and a label from 0, got \[\"cat\", -1\]"),
        ({"cat": 2**31}, "classes: expected the labels 0 to 0, without 0"),
        ({1.5: 0}, "classes: expected a name and a label from 0"),
        ("gone.json", r"^gone\.json: cannot be read: No such file"),
        ("some/where", r"^some/where: cannot be read: No such file"),
    ],
)
def test_a_bad_map_is_an_error_of_one_line(classes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        as_class_map(classes)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"[", "not JSON: Expecting value"),
        ("a.json", b"[" * 100_000, "not JSON: values are nested too deeply"),
        ("a.json", b"9" * 5000, "not JSON: Exceeds the limit"),
        ("a.json", b"5", "classes: expected names, pairs of an id and a name, or a map"),
        ("a.json", b"\xff", "not UTF-8 text"),
        ("a.json", b"\x1f\x8b\x08\x00", "the gzip file ends early"),
        ("a.txt", b"\x1f\x8bxxxxxxxxxxxxxxxxxxx", "the gzip file is damaged"),
        ("a.yaml", b"a: [", "not YAML at line 1"),
        ("a.yaml", b"\x01", "not YAML: special characters are not allowed"),
        (
            "a.yaml",
            b"a: &a [*a]\nb: 1",
            'classes: expected a name and a label from 0, got ["a", [[[',
        ),
        ("a.yaml", b"? 2020-01-01\n: x", "classes: expected a name and a label from 0"),
        ("a.yaml", b"- {? 2020-01-01 : 0x" + b"f" * 9000 + b"}", "classes[0]: expected an id and"),
        ("a.yaml", b"a: [{? 2020-01-01 : 0x" + b"f" * 9000 + b"}]", "classes: expected a name"),
        ("a.yaml", b"2026-13-45", "not YAML: month must be in 1..12"),
    ],
)
def test_a_bad_file_of_classes_is_an_error_of_one_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError) as raised:
        as_class_map(tmp_path / name)
    assert str(raised.value).startswith(f"{tmp_path / name}: {message}")
    assert "\n" not in str(raised.value)


def test_what_is_no_list_of_classes_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"^classes: expected names, pairs"):
        as_class_map(5)


def test_a_class_that_the_map_lacks_is_an_error_or_its_objects_are_ignored(tmp_path: Path) -> None:
    voc(tmp_path / "voc", "a", of("cat", "dog"))
    file = coco(tmp_path / "c.json", {"category_id": 9}, {})
    for path, message in (
        (tmp_path / "voc", r"a\.xml: object\[1\]: class 'dog' is not among those of classes"),
        (file, r"c\.json: category 9: class 'dog' is not among those of classes"),
    ):
        with pytest.raises(ValueError, match=message):
            read_annotations(path, classes="cat")
        read = read_annotations(path, classes="cat", skip_bad=True)
        assert len(read.problems) == 1
        np.testing.assert_array_equal(np.sort(read[0].iscrowd), [False, True])
        np.testing.assert_array_equal(read[0].labels, [0, 0])
    assert read.counts == {"objects of other classes than the map's, as ignored regions": 1}


def test_text_is_sorted_naturally(tmp_path: Path) -> None:
    names = [f"cat{number}" for number in ("10", "2", "02", "9" * 5000)]
    assert sorted(names, key=natural_order) == ["cat02", "cat2", "cat10", names[3]]
    categories = [{"id": name} for name in ("cat10", "cat2", "ant")]
    read = read_coco(coco(tmp_path / "a.json", categories=categories))
    assert [name for _, name in read.categories] == ["ant", "cat2", "cat10"]
    voc(tmp_path, "a", of("cat10", "cat2"))
    assert [name for _, name in read_voc(tmp_path).categories] == ["cat2", "cat10"]


def test_without_pyyaml_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(yaml_files, "import_module", absent)
    with pytest.raises(ImportError, match=r"a\.yaml: needs PyYAML; install it with: pip install"):
        as_class_map(tmp_path / "a.yaml")
