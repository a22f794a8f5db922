"""Pictures hold exactly what was drawn, and where it is from."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import layout
from greedyrank.config.reductions import differences, less
from greedyrank.errors import UserError
from greedyrank.figures import lettering, origin, reductions, saving, style
from greedyrank.figures.canvas import Canvas

RECORD = {
    "figure": "f",
    "draw": {"label": "a (b) [c] {d} (unclosed", "path": "C:\\new\\table \\( \\) ends in \\"},
    "text": "x < y & z > w; &amp; \"double\" 'single' )))",
    "accents": "Erdős – naïve, 1/√2",
    "lines": "one\ntwo\ttab",
    "numbers": [1, 2.5e-9, None, True],
}


pytestmark = pytest.mark.usefixtures("matplotlib_as_in_jobs")


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
    alphas, widths = [line.get_alpha() for line in lines], [line.get_linewidth() for line in lines]
    assert alphas[0] is None and all(alpha < 0.5 for alpha in alphas[1:])  # one run can be read
    assert widths[0] > max(widths[1:]) and lines[0].get_zorder() > max(line.get_zorder() for line in lines[1:])
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


def test_runs_that_a_cap_ended_are_counted_and_crossed(canvas, runs):
    drawn = canvas()
    named = runs.assign_coords(run_name=("run", list("abcdef")), capped=("run", np.arange(6) == 0))
    for panel in (0, 1):  # a run that is drawn twice counts once
        drawn.each_run(panel, named.isel(run=[0, 1]), named.x, named.y, "series")
    assert drawn.capped == (1, 2)
    crosses = [line for line in drawn.panels[0].get_lines() if line.get_marker() == "x"]
    assert [line.get_xydata().tolist() for line in crosses] == [[[4, 2]]]
    drawn.medians(1, [1, 2, 3], [4.0, np.nan, 6.0], "depth", "o", color="k", capped=[True, True, False])
    assert drawn.panels[1].get_lines()[-2].get_xydata().tolist() == [[1, 4]]


def test_no_line_goes_over_what_was_left_out(canvas):
    drawn = canvas()
    drawn.medians(1, [1, 2, 4, 8], [1.0, 2, 3, 4], "some", "o", color="k", label="some", left_out=[0.5, 2, 3, 3.5, 9])
    lines = drawn.panels[1].get_lines()[2:]
    assert [line.get_xdata().tolist() for line in lines] == [[1, 2], [4, 8]]
    assert [line.get_label().startswith("_") for line in lines] == [False, True]


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


def test_published_values_look_alike_and_are_whole(canvas):
    drawn = canvas()
    drawn.published(0, [1, 3], [0.5, 0.25])
    drawn.published(0, [2], [0.125], "their table 1", color="#D55E00", label="theirs")
    ours, *marks = drawn.panels[0].get_lines()
    assert points(drawn, "published, read off the plot") == [[1, 0.5], [3, 0.25]]
    assert points(drawn, "their table 1") == [[2, 0.125]]
    spines = max(spine.get_zorder() for spine in drawn.panels[0].spines.values())
    for mark in marks:
        assert (mark.get_marker(), mark.get_linestyle(), mark.get_markeredgecolor()) == ("D", "None", "0.15")
        assert not mark.get_clip_on() and mark.get_zorder() > spines  # above the axes, and above our lines
        assert mark.get_markerfacecolor()[1] < 1  # which can be seen through it
    assert [mark.get_label() for mark in marks] == ["published", "theirs"]
    np.testing.assert_array_equal(marks[0].get_data(), [[1, 3], [0.5, 0.25]])


def test_published_values_beyond_an_axis_do_not_stand_in_other_panels(canvas):
    drawn = canvas()
    drawn.published(0, [1, 2, 30], [0.5, 99.0, 0.5])
    drawn.panels[0].set(xlim=(1, 4), ylim=(0, 1))
    saving.stamp(drawn, "paper", {})
    assert drawn.panels[0].get_lines()[-1].get_xydata().tolist() == [[1, 0.5]]


@pytest.mark.parametrize("width", style.WIDTHS)
def test_a_narrow_figure_has_fewer_columns(width):
    drawn = Canvas(1, 3, width=width, sharex=True)
    assert len(drawn.panels) == len(drawn.figure.axes) == 3
    drawn.title(0, "a long title " * 4)
    assert "\n" in drawn.panels[0].get_title(loc="left")
    assert drawn.columns == {"column": 2, "text": 3}[width]
    assert drawn.bottom == drawn.panels[-drawn.columns :] and drawn.left == drawn.panels[:: drawn.columns]
    plt.close(drawn.figure)


@pytest.mark.parametrize("width", style.WIDTHS)
def test_no_text_touches_another_or_leaves_the_figure(width):
    drawn = Canvas(2, 3, width=width)
    for panel in range(6):
        drawn.line(panel, [1e-9, 1e4], [1e-5, 1.0], "ours", label="ours, at depth 3")
        drawn.published(panel, [1e-3], [1e-2])
        drawn.title(panel, "a title of a panel that is long")
        drawn.panels[panel].set(xscale="log", yscale="log", xlabel="observed entries", ylabel=r"$\|W - W^*\|_F$")
        drawn.panels[panel].legend()
    drawn.legend_above(*drawn.panels[0].get_legend_handles_labels(), columns=4)
    drawn.remarks += ["a remark of many words that takes several lines below the panels of a narrow figure"] * 3
    saving.stamp(drawn, "laptop", {})
    lettering.finish(drawn.figure)
    assert layout.faults(drawn.figure) == []
    drawn.panels[0].text(0.5, 1.0, "ours, at depth 3", transform=drawn.panels[0].transAxes, size=5)
    drawn.figure.text(0.99, 0.5, "beyond the edge")
    faults = layout.faults(drawn.figure)
    assert "'beyond the edge' leaves the figure" in faults
    assert "'ours, at depth 3' has letters of 5.0 points" in faults
    assert any("overlaps" in fault for fault in faults)
    plt.close(drawn.figure)


def test_letters_can_be_read():
    figure, axes = plt.subplots()
    axes.set(xscale="log", yscale="log", xlim=(1e-7, 1e4), ylim=(2, 30), xlabel=r"$W^*$", ylabel="plain")
    lettering.finish(figure)
    figure.draw_without_rendering()
    low, high = axes.get_xlim()
    shown = [tick.label1.get_text() for tick in axes.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert len(shown) > 3 and {float(text) for text in shown} <= {10.0**power for power in range(-7, 5)}
    assert [lettering.number(value) for value in (1e-12, 2e-3, 0.05, 1, 500, 1e4)] == [
        "1e-12",
        "2e-3",
        "0.05",
        "1",
        "500",
        "1e4",
    ]
    minor = [tick.label1.get_text() for tick in axes.yaxis.get_minor_ticks() if 2 <= tick.get_loc() <= 30]
    assert [text for text in minor if text] == ["2", "5", "20"]  # an axis of little more than a power of ten
    assert axes.xaxis.label.get_fontsize() * lettering.SCRIPT_SIZE >= style.SMALLEST - 1e-9
    assert axes.yaxis.label.get_fontsize() == plt.rcParams["axes.labelsize"]
    plt.close(figure)


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
    assert saving.capped(settings, runs).tolist() == [True, False, False, True]
    assert not saving.capped({"fixed": {"stop": {"loss": 0.0, "max_steps": 100}}, "cases": []}, runs).any()
    assert not saving.capped({"fixed": {}, "cases": []}, runs).any()


def test_capped_knows_the_caps_of_cases():
    cases = [{"stop": {"loss": 0.1, "max_steps": 100}}, {"stop": [{"loss": 0.01, "max_steps": 60}]}, {"depth": [2]}]
    runs = sweep([100, 100, 60, 60, 80], [0.5, 0.05, 0.05, 0.005, 0.5])
    assert saving.capped({"fixed": {}, "cases": cases}, runs).tolist() == [True, False, True, False, False]


def text_of(drawn):
    return " ".join(text.get_text() for text in [*drawn.figure.texts, drawn.figure._supxlabel] if text)


@pytest.mark.parametrize("scale", ["smoke", "laptop"])
def test_stamp(canvas, scale):
    drawn = canvas()
    drawn.remarks.append("My remark")
    settings = {"fixed": {"stop": {"loss": 0.1, "max_steps": 100}}, "cases": []}
    reduced = {"factor_std": [[0.1], [0.1, 0.01]], "stop.max_steps": [[100], [2000]], "tensor_rank": [[2], [1, 3, 5]]}
    reduced["runs"] = [[2], [1200]]
    sweeps = {"main": saving.named("main", settings, reduced, sweep([100, 60], [0.5, 0.05]))}
    drawn.shows(sweeps["main"])
    saving.stamp(drawn, scale, sweeps)
    text = text_of(drawn).replace("\n", " ")
    less = "1 of 2 inits; cap on steps 100, in full 2,000; tensor rank 2, in full 1 to 5; 2 of 1,200 runs"
    less = "a test of the programs" if scale == "smoke" else less
    assert f"Reduced ({scale} scale): {less}. My remark. 1 of 2 runs shown ended at the cap on steps" in text
    assert ("not a result" in text) == (scale == "smoke")
    assert reductions.in_full(sweeps["main"], "factor_std").tolist() == [0.1, 0.01]
    assert reductions.in_full(sweeps["main"], "depth").size == 0


def test_stamp_of_full_settings(canvas):
    drawn = canvas()
    saving.stamp(drawn, "paper", {"main": sweep([100], [0.5])})
    text = text_of(drawn)
    assert "All settings in full." in text and "Reduced" not in text and "cap" not in text


def test_what_is_reduced_is_found_in_fixed_settings_cases_and_axes():
    full = {
        "fixed": {"shape": [8, 8], "stop": {"loss": 1e-4, "max_steps": 100}, "record": {"every": 5}, "baseline": None},
        "cases": [{"factor_std": [0.1, 0.2], "stop": {"loss": 1e-4, "max_steps": 500}}, {"factor_std": 0.3}],
        "axes": {"seed": [0, 1], "depth": [2, 3]},
    }
    here = {
        "fixed": {"shape": [4, 4], "stop": {"loss": 1e-4, "max_steps": 100}, "record": {"every": 1}, "baseline": None},
        "cases": [{"factor_std": [0.1, 0.3]}],
        "axes": {"seed": [0, 1, 2], "depth": [2, 3]},
    }
    fewer = {
        "shape": [["4x4"], ["8x8"]],
        "stop.max_steps": [[100], [100, 500]],
        "factor_std": [[0.1, 0.3], [0.1, 0.2, 0.3]],
    }
    assert less(here, full) == fewer  # 12 runs, as in full
    assert differences(here, full) == {**fewer, "seed": [[0, 1, 2], [0, 1]]}
    assert differences(full, full) == {}


def test_fewer_runs_and_other_caps_are_less_even_where_every_value_is_there():
    stop, cap = {"loss": 1e-4, "max_steps": 900}, {"loss": 1e-4, "max_steps": 20}
    full = {"fixed": {"stop": stop}, "cases": [{"factor_std": [0.1, 0.2], "seed": [0, 1]}], "axes": {}}
    one = {"factor_std": [0.1], "seed": [0, 1]}
    here = {**full, "cases": [one, {"factor_std": [0.2], "seed": [0]}]}
    assert less(here, full) == {"runs": [[3], [4]]}
    capped = {**full, "cases": [{**one, "stop": [cap]}, {"factor_std": [0.2], "seed": [0, 1]}]}
    assert less(capped, full) == {"stop.max_steps": [[20, 900], [900]]}
    # A fixed value that every case replaces is no value of the sweep.
    replaced = {**full, "cases": [{**full["cases"][0], "stop": [cap]}]}
    assert less(replaced, full) == {"stop.max_steps": [[20], [900]]}


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
