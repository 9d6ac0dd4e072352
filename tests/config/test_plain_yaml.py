"""YAML without surprises: what is no configuration is one sentence, and nothing in it is run."""

from pathlib import Path

import pytest

from aofl.config.plain_yaml import LARGEST_FILE, read_yaml, write_yaml
from aofl.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("- 1\n- 2\n", "holds [1, 2]"),
        ("a: &x [1]\nb: *x\n", "line 2, column 4: aliases (`*name`) are not read"),
        ("seed: " + 5000 * "9", "has a value that cannot be read"),
        ("#" * (LARGEST_FILE + 1), f"has more than {LARGEST_FILE} bytes"),
        ("seed: [1\n", "line 2, column 1"),
        ("seed: 1\nseed: 2\n", "line 2, column 1: the key `seed` is given twice"),
        ("system:\n  a: {x: 1, x: 2}\n", "line 2, column 13: the key `x` is given twice"),
        ("seed: !!python/object/apply:os.getcwd []\n", "python/object/apply:os.getcwd"),
        ("[1, 2]: 3\n", "unhashable key"),
        ("md: {timestep_fs: 0,5, steps: 2}\n", "line 1, column 19: `timestep_fs` is 0,5; write a"),
        ("md: {steps: 10,000}\n", "`steps` is 10,000; write a number with a point and without"),
        ("md: {a: -1,5e-3}\n", "`a` is -1,5e-3; write a number"),
        ("seed: \x07\n", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path: Path, text: str, part: str) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(file)
    assert str(file) in str(caught.value)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="is a directory"):
        read_yaml(tmp_path)
    binary = tmp_path / "model.h5"
    binary.write_bytes(b"\x89HDF\r\n\xff\xfe")
    with pytest.raises(ConfigError, match="not text in UTF-8"):
        read_yaml(binary)


def test_what_is_written_reads_back_to_the_same_in_its_order(tmp_path: Path) -> None:
    shared = [1.0, 1e-7]
    data = {"b": "no", "a": "1e3", "day": "2020-01-01", "NO": True, "x": shared, "y": shared}
    file = tmp_path / "file.yaml"
    file.write_text(write_yaml(data))
    assert read_yaml(file) == data
    assert list(read_yaml(file)) == list(data)


def test_commas_between_keys_and_items_stay_what_they_are(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text("a: {x: 1,y: 2}\nsize: [2,2,3]\nnames: {x: 1, 5: 7}\n")
    assert read_yaml(file) == {"a": {"x": 1, "y": 2}, "size": [2, 2, 3], "names": {"x": 1, 5: 7}}
