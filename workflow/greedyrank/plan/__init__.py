"""The job graph: which files, which settings, which digests of code, which resources."""
