"""Pictures hold exactly what was drawn, and where it is from."""

import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from greedyrank.errors import UserError
from greedyrank.figures import origin, saving, style
from greedyrank.figures.canvas import Canvas

RECORD = {
    "figure": "f",
    "draw": {"label": "a (b) [c] {d} (unclosed", "path": "C:\\new\\table \\( \\) ends in \\"},
    "text": "x < y & z > w; &amp; \"double\" 'single' )))",
    "accents": "Erdős – naïve, 1/√2",
    "lines": "one\ntwo\ttab",
    "numbers": [1, 2.5e-9, None, True],
}


@pytest.fixture(autouse=True)
def matplotlib_as_in_jobs():
    """Set matplotlib up as a job does, and put it back."""
    backend = matplotlib.get_backend()
    with matplotlib.rc_context():
        style.set_up()
        yield
    matplotlib.use(backend)


@pytest.fixture
def canvas():
    """Make a canvas of two panels with two lines, the same at each call."""
    made = []

    def draw():
        made.append(Canvas(1, 2, height=1.0))
        made[-1].title(0, "left (a) & <b>")
        made[-1].line(0, [1.0, 2.0, np.nan, 4.0], [1.0, np.nan, 3.0, 1 / 3], "first", color=style.COLORS["blue"])
        made[-1].line(1, np.arange(3), np.arange(3) ** 2, "second", marker="o")
        return made[-1]

    yield draw
    for one in made:
        plt.close(one.figure)


# -- canvas -----------------------------------------------------------------------------------------


def test_the_table_is_what_is_drawn(canvas):
    drawn = canvas()
    table = drawn.table()
    assert list(table.columns[:4]) == ["panel", "series", "x", "y"]
    for panel, series in ((0, "first"), (1, "second")):
        (line,) = drawn.panels[panel].get_lines()
        rows = table[table.series == series]
        assert set(rows.panel) == {"ab"[panel]}
        np.testing.assert_array_equal(rows[["x", "y"]].to_numpy().T, line.get_data())
    assert table[table.series == "first"].x.tolist() == [1.0, 4.0]  # points that are not numbers are left out


def test_line_returns_its_lines(canvas):
    drawn = canvas()
    (line,) = drawn.line(0, [0, 1], [2, 3], "third", linestyle="--", label="third")
    assert line in drawn.panels[0].get_lines()
    assert line.get_linestyle() == "--"


def test_kept_points_are_in_the_table(canvas):
    drawn = canvas()
    drawn.keep(1, "published", [1.0], [7.0], low=6.0)
    last = drawn.table().iloc[-1]
    assert (last.panel, last.series, last.x, last.y, last.low) == ("b", "published", 1.0, 7.0, 6.0)


def test_xarray_lines(canvas):
    drawn = canvas()
    data = xr.DataArray([1.0, np.nan, 3.0], dims="record")
    drawn.line(0, xr.DataArray([10, 20, 30], dims="record"), data, "labelled")
    assert drawn.table()[lambda t: t.series == "labelled"][["x", "y"]].to_numpy().tolist() == [[10, 1], [30, 3]]


@pytest.fixture
def runs():
    """Six runs of two data seeds and three seeds, three records each, of which the last run lacks one."""
    y = np.arange(18.0).reshape(6, 3)
    y[5, 2] = np.nan
    made = xr.Dataset({"x": (("run", "record"), np.tile([1.0, 2.0, 4.0], (6, 1))), "y": (("run", "record"), y)})
    return made.assign_coords(data_seed=("run", [0, 0, 0, 7, 7, 7]), seed=("run", [1, 2, 3, 1, 2, 3]))


def points(drawn, series):
    return drawn.table()[lambda t: t.series == series][["x", "y"]].to_numpy().tolist()


