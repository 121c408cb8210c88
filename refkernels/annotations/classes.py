"""The classes of a data set: which label each has, in all files alike."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from refkernels.annotations.problems import Bad, quoted
from refkernels.annotations.text_files import numbered_lines, open_text
from refkernels.annotations.yaml_files import read_yaml
from refkernels.arrays import as_sequence

__all__ = ["Categories", "ClassMap", "as_class_map", "classes_as_json", "natural_order"]

# The id and the name of each class; the position is the label.
Categories = tuple[tuple[int | str, str], ...]

EXPECTED = "names, pairs of an id and a name, or a map from names to labels"


@dataclass(frozen=True)
class ClassMap:
    """Labels of classes by their names.

    Attributes
    ----------
    categories : tuple of (int or str, str)
        The id and the name of each class; the position is the label.
    source : str
        Where it comes from, for messages.

    Raises
    ------
    ValueError
        If there is no class, or two are the same.
    """

    categories: Categories
    source: str = "classes"
    by_pair: dict[tuple[int | str, str], int] = field(init=False, repr=False, compare=False)
    by_name: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.categories:
            raise ValueError(f"{self.source}: expected one class or more")
        by_pair = {pair: label for label, pair in enumerate(self.categories)}
        if len(by_pair) < len(self.categories):
            pair, _ = Counter(self.categories).most_common(1)[0]
            raise ValueError(f"{self.source}: the class {pair[1]!r} comes twice")
        uses = Counter(name for _, name in self.categories)
        by_name = {name: by_pair[own, name] for own, name in self.categories if uses[name] == 1}
        object.__setattr__(self, "by_pair", by_pair)
        object.__setattr__(self, "by_name", by_name)

    def label(self, own: int | str, name: str | None) -> int:
        """Return the label of a class with an id and a name; one without is the id-th.

        Raises
        ------
        Bad
            If it is not among the classes.
        """
        if name is None:
            if isinstance(own, int) and own < len(self.categories):
                return own
            last = len(self.categories) - 1
            raise Bad(f"class: expected at most {last}, the last of {self.source}, got {own}")
        found = self.by_pair.get((own, name), self.by_name.get(name))
        if found is None:
            raise Bad(f"class {name!r} is not among those of {self.source}")
        return found


def natural_order(text: str) -> tuple[list[Any], str]:
    """Return a key to sort text by, numbers in it by their value.

    Examples
    --------
    >>> sorted(["cat10", "cat2", "ant"], key=natural_order)
    ['ant', 'cat2', 'cat10']
    """
    pieces: list[Any] = re.split("([0-9]+)", text)
    for place in range(1, len(pieces), 2):
        digits = pieces[place].lstrip("0")
        pieces[place] = (len(digits), digits)  # of any length, which int() does not take
    return pieces, text


def classes_as_json(categories: Categories) -> bytes:
    """Return a file that `as_class_map` reads, a line a class."""
    lines = [json.dumps({"id": own, "name": name}) for own, name in categories]
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()


def as_class_map(classes: Any) -> ClassMap | None:
    """Return what somebody says the classes are.

    Parameters
    ----------
    classes : str, pathlib.Path, sequence, mapping, ClassMap or None
        Names, or pairs of an id and a name, in the order of the labels; a map from names to
        labels, or from labels to names; the path of a file of one of these, as JSON, YAML
        (``.yaml``, ``.yml``) or one name a line; or names with commas between them.

    Returns
    -------
    ClassMap or None
        None for None.

    Raises
    ------
    ValueError, TypeError
        One line that says what is wrong, and in which file.
    OSError, ImportError
        If a file cannot be read, or needs PyYAML.

    Examples
    --------
    >>> as_class_map("cat,dog").categories
    (('cat', 'cat'), ('dog', 'dog'))
    >>> as_class_map({"dog": 1, "cat": 0}).label("dog", "dog")
    1
    """
    if classes is None or isinstance(classes, ClassMap):
        return classes
    try:
        if isinstance(classes, Path) or (isinstance(classes, str) and _names_file(classes)):
            return ClassMap(_read(Path(classes)), str(classes))
        if isinstance(classes, str):
            return ClassMap(_of_names(name.strip() for name in classes.split(",")), "classes")
        if isinstance(classes, Mapping):
            return ClassMap(_of_map(classes), "classes")
        return ClassMap(_of_list(as_sequence("classes", classes, EXPECTED)), "classes")
    except Bad as bad:
        named = isinstance(classes, Path) or (isinstance(classes, str) and _names_file(classes))
        raise ValueError(f"{classes}: {bad}" if named else str(bad)) from None
    except OSError as error:
        raise ValueError(f"{classes}: cannot be read: {error.strerror or error}") from None


def _names_file(text: str) -> bool:
    """Return whether a text names a file, and not a class or several."""
    try:
        if Path(text).is_file():
            return True
    except (OSError, ValueError):  # no name that a file could have
        return False
    return "," not in text and ("/" in text or bool(Path(text).suffix))


def _read(path: Path) -> Categories:
    """Return the classes of a file."""
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix in (".yaml", ".yml"):
        content = read_yaml(path)
    elif suffix == ".json":
        with open_text(path) as file:
            text = file.read()
        try:
            content = json.loads(text)
        except ValueError as error:
            raise Bad(f"not JSON: {str(error).split(';')[0]}") from None
        except RecursionError:
            raise Bad("not JSON: values are nested too deeply") from None
    else:
        return _of_names([line.strip() for _, line in numbered_lines(path)])
    if isinstance(content, dict):
        # COCO's annotations, and YOLO's data.yaml.
        inner = content.get("categories", content.get("names"))
        content = inner if isinstance(inner, (list, dict)) else content
    if isinstance(content, dict):
        return _of_map(content)
    if not isinstance(content, list):
        raise Bad(f"classes: expected {EXPECTED}, got {quoted(content)}")
    return _of_list(content)


def _of_list(content: Sequence[Any]) -> Categories:
    if all(isinstance(item, str) for item in content):
        return _of_names(content)
    pairs = []
    for place, item in enumerate(content):
        if isinstance(item, dict):
            item = (item.get("id"), item.get("name"))
        if not isinstance(item, (list, tuple)) or len(item) != 2:
            raise Bad(f"classes[{place}]: expected an id and a name, got {quoted(item)}")
        own, name = item
        if isinstance(own, bool) or not isinstance(own, (int, str)) or not isinstance(name, str):
            raise Bad(f"classes[{place}]: expected an id and a name, got {quoted(item)}")
        pairs.append((own, name))
    return tuple(pairs)


def _of_names(names: Iterable[str]) -> Categories:
    found = [(name, name) for name in names]
    for place, (name, _) in enumerate(found):
        if not name:
            raise Bad(f"classes[{place}]: expected a name, got nothing")
    return tuple(found)


def _of_map(content: Mapping[Any, Any]) -> Categories:
    """Return the classes of a map from names to labels, or from labels to names."""
    names: dict[int, str] = {}
    for key, value in content.items():
        name, label = (key, value) if _as_label(value) is not None else (value, key)
        number = _as_label(label)
        if not isinstance(name, str) or number is None:
            raise Bad(f"classes: expected a name and a label from 0, got {quoted([key, value])}")
        if number in names:
            raise Bad(f"classes: the label {number} comes twice, {names[number]!r} and {name!r}")
        names[number] = name
    for label in range(len(names)):
        if label not in names:
            raise Bad(f"classes: expected the labels 0 to {len(names) - 1}, without {label}")
    return _of_names(names[label] for label in range(len(names)))


def _as_label(value: Any) -> int | None:
    """Return a label, which in JSON is a text where it is a key."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
