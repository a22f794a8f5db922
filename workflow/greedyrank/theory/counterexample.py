"""What the theorem on the 2x2 counterexample predicts (Razin & Cohen 2020)."""

from __future__ import annotations

import numpy as np


def unobserved_entry(loss: np.ndarray, product: float = 1.0, corner: float = 0.0) -> np.ndarray:
    """Return |W_11| = |z z'| / (eps + sqrt(2 loss)) of the 2x2 problem while det W stays about zero.

    The loss is half the squared residuals, all of which then sits in W_22 (Razin & Cohen 2020,
    Theorem 1, its extension to perturbed observations, and their proofs).

    Parameters
    ----------
    loss : ndarray
        Half the sum of squares over the observed entries.
    product : float
        z z' of the observed entries W_12 = z and W_21 = z'.
    corner : float
        eps of the observed W_22. Negative: |W_22| grows or falls on the other side of zero than eps,
        which it cannot cross; the loss then stays above eps^2 / 2, and there is no entry below.
    """
    reach = corner + np.sqrt(2 * np.asarray(loss))
    return abs(product) / np.where(reach > 0, reach, np.nan)
