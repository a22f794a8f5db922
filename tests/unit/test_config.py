"""The config and the folders of papers: what is wrong is one clear message, and breaks as little as can be."""

import json
from pathlib import Path

import pytest
import yaml

from greedyrank.claims import judging
from greedyrank.config import loading, papers
from greedyrank.config.yaml_input import ConfigError
from small_paper import CLAIM, SmallPaper

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def paper(tmp_path, sweep_block):
    return SmallPaper(tmp_path / "my_paper", sweep_block("deep_matrix", "gd", axes={"seed": [0, 1]}))


def errors_of(raw):
    with pytest.raises(ConfigError) as error:
        loading.load(raw)
    return error.value.messages


# -- what a user sets -------------------------------------------------------------------------------


def test_a_config_has_defaults(paper):
    project = loading.load(paper.raw())
    config = project.config
    assert (config.scale, config.device, config.data_dir, config.results_dir) == ("laptop", "auto", "data", "results")
    assert (list(project.sweeps), list(project.figures), project.broken) == (["small"], ["small_figure"], {})


def test_the_papers_of_the_repository_are_the_default():
    names = {paper.name for paper in loading.load({}).papers}
    assert names == {path.name for path in (ROOT / "workflow/papers").iterdir() if path.is_dir()}


def test_config_yaml_sets_nothing_but_defaults():
    content = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    assert loading.Config.model_validate(content) == loading.Config()
    assert set(content) == set(loading.Config.model_fields)
    assert len((ROOT / "config.yaml").read_text(encoding="utf-8").splitlines()) <= 80


WRONG = {
    "top-level key": ({"scal": "smoke"}, "scal: unknown key; did you mean `scale`?"),
    "scale": ({"scale": "tiny"}, "scale is 'tiny': Input should be 'smoke', 'laptop' or 'paper'"),
    "no papers": ({"papers": []}, "papers is []: List should have at least 1 item after validation, not 0"),
    "sweep": ({"sweeps": {"smal": {}}}, "sweeps.smal: no such sweep; did you mean `small`?"),
    "figure": ({"figures": {"small_figur": {}}}, "figures.small_figur: no such figure; did you mean `small_figure`?"),
    "key of a sweep": (
        {"sweeps": {"small": {"batch": []}}},
        "sweeps.small.batch: unknown key; allowed: axes, baseline, beyond_step_limit, cases, device, factorization,"
        " fixed, job_per, one_job, optimizer, problem, scales, source, with_data_seed",
    ),
    "value of a sweep": (
        {"sweeps": {"small": {"fixed": {"depth": 2.5}}}},
        "sweeps.small.fixed.depth is 2.5: Input should be a valid integer",
    ),
    "value at a scale": (
        {"sweeps": {"small": {"scales": {"laptop": {"axes": {"seed": {"count": 0}}}}}}},
        "sweeps.small.scales.laptop.axes.seed: {'count': 0} is not a count;"
        " write {count: n}, n a whole number above 0, for 0, 1, ... n - 1;"
        " or {count: n, from: a, to: b}, n above 1, for equally spaced numbers",
    ),
    "a range without its end": (
        {"sweeps": {"small": {"axes": {"learning_rate": {"count": 3, "from": 0.1}}}}},
        "sweeps.small.axes.learning_rate: {'count': 3, 'from': 0.1} is not a count;"
        " write {count: n}, n a whole number above 0, for 0, 1, ... n - 1;"
        " or {count: n, from: a, to: b}, n above 1, for equally spaced numbers",
    ),
    "no seeds": ({"seeds": 0}, "seeds is 0: Input should be greater than 0"),
    "seeds in words": ({"seeds": "many"}, "seeds is 'many': Input should be a valid integer"),
    "an engine that does not exist": (
        {"engine": "autgrad"},
        "engine is 'autgrad': Input should be 'closed_form' or 'autograd'",
    ),
    "an engine of a sweep that does not exist": (
        {"sweeps": {"small": {"fixed": {"engine": "jax"}}}},
        "sweeps.small.fixed.engine is 'jax': Input should be 'closed_form' or 'autograd'",
    ),
    "not finite": (
        {"figures": {"small_figure": {"options": {"entry_max": float("nan")}}}},
        "figures.small_figure.options.entry_max is nan; allowed: finite numbers",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_message(paper, wrong):
    changes, message = WRONG[wrong]
    assert errors_of(paper.raw() | changes) == [message]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"measure": []}, ": measure: unknown key; did you mean `measures`?"),
        ({"measures": ["determinent"]}, ": measures: no measure `determinent`; did you mean `determinant`?"),
        ({"sweeps": ["smal"]}, ": sweeps: no sweep `smal`; did you mean `small`?"),
        ({"options": {"entry_mx": 3}}, ": options.entry_mx: unknown key; did you mean `entry_max`?"),
    ],
)
def test_an_override_of_a_figure_that_is_wrong_stops_everything(paper, override, message):
    place = paper.folder / "small_figure/figure.yaml"
    expected = [f"{place}{message}", "(with the config's overrides in figures.small_figure)"]
    assert errors_of(paper.raw(figures={"small_figure": override})) == expected


