"""What a digest sees, and files that are whole or absent."""

import errno
import json
import os
import subprocess

import numpy as np
import pytest

from greedyrank import provenance, storage

# -- provenance --------------------------------------------------------------------------------


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
    text = (tmp_path / "runs.npz.sha256").read_text(encoding="utf-8")
    assert text == f"{storage.checksum(tmp_path / 'runs.npz')}  runs.npz\n"


@pytest.mark.parametrize("writing", [storage.writing, storage.writing_checked])
def test_interrupted_writing_leaves_the_old_file(tmp_path, writing):
    path = tmp_path / "file.txt"
    with writing(path) as temporary:
        temporary.write_text("old", encoding="utf-8")
    before = names(tmp_path)
    with pytest.raises(KeyboardInterrupt), writing(path) as temporary:
        temporary.write_text("half of the new", encoding="utf-8")
        raise KeyboardInterrupt
    assert path.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == before
    if writing is storage.writing_checked:
        storage.check(path)


def test_interrupted_first_writing_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), storage.writing_checked(tmp_path / "file.txt") as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert names(tmp_path) == []


def test_the_file_is_absent_until_it_is_whole(tmp_path):
    path = tmp_path / "file.txt"
    with storage.writing(path) as temporary:
        assert temporary.parent == path.parent  # or renaming would copy
        assert temporary.suffix == path.suffix
        temporary.write_text("half", encoding="utf-8")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "half"


def test_who_reads_the_old_file_reads_it_to_its_end(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old", encoding="utf-8")
    with path.open(encoding="utf-8") as reader:
        with storage.writing(path) as temporary:
            temporary.write_text("new and longer", encoding="utf-8")
        assert reader.read() == "old"
    assert path.read_text(encoding="utf-8") == "new and longer"


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "no checksum", "empty checksum", "replaced"])
def test_damaged_file_is_named_with_the_command(tmp_path, damage):
    path = tmp_path / "runs.npz"
    storage.save_arrays(path, META, ARRAYS)
    content, sidecar = path.read_bytes(), tmp_path / "runs.npz.sha256"
    if damage == "no checksum":
        sidecar.unlink()
    elif damage == "empty checksum":
        sidecar.write_text("", encoding="utf-8")
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
    assert storage.checksum(path) in path.with_name("runs.npz.sha256").read_text(encoding="utf-8")
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
        temporary.write_text("half", encoding="utf-8")
        raise error
    disk = subprocess.run(
        ["stat", "--format=%m", tmp_path], capture_output=True, encoding="utf-8", check=True
    ).stdout.strip()
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
