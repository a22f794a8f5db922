"""To come."""


def draw(sweeps, published, *, width="text"):
    """Draw."""