@pytest.mark.parametrize(
    ("changes", "folder"),
    [
        ({}, "results"),
        ({"scale": "smoke"}, "results/smoke"),
        ({"engine": "autograd"}, "results/laptop_engine-autograd"),
        ({"scale": "smoke", "seeds": 20}, "results/smoke_seeds-20"),
        ({"seeds": 2, "nudge_seed": 0, "results_dir": "mine"}, "mine/laptop_seeds-2_nudge_seed-0"),
    ],
)
def test_what_changes_every_sweep_has_a_folder_of_its_own(paper, changes, folder):
    config = loading.load(paper.raw(**changes)).config
    assert config.folder == folder


def test_the_engine_is_a_setting_of_every_run(paper):
    plain, other = (loading.load(paper.raw(**given)).sweeps["small"].whole for given in ({}, {"engine": "autograd"}))
    assert {run["engine"] for run in plain.runs} == {"closed_form"}
    assert {run["engine"] for run in other.runs} == {"autograd"}
    (own,) = loading.load(paper.raw(sweeps={"small": {"fixed": {"engine": "autograd"}}})).sweeps.values()
    assert own.whole == other


def test_seeds_of_sweeps_that_have_none_are_named_in_one_line(paper, sweep_block, caplog):
    paper.sweeps["other"] = sweep_block("deep_matrix", "gd", axes={"depth": [2, 3]})
    project = loading.load(paper.raw(seeds=3))
    assert caplog.messages == ["seeds is 3, but these sweeps vary no seed, and stay as they are: other"]
    assert [len(project.sweeps[name].whole.runs) for name in ("small", "other")] == [3, 2]


def test_an_override_of_a_figure_is_merged_key_by_key(paper):
    paper.add_figure("small_figure", options={"width": "text", "entry_max": 2.0})
    override = {"options": {"entry_max": 3.0}, "minutes": 4}
    block = loading.load(paper.raw(figures={"small_figure": override})).figures["small_figure"].block
    assert (block.options, block.minutes, block.title) == ({"width": "text", "entry_max": 3.0}, 4, "t")


def test_errors_of_all_sweeps_come_together(paper):
    paper.sweeps["other"] = paper.sweeps["small"]
    override = {"small": {"axes": {"seed": []}}, "other": {"axes": {"sed": [0]}, "fixed": {"depth": 0}}}
    assert len(errors_of(paper.raw(sweeps=override))) == 3


