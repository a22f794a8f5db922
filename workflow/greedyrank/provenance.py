"""What a result depends on: canonical settings, digests, versions.

Only the standard library is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from importlib import metadata


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str | bytes) -> str:
    """Return the SHA-256 of a text, as hexadecimal digits."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of the packages that are installed, without suffixes such as ``+cpu``."""
    installed = {}
    for name in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            installed[name] = metadata.version(name).split("+")[0]
    return installed
