"""The errors whose message says all that a user needs."""


class UserError(Exception):
    """An error that names what is wrong and what to do: shown without a traceback."""