@pytest.mark.parametrize("name", ["$(touch x)", "../small", "small\n", "{small}", "1", "klein groß", "s" * 201])
def test_names_of_sweeps_and_figures(paper, name):
    for key in ("sweeps", "figures"):
        (message,) = errors_of(paper.raw() | {key: {name: {}}})
        assert message.startswith(f"{key}.")
        assert message.endswith("is not a valid name; allowed: up to 200 letters, digits and _, a letter first")


@pytest.mark.parametrize("image", ["a b.sif", "$(touch touched)", "-v", "a'b", "{sweep}", ""])
def test_an_image_that_cannot_stand_in_a_command_is_named(image):
    with pytest.raises(ConfigError, match="container.*is not a valid image; allowed: a .sif file"):
        loading.load({"container": image})


@pytest.mark.parametrize("name", ["", "a\nb", "{results}", "-rf", "~nobody_here/a", "a/" + "b" * 201, "a/" * 600])
@pytest.mark.parametrize("key", ["data_dir", "results_dir"])
def test_names_of_folders(paper, key, name):
    (message,) = errors_of(paper.raw() | {key: name})
    assert message.startswith(f"{key} is ''" if name == "" else f"{key}: ")
    loading.load(paper.raw() | {key: "/data of/ünï's $(x); <b>&"})


# -- folders of papers ------------------------------------------------------------------------------


def test_an_entry_is_a_paper_or_a_folder_of_papers(paper, tmp_path, sweep_block):
    other = SmallPaper(tmp_path / "others/other_paper", sweep_block("psd", "gd"))
    other.sweeps = {"other": other.sweeps["small"]}
    (other.folder / "small_figure").rename(other.folder / "other_figure")
    other.add_figure("other_figure", sweeps=["other"])
    other.write_claims({**CLAIM, "control": {"seed": 0, "at": {"loss": 0.2}}}, figure="other_figure")
    other.raw()
    project = loading.load(paper.raw() | {"papers": [str(paper.folder), str(tmp_path / "others")]})
    assert [found.name for found in project.papers] == ["my_paper", "other_paper"]
    assert project.broken == {}
    assert {name: owner.name for name, owner in project.owners.items()} == {
        "small_figure": "my_paper", "other_figure": "other_paper",
    }  # fmt: skip


def test_entries_that_are_no_papers_are_named(paper, tmp_path):
    (tmp_path / "empty").mkdir()
    raw = paper.raw() | {"papers": [str(paper.folder), str(tmp_path / "nowhere"), str(tmp_path / "empty")]}
    assert errors_of(raw) == [
        f"papers: there is no folder {tmp_path}/nowhere",
        f"papers: {tmp_path}/empty holds no paper: a paper is a folder with sweeps.yaml and one folder a figure",
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("json", "a Python package is called json too; give the folder another name"),
        ("numpy", "a Python package is called numpy too; give the folder another name"),
        ("my paper", "'my paper' is not a valid name; allowed: up to 200 letters, digits and _, a letter first"),
    ],
)
def test_names_of_papers(tmp_path, sweep_block, name, message):
    paper = SmallPaper(tmp_path / name, sweep_block("deep_matrix", "gd"))
    assert errors_of(paper.raw()) == [f"papers: {tmp_path}/{name}: {message}"]


def test_two_papers_of_one_name_are_named(paper, tmp_path, sweep_block):
    other = SmallPaper(tmp_path / "elsewhere/my_paper", sweep_block("deep_matrix", "gd"))
    other.raw()
    (message,) = errors_of(paper.raw() | {"papers": [str(paper.folder), str(other.folder)]})
    assert message == f"papers: two papers are called my_paper: {paper.folder} and {other.folder}"


