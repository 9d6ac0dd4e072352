"""Whatever a file holds, its reader returns or raises an error of the package, and runs nothing."""

from __future__ import annotations

import io
import json
import random
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fuzzing import Corpus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aofl.config import read_config
from aofl.errors import ConfigError, StoreError
from aofl.store import read_checkpoint

QUICK = (
    "config", "resolved config", "dataset", "foreign labels", "start", "ledger", "events", "table",
    "record", "summary", "trajectory", "plain trajectory", "checkpoint", "traj", "xdatcar", "vasp",
    "cif", "lammps-dump",
)  # fmt: skip
RESUMED = ("checkpoint.npz", "labels.extxyz", "ledger.jsonl", "events.jsonl", "thermo.csv",
           "run.json", "start.extxyz")  # fmt: skip
SLOW = ("model", *(f"resume {name}" for name in RESUMED))
UNCHECKED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    made = Corpus(tmp_path_factory.mktemp("corpus"))
    yield made
    assert made.elsewhere() == []


def test_every_kind_is_fuzzed(corpus: Corpus) -> None:
    assert set(corpus.kinds) == {*QUICK, *SLOW}


@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_whole_files_are_read(corpus: Corpus, name: str) -> None:
    assert corpus.read(name, corpus.kinds[name].whole)


@pytest.mark.parametrize("name", QUICK)
@settings(max_examples=40, deadline=None, suppress_health_check=UNCHECKED, database=None)
@given(rng=st.randoms(use_true_random=False))
def test_damaged_files_are_read_or_refused(corpus: Corpus, name: str, rng: random.Random) -> None:
    corpus.read(name, corpus.case(name, rng))


@pytest.mark.parametrize("name", SLOW)
@settings(max_examples=6, deadline=None, suppress_health_check=UNCHECKED, database=None)
@given(rng=st.randoms(use_true_random=True))
def test_damaged_runs_are_resumed_or_refused(corpus: Corpus, name: str, rng: random.Random) -> None:
    corpus.read(name, corpus.case(name, rng))


def test_the_fuzzer_notices_any_other_error(corpus: Corpus) -> None:
    def careless(path: Path) -> object:
        return json.loads(path.read_bytes())["seed"]

    corpus.kinds["careless"] = replace(corpus.kinds["record"], read=careless)
    with pytest.raises(ValueError, match="Expecting"):
        corpus.read("careless", b"{")
    del corpus.kinds["careless"]


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "[" * 100_000,
        "seed: " + "9" * 5000,
        "seed: 2020-02-31\nmode: !!timestamp 2020-02-31",
        "mode: !!python/object/apply:os.system ['touch pwned']",
        "? [a, b]\n: 1",
        "mode: \x00",
        "system: {<<: {structure: x}}",
    ],
)
def test_hostile_configurations_are_one_sentence(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        read_config(path)
    assert [file.name for file in tmp_path.iterdir()] == ["run.yaml"]


def test_a_configuration_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 30)  # a hole, which takes no room
    with pytest.raises(ConfigError, match="more than 1000000 bytes"):
        read_config(path)


def npz(header_shape: tuple[int, ...], compression: int, n_bytes: int = 64) -> bytes:
    member = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": header_shape}
    np.lib.format.write_array_header_1_0(member, header)
    member.write(bytes(n_bytes))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("state.npy", member.getvalue())
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        npz((10**13,), zipfile.ZIP_STORED),
        npz((10**8,), zipfile.ZIP_DEFLATED, n_bytes=10**7),
        npz((-1, 8), zipfile.ZIP_STORED),
        npz((2**40, 2**40), zipfile.ZIP_STORED),
    ],
)
def test_no_header_of_a_checkpoint_makes_it_ask_for_memory(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(StoreError, match="damaged"):
        read_checkpoint(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


@pytest.mark.soak
def test_a_hundred_thousand_damaged_files() -> None:
    """In a process with bounded memory; a crash of a library would be a failure, too."""
    counts = [*(f"{name}=5500" for name in QUICK), *(f"{name}=150" for name in SLOW)]
    worker = Path(__file__).with_name("fuzzing.py")
    done = subprocess.run(
        [sys.executable, worker, "2026", *counts], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    print(json.dumps(found))  # noqa: T201 - the figures of a soak are its result
    assert found["wrong"] == []
    assert found["elsewhere"] == []
    assert found["inputs"] >= 100_000
