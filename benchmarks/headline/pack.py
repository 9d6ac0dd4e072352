"""Pack a run directory to keep it: its frames thinned, without what can be made again.

Run: .venv/bin/python benchmarks/headline/pack.py RUN [--every 5]
Writes benchmarks/headline/NAME.tar.xz; a minute or two. Models and reports are left out, and the
checkpoint where it is not small or frames are thinned: who goes on from the last frame learns the
labels again. AIMD that is packed with `--every 1` is gone on with by `aofl resume`.
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
KEPT_FOLDERS = {"quarantine", "plumed"}
CHECKPOINT, SMALL = "checkpoint.npz", 10**6  # bytes


def thinned(run: Path, every: int) -> bytes:
    """Return every so many frames of the trajectory, packed as a run packs them."""
    members = (
        m for part in parts(RunDirectory.open(run).trajectory) for m in iterate_members(part)
    )
    return b"".join(pack(member) for member in islice(members, 0, None, every))


def is_kept(path: Path, *, every: int) -> bool:
    """Return whether a file or folder of a run directory is packed as it is."""
    if path.is_dir():
        return path.name in KEPT_FOLDERS
    if path.name == CHECKPOINT:
        return every == 1 and path.stat().st_size < SMALL
    return path.suffix not in LEFT_OUT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--every", type=int, default=5, help="of so many frames one is kept")
    given = parser.parse_args()
    run: Path = given.run
    with tarfile.open(HERE / f"{run.name}.tar.xz", "w:xz") as archive:
        for path in sorted(run.iterdir()):
            if is_kept(path, every=given.every):
                archive.add(path, f"{run.name}/{path.name}")
        frames = thinned(run, given.every)
        name = part_path(RunDirectory.open(run).trajectory, 1).name
        entry = tarfile.TarInfo(f"{run.name}/{name}")
        entry.size = len(frames)
        archive.addfile(entry, io.BytesIO(frames))
    print(HERE / f"{run.name}.tar.xz")


if __name__ == "__main__":
    main()
