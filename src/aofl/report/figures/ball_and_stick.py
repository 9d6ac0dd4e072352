"""Draws the scene of a reaction as SVG: balls and sticks, bonds that break red, new ones green.

Atoms farther away are drawn first and paler. Atoms that do not react have no letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols, covalent_radii
from ase.data.colors import jmol_colors

from aofl.analysis.scenes import Panel, Scene
from aofl.chemistry.limits import IS_METAL
from aofl.records import FloatArray
from aofl.report.figures.plot import GREEN, GREY, RED

WIDTH, HEIGHT, HEAD, FOOT = 340.0, 250.0, 26.0, 24.0
MARGIN, LARGEST_SCALE = 6.0, 46.0  # px, px per Å
CONTACT = 'stroke-width="1.2" stroke-dasharray="2 3" opacity="0.8"'
GONE = 'stroke-width="2" stroke-dasharray="5 4"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One figure as SVG text, drawn for a wide page and again for a phone."""

    wide: str
    narrow: str


def draw_scene(scene: Scene, name: str, unit: str) -> Drawing:
    """Draw the panels of a scene side by side, and for a phone below each other.

    Parameters
    ----------
    name
        Unique in the page; the ids inside the SVG are derived from it.
    unit
        Of times.
    """
    return Drawing(
        wide=_svg(scene, f"{name}-wide", len(scene.panels), unit),
        narrow=_svg(scene, f"{name}-narrow", 1, unit),
    )


def _svg(scene: Scene, name: str, columns: int, unit: str) -> str:
    rows = -(-len(scene.panels) // columns)
    width, height = columns * WIDTH, rows * (HEIGHT + HEAD) + FOOT
    low, scale = _fit(scene)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}">',
        _gradients(scene, name),
    ]
    for k, panel in enumerate(scene.panels):
        x, y = (k % columns) * WIDTH, (k // columns) * (HEIGHT + HEAD)
        parts.append(f'<g transform="translate({x:.0f} {y:.0f})">')
        parts.append(
            f'<text x="{WIDTH / 2:.0f}" y="16" text-anchor="middle" fill="currentColor" '
            f'font-size="13" font-weight="600">{_when(panel, unit)}</text>'
        )
        parts += _panel(scene, panel, name, low, scale)
        parts.append("</g>")
    parts += [_legend(scene, name, width, height), "</svg>"]
    return "\n".join(parts)


def _fit(scene: Scene) -> tuple[FloatArray, float]:
    """Return the middle of all panels, Å, and px per Å, so that everything is seen."""
    points = np.array([panel.points[:, :2] for panel in scene.panels])
    radii = _radii(scene)[:, None]
    low, high = (points - radii).min(axis=(0, 1)), (points + radii).max(axis=(0, 1))
    room = np.array([WIDTH, HEIGHT]) - 2 * MARGIN
    middle: FloatArray = 0.5 * (low + high)
    return middle, float(min(LARGEST_SCALE, (room / (high - low)).min()))


def _radii(scene: Scene) -> FloatArray:
    """Return the radii of balls, Å: letters fit in, and what does not react is not in the way."""
    radii: FloatArray = 0.25 + 0.35 * np.asarray(covalent_radii)[scene.numbers]
    return np.where(scene.reacts | IS_METAL[scene.numbers], radii, 0.55 * radii)


def _when(panel: Panel, unit: str) -> str:
    if panel.time == 0:
        return "as it happens"
    return f"{abs(panel.time):g} {unit} {'before' if panel.time < 0 else 'after'}"


def _panel(
    scene: Scene, panel: Panel, name: str, middle: FloatArray, scale: float
) -> Sequence[str]:
    """Return sticks and balls of one panel, the farthest first."""
    xy = (panel.points[:, :2] - middle) * [scale, -scale] + [WIDTH / 2, HEAD + HEIGHT / 2]
    depth = panel.points[:, 2]
    nearness = (depth - depth.min()) / max(float(np.ptp(depth)), 1e-6)
    formed, broken = ({frozenset(p) for p in pairs} for pairs in (scene.formed, scene.broken))
    shapes: list[tuple[float, str]] = []
    for kind, pairs in (("bond", panel.bonds), ("contact", panel.contacts)):
        for a, b in pairs:
            pair = frozenset((a, b))
            colour = GREEN if pair in formed else RED if pair in broken else GREY
            reacts = bool(scene.reacts[a] or scene.reacts[b])
            style = _stick(scale, reacts) if kind == "bond" else CONTACT
            shapes.append((min(depth[a], depth[b]) + 1e-3, _line(xy[a], xy[b], colour, style)))
    held = {frozenset(pair) for pair in panel.bonds}
    for a, b in scene.broken:
        if frozenset((a, b)) not in held:
            shapes.append((min(depth[a], depth[b]) + 1e-3, _line(xy[a], xy[b], RED, GONE)))
    for k, place in enumerate(xy):
        shapes.append((float(depth[k]), _ball(scene, name, k, place, scale, float(nearness[k]))))
    return [shape for _, shape in sorted(shapes, key=lambda entry: entry[0])]


def _stick(scale: float, reacts: bool) -> str:
    width, opacity = (0.17, 1.0) if reacts else (0.10, 0.4)
    return f'stroke-width="{width * scale:.1f}" opacity="{opacity}"'


def _line(start: FloatArray, end: FloatArray, colour: str, style: str) -> str:
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{colour}" stroke-linecap="round" {style}/>'
    )


