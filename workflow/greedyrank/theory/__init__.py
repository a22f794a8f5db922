"""What theorems predict; one module per subject."""
