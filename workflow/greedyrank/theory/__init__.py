"""What theorems predict; one module a subject."""
