"""Types of the arrays in records and formulas: double precision, 64-bit indices."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
