"""A saved force field is the same force field; a file that is none says so."""

import itertools
import json
import resource
from pathlib import Path

import h5py
import numpy as np
import pytest
from ff_toys import ELEMENTS, TINY, crystal, edited, trained, truth

from aofl.errors import ModelError
from aofl.forcefield.model import ForceField
from aofl.forcefield.serialise import SCHEMA

FRAMES = [crystal(seed) for seed in range(9)]


@pytest.fixture(scope="module")
def force_field() -> ForceField:
    return trained(FRAMES[:6])


@pytest.fixture(scope="module")
def saved(force_field, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models") / "model.h5"
    force_field.save(path)
    return path


@pytest.fixture
def copy(saved, tmp_path) -> Path:
    """A copy that a test may damage."""
    path = tmp_path / "copy.h5"
    path.write_bytes(saved.read_bytes())
    return path


def assert_identical(left: ForceField, right: ForceField) -> None:
    for atoms, way in itertools.product(FRAMES[6:], ("exact", "sampled")):
        one, two = (f.predict(atoms, forces_std=way) for f in (left, right))
        assert one.energy == two.energy
        for name in ("energies", "forces", "stress", "forces_std"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        np.testing.assert_array_equal(left.environments(atoms), right.environments(atoms))


def test_loaded_one_predicts_the_same_bits(force_field, saved):
    assert_identical(force_field, ForceField.load(saved))
    assert_identical(force_field, ForceField.load(str(saved)))


def test_loaded_one_knows_what_it_is(force_field, saved):
    loaded = ForceField.load(saved)
    assert loaded.elements == force_field.elements
    assert loaded.basis.settings == TINY
    assert loaded.n_labels == 6
    assert loaded.force_noise == force_field.force_noise


def test_loaded_one_learns_on_as_the_saved_one_does(saved):
    unbroken, loaded = trained(FRAMES[:6]), ForceField.load(saved)
    unbroken.refit()  # as saving does
    for atoms in FRAMES[6:]:
        unbroken.learn(atoms, truth(atoms))
        loaded.learn(atoms, truth(atoms))
    assert_identical(unbroken, loaded)


def test_saving_a_loaded_one_gives_the_same_file_again(saved, tmp_path):
    ForceField.load(saved).save(tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == saved.read_bytes()


def test_file_holds_numbers_and_one_json_text_only(saved):
    found = []
    with h5py.File(saved) as file:
        file.visititems(lambda _, item: found.append(item))
        datasets = [item for item in found if isinstance(item, h5py.Dataset)]
        assert "/labels/gram_columns" in [item.name for item in datasets]
        assert all(item.dtype == np.float64 for item in datasets)
        attributes = [value for item in found for value in item.attrs.values()]
        assert all(np.isscalar(value) and np.isreal(value) for value in attributes)
        assert list(file.attrs) == ["header"]
        assert json.loads(file.attrs["header"])["schema"] == SCHEMA


def test_nothing_to_save_is_said(tmp_path):
    with pytest.raises(ModelError, match="train it first"):
        ForceField(ELEMENTS, settings=TINY).save(tmp_path / "empty.h5")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(force_field, tmp_path):
    with pytest.raises(ModelError, match=r"cannot write the model .*nowhere"):
        force_field.save(tmp_path / "nowhere" / "model.h5")


def test_a_failed_save_leaves_the_old_file(force_field, saved, copy, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(h5py.Group, "create_dataset", full)
    with pytest.raises(ModelError, match="no space left"):
        force_field.save(copy)
    assert copy.read_bytes() == saved.read_bytes()
    assert list(copy.parent.iterdir()) == [copy]


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "gone.h5", tmp_path):
        with pytest.raises(ModelError, match=f"there is no model {path}"):
            ForceField.load(path)


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(copy, fraction):
    content = copy.read_bytes()
    copy.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(ModelError, match=r"copy\.h5 is not a model of aofl or is damaged"):
        ForceField.load(copy)


@pytest.mark.parametrize("content", [b"\x80\x04\x95 a pickle", b"a: 1\n" * 1000], ids=["p", "text"])
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "other.h5"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not a model of aofl"):
        ForceField.load(path)


def test_a_foreign_hdf5_file_is_refused(tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["positions"] = np.zeros(3)
    with pytest.raises(ModelError, match="not a model of aofl"):
        ForceField.load(path)


def change_header(path: Path, **values) -> None:
    with edited(path) as file:
        header = json.loads(file.attrs["header"]) | values
        kept = {key: value for key, value in header.items() if value is not None}
        file.attrs["header"] = json.dumps(kept)


@pytest.mark.parametrize("place", [0, 60, 511, 512, 600, -1])
def test_a_byte_that_is_another_is_noticed_before_hdf5_reads(copy, place, monkeypatch):
    data = bytearray(copy.read_bytes())
    data[place] ^= 1
    copy.write_bytes(data)
    monkeypatch.setattr(h5py, "File", None)
    if place in (511,):  # behind the sum, where nothing stands
        with pytest.raises(ModelError, match="NoneType"):
            ForceField.load(copy)
        return
    with pytest.raises(ModelError, match="does not fit its SHA-256; restore it from a copy"):
        ForceField.load(copy)


def test_a_newer_schema_asks_for_an_update(copy):
    change_header(copy, schema=SCHEMA + 1)
    with pytest.raises(ModelError, match=f"schema {SCHEMA + 1}.*reads up to {SCHEMA}.*update aofl"):
        ForceField.load(copy)


@pytest.mark.parametrize(
    "values",
    [
        {"schema": None},
        {"schema": "one"},
        {"settings": None},
        {"settings": {"n_pair": 8, "unheard_of": 1}},
        {"elements": ["Cu", "Qq"]},
        {"elements": 5},
        {"elements": ["Cu", "Al", "O"]},
        {"elements": ["Cu"]},
    ],
    ids=str,
)
def test_a_header_that_does_not_fit_is_refused(copy, values):
    change_header(copy, **values)
    with pytest.raises(ModelError, match=r"copy\.h5|the model holds \d+ columns"):
        ForceField.load(copy)


def test_a_header_without_a_number_is_refused(copy):
    change_header(copy, n_labels=None)
    with pytest.raises(ModelError, match=r"copy\.h5"):
        ForceField.load(copy)


@pytest.mark.parametrize("scales", [[1.0, 1.0], [1.0, 1.0, -1.0, 1.0], []], ids=str)
def test_a_prior_that_does_not_fit_is_refused(copy, scales):
    with edited(copy) as file:
        del file["scales"]
        file["scales"] = np.array(scales)
    with pytest.raises(ModelError, match=r"copy\.h5"):
        ForceField.load(copy)


def test_nan_in_the_file_is_refused(copy):
    with edited(copy) as file:
        file["labels"]["moment"][3] = np.nan
    with pytest.raises(ModelError, match="not finite"):
        ForceField.load(copy)


def test_statistics_of_another_size_are_refused(copy):
    with edited(copy) as file:
        moment = file["labels"]["moment"][:-1]
        del file["labels"]["moment"]
        file["labels"]["moment"] = moment
    with pytest.raises(ModelError, match=r"moment of shape .* Gram matrix of \d+ numbers"):
        ForceField.load(copy)


def test_statistics_of_another_basis_are_refused(copy):
    n = 40
    with edited(copy) as file:
        for name, size in (
            ("moment", n), ("force_squares", n), ("gram_columns", n * (n + 1) // 2)
        ):  # fmt: skip
            del file["labels"][name]
            file["labels"][name] = np.ones(size)
    with pytest.raises(ModelError, match=rf"copy\.h5: the model holds {n} columns where its basis"):
        ForceField.load(copy)


def test_a_state_makes_the_same_force_field_without_a_file(force_field):
    assert_identical(force_field, ForceField.from_state(force_field.state))


@pytest.mark.parametrize(
    "values",
    [
        {"elements": list(range(1, 104))},
        {"settings": {"n_max": 8, "l_max": 10**9}},
        {"settings": {"n_pair": 10**9}},
        {"settings": {"n_pair": 128, "n_mixtures": 10**6}, "elements": list(range(1, 104))},
        {"settings": {"n_pair": "8"}},
        {"settings": {"n_pair": True}},
        {"settings": {"cutoff": 1e300}},
        {"settings": {"n_chebyshev": -3}},
    ],
    ids=str,
)
def test_a_header_that_asks_for_the_world_takes_neither_memory_nor_time(copy, values):
    change_header(copy, **values)
    before = resource.getrusage(resource.RUSAGE_SELF)
    with pytest.raises(ModelError, match=r"copy\.h5"):
        ForceField.load(copy)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_maxrss - before.ru_maxrss < 50_000  # kB
    assert after.ru_utime - before.ru_utime < 2.0


def replaced(path: Path, make) -> None:
    """Replace the moment by whatever `make` puts in its place."""
    with edited(path) as file:
        del file["labels"]["moment"]
        make(file["labels"])


@pytest.mark.parametrize(
    "make",
    [
        lambda group: group.create_dataset("moment", shape=(10**12,), chunks=(1024,), dtype="f8"),
        lambda group: group.create_dataset("moment", data=["text"]),
        lambda group: group.__setitem__("moment", h5py.ExternalLink("secret.h5", "/moment")),
        lambda group: group.__setitem__("moment", h5py.SoftLink("/labels/moment")),
        lambda group: group.create_group("moment"),
        lambda group: group.create_dataset(
            "moment", shape=(44,), dtype="f8", external=[("secret.bin", 0, 352)]
        ),
    ],
    ids=["endless", "text", "other file", "circle", "group", "raw file"],
)
def test_what_is_not_a_small_array_in_the_file_itself_is_refused(copy, make, monkeypatch):
    monkeypatch.chdir(copy.parent)
    (copy.parent / "secret.bin").write_bytes(bytes(352))
    with h5py.File(copy.parent / "secret.h5", "w") as file:
        file["moment"] = np.zeros(44)
    replaced(copy, make)
    with pytest.raises(ModelError, match=r"copy\.h5"):
        ForceField.load(copy)


def test_a_model_of_schema_1_predicts_and_learns_on():
    """A file of version 0.1.0 with what it predicted then; radial tables may change a digit."""
    data = Path(__file__).parents[1] / "data"
    loaded = ForceField.load(data / "model_schema1.h5")
    known = json.loads((data / "model_schema1.json").read_text())
    atoms = crystal(known["seed"])
    said = loaded.predict(atoms, forces_std="exact")
    assert said.energy == pytest.approx(known["energy"], abs=1e-4)
    for name in ("forces", "stress"):
        np.testing.assert_allclose(getattr(said, name), known[name], rtol=0, atol=1e-4)
    # The noise follows from the labels now, and the deviations with it: all by the same factor.
    ratio = said.forces_std / np.array(known["forces_std"])
    assert np.ptp(ratio) < 0.03
    assert ratio.mean() == pytest.approx(1.0, abs=0.2)
    assert loaded.n_labels == 6
    error = np.abs(said.forces - truth(atoms).forces).max()
    loaded.learn(atoms, truth(atoms))
    assert np.abs(loaded.predict(atoms).forces - truth(atoms).forces).max() < error


def test_saving_amid_appended_labels_keeps_what_was_learned(tmp_path):
    """Labels 6 and 7 lie beside the factor, then in it; both ways the force field is the same."""
    force_field = trained(FRAMES[:7])
    before = force_field.predict(FRAMES[8], forces_std="exact")
    force_field.save(tmp_path / "model.h5")
    after = force_field.predict(FRAMES[8], forces_std="exact")
    np.testing.assert_allclose(after.forces, before.forces, rtol=0, atol=1e-9)
    np.testing.assert_allclose(after.forces_std, before.forces_std, rtol=0, atol=1e-9)
    assert_identical(force_field, ForceField.load(tmp_path / "model.h5"))


def test_a_model_for_production_predicts_the_same_bits_and_is_small(force_field, saved, tmp_path):
    small = tmp_path / "small.h5"
    force_field.refit()
    force_field.save(small, for_production=True)
    loaded = ForceField.load(small)
    assert small.stat().st_size < saved.stat().st_size / 3
    assert (loaded.force_noise, loaded.n_labels) == (force_field.force_noise, 6)
    for atoms in FRAMES[6:]:
        one, two = (
            f.predict(atoms, forces_std="sampled", energies_std=True) for f in (force_field, loaded)
        )
        assert one.energy == two.energy
        for name in ("energies", "forces", "stress", "forces_std", "energies_std"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        np.testing.assert_array_equal(force_field.environments(atoms), loaded.environments(atoms))


def test_a_model_for_production_says_what_it_cannot_do(force_field, tmp_path):
    force_field.save(tmp_path / "small.h5", for_production=True)
    loaded, atoms = ForceField.load(tmp_path / "small.h5"), FRAMES[7]
    for ask in (
        lambda: loaded.predict(atoms, forces_std="exact"),
        lambda: loaded.learn(atoms, truth(atoms)),
        lambda: loaded.append(atoms, truth(atoms)),
        lambda: loaded.forget(atoms, truth(atoms)),
        lambda: loaded.save(tmp_path / "again.h5"),
    ):
        with pytest.raises(ModelError, match="saved for production and only predicts"):
            ask()
    assert loaded.n_labels == 6


@pytest.mark.parametrize("name", ["mean", "draws", "noise"])
def test_damaged_weights_are_refused(force_field, tmp_path, name):
    path = tmp_path / "small.h5"
    force_field.save(path, for_production=True)
    with edited(path) as file:
        values = np.array(file["production"][name])
        del file["production"][name]
        file["production"][name] = -values if name == "noise" else values[:-1]
    with pytest.raises(ModelError, match=r"small\.h5"):
        ForceField.load(path)
