"""Outputs recorded from CP2K 2023.1 are read for what they say."""

from pathlib import Path

import numpy as np
import pytest

from aofl.reference.codes.cp2k_output import abort_message, read_charges, read_report

DATA = Path(__file__).parents[2] / "data" / "cp2k"
CONVERGED = (DATA / "converged.out").read_text()
UNCONVERGED = (DATA / "unconverged.out").read_text()


def test_converged():
    report = read_report(CONVERGED)
    assert report.is_converged is True
    assert report.cycles == 10
    assert not report.has_full_bands


@pytest.mark.parametrize("text", [UNCONVERGED, CONVERGED + UNCONVERGED])
def test_the_last_scf_counts(text):
    report = read_report(text)
    assert report.is_converged is False
    assert report.cycles is None
    assert read_report(text + CONVERGED).is_converged is True


def test_an_outer_loop_that_failed_is_not_converged():
    text = CONVERGED + "\n  outer SCF loop FAILED to converge after   20 iterations or  400 steps\n"
    assert read_report(text).is_converged is False


@pytest.mark.parametrize("length", [0, 500, CONVERGED.index("*** SCF run")])
def test_an_output_that_is_cut_off_says_nothing(length):
    assert read_report(CONVERGED[:length]).is_converged is None


def test_too_few_bands_are_seen_in_the_last_cycle_only():
    warned = (DATA / "full_bands.out").read_text()
    assert read_report(warned).is_converged is True
    assert read_report(warned).has_full_bands
    # Warnings of the atomic guess, followed by cycles without one, mean nothing.
    first = warned.index("     2 Broy")
    quiet = warned[:first] + warned[first:].replace("Add more MOs", "All is well")
    assert not read_report(quiet).has_full_bands


def test_charges_are_those_of_the_last_table():
    text = (DATA / "charges.txt").read_text()
    charges = read_charges(text)
    assert charges.shape == (19,)
    assert charges[16:].tolist() == [-0.297, 0.070, 0.111]
    assert charges.sum() == pytest.approx(0.0, abs=0.02)
    first_table = text[: text.rfind("Hirshfeld")]
    assert not np.array_equal(read_charges(first_table), charges)
    assert read_charges("") is None


def test_the_words_of_an_abort():
    message = abort_message((DATA / "abort.out").read_text())
    assert message.startswith("found an unknown keyword MAX_SCFF in section SCF")
    assert abort_message(CONVERGED) is None
