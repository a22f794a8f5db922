"""What is read is never run, and what is downloaded is verified."""

import ast
import pickle
from pathlib import Path

import numpy as np
import pytest

from greedyrank import storage
from greedyrank.data import images, ratings

LIBRARY = Path(storage.__file__).parent


class Touches:
    """Makes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", ["array of objects", "pickle"])
def test_a_pickle_in_a_result_or_checkpoint_is_never_run(tmp_path, kind):
    touched, path = tmp_path / "touched", tmp_path / "runs.npz"
    with storage.writing_checked(path) as temporary:
        if kind == "pickle":
            temporary.write_bytes(pickle.dumps({"meta": Touches(touched)}))
        else:
            np.savez(temporary, meta=np.array("{}"), loss=np.array([Touches(touched)]))
    with pytest.raises(ValueError, match="allow_pickle"):
        storage.load_arrays(path)
    assert not touched.exists()
    pickle.loads(pickle.dumps(Touches(touched)))
    assert touched.exists()


def imports(path):
    """Return the modules that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_only_what_verifies_can_download():
    """Of those that reach out of this machine, tests show that nothing with another checksum is taken."""
    reach = ("urllib", "http", "socket", "ssl", "requests", "subprocess", "torchvision")
    found = {
        path.relative_to(LIBRARY).as_posix()
        for path in LIBRARY.rglob("*.py")
        if any(name.split(".")[0] in reach for name in imports(path))
    }
    # Those that start processes of this machine: Slurm's scancel, tools' versions, and benchmarks.
    starters = ("plan/snakemake_internals.py", "plan/host.py", "plan/prerequisites.py", "benchmarks/")
    processes = {name for name in found if name.startswith(starters)}
    assert found - processes == {"data/downloads.py", "data/images.py", "data/torchvision_download.py"}
    assert len(ratings.CHECKSUM) == 64
    assert all(len(checksum) == 64 for files in images.CHECKSUMS.values() for checksum in files.values())
