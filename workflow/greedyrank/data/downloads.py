"""Downloads, trusted by their content alone, whatever the address."""

from __future__ import annotations

import hashlib
import http.client
import urllib.request

SECONDS = 20  # time limit of an answer
LARGEST = 100_000_000  # bytes; a download stops at one byte more

# What `verified` raises.
FAILURES = (OSError, ValueError, http.client.HTTPException)


def verified(url: str, sha256: str) -> bytes:
    """Return the content at an address.

    Parameters
    ----------
    url : str
        The address.
    sha256 : str
        The SHA-256 that the content is to have.

    Raises
    ------
    OSError, ValueError, http.client.HTTPException
        If there is no answer, or another content; see `FAILURES`.
    """
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        content = answer.read(LARGEST + 1)
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise ValueError(f"its SHA-256 is {found}, expected {sha256}")
    return content
