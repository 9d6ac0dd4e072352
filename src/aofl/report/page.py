"""From sections to one HTML text: what a section may hold, and the template that lays it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from aofl.report.embedded import asset, script_hash, to_script_json
from aofl.report.figures.ball_and_stick import Drawing
from aofl.report.figures.plot import THINNING, Plot

RESTS_ON = "from the files of the run directory. Accuracy is quoted on audit frames only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One key figure with its unit and what it rests on."""

    name: str
    value: str
    unit: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question and its answer in words.

    Attributes
    ----------
    level
        Of a verdict: "kept", "doubtful" or "broken"; "" for a plain answer.
    checks
        What a verdict rests on: level, name and words of each criterion.
    command
        To type next.
    """

    question: str
    lines: tuple[str, ...]
    level: str = ""
    checks: tuple[tuple[str, str, str], ...] = ()
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Illustration:
    """A drawing or a plot, what it is (for those who cannot see it), and how to read it."""

    drawing: Drawing | Plot
    label: str
    caption: str

    @property
    def plot_json(self) -> str:
        """The plot as JSON for a `script` element; "" for a drawing."""
        return to_script_json(self.drawing.to_plain()) if isinstance(self.drawing, Plot) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A cell of a table that is a time of the trajectory: its text, and the time."""

    text: str
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A cell of a table that leads to another file: its text, and where that is."""

    text: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; cells are shown as text, whatever they hold."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the page, in the order text, answers, cards, film, figures, tables, listing.

    `film` is what the viewer of the trajectory plays, as JSON for a `script` element.
    """

    id: str
    title: str
    badge: str = ""
    text: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    cards: tuple[Card, ...] = ()
    film: str = ""
    figures: tuple[Illustration, ...] = ()
    tables: tuple[Table, ...] = ()
    listing: str = ""
    listing_title: str = ""


def counted(title: str, n_all: int, n_shown: int) -> str:
    """Write a caption that says how many there are, and how many of them are shown."""
    return f"{title} ({n_shown} of {n_all} shown)" if n_shown < n_all else f"{title} ({n_all})"


def render(
    sections: Sequence[Section],
    *,
    name: str,
    version: str,
    rests_on: str = RESTS_ON,
    reload_s: float | None = None,
) -> str:
    """Lay out the sections, the first as the head of the page; every text is escaped.

    Parameters
    ----------
    sections
        At least one.
    name
        Of the run directory.
    version
        Of the package that ran.
    rests_on
        What was read and how far it goes, for the foot of the page.
    reload_s
        After how many seconds the page loads itself again, and says so; None: never.
    """
    environment = Environment(
        loader=PackageLoader("aofl.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    scripts = _scripts(sections)
    return template.render(
        head=sections[0],
        thinning=THINNING if _has_plots(sections) else "",
        sections=sections[1:],
        name=name,
        version=version,
        rests_on=rests_on,
        reload_s=None if reload_s is None else max(1, round(reload_s)),
        scripts=scripts,
        script_hashes=[script_hash(script) for script in scripts],
    )


def _scripts(sections: Sequence[Section]) -> list[str]:
    """Return the scripts that the sections need, libraries with their licences first."""
    made = []
    if _has_plots(sections):
        made += [_library("plotly-basic.min.js", "plotly.LICENSE.txt"), asset("plots.js")]
    if any(section.film for section in sections):
        made += [_library("3Dmol-min.js", "3Dmol.LICENSE.txt"), asset("viewer.js")]
    return made


def _has_plots(sections: Sequence[Section]) -> bool:
    return any(isinstance(f.drawing, Plot) for section in sections for f in section.figures)


def _library(name: str, licence: str) -> str:
    return f"/*!\n{asset(licence).replace('*/', '* /')}*/\n{asset(name)}"
