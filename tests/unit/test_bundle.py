"""Bundles of other people are data: each file is verified, and nothing of them leaves the folder or is run."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from backports import zstd

from greedyrank import provenance
from greedyrank.archive import manifest, unpacking
from greedyrank.archive.manifest import NoBundle

CLAIMS = b'{"format": 2}'


def described(files: dict[str, bytes], **changes) -> bytes:
    """Return a manifest as JSON, with some keys changed."""
    content = {
        "format": manifest.FORMAT_VERSION,
        "greedyrank": "0.2.0",
        "scale": "smoke",
        "versions": {"numpy": "2.0.0"},
        "sweeps": {"small": {"settings": "0" * 64, "code": "1" * 64}},
        "figures": {"one": {"title": "t", "paper": "p", "sweeps": ["small"], "left_out": {}}},
        "files": {name: {"sha256": provenance.digest(text), "size": len(text)} for name, text in files.items()},
    }
    return json.dumps({**content, **changes}).encode()


def packed(path: Path, members: list[tuple[str | tarfile.TarInfo, bytes]]) -> Path:
    """Write a bundle by hand, whatever it holds."""
    with zstd.ZstdFile(path, "wb") as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name) if isinstance(name, str) else name
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def out(tmp_path) -> Path:
    """Where bundles are unpacked; a file beside it must stay as it is."""
    (tmp_path / "victim").write_text("mine", encoding="utf-8")
    return tmp_path / "results"


def refused(bundle: Path, out: Path) -> str:
    """Return why a bundle is refused; nothing of it is left, and nothing else has changed."""
    before = {path: path.read_bytes() for path in out.parent.rglob("*") if path.is_file()}
    with pytest.raises(NoBundle) as error:
        unpacking.unpack(bundle, out)
    assert {path: path.read_bytes() for path in out.parent.rglob("*") if path.is_file()} == before
    assert not list(out.parent.glob(".*.results"))
    (line,) = str(error.value).splitlines()
    return line


def test_a_whole_bundle_is_unpacked_from_a_file_and_from_a_folder(tmp_path, out):
    files = {"claims/one.json": CLAIMS, "figures/one.csv": b"x\n1\n"}
    bundle = packed(tmp_path / "b.tar.zst", [("bundle.json", described(files)), *files.items()])
    unpacking.unpack(bundle, out)
    assert {name: (out / name).read_bytes() for name in files} == files
    again = out.with_name("again")
    unpacking.unpack(out, again)
    assert {path.name for path in again.rglob("*.*")} == {"bundle.json", "one.json", "one.csv"}
    unpacking.unpack(bundle, again)  # in place of the earlier one


def test_a_truncated_bundle_at_any_length(tmp_path, out):
    files = {"claims/one.json": np.random.default_rng(0).bytes(300_000)}
    content = packed(tmp_path / "b.tar.zst", [("bundle.json", described(files)), *files.items()]).read_bytes()
    for length in (0, 5, 300, len(content) // 2, len(content) - 1):
        bundle = tmp_path / "short.tar.zst"
        bundle.write_bytes(content[:length])
        assert "truncated" in (line := refused(bundle, out)) or "damaged" in line


def test_another_version_says_which(tmp_path, out):
    bundle = packed(tmp_path / "b.tar.zst", [("bundle.json", described({}, format=7))])
    assert "has format 7; this version of greedyrank reads 1" in refused(bundle, out)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("../victim", False), ("/tmp/victim", False), ("figures/../../victim", False), ("figures/a\\b", False),
     ("scripts/train.py", False), ("figures", False), ("figures//a", False), ("figures/a.png", True)],
)  # fmt: skip
def test_no_path_leaves_the_folder(tmp_path, out, name, allowed):
    bundle = packed(tmp_path / "b.tar.zst", [("bundle.json", described({name: b"x"})), (name, b"x")])
    if allowed:
        unpacking.unpack(bundle, out)
    else:
        assert "is no file of a bundle" in refused(bundle, out)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_links_and_special_files_are_refused(tmp_path, out, kind):
    member = tarfile.TarInfo("figures/one.csv")
    member.type, member.linkname = kind, "../../victim"
    bundle = packed(tmp_path / "b.tar.zst", [("bundle.json", described({"figures/one.csv": b""})), (member, b"")])
    assert "'figures/one.csv' is no plain file" in refused(bundle, out)


@pytest.mark.parametrize(
    ("listed", "held", "reason"),
    [
        ({"claims/one.json": b"a"}, [("claims/one.json", b"b")], "claims/one.json is not what was packed"),
        ({"claims/one.json": b"a"}, [("claims/one.json", b"a" * 99)], "claims/one.json is not what was packed"),
        ({"claims/one.json": b"a"}, [("claims/one.json", b"")], "claims/one.json is not what was packed"),
        ({"claims/one.json": b"a"}, [], "lacks claims/one.json"),
        ({}, [("claims/one.json", b"a")], "'claims/one.json' is not in bundle.json"),
        ({"claims/a.json": b"a"}, [("claims/a.json", b"a"), ("claims/a.json", b"a")], "or stands twice"),
    ],
)
def test_every_file_is_verified(tmp_path, out, listed, held, reason):
    bundle = packed(tmp_path / "b.tar.zst", [("bundle.json", described(listed)), *held])
    assert reason in refused(bundle, out)


def test_what_is_no_bundle(tmp_path, out):
    assert "there is no bundle" in refused(tmp_path / "nothing", out)
    (tmp_path / "text").write_text("a text", encoding="utf-8")
    assert "damaged, or is no .tar.zst file" in refused(tmp_path / "text", out)
    assert "does not begin with bundle.json" in refused(packed(tmp_path / "b", [("figures/one.csv", b"")]), out)
    assert "is not JSON" in refused(packed(tmp_path / "c", [("bundle.json", b"{")]), out)
    assert "unknown key" in refused(packed(tmp_path / "d", [("bundle.json", described({}, run="rm"))]), out)
    (tmp_path / "folder").mkdir()
    assert "has no bundle.json" in refused(tmp_path / "folder", out)


def test_a_folder_with_results_of_ones_own_is_not_replaced(tmp_path, out):
    out.mkdir()
    (out / "mine.npz").touch()
    bundle = packed(tmp_path / "b.tar.zst", [("bundle.json", described({}))])
    assert "is in the way" in refused(bundle, out)


def test_a_folder_that_links_elsewhere(tmp_path, out):
    folder = tmp_path / "unpacked"
    (folder / "figures").mkdir(parents=True)
    (folder / "bundle.json").write_bytes(described({"figures/one.csv": b"mine"}))
    (folder / "figures/one.csv").symlink_to(tmp_path / "victim")
    assert "is a link to another place" in refused(folder, out)


@pytest.mark.parametrize("how", ["external link", "soft link", "external data", "virtual data"])
def test_a_netcdf_file_that_reads_other_files_is_refused(tmp_path, out, how):
    with h5py.File(tmp_path / "made.nc", "w") as file:
        if how == "external link":
            file["loss"] = h5py.ExternalLink(str(tmp_path / "other.nc"), "/loss")
        elif how == "soft link":
            file["loss"] = h5py.SoftLink("/elsewhere")
        elif how == "external data":
            file.create_dataset("loss", (4,), "u1", external=[(str(tmp_path / "victim"), 0, 4)])
        else:
            layout = h5py.VirtualLayout((4,), "u1")
            layout[:] = h5py.VirtualSource(str(tmp_path / "other.nc"), "loss", (4,))
            file.create_virtual_dataset("loss", layout)
    content = (tmp_path / "made.nc").read_bytes()
    members = [("bundle.json", described({"spectra/small.nc": content})), ("spectra/small.nc", content)]
    assert "small.nc has" in refused(packed(tmp_path / "b.tar.zst", members), out)
