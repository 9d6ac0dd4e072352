"""Calculators by path: found, made, and nothing else is ever called."""

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from aofl.config import config_from_mapping
from aofl.errors import ConfigError
from aofl.reference.import_path import make_calculator, version_of
from aofl.workflows.assemble import make_reference


def test_a_calculator_by_path_is_the_class_with_its_arguments():
    calculator = make_calculator("ase.calculators.lj.LennardJones", {"sigma": 2.5, "rc": 6.0})
    assert calculator.parameters.sigma == 2.5
    assert isinstance(make_calculator("ase.calculators.emt.EMT", {}), EMT)


@pytest.mark.parametrize(
    ("path", "arguments", "words"),
    [
        ("no_such_package.Calc", {}, "no module no_such_package: install it"),
        ("ase.calculators.nothing.Calc", {}, "no module ase.calculators.nothing"),
        ("ase.calculators.emt.EMTT", {}, "has no EMTT; did you mean EMT"),
        ("os.system", {"command": "touch /tmp/never"}, "nothing was called"),
        ("subprocess.Popen", {"args": ["true"]}, "nothing was called"),
        ("ase.build.bulk", {"name": "Cu"}, "nothing was called"),
        ("ase.calculators.lj.LennardJones", {"colour": 3, "rc": "x"}, "cannot be made"),
    ],
)
def test_anything_else_is_one_sentence(path, arguments, words):
    with pytest.raises(ConfigError, match=words) as caught:
        make_calculator(path, arguments)
    assert "\n" not in str(caught.value)


def test_a_module_that_fails_on_import_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "faulty_calculator.py").write_text("raise OSError('no licence')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="cannot be imported: OSError: no licence"):
        make_calculator("faulty_calculator.Calc", {})


@pytest.mark.parametrize("where", ["", "class Calc:\n    def __init__(self):\n        "])
def test_a_module_that_ends_python_is_one_sentence(tmp_path, monkeypatch, where):
    methods = "\n    get_potential_energy = get_forces = len\n" if where else "\n"
    name = f"ending_calculator_{len(where)}"
    (tmp_path / f"{name}.py").write_text(f"import sys\n{where}sys.exit(3){methods}")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="SystemExit: 3"):
        make_calculator(f"{name}.Calc", {})


def configured(**reference):
    return config_from_mapping(
        {
            "reference": {"name": "ase", **reference},
            "system": {"structure": "a.xyz"},
            "dynamics": {
                "name": "velocity_verlet", "timestep_fs": 1.0, "temperature_K": 1.0, "steps": 1,
            },
        }
    ).reference  # fmt: skip


@pytest.mark.parametrize("path", ["EMT", "ase..EMT", "../x.EMT", "a.b()", "__import__('os').x"])
def test_a_path_that_is_none_is_refused_by_the_configuration(path):
    with pytest.raises(ConfigError, match=r"reference\.calculator"):
        configured(calculator=path)


def test_a_run_can_name_any_calculator(tmp_path):
    config = configured(calculator="ase.calculators.emt.EMT", arguments={"asap_cutoff": True})
    reference = make_reference(config, tmp_path / "work")
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    label = reference.label(atoms)
    atoms.calc = EMT(asap_cutoff=True)
    assert label.energy == pytest.approx(atoms.get_potential_energy())
    described = reference.describe()
    assert described["code"] == "ase.calculators.emt.EMT"
    assert described["version"] == version_of("ase")
    assert described["settings"] == {"asap_cutoff": True}
    other = configured(calculator="ase.calculators.emt.EMT")
    assert make_reference(other, tmp_path).describe() != described
    assert not reference.is_semi_empirical
    assert not (tmp_path / "work").exists()