def _ball(scene: Scene, name: str, k: int, place: FloatArray, scale: float, nearness: float) -> str:
    number = int(scene.numbers[k])
    radius = scale * float(_radii(scene)[k])
    opacity = 1.0 if scene.reacts[k] else 0.3 + 0.3 * nearness
    ball = (
        f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{radius:.1f}" '
        f'fill="url(#{name}-{chemical_symbols[number]})" stroke="#3a4250" stroke-width="0.7" '
        f'opacity="{opacity:.2f}"/>'
    )
    if not scene.reacts[k]:
        return ball
    size = min(13.0, 1.3 * radius)
    return ball + (
        f'<text x="{place[0]:.1f}" y="{place[1] + 0.36 * size:.1f}" text-anchor="middle" '
        f'font-size="{size:.1f}" font-weight="600" fill="{_ink(number)}">'
        f"{chemical_symbols[number]}</text>"
    )


def _gradients(scene: Scene, name: str) -> str:
    """Return one shaded fill for each element."""
    fills = []
    for number in sorted(set(scene.numbers.tolist())):
        colour = jmol_colors[number]
        light, dark = 0.45 + 0.55 * colour, 0.78 * colour
        fills.append(
            f'<radialGradient id="{name}-{chemical_symbols[number]}" cx="0.36" cy="0.32" r="0.75">'
            f'<stop offset="0" stop-color="{_hex(light)}"/>'
            f'<stop offset="0.55" stop-color="{_hex(colour)}"/>'
            f'<stop offset="1" stop-color="{_hex(dark)}"/></radialGradient>'
        )
    return f"<defs>{''.join(fills)}</defs>"


def _legend(scene: Scene, name: str, width: float, height: float) -> str:
    """Return the elements with their colours, in one line in the middle below the panels."""
    symbols = [chemical_symbols[number] for number in sorted(set(scene.numbers.tolist()))]
    start = width / 2 - 21 * len(symbols)
    return "".join(
        f'<circle cx="{start + 42 * k + 8:.0f}" cy="{height - 11:.0f}" r="6" '
        f'fill="url(#{name}-{symbol})" stroke="#3a4250" stroke-width="0.7"/>'
        f'<text x="{start + 42 * k + 18:.0f}" y="{height - 7:.0f}" fill="currentColor" '
        f'font-size="12">{symbol}</text>'
        for k, symbol in enumerate(symbols)
    )


def _ink(number: int) -> str:
    """Return a colour that is read on the ball of an element."""
    return "#1c2430" if jmol_colors[number] @ [0.30, 0.59, 0.11] > 0.45 else "#ffffff"


def _hex(colour: FloatArray) -> str:
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in np.clip(colour, 0, 1))
