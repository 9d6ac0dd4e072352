"""Damage: random changes of bytes, of JSON values, and of what lies inside an archive."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml

from aofl.forcefield.serialise import SEAL, SEAL_SIZE
from aofl.store import read_checkpoint, save_checkpoint

HEAD = 6000  # bytes of a model where HDF5 keeps its own

# What a reader is tempted by: huge counts, code, paths out, odd numbers, deep nesting, bombs.
TOKENS = [
    b"999999999", b"-1", b"1e309", b"NaN", b"inf", b"\x00", b"\xff\xfe", b"\n", b"\n\n", b'"',
    b"!!python/object/apply:os.system ['touch pwned']", b"*a", b"&a [*a, *a]", b"? [a]",
    b"../../../../tmp/pwned", b"/etc/passwd", b"&", b"[" * 3000, b"{" * 3000, b"9" * 5000,
    b"- " * 2000,
    b"__import__('os').system('touch pwned')", b"\\", b"T", b"<<: *x", b"2020-02-31", b":", b"#",
    b"_JSON ", b"Properties=species:S:1:pos:R:999999999", b"Lattice=", b"\x1f\x8b\x08",
    b"PK\x03\x04", b"(9999999999999,)", b"'|O'", b"'<f8'", b"\x89HDF\r\n\x1a\n", b"null", b"true",
    b"!!binary x",
]  # fmt: skip


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return the bytes with a few random changes."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(out) + 1)
        width = rng.choice((1, 1, 2, 8, 60))
        match rng.randrange(7):
            case 0 if out:
                out[at % len(out)] ^= 1 << rng.randrange(8)
            case 1:
                out[at : at + width] = rng.randbytes(width)
            case 2:
                del out[at:]
            case 3:
                del out[at : at + width]
            case 4:
                out[at:at] = rng.choice(TOKENS)
            case 5:
                out[at : at + width] = rng.choice(TOKENS)
            case _:
                other = rng.randrange(len(out) + 1)
                out[at:at] = out[other : other + 10 * width]
    return bytes(out)


def mutated_json(value: Any, rng: random.Random) -> Any:
    """Return a JSON value with one part replaced by another kind of value."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        if rng.random() < 0.2:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: mutated_json(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        k = rng.randrange(len(value))
        return [*value[:k], mutated_json(value[k], rng), *value[k + 1 :]]
    return rng.choice([None, -1, 10**30, 1e300, "x", "../../x", [], {}, [[1]], True, value])


def damaged_lines(data: bytes, rng: random.Random) -> bytes:
    """Change a value in one line of JSON."""
    lines = data.splitlines(keepends=True)
    k = rng.randrange(len(lines))
    try:
        text = json.dumps(mutated_json(json.loads(lines[k]), rng))
    except ValueError:  # a file of one value on several lines
        return json.dumps(mutated_json(json.loads(data), rng)).encode() + b"\n"
    return b"".join([*lines[:k], text.encode() + b"\n", *lines[k + 1 :]])


def damaged_yaml(data: bytes, rng: random.Random) -> bytes:
    return yaml.safe_dump(mutated_json(yaml.safe_load(data), rng)).encode()


def damaged_gzip(data: bytes, rng: random.Random) -> bytes:
    return gzip.compress(mutated(gzip.decompress(data), rng), 1, mtime=0)


def damaged_model(data: bytes, rng: random.Random) -> bytes:
    """Change the bytes that HDF5 keeps for itself, or the JSON of the header."""
    if rng.random() < 0.5:
        return mutated(data[:HEAD], rng) + data[HEAD:]
    copy = io.BytesIO(data)
    with h5py.File(copy, "r+") as file:
        file.attrs["header"] = json.dumps(mutated_json(json.loads(file.attrs["header"]), rng))
    body = copy.getvalue()[SEAL_SIZE:]
    block = f"{SEAL}{hashlib.sha256(body).hexdigest()}\n".encode()
    return block.ljust(SEAL_SIZE, b"\0") + body


def resealed(data: bytes, rng: random.Random) -> bytes:
    """Return a checkpoint of strange content whose checksum is right."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "checkpoint.npz"
        path.write_bytes(data)
        checkpoint = read_checkpoint(path)
        arrays, state = dict(checkpoint.arrays), dict(checkpoint.state)
        if rng.random() < 0.3:
            name = rng.choice(sorted(arrays))
            arrays[name] = rng.choice(
                [np.zeros(0), np.zeros((1, 1, 1)), np.ones(2, dtype=bool), np.full((3, 3), np.nan),
                 arrays[name] * 1e300, -arrays[name]]
            )  # fmt: skip
        else:
            changed = mutated_json(state, rng)
            state = changed if isinstance(changed, dict) else state
        save_checkpoint(path, arrays, state)
        return path.read_bytes()
