"""Pack a run directory to keep it: its frames thinned, without what can be made again.

Run: .venv/bin/python benchmarks/headline/pack.py RUN [--every 5]
Writes benchmarks/headline/NAME.tar.xz; a minute or two. Models, checkpoints and reports are left
out: who goes on from the last frame learns the labels again.
"""

import argparse
import io
import tarfile
from itertools import islice
from pathlib import Path

from aofl.store import RunDirectory
from aofl.store.chunks import iterate_members, pack, part_path, parts

HERE = Path(__file__).parent
LEFT_OUT = {".h5", ".html", ".gz", ".npz", ""}
KEPT_FOLDER = "quarantine"


def thinned(run: Path, every: int) -> bytes:
    """Return every so many frames of the trajectory, packed as a run packs them."""
    members = (
        m for part in parts(RunDirectory.open(run).trajectory) for m in iterate_members(part)
    )
    return b"".join(pack(member) for member in islice(members, 0, None, every))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--every", type=int, default=5, help="of so many frames one is kept")
    given = parser.parse_args()
    run: Path = given.run
    with tarfile.open(HERE / f"{run.name}.tar.xz", "w:xz") as archive:
        for path in sorted(run.iterdir()):
            is_kept = path.suffix not in LEFT_OUT if path.is_file() else path.name == KEPT_FOLDER
            if is_kept:
                archive.add(path, f"{run.name}/{path.name}")
        frames = thinned(run, given.every)
        name = part_path(RunDirectory.open(run).trajectory, 1).name
        entry = tarfile.TarInfo(f"{run.name}/{name}")
        entry.size = len(frames)
        archive.addfile(entry, io.BytesIO(frames))
    print(HERE / f"{run.name}.tar.xz")


if __name__ == "__main__":
    main()
