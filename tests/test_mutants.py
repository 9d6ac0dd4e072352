"""The mutants of a few lines are the ones that are written down here, and no others."""

from __future__ import annotations

import ast

import pytest
from mutation_operators import mutants_of


def changes(source: str) -> list[str]:
    """Return the mutated sources; each compiles."""
    found = mutants_of(source)
    for mutant in found:
        compile(mutant.tree, "mutant", "exec")
    return [mutant.source for mutant in found]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = True", ["x = False"]),
        ("x = 0", ["x = 1"]),
        ("x = 0.25", ["x = 1.25", "x = 0.75"]),
        ("x = 0.5", ["x = 1.5"]),
        ("x = 2", ["x = 3", "x = 6"]),
        ("x = 'text'", []),
        ("a < b", ["a <= b", "a > b"]),
        ("a >= b", ["a > b", "a <= b"]),
        ("a == b", ["a != b"]),
        ("a is b", ["a is not b"]),
        ("a in b", ["a not in b"]),
        ("a < b == c", ["a <= b == c", "a > b == c", "a < b != c"]),
        ("a and b", ["a or b", "b", "a"]),
        ("a or b or c", ["a and b and c", "b or c", "a or c", "a or b"]),
        ("a + b", ["a - b"]),
        ("a * b", ["a / b"]),
        ("a ** b", ["a * b"]),
        ("a @ b", []),
        ("a += b", ["a -= b"]),
        ("-a", ["a"]),
        ("not a", ["a"]),
        ("x = a if b else c", ["x = a if True else c", "x = a if False else c"]),
        ("[a for a in b if a.c]", ["[a for a in b if True]"]),
        ("max(a, b)", ["min(a, b)"]),
        ("a.all()", ["a.any()"]),
        ("a.mean()", ["a.sum()"]),
        ("a[b:c]", ["a[:c]", "a[b:]"]),
        ("replace(a, b=c, d=e)", ["replace(a, d=e)", "replace(a, b=c)"]),
        ("Record(b=c)", ["Record()"]),
        ("a(b=c)", []),
        ("zip(a, b, strict=True)", []),
    ],
    ids=str,
)
def test_each_operator_makes_its_changes(source: str, expected: list[str]) -> None:
    assert changes(source) == expected


def test_conditions_and_statements_of_a_function() -> None:
    source = "def f(a):\n    if a:\n        b.append(a)\n    c = a\n    while a:\n        b += a"
    assert changes(source) == [
        source.replace("if a", "if True"),
        source.replace("if a", "if False"),
        source.replace("b.append(a)", "pass"),
        source.replace("c = a", "pass"),
        source.replace("while a", "while False"),
        source.replace("b += a", "pass"),
        source.replace("b += a", "b -= a"),
    ]


def test_statements_of_a_function_in_a_function_are_left_out_once() -> None:
    source = "def f():\n\n    def g():\n        a = b\n    return g"
    assert changes(source) == [source.replace("a = b", "pass")]


def test_annotations_docstrings_and_decorators_stay() -> None:
    source = '''
"""A module of 3 lines."""
from typing import TYPE_CHECKING, Literal
if TYPE_CHECKING:
    import ase

@dataclass(frozen=True)
class Record:
    """A record of 2 numbers."""
    a: Literal[1, 2]

@njit(cache=True)
def f(x: Literal[1]) -> Literal[2]:
    """Return 2."""
    y: Literal[3]
    return x
'''
    assert changes(source) == []


def test_values_beside_annotations_are_changed() -> None:
    source = (
        "class A:\n    b: Literal[1] = 0\n\n    def c(self, d: Literal[2]=0):\n        return d"
    )
    assert changes(source) == [
        source.replace("b: Literal[1] = 0", "b: Literal[1] = 1"),
        source.replace("d: Literal[2]=0", "d: Literal[2]=1"),
    ]


def test_a_mutant_says_where_it_differs_and_the_others_do_not_see_it() -> None:
    source = "x = a + b\n\ny = [\n    c,\n    not d,\n]"
    first, second = mutants_of(source)
    assert (first.line, first.before, first.after) == (1, "a + b", "a - b")
    assert (second.line, second.before, second.after) == (5, "not d", "d")
    assert first.source == "x = a - b\ny = [c, not d]"
    assert second.source == "x = a + b\ny = [c, d]"
    lines = [node.lineno for node in ast.walk(second.tree) if isinstance(node, ast.stmt)]
    assert lines == [1, 3]
