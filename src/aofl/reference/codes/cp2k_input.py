"""CP2K input as a tree of sections: read, changed and written without knowing its keywords.

A preset and a user's own file become the same kind of tree, so that everything else (structure,
retries, charges) is a change of that tree. Grammar: `&NAME argument ... &END`, `KEYWORD value`,
comments from `!` or `#` on; names are case-insensitive and are held in capitals. The preprocessor
(`@SET`, `@INCLUDE`, `${...}`) is not run: a file that needs it is refused.

The CP2K input manual: https://manual.cp2k.org.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from aofl.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Section:
    """One section of an input.

    Attributes
    ----------
    name
        In capitals; empty for the whole input.
    argument
        What follows the name on its line, such as the element of a `&KIND`.
    content
        Lines (keyword in capitals, value) and sections, in order.
    """

    name: str
    argument: str = ""
    content: tuple[tuple[str, str] | Section, ...] = ()

    @property
    def sections(self) -> Iterator[Section]:
        """The sections directly inside."""
        return (item for item in self.content if isinstance(item, Section))

    def find(self, *path: str) -> Section | None:
        """Return the first section at a path of names, None where there is none."""
        if not path:
            return self
        inside = (s.find(*path[1:]) for s in self.sections if s.name == path[0])
        return next((found for found in inside if found is not None), None)

    def value(self, keyword: str) -> str | None:
        """Return the value of a keyword directly inside, None where it is not given."""
        pairs = (item for item in self.content if not isinstance(item, Section))
        return next((value for name, value in pairs if name == keyword), None)

    def with_value(self, path: tuple[str, ...], keyword: str, value: str) -> Section:
        """Return the tree with a keyword of a section set; the section is made where missing."""
        if path:
            return self._with_inside(path[0], lambda s: s.with_value(path[1:], keyword, value))
        kept = [item for item in self.content if isinstance(item, Section) or item[0] != keyword]
        return replace(self, content=((keyword, value), *kept))

    def with_section(self, path: tuple[str, ...], section: Section) -> Section:
        """Return the tree with a section put at a path in place of all of that name there."""
        if path:
            return self._with_inside(path[0], lambda s: s.with_section(path[1:], section))
        kept = [i for i in self.content if not isinstance(i, Section) or i.name != section.name]
        return replace(self, content=(*kept, section))

    def _with_inside(self, name: str, change: Callable[[Section], Section]) -> Section:
        """Return the tree with the first section of a name changed, or a new one added."""
        content = list(self.content)
        for k, item in enumerate(content):
            if isinstance(item, Section) and item.name == name:
                content[k] = change(item)
                return replace(self, content=tuple(content))
        return replace(self, content=(*content, change(Section(name))))


def render(section: Section, depth: int = 0) -> str:
    """Return a tree as input text; the root is written without a line of its own."""
    lines = []
    for item in section.content:
        indent = "  " * depth
        if isinstance(item, Section):
            lines.append(f"{indent}&{item.name} {item.argument}".rstrip() + "\n")
            lines.append(render(item, depth + 1))
            lines.append(f"{indent}&END {item.name}\n")
        else:
            lines.append(f"{indent}{item[0]} {item[1]}".rstrip() + "\n")
    return "".join(lines)


def parse(text: str, source: str) -> Section:
    """Return the tree of an input text.

    Parameters
    ----------
    source
        What the messages call the text.

    Raises
    ------
    ConfigError
        If sections are not closed in order, or the text needs CP2K's preprocessor.
    """
    stack: list[tuple[str, str, list[tuple[str, str] | Section]]] = [("", "", [])]
    for number, raw in enumerate(text.splitlines(), start=1):
        line = _without_comment(raw)
        if not line:
            continue
        where = f"{source} line {number}"
        if line.startswith("@") or "${" in line:
            raise ConfigError(
                f"{where} needs CP2K's preprocessor ({line[:40]!r}): write the value out"
            )
        word, _, rest = line.partition(" ")
        if word.upper() == "&END":
            name, argument, content = _closed(stack, rest.split(), where)
            stack[-1][2].append(Section(name, argument, tuple(content)))
        elif word.startswith("&"):
            stack.append((word[1:].upper(), rest.strip(), []))
        else:
            stack[-1][2].append((word.upper(), rest.strip()))
    if len(stack) > 1:
        raise ConfigError(f"{source} ends inside the section &{stack[-1][0]}: add its &END")
    return Section("", "", tuple(stack[0][2]))


def _without_comment(line: str) -> str:
    for mark in "!#":
        line = line.partition(mark)[0]
    return " ".join(line.split())


def _closed(
    stack: list[tuple[str, str, list[tuple[str, str] | Section]]], name: list[str], where: str
) -> tuple[str, str, list[tuple[str, str] | Section]]:
    if len(stack) == 1:
        raise ConfigError(f"{where} has an &END with no section open: remove it")
    opened = stack.pop()
    if name and name[0].upper() not in (opened[0], "SECTION"):
        raise ConfigError(
            f"{where} ends &{name[0].upper()} where &{opened[0]} is open: close it first"
        )
    return opened
