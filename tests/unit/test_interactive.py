"""Interactive twins show what matplotlib has drawn."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from plotly import graph_objects

from greedyrank.figures.canvas import Canvas
from greedyrank.figures.interactive import twin
from greedyrank.figures.interactive.labels import plain
from greedyrank.figures.interactive.thinning import thinned

pytestmark = pytest.mark.usefixtures("matplotlib_as_in_jobs")


@pytest.fixture
def read(tmp_path):
    """Write the twin of a canvas, check it against plotly's own schema, and return what a page would get."""

    def made(canvas, valid=True):
        canvas.figure.draw_without_rendering()  # as after saving
        twin.write(tmp_path / "figure.js", "figure", canvas)
        text = (tmp_path / "figure.js").read_text(encoding="utf-8")
        content = json.loads(text.removeprefix('greedyrankTwin("figure",').removesuffix(");\n"))
        if valid:
            graph_objects.Figure(content["data"], content["layout"])  # raises for what plotly does not know
        return content

    return made


def traces(content, **having):
    return [trace for trace in content["data"] if all(trace.get(key) == value for key, value in having.items())]


@pytest.fixture
def canvas():
    made = Canvas(1, 2, height=2.0)
    made.line(0, [1.0, 10.0, 100.0], [3.0, 2.0, 1.0], "ours, seed 0", color="#0072B2", label="ours")
    made.line(0, [1.0, 10.0, 100.0], [4.0, 3.0, 2.0], "ours, seed 1", color="#0072B2", linestyle=(0, (4, 1.5)))
    made.published(0, [10.0], [2.5], label="published")
    made.panels[0].set(xscale="log", xlim=(200, 0.5), xlabel=r"$\sigma_{1}$ & <b>")
    made.panels[0].legend(loc="upper left")
    made.title(0, "depth 3")
    made.line(1, [0.0, 1.0], [1e-3, 1e2], "other", marker="o", markerfacecolor="none", linestyle="none", color="k")
    made.panels[1].set(yscale="log")
    return made


# -- lines, axes and legends ------------------------------------------------------------------------


def test_lines_keep_their_points_names_and_looks(canvas, read):
    content = read(canvas)
    first, second, published = traces(content, yaxis="y", showlegend=False)
    published, first, second = sorted((first, second, published), key=lambda trace: "seed" in trace["name"])
    assert (first["name"], first["x"], first["y"]) == ("ours, seed 0", [1, 10, 100], [3, 2, 1])
    assert (second["name"], second["y"]) == ("ours, seed 1", [4, 3, 2])
    assert first["line"]["color"] == second["line"]["color"] == "rgba(0,114,178,1)"
    assert first["line"]["dash"] == "solid" != second["line"]["dash"]
    assert published["name"] == "published, read off the plot"
    assert (published["mode"], published["marker"]["symbol"]) == ("markers", "diamond")
    (other,) = traces(content, yaxis="y2")
    assert (other["mode"], other["marker"]["color"]) == ("markers", "rgba(0,0,0,0)")


def test_axes_keep_scales_limits_and_places(canvas, read):
    layout = read(canvas)["layout"]
    assert layout["xaxis"]["type"] == "log" and layout["yaxis"]["type"] == "linear"
    np.testing.assert_allclose(layout["xaxis"]["range"], [np.log10(200), np.log10(0.5)], rtol=1e-5)
    np.testing.assert_allclose(layout["yaxis"]["range"], canvas.panels[0].get_ylim(), rtol=1e-5)
    assert layout["yaxis2"]["type"] == "log"
    for number, axes in (("", canvas.panels[0]), ("2", canvas.panels[1])):
        place = axes.get_position()
        np.testing.assert_allclose(layout[f"xaxis{number}"]["domain"], [place.x0, place.x1])
        np.testing.assert_allclose(layout[f"yaxis{number}"]["domain"], [place.y0, place.y1])
    assert layout["xaxis"]["title"]["text"] == "σ<sub>1</sub> &amp; &lt;b&gt;"
    assert [text["text"] for text in layout["annotations"]] == ["(a) depth 3"]


def test_an_entry_of_a_legend_stands_for_all_that_look_like_it(canvas, read):
    content = read(canvas)
    ours, published = traces(content, legend="legend")
    assert (ours["name"], published["name"]) == ("ours", "published")
    assert {trace["name"] for trace in traces(content, legendgroup=ours["legendgroup"], showlegend=False)} == {
        "ours, seed 0",
        "ours, seed 1",
    }
    assert len(traces(content, legendgroup=published["legendgroup"], showlegend=False)) == 1
    assert not [trace for trace in traces(content, yaxis="y2") if "legendgroup" in trace]


