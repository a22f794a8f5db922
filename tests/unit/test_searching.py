"""Files are found by what they hold, whatever else lies in the folder."""

from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
import zipfile
from pathlib import Path

import pytest

from greedyrank import searching

SIZE = 2000
GOOD = b"GOOD" + random.Random(0).randbytes(SIZE - 4)


@pytest.fixture
def looked():
    """The contents that were read to their end."""
    return []


@pytest.fixture
def find(looked):
    """Look for one file below a folder."""

    def why_not(content):
        looked.append(content)
        return None if content == GOOD else "it has another content"

    wanted = searching.Wanted("wanted.bin", lambda size, head: size in (None, SIZE) and head[:4] == b"GOOD", why_not)
    return lambda *folders: searching.find(folders, [wanted], SIZE)


def in_zip(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def in_tar(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


FORMS = {
    "plain": GOOD,
    "gzip": gzip.compress(GOOD),
    "gzip twice": gzip.compress(gzip.compress(GOOD)),
    "zip": in_zip({"readme": b"hello", "deep/inside": GOOD}),
    "zip, not compressed": in_zip({"a": GOOD}, zipfile.ZIP_STORED),
    "zip of gzip": in_zip({"wanted.bin.gz": gzip.compress(GOOD)}),
    "tar": in_tar({"a": b"hello", "../b": GOOD}),
    "tar.gz": gzip.compress(in_tar({"a": GOOD})),
    "zip beside a bad member": in_zip({"bad.gz": b"\x1f\x8b broken", "good": GOOD}),
}


@pytest.mark.parametrize("name", ["wanted.bin", "WANTED.BIN", "some other name", ".hidden", "données"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_under_any_name(tmp_path, find, form, name):
    folder = tmp_path / "some" / "folder"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(FORMS[form])
    (tmp_path / "unrelated").write_bytes(b"hello")
    found = find(tmp_path)
    assert found.contents == {"wanted.bin": GOOD}
    assert found.places == {"wanted.bin": folder / name}


BAD = {
    "truncated": ("wanted.bin", GOOD[:-1], "it is of another kind or size"),
    "flipped": ("wanted.bin", GOOD[:-1] + b"?", "it has another content"),
    "flipped, another name": ("a", GOOD[:-1] + b"?", "it has another content"),
    "empty": ("wanted.bin", b"", "it is of another kind or size"),
    "a page of an error": ("wanted.bin.gz", b"<html>", "it is of another kind or size"),
    "truncated gzip": ("a.gz", gzip.compress(GOOD)[:-20], "end-of-stream"),
    "flipped gzip": ("a.gz", gzip.compress(GOOD)[:-6] + b"\0" * 6, "CRC"),
    "longer gzip": ("a.gz", gzip.compress(GOOD + b"?"), "it has another content"),
    "truncated zip": ("a.zip", in_zip({"a": GOOD})[:-30], "not a zip file"),
    "truncated tar.gz": ("a.tgz", gzip.compress(in_tar({"a": b"hello", "b": GOOD}))[:300], "end-of-stream"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_file_is_named_and_the_good_one_taken(tmp_path, find, bad):
    name, content, reason = BAD[bad]
    path = tmp_path / "a folder that comes first" / name
    path.parent.mkdir()
    path.write_bytes(content)
    assert find(tmp_path).contents == {}
    (tmp_path / "z").mkdir()
    (tmp_path / "z" / "wanted").write_bytes(GOOD)
    found = find(tmp_path)
    assert found.contents == {"wanted.bin": GOOD}
    assert all(line.startswith(str(path)) for line in found.passed_over)
    assert reason in found.passed_over[0]


def test_a_locked_zip_is_named(tmp_path, find):
    locked = bytearray(in_zip({"a": GOOD}, zipfile.ZIP_STORED))
    for place in (6, locked.index(b"PK\x01\x02") + 8):  # the flag of encryption, in both headers
        locked[place] |= 1
    (tmp_path / "a.zip").write_bytes(locked)
    (line,) = find(tmp_path).passed_over
    assert "password" in line


@pytest.mark.parametrize("order", ["first", "second"])
def test_of_two_good_copies_one_is_taken(tmp_path, find, looked, order):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(GOOD)
    folders = {"first": [tmp_path], "second": [tmp_path / "nowhere", tmp_path]}[order]
    found = find(*folders)
    assert (found.contents, found.places) == ({"wanted.bin": GOOD}, {"wanted.bin": tmp_path / "a"})
    assert looked == [GOOD]


def test_links_are_followed_and_loops_end(tmp_path, find):
    real, data = tmp_path / "real", tmp_path / "data"
    (real / "deep").mkdir(parents=True)
    data.mkdir()
    (real / "deep" / "file").write_bytes(GOOD[:-1] + b"?")
    (data / "folder").symlink_to(real)
    (real / "deep" / "back").symlink_to(data)
    (data / "self").symlink_to(data / "self")
    (data / "nowhere").symlink_to(tmp_path / "gone")
    found = find(data)
    assert [line.partition(": ")[0] for line in found.passed_over] == [
        str(data / "self"),
        str(data / "folder" / "deep" / "file"),
    ]
    (real / "z").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_bytes(GOOD)
    assert find(data).contents == {"wanted.bin": GOOD}


def test_pipes_and_devices_are_not_opened(tmp_path, find):
    os.mkfifo(tmp_path / "wanted.bin")
    (tmp_path / "zero").symlink_to("/dev/zero")
    assert find(tmp_path) == searching.Findings()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path, find):
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "secret").write_bytes(GOOD)
    (tmp_path / "secret").chmod(0)
    (tmp_path / "z").write_bytes(GOOD)
    found = find(tmp_path)
    assert found.contents == {"wanted.bin": GOOD}
    assert [Path(line.partition(": ")[0]).name for line in found.passed_over] == ["closed", "secret"]


def test_an_unreadable_file_is_named(tmp_path, find, monkeypatch):
    """As root, who may read everything, too."""
    opened = Path.open

    def refuse(path, *arguments):
        if path.name == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments)

    (tmp_path / "secret").write_bytes(GOOD)
    (tmp_path / "z").write_bytes(GOOD)
    monkeypatch.setattr(Path, "open", refuse)
    found = find(tmp_path)
    assert found.contents == {"wanted.bin": GOOD}
    assert "Permission denied" in found.passed_over[0]


def test_only_what_can_be_the_file_is_read(tmp_path, find, looked):
    with (tmp_path / "huge").open("wb") as file:
        file.write(GOOD)
        file.truncate(10**12)  # a terabyte of nothing
    (tmp_path / "same size").write_bytes(bytes(SIZE))
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(GOOD + bytes(10**7)))
    (tmp_path / "other.gz").write_bytes(gzip.compress(bytes(10**7)))
    assert find(tmp_path).contents == {}
    assert [len(content) for content in looked] == [SIZE + 1]  # of the bomb


def test_archives_in_archives_end(tmp_path, find):
    content = GOOD
    for _ in range(6):
        content = in_zip({"a": content})
    (tmp_path / "a").write_bytes(content)
    assert find(tmp_path) == searching.Findings()


def test_a_folder_that_is_not_there_is_empty(tmp_path, find):
    assert find(tmp_path / "nowhere") == searching.Findings()


def test_a_file_in_place_of_a_folder_is_named(tmp_path, find):
    (tmp_path / "file").write_bytes(GOOD)
    assert find(tmp_path / "file").passed_over == [f"{tmp_path}/file: Not a directory"]
