"""Pack a run directory to keep it: frames and thermo rows thinned, without what can be made again.

Run: .venv/bin/python benchmarks/headline/pack.py RUN [--every 5] [--whole 200]
Writes benchmarks/headline/NAME.tar.xz; a minute or two. The first frames, when most happens, can be
kept whole. Models, checkpoints and reports are left out: who goes on from the last frame learns the
labels again. Paths are told from the checkout.
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
SPEAKS_OF_PATHS = {"config.yaml", "run.json"}


def thinned(trajectory: Path, whole: int, every: int) -> bytes:
    """Return the first frames and every so many of the others, packed as a run packs them."""
    members = (m for part in parts(trajectory) for m in iterate_members(part))
    first = list(islice(members, whole))
    return b"".join(map(pack, [*first, *islice(members, 0, None, every)]))


def thinned_table(path: Path, every: int) -> bytes:
    """Return the head of a table and every so many of its rows."""
    head, *rows = path.read_bytes().splitlines(keepends=True)
    return head + b"".join(rows[::every])


def is_kept(path: Path) -> bool:
    """Return whether a file or folder of a run directory is packed as it is."""
    if path.is_dir():
        return path.name in KEPT_FOLDERS
    return path.suffix not in LEFT_OUT


def without_checkout(path: Path) -> bytes:
    """Return a file with paths in this checkout as seen from it."""
    return path.read_bytes().replace(f"{HERE.parents[1]}/".encode(), b"")


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file to an archive."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--every", type=int, default=5, help="one of so many frames is kept")
    parser.add_argument("--whole", type=int, default=0, help="but all of the first so many")
    given = parser.parse_args()
    run: Path = given.run
    directory = RunDirectory.open(run)
    with tarfile.open(HERE / f"{run.name}.tar.xz", "w:xz") as archive:
        for path in sorted(run.iterdir()):
            if path.name in SPEAKS_OF_PATHS:
                add(archive, f"{run.name}/{path.name}", without_checkout(path))
            elif path == directory.thermo:
                add(archive, f"{run.name}/{path.name}", thinned_table(path, given.every))
            elif is_kept(path):
                archive.add(path, f"{run.name}/{path.name}")
        frames = thinned(directory.trajectory, given.whole, given.every)
        name = part_path(directory.trajectory, 1).name
        add(archive, f"{run.name}/{name}", frames)
    print(HERE / f"{run.name}.tar.xz")


if __name__ == "__main__":
    main()
