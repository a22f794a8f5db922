"""What a digest sees, and files that are whole or absent."""

import errno
import json
import os
import shutil
import subprocess

import numpy as np
import pytest

from greedyrank import provenance, storage

# -- digests of code --------------------------------------------------------------------------------

LOOP = '''"""The loop."""

import math

from small.tools import helper


def run(x):
    """Run."""
    # A comment.
    return helper(x) + math.pi
'''
OTHER_LAYOUT = """import math
from small.tools import helper

def run(
    x,
): return (helper(x) + math.pi)  # another comment
"""
MODULES = {
    "__init__.py": '"""Small."""\n',
    "loop.py": LOOP,
    "tools.py": '"""Tools."""\n\n\ndef helper(x):\n    return x + 1\n',
    "lazy.py": "def late():\n    from small import tools\n\n    return tools.helper(1)\n",
    "room/__init__.py": '"""A room."""\n',
    "room/tenant.py": "import small.tools\n\n\nclass Tenant:\n    size = small.tools.helper(2)\n",
    "alone.py": "import json\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package in place of greedyrank; gives a function that writes one of its modules."""
    root = tmp_path / "small"
    monkeypatch.setattr(provenance, "ROOT", root)
    monkeypatch.setattr(provenance, "PACKAGE", "small")
    provenance._parsed.cache_clear()

    def write(name, text):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        provenance._parsed.cache_clear()

    for name, text in MODULES.items():
        write(name, text)
    yield write
    provenance._parsed.cache_clear()


def test_layout_comments_and_docstrings_do_not_count(package):
    before = provenance.code_digest(["loop", "room.tenant"])
    package("loop.py", OTHER_LAYOUT)
    package(
        "room/tenant.py", MODULES["room/tenant.py"].replace("class Tenant:", 'class Tenant:\n    """A tenant."""\n')
    )
    package("tools.py", "# new\n" + MODULES["tools.py"].replace("return", '"""Help."""\n    return'))
    assert provenance.code_digest(["loop", "room.tenant"]) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("loop.py", "math.pi", "math.e"),
        ("loop.py", "helper(x) +", "helper(x) -"),
        ("tools.py", "x + 1", "x + 2"),
        ("tools.py", "x + 1", "x + 1.0"),
        ("tools.py", "def helper(x)", "def helper(x, y=0)"),
    ],
)
def test_behaviour_counts(package, name, old, new):
    before = provenance.code_digest(["loop"])
    assert old in MODULES[name]
    package(name, MODULES[name].replace(old, new))
    assert provenance.code_digest(["loop"]) != before


def test_text_that_is_no_docstring_counts(package):
    package("tools.py", 'def helper(x):\n    return "a"\n')
    before = provenance.code_digest(["tools"])
    package("tools.py", 'def helper(x):\n    return "b"\n')
    assert provenance.code_digest(["tools"]) != before


@pytest.mark.parametrize("start", ["lazy", "room.tenant", "loop"])
def test_imports_are_followed(package, start):
    assert provenance.modules_behind([start]) == sorted([start, "tools"])
    before = provenance.code_digest([start])
    package("tools.py", MODULES["tools.py"].replace("+ 1", "+ 3"))
    assert provenance.code_digest([start]) != before


def test_circular_imports_end(package):
    package("tools.py", "import small.loop\n")
    assert provenance.modules_behind(["loop"]) == ["loop", "tools"]


def test_other_modules_do_not_count(package):
    before = provenance.code_digest(["loop"])
    package("alone.py", "import small.loop\nx = 1\n")
    package("room/another.py", "import small.tools\n")
    assert provenance.code_digest(["loop"]) == before
    assert provenance.code_digest(["alone"]) != before


def test_order_of_names_does_not_count(package):
    assert provenance.code_digest(["loop", "alone"]) == provenance.code_digest(["alone", "loop", "alone"])


STAGES = {
    "generate": ["problems.completion"],
    "train": ["training", "problems.completion", "factorizations.cp", "optimizers.group_rmsprop"],
    "train tiny": ["training", "problems.completion", "factorizations.deep_matrix", "optimizers.gd"],
    "train images": ["training", "problems.image_classification", "factorizations.binary_cp", "optimizers.adam"],
    "extract": ["extraction", "measures.determinant"],
    "plot": ["style", "figures.det_sign"],
    "claims": ["verdicts", "claims.det_sign"],
}


