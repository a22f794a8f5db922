"""Factorizations: parameters, end-to-end object and closed-form pull-back."""
