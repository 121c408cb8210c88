"""Who may import whom, and what a file may be called: the rules that keep two derivations apart."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import refkernels
from refkernels.conformance.cases import find

PACKAGE = Path(refkernels.__file__).parent
LONGEST = 400
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


class Room(NamedTuple):
    """What the modules of a room may import, beside the standard library and their own room.

    A name stands for the module and all inside it, but "refkernels" for the public names alone;
    `lazily` is allowed inside functions only.
    """

    always: tuple[str, ...] = ()
    lazily: tuple[str, ...] = ()


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}

# Whatever stands beside the other rooms is the operators' room: families, and what they share.
ELSEWHERE = {
    "__main__", "annotations", "arrays", "assign", "bounds", "chain", "cli", "conformance",
    "definition", "explain", "gluon", "jit",
}  # fmt: skip
OPERATORS = tuple(
    sorted(
        {".".join(name.split(".")[:2]) for name in MODULES if "." in name}
        - {f"refkernels.{name}" for name in ELSEWHERE}
    )
)
KERNELS = ("refkernels.arrays", "refkernels.jit", *OPERATORS)

CONFORMANCE = "refkernels.conformance"
MODEL, CASES, PEERS, TARGETS, ENGINE, PROCESS, REPORT = (
    f"{CONFORMANCE}.{storey}"
    for storey in ("model", "cases", "peers", "targets", "engine", "process", "report")
)

# The first room that a module's name begins with is its room.
ROOMS = {
    "refkernels.arrays": Room(("numpy",)),
    "refkernels.jit": Room(("llvmlite", "numba", "numpy")),
    **{operator: Room(("numpy", *KERNELS)) for operator in OPERATORS},
    "refkernels.definition": Room(("numpy", "mpmath")),
    # Those of layers carry values along, with the kernels.
    "refkernels.bounds.network": Room(
        ("numpy", "refkernels.arrays", "refkernels.bounds", "refkernels.network")
    ),
    "refkernels.bounds": Room(("numpy", "refkernels.arrays")),
    "refkernels.gluon": Room(
        ("numpy", "mxnet", "refkernels.arrays", *OPERATORS),
        lazily=("gluoncv",),  # networks by name, where it is installed
    ),
    "refkernels.chain": Room(("numpy", *KERNELS)),
    "refkernels.annotations": Room(("numpy", "refkernels.arrays")),
    "refkernels.assign.surveying.page": Room(
        ("jinja2", "numpy", "refkernels.arrays", "refkernels.assign.surveying")
    ),
    # The version of refkernels is part of what assign writes.
    "refkernels.assign": Room(
        ("numpy", "refkernels", "refkernels.annotations", "refkernels.chain", *KERNELS),
        lazily=("dask", "matplotlib", "pyarrow", "rich"),
    ),
    **{
        f"refkernels.explain.{part}.page": Room(
            ("jinja2", "numpy", "refkernels.arrays", "refkernels.explain"),
            lazily=("refkernels.assign",),  # how a file is written
        )
        for part in ("trace", "beside", "diff")
    },
    # Boxes are explained as assign assigns them; matrices need it not.
    "refkernels.explain": Room(
        ("numpy", "refkernels.bounds", "refkernels.chain", *KERNELS),
        lazily=("PIL", "matplotlib", "refkernels.annotations", "refkernels.assign"),
    ),
    MODEL: Room(
        ("numpy", "mpmath", "refkernels.arrays", "refkernels.bounds", "refkernels.chain"),
        lazily=("hypothesis", "refkernels", CASES),  # an operator by its name
    ),
    CASES: Room(
        (
            "numpy",
            "hypothesis",
            "mpmath",
            MODEL,
            f"{CONFORMANCE}.network",
            "refkernels.bounds",
            "refkernels.chain",
            "refkernels.definition",
            *KERNELS,
        ),
    ),
    # They are imported where the peer is.
    **{
        f"{PEERS}.{peer}.calls": Room(
            ("numpy", *packages, f"{PEERS}.{peer}.calls", f"{PEERS}.corner_and_sides")
        )
        for peer, packages in {
            "cython_bbox": ("cython_bbox",),
            "detectron2": ("torch", "detectron2"),
            "effdet": ("torch", "effdet"),
            "keras_hub": ("keras", "keras_hub"),
            "kornia": ("torch", "kornia"),
            "mmdet": ("torch", "mmdet", "mmengine"),
            "powerboxes": ("powerboxes",),
            "pycocotools": ("pycocotools",),
            "supervision": ("supervision",),
            "torchvision": ("torch", "torchvision"),
            "transformers": ("torch", "transformers"),
            "ultralytics": ("torch", "ultralytics"),
        }.items()
    },
    PEERS: Room(
        ("numpy", MODEL, CASES, TARGETS, "refkernels.bounds", "refkernels.definition", *KERNELS)
    ),
    # A framework is loaded when a target is of that framework.
    TARGETS: Room(
        ("numpy", MODEL, "refkernels.arrays", "refkernels.legacy_numpy"),
        lazily=("mxnet", "torch", "jax", "refkernels.gluon"),
    ),
    ENGINE: Room(
        ("numpy", "hypothesis", MODEL, CASES, PEERS, TARGETS, "refkernels.arrays"),
        lazily=(f"{CONFORMANCE}.network",),
    ),
    PROCESS: Room(
        ("numpy", MODEL, CASES, PEERS, TARGETS, ENGINE, "refkernels.arrays"),
        lazily=("refkernels",),
    ),
    f"{REPORT}.html": Room(("jinja2", "numpy", "refkernels.arrays", REPORT, MODEL, CASES, ENGINE)),
    REPORT: Room(
        (
            "numpy",
            "rich",
            MODEL,
            CASES,
            TARGETS,
            ENGINE,
            f"{CONFORMANCE}.dialects",
            "refkernels.arrays",
        ),
        lazily=("refkernels", "refkernels.definition"),
    ),
    f"{CONFORMANCE}.dialects.command": Room(
        ("rich", MODEL, ENGINE, REPORT, f"{CONFORMANCE}.dialects")
    ),
    f"{CONFORMANCE}.dialects": Room(
        ("numpy", MODEL, CASES, TARGETS, ENGINE, f"{CONFORMANCE}.dialects", *KERNELS),
        lazily=("refkernels",),
    ),
    f"{CONFORMANCE}.suggest.command": Room(
        ("rich", "refkernels.arrays", MODEL, TARGETS, f"{CONFORMANCE}.suggest"),
        lazily=("refkernels",),
    ),
    f"{CONFORMANCE}.suggest": Room(
        ("numpy", MODEL, CASES, TARGETS, ENGINE, f"{CONFORMANCE}.suggest", "refkernels.arrays")
    ),
    f"{CONFORMANCE}.network": Room(
        ("numpy", "rich", MODEL, "refkernels.bounds", *KERNELS),
        lazily=("mxnet", "refkernels.gluon"),
    ),
    f"{CONFORMANCE}.project": Room((TARGETS,), lazily=("tomli",)),  # for Python 3.10
    f"{CONFORMANCE}.pytest_plugin": Room(("pytest", CONFORMANCE)),
    f"{CONFORMANCE}.command": Room(("rich", "refkernels.arrays", CONFORMANCE)),
    CONFORMANCE: Room((CONFORMANCE,), lazily=("refkernels",)),
    "refkernels.__main__": Room(("refkernels.cli",)),
    "refkernels.cli": Room(
        ("click", "refkernels"),
        lazily=(
            "numpy",
            "rich",
            "refkernels.arrays",
            "refkernels.assign",
            "refkernels.chain",
            "refkernels.conformance",
            "refkernels.explain",
        ),
    ),
    "refkernels": Room(),
}


class Import(NamedTuple):
    name: str
    line: int
    lazy: bool


def imports(module: str, source: str, *, is_package: bool) -> list[Import]:
    """Every import of a module that happens when it runs: those for type checkers are left out."""
    found: list[Import] = []

    def visit(node: ast.AST, lazy: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, node.lineno, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parents = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parents, *filter(None, [node.module])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                found.append(Import(whole if whole in MODULES else base, node.lineno, lazy))
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.orelse:
                visit(child, lazy)
        else:
            lazy = lazy or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            for child in ast.iter_child_nodes(node):
                visit(child, lazy)

    visit(ast.parse(source), False)
    return found


def within(name: str, roots: tuple[str, ...]) -> bool:
    return any(
        name == root or (name.startswith(root + ".") and root != "refkernels") for root in roots
    )


def room_of(module: str) -> str:
    return next(room for room in ROOMS if within(module, (room,)))


def violations(module: str, source: str, *, is_package: bool = False) -> list[str]:
    room = room_of(module)
    allowed = ROOMS[room]
    own = () if room == "refkernels" else (room,)
    wrong = []
    for name, line, lazy in imports(module, source, is_package=is_package):
        if name.split(".")[0] in sys.stdlib_module_names:
            continue
        if not within(name, (*own, *allowed.always, *(allowed.lazily if lazy else ()))):
            where = "in a function" if lazy else "at module level"
            wrong.append(f"{module}:{line} imports {name} {where}, which {room} may not")
    return wrong


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    path = MODULES[module]
    assert not violations(module, path.read_text(), is_package=path.name == "__init__.py")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("refkernels.definition.bbox", "from refkernels.arrays import as_boxes"),
        ("refkernels.definition.bbox", "from ..arrays import as_boxes"),
        ("refkernels.definition.bbox", "def area():\n    import refkernels.bbox"),
        ("refkernels.definition.bbox", "from refkernels import bbox"),
        ("refkernels.definition.bbox", "import refkernels"),
        ("refkernels.bbox", "from numba import njit"),
        ("refkernels.bbox", "import refkernels.definition.bbox"),
        ("refkernels.gluon.bbox", "import refkernels.jit"),
        ("refkernels.gluon.bbox", "from refkernels.conformance import bounds"),
        ("refkernels.assign.anchors", "import mxnet"),
        ("refkernels.conformance.engine.run", "import rich"),
        ("refkernels.conformance.engine.run", "def run():\n    import mxnet"),
        ("refkernels.conformance.targets.target", "import mxnet"),
        ("refkernels.bounds.bbox", "import refkernels.assign"),
        ("refkernels.bounds.bbox", "import refkernels.conformance.model.case"),
        ("refkernels.bounds.bbox", "def bound():\n    import refkernels.cli.main"),
        ("refkernels.cli.main", "import numpy"),
        ("refkernels.cli.main", "from refkernels.conformance import run"),
        ("refkernels.cli.main", "if True:\n    import rich"),
        ("refkernels", "from refkernels import bbox"),
        ("refkernels", "import numpy"),
    ],
)
def test_the_rules_catch(module: str, source: str) -> None:
    assert violations(module, source, is_package=module == "refkernels")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("refkernels.definition.bbox", "from fractions import Fraction\nimport numpy, mpmath"),
        ("refkernels.definition.matcher", "from refkernels.definition.bbox import BBoxArea"),
        ("refkernels.bbox", "import numpy.typing as npt\nfrom refkernels.jit import jit"),
        ("refkernels.jit", "import numba"),
        ("refkernels.gluon.bbox", "from mxnet.gluon import HybridBlock\nimport refkernels.bbox"),
        ("refkernels.conformance.targets.target", "def load():\n    import mxnet"),
        ("refkernels.cli.main", "def check():\n    from refkernels.conformance import run"),
        ("refkernels.conformance.engine.run", "if TYPE_CHECKING:\n    import mxnet"),
    ],
)
def test_the_rules_allow(module: str, source: str) -> None:
    assert not violations(module, source)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("refkernels", {"numpy", "numba", "mxnet", "hypothesis", "click", "rich", "mpmath"}),
        ("refkernels.cli.main", {"numpy", "numba", "mxnet", "hypothesis", "mpmath", "matplotlib"}),
        ("refkernels.bbox", {"mxnet", "hypothesis", "click", "rich", "mpmath", "matplotlib"}),
        ("refkernels.assign", {"mxnet", "hypothesis", "click", "rich", "mpmath", "matplotlib"}),
        (
            "refkernels.explain.diff.compare",
            {"mxnet", "hypothesis", "mpmath", "matplotlib", "jinja2"},
        ),
        ("refkernels.conformance", {"mxnet", "numba", "rich", "click", "matplotlib"}),
        ("refkernels.definition.bbox", {"numba", "refkernels.arrays", "refkernels.jit"}),
    ],
)
def test_importing_loads_no_more_than_it_says(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert not absent & set(run.stdout.split())


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_a_name_that_says_what_it_is(module: str) -> None:
    assert not EMPTY_NAMES & {part.strip("_") for part in module.split(".")}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short_enough_to_read_at_once(module: str) -> None:
    lines = len(MODULES[module].read_text().splitlines())
    assert lines <= LONGEST, f"{module} has {lines} lines; over {LONGEST} it asks to be two"


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in MODULES.values()}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]


OPERATOR_NAMES = [
    (family, name) for family, names in refkernels._OPERATORS.items() for name in names
]
each_operator = pytest.mark.parametrize(("family", "name"), OPERATOR_NAMES)


def twin(room: str, family: str) -> str:
    module = f"{room}.{family}"
    if module not in MODULES:
        pytest.skip(f"{room} has no {family} yet")
    return module


@each_operator
def test_an_operator_has_a_kernel(family: str, name: str) -> None:
    assert callable(getattr(importlib.import_module(f"refkernels.{family}"), name))
    assert getattr(refkernels, name) is getattr(sys.modules[f"refkernels.{family}"], name)


@each_operator
def test_an_operator_has_a_definition(family: str, name: str) -> None:
    definition = importlib.import_module(twin("refkernels.definition", family))
    assert callable(getattr(definition, name))


@each_operator
def test_an_operator_has_a_block_if_it_says_so(family: str, name: str) -> None:
    # Read, not imported: so it holds where MXNet is absent.
    has_block = find(name).has_block
    assert (name in names_in("refkernels.gluon")) == has_block
    if has_block:
        assert name in names_in(twin("refkernels.gluon", family))


@each_operator
def test_an_operator_has_cases(family: str, name: str) -> None:
    cases = importlib.import_module(twin("refkernels.conformance.cases", family))
    assert [operator.family for operator in cases.OPERATORS if operator.name == name] == [family]


def names_in(module: str) -> set[str]:
    """The classes that a module defines, and the names that it imports from others."""
    names = set()
    for node in ast.parse(MODULES[module].read_text()).body:
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
    return names
