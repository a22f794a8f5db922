"""What others' programs say of the citation, the metadata and a bundle; `make publication` runs it.

It runs in an environment of its own, with the packages of envs/publication.txt, and needs no network.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import requests
import rocrate
import urllib3
from requests_cache import CachedSession
from rocrate.rocrate import ROCrate

REPOSITORY = Path(__file__).parents[1]
PROFILES = ("ro-crate-1.1", "workflow-ro-crate-1.0", "process-run-crate-0.5", "workflow-run-crate-0.5")
CONTEXT = "https://w3id.org/ro/crate/1.1/context"


def tool(*words: object) -> subprocess.CompletedProcess:
    """Run a program of this environment."""
    program, *rest = map(str, words)
    path = Path(sys.executable).with_name(program)
    return subprocess.run([path, *rest], capture_output=True, encoding="utf-8", check=False)


def check_citation() -> None:
    """CITATION.cff is valid, and .zenodo.json and codemeta.json are what cffconvert makes of it."""
    source = REPOSITORY / "CITATION.cff"
    valid = tool("cffconvert", "--validate", "-i", source)
    assert valid.returncode == 0, valid.stdout + valid.stderr
    for name, kind in ((".zenodo.json", "zenodo"), ("codemeta.json", "codemeta")):
        made = tool("cffconvert", "-i", source, "-f", kind).stdout
        there = (REPOSITORY / name).read_text(encoding="utf-8")
        assert json.loads(there) == json.loads(made), f"{name} is not what cffconvert makes: cffconvert -f {kind}"


def check_crate(folder: Path) -> None:
    """The crate in a bundle can be read, and its claims and verdicts be followed to figures and papers."""
    crate = ROCrate(str(folder))
    assert "ComputationalWorkflow" in crate.mainEntity.type
    reviews = crate.get_by_type("ClaimReview")
    assert reviews
    for review in reviews:
        claim = review["itemReviewed"]
        assert claim["about"]["isBasedOn"], claim.id
        assert review["reviewRating"]["alternateName"]
    for file in crate.get_by_type("File"):
        assert (folder / file.id).is_file(), file.id


def keep_context(cache: Path) -> None:
    """Put the JSON-LD context of RO-Crate where roc-validator looks for pages that it has read.

    It is that of RO-Crate 1.3, which rocrate carries, with the addresses that terms of Bioschemas have in 1.1.
    """
    carried = Path(rocrate.__file__).with_name("data") / "ro-crate.jsonld"
    text = carried.read_text(encoding="utf-8").replace("https://bioschemas.org/terms/", "https://bioschemas.org/")
    response = requests.Response()
    response.status_code, response.url, response._content = 200, CONTEXT, text.encode()
    response.headers["Content-Type"] = "application/ld+json"
    response.request = requests.Request("GET", CONTEXT).prepare()
    body, headers = io.BytesIO(text.encode()), dict(response.headers)
    response.raw = urllib3.HTTPResponse(body, headers, 200, preload_content=False, request_url=CONTEXT)
    CachedSession(str(cache), backend="sqlite", expire_after=-1).cache.save_response(response)


def check_profiles(folder: Path, cache: Path) -> None:
    """Validate the crate against the profiles that it names."""
    for profile in PROFILES:
        options = ("--no-paging", "--verbose", "--offline", "--cache-path", cache, "--profile-identifier", profile)
        done = tool("rocrate-validator", "--no-interactive", "--disable-color", "validate", *options, folder)
        assert done.returncode == 0, done.stdout + done.stderr


def main(bundle: Path) -> None:
    """Check everything."""
    check_citation()
    with tempfile.TemporaryDirectory() as made:
        folder, cache = Path(made, "bundle"), Path(made, "cache")
        folder.mkdir()
        subprocess.run(["tar", "-xf", str(bundle.resolve()), "-C", str(folder)], check=True)
        check_crate(folder)
        keep_context(cache)
        check_profiles(folder, cache)
    print("citation and crate: no error")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