def test_a_new_tenant_changes_no_digest(tmp_path, monkeypatch):
    """As somebody adds a factorization: its module, and its settings."""
    copy = tmp_path / provenance.PACKAGE
    shutil.copytree(provenance.ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "ROOT", copy)
    provenance._parsed.cache_clear()
    before = {stage: provenance.code_digest(names) for stage, names in STAGES.items()}
    assert len(set(before.values())) == len(before)
    (copy / "factorizations" / "tucker.py").write_text((copy / "factorizations" / "cp.py").read_text() + "NEW = 1\n")
    with (copy / "settings.py").open("a") as file:
        file.write('\n\nclass Tucker(CP):\n    pass\n\n\nFACTORIZATIONS["tucker"] = Tucker\n')
    provenance._parsed.cache_clear()
    assert {stage: provenance.code_digest(names) for stage, names in STAGES.items()} == before
    with (copy / "factorizations" / "cp.py").open("a") as file:
        file.write("NEW = 1\n")
    provenance._parsed.cache_clear()
    after = {stage: provenance.code_digest(names) for stage, names in STAGES.items()}
    provenance._parsed.cache_clear()
    assert [stage for stage in STAGES if after[stage] != before[stage]] == ["train"]


def test_the_kernel_counts_in_training():
    behind = provenance.modules_behind(STAGES["train tiny"])
    assert {"descent", "storage", "sweeps"} <= set(behind)
    assert any(name.startswith("kernels.") for name in behind)
    assert not {"settings", "config", "planning", "style"} & set(behind)


def test_canonical_is_one_text():
    assert (
        provenance.canonical({"b": [1, 2.5, None], "a": {"d": True, "c": "x"}})
        == '{"a":{"c":"x","d":true},"b":[1,2.5,null]}'
    )
    with pytest.raises(ValueError):
        provenance.canonical({"a": float("nan")})


def test_versions_have_no_local_suffix():
    found = provenance.versions("torch", "numpy")
    assert found["numpy"] == np.__version__
    assert "+" not in found["torch"]


# -- storage ----------------------------------------------------------------------------------------

ARRAYS = {
    "loss": np.array([[1.0, np.nan]]),
    "step": np.array([3], dtype=np.int64),
    "w": np.ones((2, 3), dtype=np.float32),
}
META = {"slice": {"b": 1, "a": [None, 2.5]}, "name": "x"}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_arrays_come_back(tmp_path):
    path = tmp_path / "new" / "runs.npz"
    storage.save_arrays(path, META, ARRAYS)
    meta, arrays = storage.load_arrays(path)
    assert meta == META
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
    assert names(path.parent) == ["runs.npz", "runs.npz.sha256"]


def test_same_content_same_bytes(tmp_path):
    for name in ("one.npz", "two.npz"):
        storage.save_arrays(tmp_path / name, META, ARRAYS)
    storage.save_arrays(tmp_path / "three.npz", dict(reversed(META.items())), ARRAYS)
    first = (tmp_path / "one.npz").read_bytes()
    assert (tmp_path / "two.npz").read_bytes() == (tmp_path / "three.npz").read_bytes() == first
    storage.save_arrays(tmp_path / "two.npz", META, {**ARRAYS, "step": np.array([4])})
    assert (tmp_path / "two.npz").read_bytes() != first


def test_the_checksum_is_sha256sum_s(tmp_path):
    storage.save_arrays(tmp_path / "runs.npz", META, ARRAYS)
    text = (tmp_path / "runs.npz.sha256").read_text()
    assert text == f"{storage.checksum(tmp_path / 'runs.npz')}  runs.npz\n"


@pytest.mark.parametrize("writing", [storage.writing, storage.writing_checked])
def test_interrupted_writing_leaves_the_old_file(tmp_path, writing):
    path = tmp_path / "file.txt"
    with writing(path) as temporary:
        temporary.write_text("old")
    before = names(tmp_path)
    with pytest.raises(KeyboardInterrupt), writing(path) as temporary:
        temporary.write_text("half of the new")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert names(tmp_path) == before
    if writing is storage.writing_checked:
        storage.check(path)


