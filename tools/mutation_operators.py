"""Small changes of a source, each of which a good test suite should notice: its mutants.

An operator takes a node of the syntax tree and yields what to put in its place, or in the place of
a part of it. Annotations, docstrings, decorators and `strict=` of `zip` stay as they are: a change
there is not a change of what is computed.

References: R. A. DeMillo, R. J. Lipton and F. G. Sayward, Computer 11(4), 34 (1978),
doi:10.1109/C-M.1978.218136.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# A node and the one to put in its place.
Change = tuple[ast.AST, ast.AST]
Operator = Callable[[ast.AST], Iterator[Change]]

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}
METHODS = {
    **FUNCTIONS,
    "argmin": "argmax",
    "argmax": "argmin",
    "median": "mean",
    "mean": "sum",
}
UNTOUCHED_FIELDS = {"annotation", "returns", "decorator_list"}
UNTOUCHED_KEYWORDS = {"strict"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A source with one small change.

    Attributes
    ----------
    line
        Number of the line of the change in the source, from 1.
    before, after
        The code that is changed, and what it becomes.
    tree
        The changed source as a syntax tree, with the lines of the original.
    """

    line: int
    before: str
    after: str
    tree: ast.Module

    @property
    def source(self) -> str:
        """The changed source as text; comments and layout are lost."""
        return ast.unparse(self.tree)


def mutants_of(source: str) -> list[Mutant]:
    """Return all mutants of a source, in the order of their lines."""
    tree = ast.parse(source)
    changes = (
        change for node in _visited(tree) for operator in OPERATORS for change in operator(node)
    )
    return sorted((_mutant(tree, *change) for change in changes), key=lambda mutant: mutant.line)


def constants(node: ast.AST) -> Iterator[Change]:
    """Turn a truth value round, add one to a number and multiply it by three."""
    match node:
        case ast.Constant(value=bool() as value):
            yield node, ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            others = dict.fromkeys((value + 1, 3 * value))
            yield from ((node, ast.Constant(other)) for other in others if other != value)


def comparisons(node: ast.AST) -> Iterator[Change]:
    """Move a limit to the other side of equality, and turn a comparison round."""
    if isinstance(node, ast.Compare):
        for i, sign in enumerate(node.ops):
            for other in COMPARISONS[type(sign)]:
                yield node, _with(node, ops=[*node.ops[:i], other(), *node.ops[i + 1 :]])


def logic(node: ast.AST) -> Iterator[Change]:
    """Exchange `and` and `or`, and leave out one operand."""
    if isinstance(node, ast.BoolOp):
        yield node, _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        for i in range(len(node.values)):
            rest = [*node.values[:i], *node.values[i + 1 :]]
            yield node, rest[0] if len(rest) == 1 else _with(node, values=rest)


def arithmetic(node: ast.AST) -> Iterator[Change]:
    """Exchange plus and minus, times and divided by, and their like."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in ARITHMETIC:
        yield node, _with(node, op=ARITHMETIC[type(node.op)]())


def signs(node: ast.AST) -> Iterator[Change]:
    """Leave out a minus, a `not` or a `~`."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield node, node.operand


def conditions(node: ast.AST) -> Iterator[Change]:
    """Let a condition always hold and never; a filter of a comprehension always."""
    match node:
        case ast.If(test=test) | ast.IfExp(test=test) if not _is_for_types_only(test):
            yield test, ast.Constant(True)
            yield test, ast.Constant(False)
        case ast.While(test=test):
            yield test, ast.Constant(False)
        case ast.comprehension(ifs=filters):
            yield from ((test, ast.Constant(True)) for test in filters)


def statements(node: ast.AST) -> Iterator[Change]:
    """Leave out an assignment or a call in a function."""
    if isinstance(node, ast.FunctionDef):
        for statement in _own_statements(node):
            match statement:
                case ast.Assign() | ast.AugAssign() | ast.AnnAssign(value=ast.expr()):
                    yield statement, ast.Pass()
                case ast.Expr(value=ast.Call()):
                    yield statement, ast.Pass()


def keywords(node: ast.AST) -> Iterator[Change]:
    """Leave out a value of a record: a keyword of `replace` or of a class."""
    match node:
        case ast.Call(func=ast.Name(id=name)) if name == "replace" or name[:1].isupper():
            for i, keyword in enumerate(node.keywords):
                if keyword.arg:
                    rest = [*node.keywords[:i], *node.keywords[i + 1 :]]
                    yield node, _with(node, keywords=rest)


def functions(node: ast.AST) -> Iterator[Change]:
    """Exchange least and largest, `any` and `all`, and the averages."""
    match node:
        case ast.Call(func=ast.Name(id=name) as function) if name in FUNCTIONS:
            yield function, _with(function, id=FUNCTIONS[name])
        case ast.Call(func=ast.Attribute(attr=name) as function) if name in METHODS:
            yield function, _with(function, attr=METHODS[name])


def slices(node: ast.AST) -> Iterator[Change]:
    """Let a slice begin at the beginning, and end at the end."""
    if isinstance(node, ast.Slice):
        if node.lower is not None:
            yield node, _with(node, lower=None)
        if node.upper is not None:
            yield node, _with(node, upper=None)


OPERATORS: tuple[Operator, ...] = (
    constants,
    comparisons,
    logic,
    arithmetic,
    signs,
    conditions,
    statements,
    keywords,
    functions,
    slices,
)


def _visited(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all below it that may be changed."""
    yield node
    for name, value in ast.iter_fields(node):
        if name not in UNTOUCHED_FIELDS:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _is_untouched(child):
                    yield from _visited(child)


def _is_untouched(node: ast.AST) -> bool:
    return isinstance(node, ast.keyword) and node.arg in UNTOUCHED_KEYWORDS


def _is_for_types_only(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _own_statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements below a node, without those of functions and classes in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.ClassDef | ast.expr):
            yield child
            yield from _own_statements(child)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    """Return a node with other values of some fields."""
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _mutant(tree: ast.Module, old: ast.AST, new: ast.AST) -> Mutant:
    """Return the mutant with `new` in the place of `old`."""
    ast.copy_location(new, old)
    changed = _replaced(tree, old, new)
    assert isinstance(changed, ast.Module)
    line = getattr(old, "lineno", 0)
    return Mutant(
        line=line,
        before=ast.unparse(old),
        after=ast.unparse(new),
        tree=ast.fix_missing_locations(changed),
    )


def _replaced(node: ast.AST, old: ast.AST, new: ast.AST) -> ast.AST:
    """Return the tree below a node with `new` in the place of `old`; nothing is changed in place.

    Nodes of the tree are told apart by identity.
    """
    if node is old:
        return new
    fields = {
        name: [_replaced(item, old, new) if isinstance(item, ast.AST) else item for item in value]
        if isinstance(value, list)
        else _replaced(value, old, new)
        if isinstance(value, ast.AST)
        else value
        for name, value in ast.iter_fields(node)
    }
    return _with(node, **fields)
