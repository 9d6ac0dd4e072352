"""The cache of labels: exact, by structure and level, and never trusted blindly."""

import json

import numpy as np
import pytest

from aofl.errors import StoreError
from aofl.records import Label
from aofl.store import LabelCache

RNG = np.random.default_rng(0)
LABEL = Label(
    energy=-0.1 - 0.2,
    forces=RNG.normal(size=(3, 3)),
    stress=RNG.normal(size=6),
    charges=RNG.normal(size=3),
    seconds=4.25,
    attempts=2,
)
DIGEST = "a" * 64


def test_a_label_comes_back_bit_for_bit(tmp_path):
    LabelCache(tmp_path / "new" / "cache", "CP2K [1]").keep(DIGEST, LABEL)
    found = LabelCache(tmp_path / "new" / "cache", "CP2K [1]").find(DIGEST)
    assert (found.energy, found.seconds, found.attempts) == (LABEL.energy, 4.25, 2)
    for name in ("forces", "stress", "charges"):
        assert getattr(found, name).tobytes() == getattr(LABEL, name).tobytes()


def test_what_the_code_did_not_give_stays_absent(tmp_path):
    cache = LabelCache(tmp_path, "CP2K [1]")
    cache.keep(DIGEST, Label(energy=1.0, forces=np.zeros((2, 3))))
    assert cache.find(DIGEST).stress is None
    assert cache.find(DIGEST).charges is None


def test_another_structure_or_level_is_not_found(tmp_path):
    LabelCache(tmp_path, "CP2K [1]").keep(DIGEST, LABEL)
    assert LabelCache(tmp_path, "CP2K [1]").find("b" * 64) is None
    assert LabelCache(tmp_path, "CP2K [2]").find(DIGEST) is None
    assert LabelCache(tmp_path / "none", "CP2K [1]").find(DIGEST) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: "null",
        lambda text: text.replace(DIGEST, "b" * 64),
        lambda text: text.replace("[1]", "[2]"),
        lambda text: json.dumps({**json.loads(text), "label": {}}),
        lambda text: text.replace('"forces": [[', '"forces": [[1.0, '),
    ],
)
def test_a_damaged_file_is_passed_over_and_replaced(tmp_path, change, caplog):
    cache = LabelCache(tmp_path, "CP2K [1]")
    cache.keep(DIGEST, LABEL)
    (path,) = tmp_path.rglob("*.json")
    path.write_text(change(path.read_text()))
    assert cache.find(DIGEST) is None
    assert "is damaged and passed over" in caplog.text
    cache.keep(DIGEST, LABEL)
    assert cache.find(DIGEST).energy == LABEL.energy


def test_numbers_that_are_not_finite_are_never_written(tmp_path):
    with pytest.raises(StoreError, match="not finite"):
        LabelCache(tmp_path, "x").keep(DIGEST, Label(energy=np.nan, forces=np.zeros((1, 3))))
    assert not list(tmp_path.rglob("*.json"))


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StoreError, match="cannot"):
        LabelCache(blocked, "x").keep(DIGEST, LABEL)