def test_interrupted_first_writing_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), storage.writing_checked(tmp_path / "file.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert names(tmp_path) == []


def test_the_file_is_absent_until_it_is_whole(tmp_path):
    path = tmp_path / "file.txt"
    with storage.writing(path) as temporary:
        assert temporary.parent == path.parent  # or renaming would copy
        assert temporary.suffix == path.suffix
        temporary.write_text("half")
        assert not path.exists()
    assert path.read_text() == "half"


def test_who_reads_the_old_file_reads_it_to_its_end(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with path.open() as reader:
        with storage.writing(path) as temporary:
            temporary.write_text("new and longer")
        assert reader.read() == "old"
    assert path.read_text() == "new and longer"


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "no checksum", "empty checksum", "replaced"])
def test_damaged_file_is_named_with_the_command(tmp_path, damage):
    path = tmp_path / "runs.npz"
    storage.save_arrays(path, META, ARRAYS)
    content, sidecar = path.read_bytes(), tmp_path / "runs.npz.sha256"
    if damage == "no checksum":
        sidecar.unlink()
    elif damage == "empty checksum":
        sidecar.write_text("")
    elif damage == "replaced":
        np.savez(path, meta=np.array(json.dumps(META)), **ARRAYS, other=np.ones(2))
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]
        path.write_bytes({"flipped": flipped, "truncated": content[:-1], "empty": b""}[damage])
    with pytest.raises(storage.CorruptFile) as error:
        storage.load_arrays(path)
    assert str(path) in str(error.value)
    assert f"snakemake --cores 1 --force {path}" in str(error.value)


def test_the_command_has_the_config_of_the_build(tmp_path, monkeypatch):
    monkeypatch.setenv("GREEDYRANK_CONFIG", "--config scale=smoke")
    with pytest.raises(storage.CorruptFile) as error:
        (tmp_path / "x").touch()
        storage.check(tmp_path / "x")
    assert str(error.value).endswith(f"snakemake --cores 1 --force {tmp_path}/x --config scale=smoke")


def test_a_file_is_whole_at_every_moment_of_its_replacement(tmp_path, monkeypatch):
    path, replace, seen = tmp_path / "runs.npz", os.replace, []
    storage.save_arrays(path, META, ARRAYS)

    def replaced(*args):
        replace(*args)
        seen.append(int(storage.load_arrays(path)[1]["step"][0]))

    monkeypatch.setattr(os, "replace", replaced)
    storage.save_arrays(path, META, {**ARRAYS, "step": np.array([4])})
    assert seen == [3, 4]
    monkeypatch.undo()
    path.write_bytes(b"damaged")
    storage.save_arrays(path, META, ARRAYS)
    assert storage.checksum(path) in path.with_name("runs.npz.sha256").read_text()
    path.write_bytes(b"damaged")
    with pytest.raises(storage.CorruptFile):
        storage.check(path)


def test_what_was_left_by_killed_processes_is_removed(tmp_path):
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    kept = {f".{os.getpid()}.runs.npz", f".{gone.pid}.other.npz", ".hidden.runs.npz", ".runs.npz"}
    for name in {*kept, f".{gone.pid}.runs.npz", f".{gone.pid}.runs.npz.sha256"}:
        (tmp_path / name).touch()
    storage.save_arrays(tmp_path / "runs.npz", META, ARRAYS)
    assert set(names(tmp_path)) == {*kept, "runs.npz", "runs.npz.sha256"} - {f".{os.getpid()}.runs.npz"}
    (tmp_path / f".{gone.pid}.runs.npz").touch()
    storage.remove(tmp_path / "runs.npz")
    assert f".{gone.pid}.runs.npz" not in names(tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "no space"),
        OSError(errno.EDQUOT, "quota"),
        RuntimeError(f"flush failed (file write failed: errno = {errno.ENOSPC}, error message = 'No space left')"),
    ],
)
def test_a_full_disk_is_named_with_the_file(tmp_path, error):
    path = tmp_path / "runs.npz"
    with pytest.raises(storage.DiskFull) as raised, storage.writing_checked(path) as temporary:
        temporary.write_text("half")
        raise error
    disk = subprocess.run(["stat", "--format=%m", tmp_path], capture_output=True, text=True, check=True).stdout.strip()
    assert str(raised.value) == f"no room for {path}: the disk at {disk} is full; make room there, and build again"
    assert names(tmp_path) == []


def test_other_errors_of_the_disk_are_theirs(tmp_path):
    with pytest.raises(PermissionError), storage.writing(tmp_path / "x"):
        raise PermissionError(errno.EACCES, "not yours")


def test_pickles_are_neither_written_nor_read(tmp_path):
    with pytest.raises(ValueError):
        storage.save_arrays(tmp_path / "runs.npz", {}, {"a": np.array([{}, None])})
    assert names(tmp_path) == []


def test_remove(tmp_path):
    storage.save_arrays(tmp_path / "runs.npz", META, ARRAYS)
    storage.remove(tmp_path / "runs.npz")
    assert names(tmp_path) == []
    storage.remove(tmp_path / "runs.npz")


def test_versions_leave_out_what_is_not_installed():
    found = provenance.versions("numpy", "no-such-package")
    assert set(found) == {"numpy"}
    assert "+" not in provenance.versions("torch")["torch"]
