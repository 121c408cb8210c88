"""What a planted mistake is: right code of somebody else's, in which one text is replaced."""

import ast
import functools
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import refkernels

__all__ = ["KINDS", "STYLES", "Planted"]

FOLDER = Path(__file__).parent

# In what style code is written, and the folder of such code.
STYLES = {
    "numpy": "in_numpy",
    "torch module": "torch_modules",
    "torch function": "torch_functions",
}

KINDS = {
    "config": "under one configuration, which is fixed",
    "integers": "integers and bools",
    "size": "large arrays",
    "neighbours": "what an image gets depends on the others of its batch",
    "torch": "what PyTorch does to who does not look",
}


@dataclass(frozen=True)
class Planted:
    """One mistake.

    Parameters
    ----------
    id : str
        A name for it.
    operator : str
        What the code is to be.
    config : mapping or None
        What it is built with. None leaves a class to be built with parameters of every sort, and a
        function with the operator's defaults.
    style : str
        One of `STYLES`.
    kind : str
        One of `KINDS`: what shows the mistake.
    old, new : str
        What is replaced in the right code, and what by. `old` stands exactly once in the file.
    why : str
        The mistake in one line.
    """

    id: str
    operator: str
    config: Mapping[str, Any] | None
    style: str
    kind: str
    old: str
    new: str
    why: str

    @property
    def file(self) -> Path:
        """The file of the right code."""
        return _files(self.style)[self.operator]

    def right(self) -> Any:
        """Return the right code, as `assert_conforms` takes it."""
        return self._subject(_module(self.file, self.file.read_text(), f"right.{self.file.stem}"))

    def wrong(self) -> Any:
        """Return the code with the mistake, as `assert_conforms` takes it."""
        return self._subject(_module(self.file, self.apply(), f"wrong.{self.id.replace('-', '_')}"))

    def apply(self) -> str:
        """Return the source with the mistake.

        Raises
        ------
        ValueError
            If the old text is not there exactly once.
        """
        text = self.file.read_text()
        if text.count(self.old) != 1:
            raise ValueError(
                f"{self.id}: expected the text {self.old!r} exactly once in {self.file.name}, "
                f"found it {text.count(self.old)} times"
            )
        return text.replace(self.old, self.new)

    def _subject(self, module: ModuleType) -> Any:
        found = getattr(module, self.operator)
        # NumPy's classes, and samplers of examples, are given as classes, to be built.
        if self.config is None or (isinstance(found, type) and not _is_module(found)):
            return found
        return _built(found, self.config, module)


def _built(found: Any, config: Mapping[str, Any], module: ModuleType) -> Any:
    """Return a class or function with its parameters; operators in them become its neighbours."""

    def own(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [own(item) for item in value] if any(map(is_dataclass, value)) else value
        if not is_dataclass(value):
            return value
        parameters = {field.name: getattr(value, field.name) for field in fields(value)}
        return _built(getattr(module, type(value).__name__), parameters, module)

    config = {name: own(value) for name, value in config.items()}
    if isinstance(found, type):
        return found(**config)

    @functools.wraps(found)
    def function(*arrays: Any, **keywords: Any) -> Any:
        return found(*arrays, **config, **keywords)

    # What is set is none of its parameters any more.
    signature = inspect.signature(found)
    left = [p for p in signature.parameters.values() if p.name not in config]
    function.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
    return function


def _is_module(cls: type) -> bool:
    return any(
        f"{base.__module__}.{base.__name__}".endswith("nn.modules.module.Module")
        for base in cls.__mro__
    )


def _module(file: Path, text: str, name: str) -> ModuleType:
    """Return a module of this source, which stands where an engine looks for it."""
    module = ModuleType(f"planted.{file.parent.name}.{name}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    exec(compile(text, str(file), "exec"), vars(module))
    return module


@cache
def _files(style: str) -> dict[str, Path]:
    """Return the file of each operator in a style."""
    known = set(refkernels.__all__)
    found = {}
    for path in sorted((FOLDER / STYLES[style]).glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found[node.name] = path
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = path
    return {name: path for name, path in found.items() if name in known}
