"""What a mutant is: the package of blocks, or the file of an operator, with one change."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import refkernels

__all__ = [
    "FAMILIES",
    "OPERATOR_FILES",
    "PACKAGE",
    "ROOT",
    "Mutant",
    "enclosing",
    "family_of",
    "source",
]

ROOT = Path(refkernels.__file__).parent
PACKAGE = ROOT / "gluon"
IMPORT_PATH = "refkernels.gluon"

# Of the operators that have no block, and what they share: paths below refkernels, none of which is
# also one of a block below refkernels/gluon.
OPERATOR_FILES = (
    "bbox/ioa.py",
    "bbox/overlaps.py",
    "bbox/enclosing.py",
    "bbox/pairs.py",
    "bbox/measured.py",
    "cost/distance.py",
    "cost/inside.py",
    "cost/aligned.py",
    "cost/logarithm.py",
    "cost/simota.py",
    "cost/detr.py",
    "matcher/threshold.py",
    "matcher/selection.py",
    "matcher/atss.py",
    "matcher/simota.py",
    "matcher/task_aligned.py",
    "matcher/hungarian.py",
    "matcher/point.py",
    "sampler/balanced.py",
    "coder/distance.py",
    "coder/heatmap_encoder.py",
    "anchor/grid.py",
    "suppression/nms.py",
    "suppression/cells.py",
)

# "shared" is what blocks of several families are made of.
FAMILIES = ("bbox", "matcher", "sampler", "coder", "predictor", "feature", "shared")
SHARED = ("rows.py", "precision.py")
SAMPLERS = ("sampler.py", "quota_sampler.py")


@cache
def source(file: str) -> str:
    """Return today's source of a file of the blocks, or of an operator."""
    return ((ROOT if file in OPERATOR_FILES else PACKAGE) / file).read_text()


def family_of(file: str) -> str:
    """Return the family that a file belongs to, or "shared"."""
    if file in SHARED:
        return "shared"
    return "sampler" if file in SAMPLERS else file.split("/")[0].removesuffix(".py")


@dataclass(frozen=True)
class Mutant:
    """One change to one file.

    Parameters
    ----------
    file : str
        Its path below refkernels/gluon, or one of `OPERATOR_FILES`.
    old, new : str
        What is replaced, and what by. `old` stands exactly once in the file.
    kind : str
        What sort of a mistake it is.
    meaning : str
        The mistake in one line.
    equivalent : str
        Why no case can show it; empty for one that is to be killed.
    """

    file: str
    old: str
    new: str
    kind: str
    meaning: str = ""
    equivalent: str = ""

    @property
    def family(self) -> str:
        """The family that the file belongs to, or "shared"."""
        return family_of(self.file)

    @property
    def is_of_operator(self) -> bool:
        """Whether it is of an operator, not of a block."""
        return self.file in OPERATOR_FILES

    @property
    def line(self) -> int:
        """The number of the first line that changes."""
        text = source(self.file)
        return text[: text.index(self.old) + _common(self.old, self.new)].count("\n") + 1

    @property
    def name(self) -> str:
        """What to call it: the place, and the change."""
        old, new = _changed(self.old, self.new)
        what = self.meaning or f"{old} -> {new}"
        return f"{self.file}:{self.line} {what}"

    def apply(self) -> str:
        """Return the changed source.

        Raises
        ------
        ValueError
            If the old text is not there exactly once, or the change is none.
        """
        text = source(self.file)
        count = text.count(self.old)
        if count != 1:
            raise ValueError(
                f"{self.file}: expected the text {self.old!r} exactly once, found it {count} "
                f"times; adapt the mutant '{self.meaning}' to the source"
            )
        if self.old == self.new:
            raise ValueError(f"{self.file}: the mutant '{self.meaning}' changes nothing")
        return text.replace(self.old, self.new)

    def write(self, folder: Path, name: str) -> None:
        """Write the mutated package of blocks as `folder`/`name`."""
        changed = self.apply()
        for path in sorted(PACKAGE.rglob("*.py")):
            place = path.relative_to(PACKAGE)
            text = changed if place.as_posix() == self.file else path.read_text()
            (folder / name / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / place).write_text(text.replace(IMPORT_PATH, name))


def enclosing(file: str, line: int) -> str:
    """Return the class, function or constant of a file that a line is in."""
    for node in ast.parse(source(file)).body:
        assert node.end_lineno is not None
        if node.lineno <= line <= node.end_lineno:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                return node.name
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                return node.targets[0].id
    raise ValueError(f"{file}:{line} is in no class, function or constant")


def _common(old: str, new: str) -> int:
    """Return how many characters two texts begin with alike."""
    for i, (a, b) in enumerate(zip(old, new, strict=False)):
        if a != b:
            return i
    return min(len(old), len(new))


def _changed(old: str, new: str) -> tuple[str, str]:
    """Return the first lines that differ, without what leads to them."""
    pairs = zip(old.splitlines(), new.splitlines(), strict=False)
    return next(((a.strip(), b.strip()) for a, b in pairs if a != b), (old, new))
