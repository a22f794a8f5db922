"""Every script ends with one line where it is called in a wrong way, and finds the folders that were set."""

from __future__ import annotations

import io
import logging
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from greedyrank import clean_room, storage
from greedyrank.claims import judged_files
from greedyrank.config import loading

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = {path.stem: path for path in (REPOSITORY / "scripts").glob("*.py")}


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a script in this process; gives its exit code and all that it says."""

    def run(script: str, *words: object, given: str = "") -> tuple[int, str]:
        # As if in a process of its own: with streams of its own, and no handlers of logs.
        monkeypatch.setattr(sys, "argv", [script, *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        monkeypatch.setattr(clean_room, "OUTSIDE", {})
        before, logging.root.handlers = logging.root.handlers, []
        environment = dict(os.environ)
        try:
            runpy.run_path(str(SCRIPTS[script]), run_name="__main__")
            code = 0
        except SystemExit as error:
            code = 0 if error.code is None else int(error.code)
        finally:
            for handler in logging.root.handlers:
                handler.close()
            logging.root.handlers = before
            os.environ.clear()
            os.environ.update(environment)
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


WITHOUT_ARGUMENTS = {
    "bench", "bundle", "claims_table", "clean", "doctor", "compare_devices", "record", "scaling", "tex",
}  # fmt: skip


@pytest.mark.parametrize("script", sorted(SCRIPTS.keys() - WITHOUT_ARGUMENTS))
def test_without_arguments_a_script_says_how_it_is_called(run, script):
    code, said = run(script)
    assert code == 2
    assert said.startswith(f"usage: {script}")
    assert "the following arguments are required" in said


@pytest.mark.parametrize("script", SCRIPTS)
def test_arguments_that_there_are_not_are_named(run, script):
    for words in (["--no-such-option"], ["one", "two", "three"]):
        code, said = run(script, *words)
        assert (code, "usage: " in said, "Traceback" in said) == (2, True, False), said


@pytest.fixture
def bad_files(tmp_path):
    """A file that is missing, a folder, an empty file, and damaged ones."""
    (tmp_path / "folder.png").mkdir()
    files = {
        "missing.png": None,
        "folder.png": None,
        "empty.json": b"",
        "broken.json": b'{"claims": [',
        "list.json": b"[]",
    }
    files |= {"number.json": b"3", "other.json": b'{"scale": "laptop"}', "binary.png": b"\x89PNG\r\n\x1a\n\xff\xff"}
    files |= {"binary.svg": b"\xff\xfe", "a.pdf": b"%PDF-1.4", "a.csv": b"x,y\n"}
    for name, content in files.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in files]


@pytest.mark.parametrize("script", ["claims_table", "whence"])
def test_files_that_are_not_what_is_asked_for_are_named(run, bad_files, script):
    for path in bad_files:
        code, said = run(script, path)
        assert code == 1, path
        assert said.count("\n") == 1, said
        assert str(path) in said
        assert said.startswith("error: ")


def test_bad_files_of_stages_are_named(run, bad_files, tmp_path):
    out = tmp_path / "o"
    for path in bad_files:
        for script, words in {
            "train": ("--name", "a", "--slice", "{}", "--data", path, "--checkpoints", tmp_path, "--out", out),
            "baseline": ("--slice", "{}", "--data", path, "--out", out),
            "extract": ("--runs", path, "--data", path, "--measures", "growth", "--out", out),
            "plot": ("--figure", "det_sign", "--slice", "{}", "--spectra", path, "--out", tmp_path / "o.png"),
            "check_claims": ("--figure", "det_sign", "--slice", "{}", "--spectra", path, "--out", out),
            "compare_devices": ("--slices", path, "--data-dir", tmp_path, "--out", out),
            "record": ("--results", path, "--docs", tmp_path),
        }.items():
            code, said = run(script, *words)
            assert code == 1, (script, path)
            assert "error: " in said.splitlines()[-1], said
            assert "Traceback" not in said
            assert not out.exists()


@pytest.mark.parametrize("given", ["", "{", "[1]", "3", "null", "not JSON"])
@pytest.mark.parametrize("script", ["train", "generate", "page", "plot"])
def test_settings_that_are_none_are_named(run, script, given):
    for words, stdin in ((["--slice", given], ""), (["--slice", "-"], given)):
        code, said = run(script, *words, given=stdin)
        assert code == 2
        assert "argument --slice: not " in said


def test_a_picture_of_a_figure_that_no_paper_has_is_named(run, tmp_path):
    code, said = run("plot", "--figure", "det_sgn", "--slice", "{}", "--spectra", tmp_path, "--out", tmp_path / "a.png")
    assert code == 1
    assert "Traceback" not in said


# -- where results are ------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a config.yaml of its own."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SCRATCH", str(tmp_path / "scratch"))
    return folder


def put_claims(folder: Path, name: str) -> None:
    """Write a claims.json with one claim of this name."""
    said = {"measured": 2.0, "range": [2.0, 2.0], "runs": 1, "values": 1, "holding": 1, "interval": [0.2, 1.0]}
    said |= {"margin": 1.0, "holds": True, "variant": {}}
    claim = {"figure": name, "id": name, "basis": "ours", "published": None, "expect": {"above": 1.0}, "seeds": "every"}
    claim |= {"at": {}, "verdict": "reproduced", "on_record": "reproduced", "note": "", "control": said, **said}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "claims.json").write_text(judged_files.to_json("laptop", [claim]), encoding="utf-8")


FOLDERS = {
    "out": "here/out",
    "out/": "here/out",
    "../out of here": "out of here",
    "~/out": "home/out",
    "~": "home",
    "$HOME/out": "home/out",
    "$SCRATCH": "scratch",
    "$SCRATCH/a/../out": "scratch/a/../out",
    "résultats": "here/résultats",
    "a $(touch touched)": "here/a $(touch touched)",
}


@pytest.mark.parametrize("written", FOLDERS)
def test_results_are_where_they_were_set(here, tmp_path, written):
    (here / "config.yaml").write_text(f"results_dir: '{written}'\ndata_dir: '{written}'\n", encoding="utf-8")
    config = loading.user_config()
    expected = os.path.abspath(tmp_path / FOLDERS[written])
    assert os.path.abspath(config.folder) == os.path.abspath(config.data) == expected
    assert config.results_dir == written  # as a user set it, for the record
    assert os.path.abspath(loading.user_config(scale="smoke").folder) == f"{expected}/smoke"


@pytest.mark.parametrize("written", [".", "", "./", "..", "/", "$HOME/../here", "here/.."])
def test_results_have_a_folder_of_their_own(here, written):
    with pytest.raises(loading.ConfigError, match="results_dir"):
        loading.load({"results_dir": written} if written != "here/.." else {"results_dir": "nowhere/.."})


@pytest.mark.parametrize("key", ["results_dir", "data_dir", "papers"])
def test_a_variable_that_is_not_set_is_named(monkeypatch, key):
    monkeypatch.delenv("NOT_SET", raising=False)
    value = "$NOT_SET/out"
    with pytest.raises(loading.ConfigError, match="the environment has no variable [$]NOT_SET"):
        loading.load({key: [value] if key == "papers" else value})


@pytest.mark.parametrize(
    ("files", "words", "folder"),
    [
        ({"config.yaml": "results_dir: out"}, [], "out"),
        ({"config.yaml": "results_dir: out\nscale: smoke"}, [], "out/smoke"),
        ({"config.yaml": "results_dir: out\nscale: smoke"}, ["--scale", "laptop"], "out"),
        ({"config.yaml": "scale: paper", "my.yaml": "results_dir: out"}, ["--configfile", "my.yaml"], "out/paper"),
        ({"a.yaml": "results_dir: a", "b.yaml": "scale: smoke"}, ["--configfile", "a.yaml", "b.yaml"], "a/smoke"),
        ({}, [], "results"),  # that of the repository
    ],
)  # fmt: skip
def test_claims_are_those_of_the_results_that_were_set(run, here, files, words, folder):
    for name, text in files.items():
        (here / name).write_text(text, encoding="utf-8")
    put_claims(here / "results", "stale")
    put_claims(here / folder, "right")
    code, said = run("claims_table", *words)
    assert code == 0, said
    assert "right" in said
    assert "stale" not in said


def test_where_claims_are_missing_it_is_said_how_to_make_them(run, here):
    (here / "config.yaml").write_text("results_dir: out", encoding="utf-8")
    code, said = run("claims_table")
    assert (code, said) == (1, "error: out/claims.json is missing; make it with: snakemake --cores 1 claims\n")


@pytest.mark.parametrize("script", ["claims_table", "record", "bench", "scaling", "compare_devices"])
def test_a_config_that_is_wrong_is_named(run, here, script):
    (here / "config.yaml").write_text("results_dr: out", encoding="utf-8")
    code, said = run(script)
    assert code == 1
    assert "results_dr: unknown key; did you mean `results_dir`?" in said


def test_cleaning_removes_what_was_built_alone(run, here, tmp_path):
    (here / "config.yaml").write_text("results_dir: $SCRATCH/out\ndata_dir: $SCRATCH/out/data/images", encoding="utf-8")
    results = tmp_path / "scratch" / "out"
    (tmp_path / "elsewhere").mkdir()
    built = ["runs/a.npz", "figures/a.png", "claims.json", "smoke/runs/a.npz", "smoke/index.html", "paper/logs/a.log"]
    kept = ["mine.txt", "data/images/train", "paper/mine.txt"]
    for name in (*built, *kept, "../../here/results/claims.json"):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text("", encoding="utf-8")
    (results / "spectra").symlink_to(tmp_path / "elsewhere")
    assert run("clean")[0] == 0
    assert sorted(str(path.relative_to(results)) for path in results.rglob("*") if path.is_file()) == sorted(kept)
    assert not (results / "smoke").exists()
    assert (tmp_path / "elsewhere").is_dir()
    assert (here / "results/claims.json").exists()
    assert run("clean")[0] == 0


# -- small ones -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["missing", "empty", "other"])
def test_a_checksum_that_is_missing_is_not_one_that_differs(tmp_path, state):
    path = tmp_path / "a.npz"
    storage.save_arrays(path, {}, {})
    beside = tmp_path / "a.npz.sha256"
    if state == "missing":
        beside.unlink()
    else:
        beside.write_text("" if state == "empty" else "0" * 64 + "  a.npz\n", encoding="utf-8")
    with pytest.raises(storage.CorruptFile) as error:
        storage.load_arrays(path)
    assert ("differs" in str(error.value)) == (state == "other")
    assert ("a.npz.sha256, with its checksum, is missing" in str(error.value)) == (state != "other")
    assert "rebuild it with" in str(error.value)


def test_links_to_generated_folders_are_ignored(tmp_path):
    git = ["git", "-C", str(tmp_path)]
    try:
        subprocess.run([*git, "init", "--quiet"], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no git")
    (tmp_path / ".gitignore").write_bytes((REPOSITORY / ".gitignore").read_bytes())
    for name in ("results", "data", ".snakemake", ".venv", "build", ".mypy_cache", ".hypothesis"):
        (tmp_path / name).symlink_to(tmp_path.parent)
    found = subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True, encoding="utf-8")
    assert found.stdout == "?? .gitignore\n"


def test_a_claims_file_is_read_as_it_was_written(tmp_path):
    put_claims(tmp_path, "one")
    assert [claim["id"] for claim in judged_files.read(tmp_path / "claims.json")["claims"]] == ["one"]


PRINTS = """
from greedyrank import command_line

def main(options):
    for number in range({lines}):
        print(number)

command_line.run(main, command_line.parser(""))
"""


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_has_read_enough_is_no_error(lines):
    words = [sys.executable, "-c", PRINTS.format(lines=lines)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "workflow")}
    reading, writing = os.pipe()
    os.close(reading)  # as by `head -n 0`
    done = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, env=environment, encoding="utf-8", check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
