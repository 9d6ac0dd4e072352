"""Text files, also compressed with gzip, read line by line; what goes wrong is one sentence."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from aofl.errors import StoreError
from aofl.store.atomic import cannot


@contextmanager
def text_file(path: Path, kind: str) -> Iterator[TextIO]:
    """Open a text file, `.gz` or plain, for reading.

    Parameters
    ----------
    kind
        What the file should be, for the error message.

    Raises
    ------
    StoreError
        While reading, too: if the file cannot be read, is not text, or is not whole gzip.
    """
    try:
        with _opened(path) as file:
            yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise StoreError(
            f"{path} is not whole gzip ({error}): the file was damaged or cut short; copy it again"
        ) from error
    except UnicodeDecodeError as error:
        raise StoreError(f"{path} is not {kind}: {error}") from error
    except OSError as error:
        raise cannot("read", path, error) from error


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="\n")
    return path.open(encoding="utf-8", newline="\n")
