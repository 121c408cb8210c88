"""Mutants from the operators of Cosmic Ray, applied to what blocks and operators do when called.

Cosmic Ray itself runs a test command on files that it changes in place; here its operators change
a text, and `run` does the rest.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

from tests.mutants.affected import affected
from tests.mutants.equivalents import why_equivalent
from tests.mutants.mutant import OPERATOR_FILES, Mutant, family_of, source

__all__ = ["FILES", "generate"]

# What finds networks, checks parameters and mends imports is not what operators mean.
FILES = (
    "bbox.py",
    "matcher.py",
    "sampler.py",
    "quota_sampler.py",
    "coder/assignment.py",
    "coder/box_encoder.py",
    "coder/box_decoder.py",
    "coder/class_encoder.py",
    "coder/class_decoder.py",
    "coder/heatmap_decoder.py",
    "predictor.py",
    "feature.py",
    "rows.py",
    "precision.py",
)

# Those that make mistakes that a person could make; the others of their kinds only fail sooner.
OPERATORS = {
    "ReplaceComparisonOperator_Gt_GtE": "comparison",
    "ReplaceComparisonOperator_GtE_Gt": "comparison",
    "ReplaceComparisonOperator_Lt_LtE": "comparison",
    "ReplaceComparisonOperator_LtE_Lt": "comparison",
    "ReplaceComparisonOperator_Eq_NotEq": "comparison",
    "ReplaceComparisonOperator_NotEq_Eq": "comparison",
    "ReplaceComparisonOperator_Is_IsNot": "comparison",
    "ReplaceBinaryOperator_Add_Sub": "arithmetic",
    "ReplaceBinaryOperator_Sub_Add": "arithmetic",
    "ReplaceBinaryOperator_Mul_Div": "arithmetic",
    "ReplaceBinaryOperator_Div_Mul": "arithmetic",
    "ReplaceUnaryOperator_Delete_USub": "sign of a number",
    "NumberReplacer": "number",
    "AddNot": "condition",
    "ReplaceAndWithOr": "condition",
    "ReplaceOrWithAnd": "condition",
    "ReplaceTrueWithFalse": "flag",
    "ReplaceFalseWithTrue": "flag",
    "ZeroIterationForLoop": "loop",
}

# Parameters and texts are read, shapes checked and defaults set there; the tests of the blocks
# hold that. But a feature block makes its graph when it is constructed.
LEFT_OUT = (
    "load_parameters",
    "infer_shape",
    "list_arguments",
    "backward",
    "join",
    "_register",
    "_value",
    "_parse",
    "_start",
    "_check_filters",
)

# So do statements that begin so. And a check gives parameters and norms: what parameters start as,
# and norms that are a class of blocks, which `join` is for, are not in SPEC.
STATEMENTS_LEFT_OUT = (
    "check_",
    "_check_",
    "require(",
    "min_depth = check_integer(",
    "_start(",
    "self.blocks.append(",
    "return self.blocks[",
)


# A check gives valid input and parameters. So of the operators without a block are left out the
# functions and statements that check them, or convert them, and those that raise; and constructors
# by the name of a package, which are parameters. It gives no array to write to either: what runs
# for the parameter `out` alone is held by the tests of that.
CHECKS = ("as_", "_as_", "check_", "_check_", "require", "keep", "_keep_", "within", "all_finite")

# Nor what no fair check asks for, and tests of the operators hold: distances whose squares, IoUs
# and costs whose sums are no numbers, how inputs with a batch axis go with others without one, and
# at a threshold itself boxes whose areas are less than the least number; nor for what boxes that
# lie apart share, less than a rounding of their distance.
UNASKED = ("scaled_distance", "_shrink")
UNASKED_IN = ("_batched", ".ndim == 3 or", "total > 0 else 1")
UNASKED_IN_FILE = {
    "bbox/enclosing.py": ("zero = tiny - tiny",),
    "cost/distance.py": ("least", "sure"),
    "suppression/nms.py": ("least = ", "scaled, goal) <= threshold", "zero = "),
}


def generate(of: str = "blocks", families: Collection[str] = ()) -> tuple[Mutant, ...]:
    """Return the mutants that some operator can show.

    Parameters
    ----------
    of : {'blocks', 'operators'}
    families : collection of str
        Only of these; empty for all.
    """
    files = FILES if of == "blocks" else OPERATOR_FILES
    return tuple(
        mutant
        for file in files
        if not families or family_of(file) in families
        for mutant in _of_file(file)
    )


@cache
def _of_file(file: str) -> tuple[Mutant, ...]:
    found: dict[str, Mutant] = {}
    lines = _called_lines(file)
    tree = get_ast(source(file))
    for name, kind in OPERATORS.items():
        operator = OperatorProvider()[name]()
        places = [p for node in ast_nodes(tree) for p in operator.mutation_positions(node)]
        for occurrence, ((line, _), _) in enumerate(places):
            if line in lines:
                mutant = _mutant(file, mutate_code(source(file), operator, occurrence), kind)
                if affected(mutant):
                    found.setdefault(mutant.apply(), mutant)
    return tuple(found.values())


def _mutant(file: str, changed: str, kind: str) -> Mutant:
    """Return the smallest replacement that makes the changed text, by whole lines."""
    old, new = source(file).splitlines(keepends=True), changed.splitlines(keepends=True)
    first = next(i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    last = next(i for i, (a, b) in enumerate(zip(old[::-1], new[::-1], strict=False)) if a != b)
    ends = len(old) - last, len(new) - last
    start = first
    while source(file).count("".join(old[start : ends[0]])) > 1:
        start -= 1
    before, after = "".join(old[start : ends[0]]), "".join(new[start : ends[1]])
    shown = "".join(old[first : ends[0]]).strip(), "".join(new[first : ends[1]]).strip()
    return Mutant(
        file,
        before,
        after,
        kind,
        meaning=f"{shown[0]} -> {shown[1]}",
        equivalent=why_equivalent(file, *shown),
    )


def _called_lines(file: str) -> set[int]:
    """Return the lines of the bodies of functions that run when a block does."""
    lines: set[int] = set()
    tree = ast.parse(source(file))
    if file in OPERATOR_FILES:
        lines |= _lines(_defaults(tree))
    for function, owner in _functions(tree, ""):
        if file in OPERATOR_FILES and _is_not_called(function):
            continue
        builds = file == "feature.py" and owner.endswith("Expander")
        if function.name in LEFT_OUT or (function.name == "__init__" and not builds):
            continue
        body = function.body
        if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            body = body[1:]  # the docstring
        lines |= _lines(body)
        if file in OPERATOR_FILES:
            lines -= _lines(_for_out_alone(body))
        for node in ast.walk(function):
            left_out = _is_check if file in OPERATOR_FILES else _is_left_out
            if isinstance(node, ast.stmt) and (left_out(node) or _is_unasked(file, node)):
                lines -= _lines([node])
    return lines


def _lines(statements: Iterable[ast.stmt]) -> set[int]:
    return {i for s in statements for i in range(s.lineno, (s.end_lineno or s.lineno) + 1)}


def _is_left_out(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.For):
        return all(map(_is_left_out, statement.body))
    return ast.unparse(statement).startswith(STATEMENTS_LEFT_OUT)


def _is_not_called(function: ast.FunctionDef) -> bool:
    """Return whether a function checks, or constructs an operator of parameters with a name."""
    named = "classmethod" in map(ast.unparse, function.decorator_list) and function.name != "of"
    return named or function.name.startswith((*CHECKS, "__post_init__", *UNASKED))


def _is_check(statement: ast.stmt) -> bool:
    """Return whether a statement of an operator checks or converts what is given, or raises."""
    if isinstance(statement, ast.For | ast.If | ast.With):
        inner = [*statement.body, *getattr(statement, "orelse", [])]
        return all(map(_is_check, inner))
    if isinstance(statement, ast.Raise | ast.Assert):
        return True
    value = getattr(statement, "value", None)
    if not isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign | ast.Return):
        return False
    return isinstance(value, ast.Call) and _called(value).startswith(CHECKS)


def _is_unasked(file: str, statement: ast.stmt) -> bool:
    """Return whether a statement of one line of an operator does what no check asks for."""
    if file not in OPERATOR_FILES or statement.lineno != statement.end_lineno:
        return False
    parts = (*UNASKED_IN, *UNASKED_IN_FILE.get(file, ()))
    return any(part in ast.unparse(statement) for part in parts)


def _for_out_alone(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a function's body that run only if `out` is given."""
    for i, statement in enumerate(body):
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "out is not None":
            return [*statement.body, *_for_out_alone(body[i + 1 :])]
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "out is None":
            returns = isinstance(statement.body[-1], ast.Return)
            return [
                *statement.orelse,
                *(body[i + 1 :] if returns else _for_out_alone(body[i + 1 :])),
            ]
    return []


def _called(call: ast.Call) -> str:
    """Return the name of what is called, without what it is an attribute of."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _defaults(tree: ast.Module) -> list[ast.stmt]:
    """Return the statements that give parameters their defaults."""
    return [
        node
        for owner in tree.body
        if isinstance(owner, ast.ClassDef) and owner.decorator_list
        for node in owner.body
        if isinstance(node, ast.AnnAssign) and node.value is not None
    ]


def _functions(node: ast.AST, owner: str) -> Iterator[tuple[ast.FunctionDef, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _functions(child, child.name)
        elif isinstance(child, ast.FunctionDef):
            yield child, owner