def test_each_run_is_a_line(canvas, runs):
    drawn = canvas()
    before = len(drawn.table())
    drawn.each_run(0, runs, runs.x, runs.y, "depth 3", color=style.COLORS["green"], label="three")
    lines = drawn.panels[0].get_lines()[1:]
    assert len(lines) == 6
    assert {line.get_color() for line in lines} == {style.COLORS["green"]}
    assert [line.get_label() for line in lines if not line.get_label().startswith("_")] == ["three"]
    assert lines[0].get_label() == "three"
    looks = [line._unscaled_dash_pattern for line in lines]
    assert len(set(map(repr, looks))) == len(style.LINES) == 5 and looks[5] == looks[0]
    table = drawn.table()[before:]
    assert len(table) == 17 and set(table.panel) == {"a"}
    names = [f"depth 3, data seed {data_seed}, seed {seed}" for data_seed in (0, 7) for seed in (1, 2, 3)]
    assert list(dict.fromkeys(table.series)) == names
    for name, line in zip(names, lines, strict=True):
        assert points(drawn, name) == np.transpose(line.get_data()).tolist()
    assert points(drawn, names[0]) == [[1, 0], [2, 1], [4, 2]]
    assert points(drawn, names[5]) == [[1, 15], [2, 16]]


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ([1], ["series"]),
        ([0, 2], ["series, seed 1", "series, seed 3"]),
        ([0, 3], ["series, data seed 0", "series, data seed 7"]),
    ],
)
def test_a_line_is_named_by_the_seeds_that_vary(canvas, runs, chosen, names):
    drawn = canvas()
    some = runs.isel(run=chosen)
    drawn.each_run(1, some, some.x, some.y, "series", linestyle=":")
    assert list(dict.fromkeys(drawn.table().series))[2:] == names
    lines = drawn.panels[1].get_lines()[1:]
    assert [line.get_linestyle() for line in lines] == [":"] * len(chosen)
    assert all(line.get_label().startswith("_") for line in lines)


def test_each_run_without_seeds(canvas, runs):
    drawn = canvas()
    plain = runs.drop_vars(["data_seed", "seed"])
    drawn.each_run(0, plain, plain.x, plain.y, "series")
    assert list(dict.fromkeys(drawn.table().series)) == ["first", "second", "series"]


def test_medians_keep_every_run(canvas, tmp_path):
    drawn = canvas()
    x, y = [2, 1, 1, 2, 1, 4], [10.0, 3.0, 1.0, 20.0, 7.0, 5.0]
    drawn.medians(1, x, y, "depth 2", "s", color=style.COLORS["purple"], label="two", linestyle="--")
    markers, line = drawn.panels[1].get_lines()[1:]
    assert (markers.get_linestyle(), markers.get_marker(), markers.get_markerfacecolor()) == ("None", "s", "none")
    assert (line.get_linestyle(), line.get_marker(), line.get_label()) == ("--", "s", "two")
    assert markers.get_color() == line.get_color() == style.COLORS["purple"]
    assert markers.get_label().startswith("_")
    np.testing.assert_array_equal(markers.get_data(), [x, y])
    np.testing.assert_array_equal(line.get_data(), [[1, 2, 4], [3, 15, 5]])
    read = pd.read_csv(save(drawn, tmp_path)["csv"])[5:]  # below the canvas's own two series
    assert read[["panel", "series", "x", "y"]].to_numpy().tolist() == [
        *(["b", "depth 2", float(a), float(b)] for a, b in zip(x, y, strict=True)),
        ["b", "depth 2, median", 1.0, 3.0],
        ["b", "depth 2, median", 2.0, 15.0],
        ["b", "depth 2, median", 4.0, 5.0],
    ]


def test_published_values_stand_behind_ours(canvas):
    drawn = canvas()
    drawn.published(0, [1, 3], [0.5, 0.25])
    drawn.published(0, [2], [0.125], "their table 1", marker="x", label="theirs")
    ours, read_off, table = drawn.panels[0].get_lines()
    assert points(drawn, "published, read off the plot") == [[1, 0.5], [3, 0.25]]
    assert points(drawn, "their table 1") == [[2, 0.125]]
    assert (read_off.get_marker(), read_off.get_linestyle(), table.get_marker()) == ("D", "None", "x")
    assert max(read_off.get_zorder(), table.get_zorder()) < ours.get_zorder()
    assert table.get_label() == "theirs"
    np.testing.assert_array_equal(read_off.get_data(), [[1, 3], [0.5, 0.25]])


def test_rank_colors_are_distinct():
    colors = style.rank_colors(10)
    assert len(colors) == len(set(colors)) == 10


# -- remarks below the panels -----------------------------------------------------------------------


