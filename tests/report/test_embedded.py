"""What a page carries for its scripts comes back as it was, and cannot end its element."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from aofl.analysis.film import film
from aofl.report.embedded import asset, script_hash, to_base64, to_script_json
from aofl.report.sections.film import payload


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "]]>&amp;", "\u2028\u2029'\"\\"])
def test_json_cannot_end_its_element_and_means_the_same(text):
    written = to_script_json({text: [text, 1.5, None]})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {text: [text, 1.5, None]}


def test_what_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        to_script_json([float("nan")])


def test_arrays_come_back():
    values = np.array([[0, 1], [65535, 258]])
    raw = base64.b64decode(to_base64(values, "u2"))
    assert np.frombuffer(raw, "<u2").tolist() == values.ravel().tolist()
    assert raw[-2:] == b"\x02\x01", "little-endian"


@pytest.mark.parametrize("name", ["3Dmol-min.js", "viewer.js", "plotly-basic.min.js", "plots.js"])
def test_scripts_end_where_they_end(name):
    text = asset(name)
    assert not re.search(r"</script|<!--", text, flags=re.IGNORECASE)
    digest = hashlib.sha256(text.encode()).digest()
    assert base64.b64decode(script_hash(text)[8:-1]) == digest


def test_positions_come_back_within_the_stated_step():
    rng = np.random.default_rng(3)
    frames = [Atoms("Na3", rng.uniform(-4, 30, (3, 3))) for _ in range(5)]
    for k, atoms in enumerate(frames):
        atoms.info["time_fs"] = float(k)
    found = film(frames, 5, (), lambda k, atoms: float(k))
    plain = payload(found, "fs")
    raw = np.frombuffer(base64.b64decode(plain["positions"]), "<u2").reshape(5, 3, 3)
    back = np.array(plain["low"]) + np.array(plain["step"]) * raw
    assert np.abs(back - found.positions).max() <= 0.51 * max(plain["step"]) < 3e-4
    assert plain["kinds"] == [{"name": "Na", "colour": "#b9c0c9"}]
    assert [change[0] for change in plain["cells"]] == [0]


def test_the_values_of_atoms_come_back_in_whole_units():
    found = film([Atoms("Na2", [[0, 0, 0], [3, 0, 0]])], 1, (), lambda k, atoms: float(k))
    plain = payload(replace(found, deviations={0: np.array([0.0614, 99.0])}), "fs")
    raw = np.frombuffer(base64.b64decode(plain["deviations"]["0"]), "<u2")
    assert raw.tolist() == [61, 65535], "what is beyond the range stays at its end"
    assert plain["errors"] == {}


def test_what_others_wrote_is_as_it_was_published():
    row = re.compile(r"^\| `(.+?)` \|.*\| `([0-9a-f]{64})` \|$", flags=re.MULTILINE)
    told = row.findall(asset("README.md"))
    assert told
    for name, digest in told:
        assert hashlib.sha256(asset(name).encode()).hexdigest() == digest, name