@pytest.fixture
def broken(paper):
    """Return what is wrong with a second figure, the first of which is whole: ``broken(second)``."""

    def of(name: str = "second") -> list[str]:
        project = loading.load(paper.raw())
        assert list(project.figures) == ["small_figure"]
        assert list(project.broken) == [name]
        return [message.removeprefix(f"{paper.folder}/") for message in project.broken[name]]

    return of


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("figure.yaml", "second/figure.yaml is missing"),
        ("draw.py", "second/draw.py is missing"),
        ("claims.yaml", "second/claims.yaml is missing: a figure needs at least one claim"),
        ("caption.rst", "second/caption.rst is missing: every figure needs a caption"),
        ("statistics.py", "second/statistics.py is missing: claims.yaml names statistics that are not shared ones"),
    ],
)
def test_a_figure_that_lacks_a_file_is_broken_alone(paper, broken, file, message):
    (paper.add_figure("second") / file).unlink()
    assert broken() == [message]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"measure": []}, "measure: unknown key; did you mean `measures`?"),
        ({"measures": ["determinent"]}, "measures: no measure `determinent`; did you mean `determinant`?"),
        ({"sweeps": ["smal"]}, "sweeps: no sweep `smal`; did you mean `small`?"),
        ({"options": {"entry_mx": 3}}, "options.entry_mx: unknown key; did you mean `entry_max`?"),
        ({"minutes": 0}, "minutes is 0: Input should be greater than 0"),
    ],
)
def test_a_figure_with_a_wrong_setting_is_broken_alone(paper, broken, changes, message):
    paper.add_figure("second", **changes)
    assert broken() == [f"second/figure.yaml: {message}"]


def test_a_figure_whose_sweep_is_wrong_is_broken_alone(paper, broken):
    paper.sweeps["wrong"] = {**paper.sweeps["small"], "axes": {"sed": [0]}}
    paper.add_figure("second", sweeps=["wrong"])
    assert broken() == ["sweeps.yaml: wrong.axes.sed: unknown key; did you mean `seed`?"]


def test_two_sweeps_of_one_name_break_what_shows_them(paper, tmp_path, sweep_block):
    other = SmallPaper(tmp_path / "other_paper", sweep_block("deep_matrix", "gd"))
    (other.folder / "small_figure").rename(other.folder / "second")
    paper.sweeps["mine"] = paper.sweeps["small"]
    paper.add_figure("third", sweeps=["mine"])
    other.raw()
    project = loading.load(paper.raw() | {"papers": [str(paper.folder), str(other.folder)]})
    message = f"two sweeps are called small, in {paper.folder}/sweeps.yaml and in {other.folder}/sweeps.yaml"
    assert project.broken == {"small_figure": [message], "second": [message]}


def test_folders_of_no_figures_are_not_read(paper):
    for name in (".git", "__pycache__", ".ipynb_checkpoints"):
        (paper.folder / name).mkdir()
    assert loading.load(paper.raw()).broken == {}


def test_where_no_figure_is_left_everything_is_wrong(paper):
    (paper.folder / "small_figure/draw.py").unlink()
    assert errors_of(paper.raw()) == [f"{paper.folder}/small_figure/draw.py is missing"]


def test_another_figure_of_the_paper_may_draw(paper):
    (paper.add_figure("second", draw="small_figure", options={"entry_max": 2.0}) / "draw.py").unlink()
    figure = loading.load(paper.raw()).figures["second"]
    assert (figure.drawn_by, figure.draw_entry) == ("small_figure", "my_paper.small_figure.draw:draw")


def test_what_a_figure_names_to_draw_it_is_there(paper, broken):
    paper.add_figure("second", draw="third")
    place = paper.folder / "second/figure.yaml"
    assert broken() == [f"third/draw.py is missing: {place} names it"]


