"""The section on the estimated force error, beside the true one."""

from __future__ import annotations

import numpy as np

from aofl.report.data import AUDIT_RULES, RunData
from aofl.report.figures import error as figures
from aofl.report.page import Illustration, Section


def error_over_time(data: RunData) -> Section | None:
    """Section 3: what the model believes of itself, and what labels then showed."""
    if not np.isfinite(data.thermo["predicted_error_eV_per_A"]).any():
        return None
    return Section(
        id="error",
        title="Estimated and true force error",
        figures=(
            Illustration(
                drawing=figures.error_over_time(data.thermo, data.decisions, AUDIT_RULES),
                label="Calibrated error estimate, threshold and true errors over time",
                caption="The line is the model's calibrated estimate of its force error; marks "
                "are the largest error of an atom (rms over x, y, z) when the reference was asked: "
                "where the estimate is honest, few marks lie far above the line.",
            ),
        ),
    )
