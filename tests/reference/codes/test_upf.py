"""The functional of a pseudopotential, in the words of both versions of the format."""

import pytest

from aofl.errors import ConfigError
from aofl.reference.codes.upf import check_functional, functional_of


@pytest.mark.parametrize(
    ("header", "functional"),
    [
        ('<PP_HEADER generated="x"\n functional="PBE"\n/>', "PBE"),
        ('functional=" SLA  PW   PBX  PBC"', "PBE"),
        ('functional="SLA-PW-PBX-PBC"', "PBE"),
        (" SLA  PW   PBE  PBE    PBE  Exchange-Correlation functional\n", "PBE"),
        (" SLA  PW   PSX  PSC    PBESOL  Exchange-Correlation functional\n", "PBEsol"),
        ('functional="PZ"', "LDA"),
        (" SLA  PZ   NOGX NOGC   PZ   Exchange-Correlation functional\n", "LDA"),
        ('functional="TPSS"', None),
        ("nothing of the kind", None),
        ("", None),
    ],
)
def test_functional(tmp_path, header, functional):
    path = tmp_path / "X.UPF"
    path.write_text(f"<UPF>\n{header}")
    assert functional_of(path) == functional


def test_others_are_refused_and_the_unknown_is_let_pass(tmp_path):
    path = tmp_path / "Na.UPF"
    path.write_text('functional="PZ"')
    with pytest.raises(ConfigError, match=r"Na, .*Na\.UPF, was made for LDA and not for PBE"):
        check_functional(path, "Na", "PBE")
    path.write_text('functional="PBE"')
    check_functional(path, "Na", "PBE")
    check_functional(path, "Na", "RPBE")
    path.write_text('functional="TPSS"')
    check_functional(path, "Na", "PBE")
    with pytest.raises(ConfigError, match="cannot be read"):
        functional_of(tmp_path)