def test_a_paper_is_found_from_the_repository_too(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert len(papers.find(["workflow/papers"])) >= 10


# -- claims -----------------------------------------------------------------------------------------


def claims_of(paper, *claims, **settings):
    paper.write_claims(*claims)
    return loading.load(paper.raw(**settings)).figures["small_figure"].claims


def test_a_claim_gets_the_first_sweep(paper):
    (claim,) = claims_of(paper, CLAIM)
    assert (claim["sweep"], claim["seeds"]) == ("small", "every")
    assert "known" not in claim


def test_a_claim_of_another_scale_is_not_checkable_on_record(paper):
    found = {scale: claims_of(paper, {**CLAIM, "scale": "paper"}, scale=scale)[0] for scale in ("laptop", "paper")}
    assert found["laptop"].pop("known") == judging.NOT_CHECKABLE
    assert found["laptop"] == found["paper"]


def test_a_statistic_of_another_figure_of_the_paper(paper):
    folder = paper.add_figure("second")
    (folder / "statistics.py").write_text("def other(runs):\n    return 0.0\n", encoding="utf-8")
    paper.write_claims({**CLAIM, "statistic": "small_figure.entry_at_loss"}, figure="second")
    assert loading.load(paper.raw()).figures["second"].statistics == ["small_figure.entry_at_loss"]


def test_a_statistic_of_what_the_paper_shares(paper):
    (paper.folder / "common.py").write_text("def shared(runs):\n    return 0.0\n", encoding="utf-8")
    (claim,) = claims_of(paper, {**CLAIM, "statistic": "shared", "at": {}})
    assert claim["control"]["statistic"] == "shared"


MODULES = "my_paper.small_figure.statistics, my_paper.common, greedyrank.claims.statistics"
BAD = {
    "statistic": (
        {"statistic": "entry_at_los"},
        f":one: no statistic `entry_at_los` in {MODULES}; did you mean `entry_at_loss`?",
    ),
    "argument": ({"at": {"los": 0.1}}, ":one.at.los: unknown key; did you mean `loss`?"),
    "setting": ({"runs": {"sed": 0}}, ":one: no setting `sed` in sweep small; did you mean `seed`?"),
    "setting of the control": (
        {"control": {"sed": 0}},
        ":one: no setting `sed` in sweep small; did you mean `seed`?",
    ),
    "no control": ({"control": None}, "[0].control: missing key"),
    "empty control": ({"control": {}}, "[0].control is {}: Dictionary should have at least 1 item"),
    "two expectations": (
        {"expect": {"above": 1.0, "below": 2.0}},
        "[0].expect: give exactly one of near, below, above, between",
    ),
    "no tolerance": ({"expect": {"near": 1.0}}, "[0].expect: near needs exactly one of relative and absolute"),
    "a fraction of zero": ({"expect": {"near": 0.0, "relative": 0.1}}, "[0].expect: near 0 needs an absolute"),
    "no width": ({"expect": {"between": [2.0, 2.0]}}, "[0].expect: between [2.0, 2.0]: the first must be smaller"),
    "turned round": ({"expect": {"between": [3.0, 2.0]}}, "[0].expect: between [3.0, 2.0]: the first must be smaller"),
    "no cause": ({"known": "differs"}, "[0]: `known` and `because` go together"),
    "key": ({"controll": {}}, "[0].controll: unknown key; did you mean `control`?"),
    "sweep": ({"sweep": "smal"}, ":one: no sweep `smal` in this figure; did you mean `small`?"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_claim(paper, bad):
    change, message = BAD[bad]
    paper.write_claims({key: value for key, value in {**CLAIM, **change}.items() if value is not None})
    found = errors_of(paper.raw())
    expected = f"{paper.folder}/small_figure/claims.yaml{message}"
    assert any(text.startswith(expected) for text in found), found


def test_claims_have_different_names(paper):
    paper.write_claims(CLAIM, CLAIM)
    (message,) = errors_of(paper.raw())
    assert message.endswith("claims.yaml: two claims have the same id")


@pytest.mark.parametrize("blocks", [None, [], {"id": "one"}])
def test_a_figure_needs_claims(paper, blocks):
    (paper.folder / "small_figure/claims.yaml").write_text(json.dumps(blocks), encoding="utf-8")
    (message,) = errors_of(paper.raw())
    assert message.endswith("claims.yaml: a figure needs at least one claim")