def sweep(stop_steps, losses):
    """Return runs of two records, that ended at these steps with these losses; the last is padded once."""
    steps = np.array([[step // 2, step] for step in stop_steps])
    loss = np.array([[1.0, value] for value in losses])
    padded = np.concatenate([steps, np.full((len(steps), 1), -1)], axis=1)
    return xr.Dataset(
        {
            "stop_step": ("run", np.array(stop_steps)),
            "step": (("run", "record"), padded),
            "loss": (("run", "record"), np.pad(loss, ((0, 0), (0, 1)), constant_values=np.nan)),
        }
    )


def test_capped_counts_runs_that_the_cap_ended():
    settings = {"fixed": {"stop": {"loss": 0.1, "max_steps": 100}}, "cases": []}
    runs = sweep([100, 100, 60, 100], [0.5, 0.05, 0.05, 0.1])
    assert saving.capped(settings, runs) == 2
    assert saving.capped({"fixed": {"stop": {"loss": 0.0, "max_steps": 100}}, "cases": []}, runs) == 0
    assert saving.capped({"fixed": {}, "cases": []}, runs) == 0


def test_capped_knows_the_caps_of_cases():
    cases = [{"stop": {"loss": 0.1, "max_steps": 100}}, {"stop": [{"loss": 0.01, "max_steps": 60}]}, {"depth": [2]}]
    runs = sweep([100, 100, 60, 60, 80], [0.5, 0.05, 0.05, 0.005, 0.5])
    assert saving.capped({"fixed": {}, "cases": cases}, runs) == 2


def text_of(drawn):
    return " ".join(text.get_text() for text in [*drawn.figure.texts, drawn.figure._supxlabel] if text)


@pytest.mark.parametrize("scale", ["smoke", "laptop"])
def test_stamp(canvas, scale):
    drawn = canvas()
    drawn.remarks.append("my remark")
    settings = {"fixed": {"stop": {"loss": 0.1, "max_steps": 100}}, "cases": []}
    saving.stamp(drawn, scale, {"main": settings}, {"main": sweep([100, 60], [0.5, 0.05])})
    text = text_of(drawn)
    assert f"{scale} scale; my remark; main: 1 of 2 runs stopped by the cap on steps" in text
    assert ("not a result" in text) == (scale == "smoke")


# -- files ------------------------------------------------------------------------------------------

ENDINGS = ("png", "pdf", "svg", "csv", "js")


def save(drawn, folder, record=RECORD):
    outputs = {ending: folder / f"figure.{ending}" for ending in ENDINGS}
    saving.save(drawn, outputs, record)
    return outputs


def test_save_writes_all_files_twice_the_same(canvas, tmp_path):
    plt.close("all")
    first, second = save(canvas(), tmp_path / "one"), save(canvas(), tmp_path / "two")
    starts = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml", "csv": b"panel,series,x,y", "js": b"greedyrankTwin("}
    for ending in ENDINGS:
        assert first[ending].read_bytes().startswith(starts[ending])
        assert first[ending].read_bytes() == second[ending].read_bytes()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(
        f"figure.{ending}" for ending in ENDINGS
    )
    assert not plt.get_fignums()


def test_csv_is_the_table(canvas, tmp_path):
    drawn = canvas()
    table = drawn.table()
    read = pd.read_csv(save(drawn, tmp_path)["csv"])
    pd.testing.assert_frame_equal(read, table, rtol=1e-8, check_dtype=False)


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_record_comes_back(canvas, tmp_path, ending):
    assert origin.read(save(canvas(), tmp_path)[ending]) == RECORD


def test_long_record_comes_back(canvas, tmp_path):
    record = {f"key {i}": ["(" * (i % 7), ")" * (i % 5), "\\" * (i % 4)] for i in range(400)}
    outputs = save(canvas(), tmp_path, record)
    assert all(origin.read(outputs[ending]) == record for ending in ("png", "pdf", "svg"))


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_a_picture_without_a_record_is_an_error(canvas, tmp_path, ending):
    path = tmp_path / f"figure.{ending}"
    canvas().figure.savefig(path)
    with pytest.raises(UserError, match="has no provenance record"):
        origin.read(path)


def test_pictures_hold_no_date_host_or_path(canvas, tmp_path):
    outputs = save(canvas(), tmp_path)
    for ending in ("png", "pdf", "svg"):
        content = outputs[ending].read_bytes()
        assert not re.search(rb"CreationDate|<dc:date>|Creation Time", content)
        assert str(tmp_path).encode() not in content
