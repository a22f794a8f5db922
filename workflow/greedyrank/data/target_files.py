"""A target of one's own: a whole matrix or tensor, or a list of the entries that are observed of one.

It comes from a file (npz, npy, csv, pt) or from arrays in memory. Nothing in a file is executed: pickled objects are
refused. The arrays of a file of several have names:

``target``
    The whole array. A file of one array alone may give it any name.
``order``
    Beside ``target``: flat row-major indices in the order in which entries become observed.
``indices``, ``values``
    In place of ``target``: of each observed entry, one index a mode, counted from 0, and its value.

A CSV without a header is the whole matrix; with a header each line is an entry: its indices, then its value.
"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from greedyrank.config.target_files import SUFFIXES
from greedyrank.errors import UserError

# Other names of the same arrays: those in the files released with Razin & Cohen 2020.
NAMES = {
    "target": ("target", "target_tensor", "target_matrix"),
    "order": ("order", "train_indices_order"),
    "indices": ("indices",),
    "values": ("values",),
}
# How far a statement about a target may be off: entries stored in float32 have seven digits.
STATED = 1e-5


class BadTarget(UserError):
    """A target that cannot be used; the message names its source, what was found and what is allowed."""


@dataclass(frozen=True)
class Whole:
    """A whole target.

    Attributes
    ----------
    source : str
        Where it is from, for messages.
    array : ndarray of float64
        The matrix or tensor.
    order : ndarray of int64 or None
        Flat row-major indices of entries, in the order in which they become observed; None where it is to be drawn.
    """

    source: str
    array: np.ndarray
    order: np.ndarray | None


@dataclass(frozen=True)
class Listed:
    """The entries that are observed of a target.

    Attributes
    ----------
    source : str
        Where they are from, for messages.
    entries : ndarray of int64, (n,)
        Flat row-major indices, in the order in which they become observed.
    values : ndarray of float64, (n,)
        Their values.
    """

    source: str
    entries: np.ndarray
    values: np.ndarray


Given = Whole | Listed


# -- checks -----------------------------------------------------------------------------------------


def numbers(array: object, what: str) -> np.ndarray:
    """Return an array as float64, if it holds finite numbers.

    Raises
    ------
    BadTarget
        If it does not, calling it ``what``.
    """
    found = np.asarray(array)
    if found.dtype.kind not in "biuf":
        raise BadTarget(f"{what} holds {found.dtype}; allowed: real numbers")
    found = found.astype(np.float64)
    if len(wrong := np.argwhere(~np.isfinite(found))):
        place = wrong[0].tolist()
        raise BadTarget(
            f"{what} is {found[tuple(place)]} at {place}; allowed: finite numbers. Where only some entries are known,"
            " give a list of their indices and values"
        )
    return found


def _whole_numbers(array: object, what: str) -> np.ndarray:
    found = numbers(array, what)
    if (found != np.floor(found)).any():
        raise BadTarget(f"{what} has {found[found != np.floor(found)][0]}; allowed: whole numbers")
    return found.astype(np.int64)


def _once(entries: np.ndarray, shape: tuple[int, ...], what: str) -> None:
    """Refuse an entry that stands twice."""
    distinct, counts = np.unique(entries, return_counts=True)
    if (counts > 1).any():
        place = [int(index) for index in np.unravel_index(distinct[counts.argmax()], shape)]
        raise BadTarget(f"{what} has the entry {place} twice; give each entry once")


def _whole(array: object, order: object | None, shape: tuple[int, ...], source: str) -> Whole:
    target = numbers(array, f"{source}: the target")
    if target.shape != shape:
        raise BadTarget(f"{source} has the shape {list(target.shape)}; `shape` is {list(shape)}")
    if not target.any():
        raise BadTarget(f"{source} is zero everywhere; errors are relative to the norm of the target")
    if order is None:
        return Whole(source, target, None)
    entries = _whole_numbers(order, f"{source}: `order`")
    if entries.ndim != 1 or not entries.size or entries.min() < 0 or entries.max() >= target.size:
        raise BadTarget(f"{source}: `order` is no list of flat indices from 0 to {target.size - 1}")
    _once(entries, shape, f"{source}: `order`")
    return Whole(source, target, entries)


def _listed(indices: object, values: object, shape: tuple[int, ...], source: str) -> Listed:
    index = _whole_numbers(indices, f"{source}: `indices`")
    value = numbers(values, f"{source}: `values`")
    if value.ndim != 1 or not value.size or index.shape != (len(value), len(shape)):
        raise BadTarget(
            f"{source}: `indices` has the shape {list(index.shape)} and `values` {list(value.shape)}; allowed, for"
            f" `shape` {list(shape)}: [n, {len(shape)}] and [n], with n of at least 1"
        )
    if len(outside := np.flatnonzero(((index < 0) | (index >= shape)).any(axis=1))):
        raise BadTarget(
            f"{source} has the entry {index[outside[0]].tolist()}; `shape` is {list(shape)}, and indices count from 0"
        )
    entries = np.ravel_multi_index(tuple(index.T), shape)
    _once(entries, shape, source)
    return Listed(source, entries, value)


def of_arrays(content: Any, shape: list[int], source: str = "the target") -> Given:
    """Check arrays in memory.

    Parameters
    ----------
    content : array_like or mapping
        The whole target, or arrays by the names above.
    shape : list of int
        The shape that the target is to have.
    source : str
        What messages call it.

    Raises
    ------
    BadTarget
        For missing names, wrong shapes, entries that stand twice or are out of range, and what is no finite number.
    """
    size = tuple(shape)
    if not isinstance(content, Mapping):
        return _whole(content, None, size, source)
    found = {name: content[given] for name, known in NAMES.items() for given in known if given in content}
    if "target" in found and not {"indices", "values"} & found.keys():
        return _whole(found["target"], found.get("order"), size, source)
    if found.keys() == {"indices", "values"}:
        return _listed(found["indices"], found["values"], size, source)
    if not found and len(content) == 1:
        return _whole(next(iter(content.values())), None, size, source)
    raise BadTarget(
        f"{source} has the arrays {', '.join(map(str, content)) or 'none'}; allowed: `target` (and `order`), or"
        " `indices` and `values`"
    )


# -- files ------------------------------------------------------------------------------------------


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _numpy(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            return content if isinstance(content, np.ndarray) else {name: content[name] for name in content.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        if "allow_pickle" in str(error):
            raise BadTarget(f"{path} holds pickled objects, which are never read; save arrays of numbers") from None
        raise BadTarget(f"{path} cannot be read: {_first_line(error)}") from None


def _torch(path: Path) -> Any:
    import torch  # takes seconds

    try:
        with warnings.catch_warnings(action="ignore"):  # of torch, on files that it refuses
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise BadTarget(
            f"{path} holds pickled objects, which are never read; save a tensor, or several in a dict"
        ) from None
    except (RuntimeError, EOFError, ValueError, OSError) as error:
        raise BadTarget(f"{path} cannot be read: {_first_line(error)}") from None

    def array(value: object) -> object:
        if not isinstance(value, torch.Tensor):
            return value
        if value.layout != torch.strided:
            raise BadTarget(f"{path} holds a sparse tensor; allowed: a dense one, or `indices` and `values`")
        return value.detach().to(torch.float64 if value.dtype == torch.bfloat16 else value.dtype).numpy()

    if isinstance(content, Mapping):
        return {name: array(value) for name, value in content.items()}
    return array(content)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _csv(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadTarget(f"{path} is not text in UTF-8") from None
    lines = [line for line in text.splitlines() if line.strip()]
    has_header = bool(lines) and not any(_is_number(cell) for cell in lines[0].split(","))
    if not lines[has_header:]:
        raise BadTarget(f"{path} has no numbers")
    try:
        table = np.loadtxt(lines[has_header:], delimiter=",", comments=None, ndmin=2)
    except ValueError as error:
        raise BadTarget(f"{path} cannot be read: {_first_line(error)}; allowed: numbers, separated by commas") from None
    return {"indices": table[:, :-1], "values": table[:, -1]} if has_header else table


READERS: dict[str, Callable[[Path], Any]] = dict(zip(SUFFIXES, (_numpy, _numpy, _csv, _torch), strict=True))


def content_of(path: Path) -> Any:
    """Return the array of a file, or its arrays by their names.

    Raises
    ------
    BadTarget
        If there is no such file, or it cannot be read.
    """
    if path.suffix.lower() not in READERS:
        raise BadTarget(f"{path} ends in {path.suffix or 'nothing'}; allowed: {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise BadTarget(f"there is no file {path}")
    if not path.stat().st_size:
        raise BadTarget(f"{path} is empty")
    return READERS[path.suffix.lower()](path)


def read(path: str | Path, shape: list[int]) -> Given:
    """Read and check a target from a file.

    Parameters
    ----------
    path : str or Path
        A file whose name ends in one of `SUFFIXES`.
    shape : list of int
        The shape that the target is to have.

    Raises
    ------
    BadTarget
        If there is no such file, it cannot be read, or as `of_arrays`.
    """
    return of_arrays(content_of(Path(path)), shape, str(path))


# -- what the settings say of a target ----------------------------------------------------------------


def check_statements(given: Given, settings: Mapping[str, Any]) -> np.ndarray:
    """Return the whole target, after comparing it with what the settings say of it: ``target_norm``, ``target_rank``.

    Nothing is rescaled. A matrix must have the rank stated. The rank of a tensor is not computed, but none of its
    unfoldings may have a higher one.

    Raises
    ------
    BadTarget
        If only some entries are known, or a statement is wrong.
    """
    if isinstance(given, Listed):
        raise BadTarget(f"{given.source} is a list of entries; allowed here: the whole array")
    target = given.array
    norm, rank = settings["target_norm"], settings["target_rank"]
    if norm is not None and not np.isclose(np.linalg.norm(target), norm, rtol=STATED):
        raise BadTarget(f"{given.source} has the Frobenius norm {np.linalg.norm(target):.6g}; `target_norm` is {norm}")
    if rank is not None:
        found = max(
            int(np.linalg.matrix_rank(unfolding, rtol=STATED))
            for unfolding in (
                np.moveaxis(target, mode, 0).reshape(length, -1) for mode, length in enumerate(target.shape)
            )
        )
        if found > rank or (target.ndim == 2 and found < rank):
            raise BadTarget(f"{given.source} has the rank {found}; `target_rank` is {rank}")
    return target