def test_a_second_axis_lies_over_the_first(canvas, read):
    above = canvas.panels[1].twinx()
    above.plot([0, 1], [5, 6], color="red")
    above.set_ylabel("right")
    layout = read(canvas)["layout"]
    assert layout["yaxis3"]["overlaying"] == "y2" and layout["yaxis3"]["side"] == "right"
    assert layout["yaxis3"]["anchor"] == "x2" and "xaxis3" not in layout


def test_own_ticks_are_kept_and_others_are_plotlys(canvas, read):
    canvas.panels[1].set_xticks([0, 1], ["none\n0", "all"])
    layout = read(canvas)["layout"]
    assert layout["xaxis2"]["tickvals"] == [0, 1] and layout["xaxis2"]["ticktext"] == ["none<br>0", "all"]
    assert "tickvals" not in layout["xaxis"] and "tickvals" not in layout["yaxis"]


def test_other_scales_are_placed_and_labelled_as_drawn(canvas, read):
    canvas.panels[1].set_xscale("symlog", linthresh=1)
    canvas.line(1, [-100.0, 0.0, 100.0], [1.0, 2.0, 3.0], "both signs", color="green")
    content = read(canvas)
    (trace,) = traces(content, name="both signs")
    low, zero, high = trace["x"]
    assert zero == 0 and low == -high and 1 < high < 100
    assert [point[0] for point in trace["customdata"]] == [-100, 0, 100]
    assert content["layout"]["xaxis2"]["type"] == "linear" and content["layout"]["xaxis2"]["ticktext"]


# -- everything else that figures here draw ---------------------------------------------------------


def test_lines_across_a_panel(canvas, read):
    canvas.panels[0].axhline(2.5, color="gray", linestyle=":")
    canvas.panels[0].axvline(10, color="gray")
    canvas.panels[0].axvspan(1, 10, color="0.9")
    shapes = read(canvas)["layout"]["shapes"]
    across, down = (shape for shape in shapes if shape["type"] == "line")
    assert (across["xref"], across["yref"], across["y0"], across["y1"]) == ("x domain", "y", 2.5, 2.5)
    assert (down["xref"], down["yref"], down["x0"], down["x1"]) == ("x", "y domain", 10, 10)
    (span,) = (shape for shape in shapes if shape["type"] == "rect")
    np.testing.assert_allclose(sorted([span["x0"], span["x1"]]), [1, 10])
    assert (span["yref"], span["y0"], span["y1"]) == ("y domain", 0, 1)


def test_error_bars_scatters_and_areas(canvas, read):
    axes = canvas.panels[1]
    axes.errorbar([0.5], [1.0], yerr=[0.5], color="purple", capsize=2)
    axes.scatter([0.1, 0.2], [1.0, 10.0], s=[4, 9], c=["red", "blue"], marker="^")
    axes.fill_between([0.0, 1.0], [1.0, 1.0], [2.0, 3.0], color="orange", alpha=0.3)
    content = read(canvas)
    (bar,) = (trace for trace in traces(content, yaxis="y2") if None in trace["y"])
    np.testing.assert_allclose([bar["y"][0], bar["y"][1]], [0.5, 1.5])
    (scatter,) = (
        trace for trace in traces(content, yaxis="y2") if trace.get("marker", {}).get("symbol") == "triangle-up"
    )
    assert scatter["marker"]["color"] == ["rgba(255,0,0,1)", "rgba(0,0,255,1)"]
    assert scatter["marker"]["size"] == [2 * twin.PIXELS, 3 * twin.PIXELS]
    (area,) = traces(content, fill="toself")
    assert area["fillcolor"] == "rgba(255,165,0,0.3)" and max(area["y"]) == pytest.approx(3.0)


@pytest.mark.parametrize("norm", ["linear", "log"])
def test_maps_of_colours(canvas, read, norm):
    values = np.array([[1.0, 10.0], [100.0, np.nan]])
    mesh = canvas.panels[1].pcolormesh([0, 1, 2], [1, 10, 100], values, norm=norm)
    canvas.figure.colorbar(mesh, ax=canvas.panels[1])
    content = read(canvas)
    (drawn,) = traces(content, type="heatmap")
    assert drawn["x"] == [0, 1, 2] and drawn["y"] == [1, 10, 100]
    assert drawn["customdata"] == [[1, 10], [100, None]]
    middle = 0.5 if norm == "log" else (10 - 1) / 99
    np.testing.assert_allclose(drawn["z"][0] + drawn["z"][1][:1], [0, middle, 1], atol=1e-5)
    assert drawn["z"][1][1] is None
    assert drawn["showscale"] and len(drawn["colorbar"]["tickvals"]) == len(drawn["colorbar"]["ticktext"]) > 1
    assert "yaxis3" not in content["layout"]


