"""Types of the arrays in records and formulas: double precision, 64-bit indices.

No array is read from JSON: where a class with arrays is, `aofl.plain` takes none for them.
"""

from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import InstanceOf

FloatArray = Annotated[npt.NDArray[np.float64], InstanceOf()]
IntArray = Annotated[npt.NDArray[np.int64], InstanceOf()]
