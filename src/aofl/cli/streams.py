"""Standard output and standard error that end no program, whatever has become of them.

They may be closed, a full disk, a pipe that nobody reads any more, the terminal of a session that
is over, or of an encoding without Å. A run of weeks is worth more than its progress lines: what
cannot be written is dropped, and said once on standard error where that is possible.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SYMBOLS = {"Å": "A", "²": "2", "✓": "+"}  # what this package writes beyond ASCII
PATIENCE_S = 1.0  # for a pipe that does not block and is full
_SPELLED, _PLAIN = "aofl-spelled", "aofl-plain"
_NOBODY_READS = (errno.EPIPE, errno.EIO)  # `| head`, a terminal that was closed: meant so
_FIRST_OF_OTHERS = 3


class LastingFile(io.FileIO):
    """An open file descriptor that takes all that is written and drops what cannot be.

    Attributes
    ----------
    failure
        What the first write that failed said; None as long as none did.
    """

    failure: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """Write what can be written; return the number of all bytes."""
        view = memoryview(data).cast("B")
        size = view.nbytes
        try:
            while view:
                written = super().write(view)
                if written is None:  # a descriptor that does not block
                    written = self._written_later(view)
                view = view[written:]
        except OSError as error:
            self.failure = self.failure or error
        return size

    def _written_later(self, view: memoryview) -> int:
        select.select([], [self.fileno()], [], PATIENCE_S)
        written = super().write(view)
        if written is None:
            raise BlockingIOError(errno.EAGAIN, "nobody reads it")
        return written


def make_lasting() -> None:
    """Replace the standard streams of this process by ones that no output can make fail.

    Descriptors that are closed are opened on the null device first, or a file of the run would
    get their number, and what a library prints would be written into it.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < _FIRST_OF_OTHERS:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    codecs.register_error(_SPELLED, spelled)
    codecs.register(lambda name: _plain() if name == _PLAIN.replace("-", "_") else None)
    if sys.stdout is sys.__stdout__:  # not what a caller of this function has put there
        sys.stdout = _lasting(sys.stdout, 1)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _lasting(sys.stderr, 2)


def tell_lost_output() -> None:
    """Say on standard error that standard output could not be written, if that is so."""
    sys.stdout.flush()
    file = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    failure = file.failure if isinstance(file, LastingFile) else None
    if failure is not None and failure.errno not in _NOBODY_READS:
        sys.stderr.write(
            f"aofl: standard output cannot be written: {failure.strerror}; what was to be read "
            "there is lost, files are not concerned\n"
        )


def spelled(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write what an encoding does not have in other letters: an error handler of `codecs`.

    Å becomes A; the bytes of a file name that are no text are given back as they are; anything
    else by its number, as Python writes it in a source.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if "\udc80" <= character <= "\udcff":
        return bytes([ord(character) - 0xDC00]), error.start + 1
    escaped = character.encode("ascii", "backslashreplace").decode()
    return SYMBOLS.get(character, escaped), error.start + 1


def _lasting(stream: TextIO | None, descriptor: int) -> TextIO:
    """Return a text stream on a descriptor, in the encoding of the one it replaces."""
    if stream is not None:
        stream.flush()
    raw = LastingFile(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=_encoding_of(stream),
        errors=_SPELLED,
        line_buffering=raw.isatty() or descriptor == 2,
    )


def _encoding_of(stream: TextIO | None) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return _PLAIN if codecs.lookup(encoding).name == "ascii" else encoding


def _plain() -> codecs.CodecInfo:
    """Return ASCII under another name: click writes UTF-8 to a stream that says it is ASCII."""
    ascii_ = codecs.lookup("ascii")
    return codecs.CodecInfo(
        ascii_.encode,
        ascii_.decode,
        incrementalencoder=ascii_.incrementalencoder,
        incrementaldecoder=ascii_.incrementaldecoder,
        name=_PLAIN,
    )