def test_texts_stand_where_they_were(canvas, read):
    canvas.panels[0].text(10, 2.0, "at a point")
    canvas.panels[0].text(0.5, 0.1, "in the panel", transform=canvas.panels[0].transAxes, ha="right")
    canvas.figure.text(0.25, 0.75, "SMOKE", rotation=30)
    found = {text["text"]: text for text in read(canvas)["layout"]["annotations"]}
    point, panel, figure = (found[text] for text in ("at a point", "in the panel", "SMOKE"))
    assert (point["x"], point["y"], point["xref"]) == (1, 2, "x")  # the exponent, on a logarithmic axis
    assert (panel["x"], panel["y"], panel["xref"], panel["xanchor"]) == (0.5, 0.1, "x domain", "right")
    assert (figure["x"], figure["y"], figure["xref"], figure["textangle"]) == (0.25, 0.75, "paper", -30)


def test_what_has_no_counterpart_is_named(canvas, read, caplog):
    canvas.panels[0].imshow(np.eye(2))
    content = read(canvas, valid=False)
    assert content == {"lacking": "There is no interactive figure: it has a AxesImage"}
    assert "no interactive figure: it has a AxesImage" in caplog.text


def test_markup_in_names_is_no_markup_of_the_page(read, tmp_path):
    canvas = Canvas(1, 1)
    canvas.line(0, [0, 1], [0, 1], "</script><script>alert(1)</script>", label="<img src=x>")
    canvas.panels[0].legend()
    read(canvas)
    text = (tmp_path / "figure.js").read_text(encoding="utf-8")
    assert "</" not in text and "<img" not in text and "<script" not in text


# -- thinning and labels ----------------------------------------------------------------------------


def test_a_thinned_curve_is_within_the_tolerance():
    x = np.linspace(0, 10, 5000)
    points = np.column_stack([x, np.sin(x) + 0.3 * np.sin(40 * x)])
    kept = thinned(points, 0.01)
    assert kept[0] == 0 and kept[-1] == 4999 and len(kept) < 1500
    for first, last in pairwise(kept):
        along = points[last] - points[first]
        part = np.clip((points[first : last + 1] - points[first]) @ along / (along @ along), 0, 1)
        nearest = points[first] + part[:, None] * along
        assert np.linalg.norm(points[first : last + 1] - nearest, axis=1).max() <= 0.01
    assert thinned(points, 0).tolist() == list(range(5000))


def test_gaps_stay_and_curves_that_turn_back_do_too():
    points = np.array([[0, 0], [1, 0], [2, 0], [np.nan, 0], [3, 0], [4, 0], [5, 0]])
    assert thinned(points, 0.1).tolist() == [0, 2, 3, 4, 6]
    there_and_back = np.array([[0, 0], [1, 0], [2, 0], [1, 0], [0, 0.0]])
    assert thinned(there_and_back, 0.1).tolist() == [0, 2, 4]


def test_long_lines_are_thinned(read):
    canvas = Canvas(1, 1)
    x = np.linspace(0, 1, 10_000)
    canvas.line(0, x, x**2, "long")
    (trace,) = traces(read(canvas), name="long")
    assert 5 < len(trace["x"]) < 300
    np.testing.assert_allclose(trace["y"], np.square(trace["x"]), rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize(
    "label, expected",
    [
        ("plain & <b>", "plain &amp; &lt;b&gt;"),
        (r"$\|W - W^*\|_F\,/\,\|W^*\|_F$", "‖W - W<sup>*</sup>‖<sub>F</sub> / ‖W<sup>*</sup>‖<sub>F</sub>"),
        (r"$1/\sqrt{2\,\ell}$", "1/√(2 ℓ)"),
        (
            r"${3}\,\sigma^{2-2/N}$ of $v_i^\top W v_i$",
            "3 σ<sup>2-2/N</sup> of v<sub>i</sub><sup>⊤</sup> W v<sub>i</sub>",
        ),
        (r"$\mathdefault{10^{-3}}$", "10<sup>-3</sup>"),
        ("100\\$ a\nb", "100$ a<br>b"),
    ],
)
def test_labels_without_tex(label, expected):
    assert plain(label) == expected
