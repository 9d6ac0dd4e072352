"""The input of CP2K as a tree: read, changed, written; and what is refused."""

import pytest

from aofl.errors import ConfigError
from aofl.reference.codes.cp2k_input import Section, parse, render

TEXT = """
&global   ! the name of the project
  PROJECT  mine
&END
&FORCE_EVAL
  &DFT
    basis_set_file_name A
    BASIS_SET_FILE_NAME B   # twice on purpose
    &SCF
      EPS_SCF 1E-6
    &END SCF
  &END DFT
  &SUBSYS
    &KIND Na
      BASIS_SET DZVP
    &END
    &KIND O
    &END KIND
  &END
&END FORCE_EVAL
"""


def test_a_text_becomes_a_tree_and_a_text_again():
    tree = parse(TEXT, "mine.inp")
    assert tree.find("GLOBAL").value("PROJECT") == "mine"
    assert tree.find("FORCE_EVAL", "DFT", "SCF").value("EPS_SCF") == "1E-6"
    assert [s.argument for s in tree.find("FORCE_EVAL", "SUBSYS").sections] == ["Na", "O"]
    assert tree.find("FORCE_EVAL", "DFT").content[:2] == (
        ("BASIS_SET_FILE_NAME", "A"),
        ("BASIS_SET_FILE_NAME", "B"),
    )
    assert tree.find("MOTION") is None
    assert tree.find("GLOBAL").value("RUN_TYPE") is None
    assert parse(render(tree), "rendered") == tree


def test_changes_leave_the_rest_and_the_original_alone():
    tree = parse(TEXT, "mine.inp")
    changed = tree.with_value(("FORCE_EVAL", "DFT", "SCF"), "EPS_SCF", "1E-8")
    assert changed.find("FORCE_EVAL", "DFT", "SCF").value("EPS_SCF") == "1E-8"
    assert tree.find("FORCE_EVAL", "DFT", "SCF").value("EPS_SCF") == "1E-6"
    assert render(changed).count("EPS_SCF") == 1
    new = tree.with_value(("FORCE_EVAL", "PRINT"), "FORCES", "ON")
    assert new.find("FORCE_EVAL", "PRINT").value("FORCES") == "ON"
    replaced = tree.with_section(("FORCE_EVAL", "SUBSYS"), Section("KIND", "H"))
    assert [s.argument for s in replaced.find("FORCE_EVAL", "SUBSYS").sections] == ["H"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("&A\n&B\n&END A\n", "mine.inp line 3 ends &A where &B is open"),
        ("&A\n", "mine.inp ends inside the section &A: add its &END"),
        ("&END\n", "mine.inp line 1 has an &END with no section open"),
        ("@SET X 1\n", "mine.inp line 1 needs CP2K's preprocessor"),
        ("&A\n X ${X}\n&END\n", "line 2 needs CP2K's preprocessor"),
    ],
)
def test_a_broken_text_is_one_sentence(text, words):
    with pytest.raises(ConfigError, match=words.replace("$", r"\$")):
        parse(text, "mine.inp")
