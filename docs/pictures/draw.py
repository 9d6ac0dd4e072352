"""Draw the pictures of `first-system.md` from the run that it tells of.

aofl run docs/pictures/first-system.yaml --out runs/first
python docs/pictures/draw.py runs/first
"""

import sys
from pathlib import Path

from aofl.report.data import read_run
from aofl.report.figures.static import svg
from aofl.report.figures.timeline import timeline
from aofl.store import read_atoms
from aofl.system.picture import picture

HERE = Path(__file__).parent


def main(run_dir: Path) -> None:
    """Write the start structure and what happened over time."""
    start = read_atoms(run_dir / "start.extxyz")
    (HERE / "first-system-start.png").write_bytes(picture(start, "Sodium and three methanols"))
    (HERE / "first-system-timeline.svg").write_text(svg(timeline(read_run(run_dir))))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
