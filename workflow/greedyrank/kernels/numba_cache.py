"""Functions that are compiled in several varieties, such as one a precision, and cached on disk.

This module uses private parts of numba, which tests/unit/test_numba_internals.py lists and checks.
"""

from __future__ import annotations

import hashlib
import logging
import pickle
from collections.abc import Callable
from pathlib import Path

import numba
from numba.core import caching

from greedyrank import storage

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1  # of compiled code on disk; see `greedyrank.code_digest`
DIGEST_BYTES = hashlib.sha256().digest_size


class _Entries(caching.IndexDataCacheFile):
    """Compiled code on disk, one file for each function, its source, its closure and the types of its arguments.

    Numba's own index numbers its entries. Two processes that add to it at the same time can give one number to two
    entries, and a process that is killed can leave a number pointing to code of an older source. In either case later
    processes run wrong code, such as that for another memory layout. Here the name of a file identifies its content,
    and processes have nothing to agree on.
    """

    def __init__(self, folder: str, function: str, source: object):
        super().__init__(folder, function, source)
        self._function = function

    def _path(self, key: tuple) -> Path:
        entry = hashlib.sha256(repr((self._version, self._source_stamp, key)).encode()).hexdigest()
        return Path(self._cache_path) / f"{self._function}.{entry[:24]}.compiled"

    def load(self, key: tuple) -> object | None:
        """Return what `save` wrote under a key; None if it is missing or damaged."""
        try:
            content = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        digest, pickled = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
        return pickle.loads(pickled) if hashlib.sha256(pickled).digest() == digest else None

    def save(self, key: tuple, data: object) -> None:
        """Save compiled code under a key; if that fails, such as on a full disk, warn and go on."""
        pickled = self._dump(data)
        try:
            with storage.writing(self._path(key)) as temporary:
                temporary.write_bytes(hashlib.sha256(pickled).digest() + pickled)
        except OSError as error:
            logger.warning("compiled code cannot be saved for later processes: %s", error)


class _Cache(caching.FunctionCache):
    def __init__(self, function: Callable):
        super().__init__(function)
        locator = self._impl.locator
        self._cache_file = _Entries(locator.get_cache_path(), self._impl.filename_base, locator.get_source_stamp())


def compiled(function: Callable, variety: str, checks_division: bool = True) -> Callable:
    """Compile a function at its first call, or load it from the cache on disk.

    Parameters
    ----------
    function : callable
        The function; its qualified name is changed to that of the variety.
    variety : str
        Tells its files from those of other varieties; "" for a function of one variety.
    checks_division : bool
        Whether a division by zero raises an error, as in Python; if not, loops with divisions can be vectorized.
    """
    function.__qualname__ = f"{function.__name__}_{variety}" if variety else function.__name__
    made = numba.njit(function, error_model="python" if checks_division else "numpy")
    made._cache = _Cache(function)  # type: ignore[attr-defined]  # private: tests/unit/test_numba_internals.py
    return made
