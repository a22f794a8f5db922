"""What an H100 was predicted to give, beside what the reports of a proof say: the table of ``docs/gpu.md``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from greedyrank.benchmarks.gpu_proof import report, runner

NOT_YET = "not yet run"
MICRO, MILLI = 1e-6, 1e-3
COLUMNS = 2400  # of the largest job of the image figure


@dataclass(frozen=True)
class Row:
    """A prediction, and where its outcome is: a part's report, and what to take from that.

    ``unit`` is what the number is divided by before it is shown, with its name.
    """

    quantity: str
    predicted: float
    unit: tuple[float, str]
    part: str
    outcome: Callable[[dict], float]


US, MS, TB, TFLOP, PLAIN = (MICRO, "us"), (MILLI, "ms"), (1e12, "TB/s"), (1e12, "Tflop/s"), (1, "")


def _case(name: str, predicted: float) -> Row:
    def outcome(content: dict) -> float:
        return next(row["engine_s"] for row in content["cases"] if row["case"] == name)

    return Row(f"step: {name}", predicted * MICRO, US, "bench", outcome)


def _runs(factorization: str, predicted: int) -> Row:
    def outcome(content: dict) -> float:
        return next(row["saturates_at"] for row in content["saturation"] if row["factorization"] == factorization)

    return Row(f"runs that saturate a step: {factorization}", predicted, PLAIN, "bench", outcome)


def _product(direction: str, form: str, predicted: float) -> Row:
    def outcome(content: dict) -> float:
        rows = content["products"]
        return next(
            row["forms"][form]["seconds"]
            for row in rows
            if row["direction"] == direction and row["columns"] == COLUMNS and form in row["forms"]
        )

    return Row(f"{direction}, {form}", predicted * MILLI, MS, "products", outcome)


def _signs(precision: str, predicted: float) -> Row:
    def outcome(content: dict) -> float:
        return next(row["forms"][precision]["seconds"] for row in content["signs"] if row["columns"] == COLUMNS)

    return Row(f"counts of negative factors, {precision}", predicted * MILLI, MS, "products", outcome)


def _image_step(columns: int, products: str, predicted: float) -> Row:
    def outcome(content: dict) -> float:
        what = (columns, products, True)
        rows = content["steps"]
        return next(row["step_s"] for row in rows if (row["columns"], row["products"], row["captured"]) == what)

    return Row(f"captured image step, {columns} columns, {products}", predicted * MILLI, MS, "steps", outcome)


# Steps: the floors of `greedyrank.benchmarks.gpu_proof.floors` with the ceilings `floors.H100`, of the kernels that
# torch's stepper launches. Runs: the power of two beyond which another run takes 4.5 times what it shares.
ROWS = (
    Row("copy, read and written", 3.0e12, TB, "machine", lambda content: content["bandwidth"]),
    Row("products, float32", 50e12, TFLOP, "machine", lambda content: content["product_rates"]["float32"]),
    Row("products, TF32 (not used)", 400e12, TFLOP, "machine", lambda content: content["product_rates"]["tf32"]),
    Row("products, float64", 55e12, TFLOP, "machine", lambda content: content["product_rates"]["float64"]),
    Row("products, bfloat16", 700e12, TFLOP, "machine", lambda content: content["product_rates"]["bfloat16"]),
    Row("products, int8", 1200e12, TFLOP, "machine", lambda content: content["product_rates"]["int8"]),
    Row("a call of a kernel from Python", 5e-6, US, "machine", lambda content: content["launch"]["call"]),
    Row("the smallest kernel in a graph", 1.8e-6, US, "machine", lambda content: content["launch"]["in_graph"]),
    Row("replay of a graph of one kernel", 5e-6, US, "machine", lambda content: content["launch"]["replay_of_one"]),
    Row("a product 100x100 in a graph", 4e-6, US, "machine", lambda content: content["launch"]["small_product"]),
    _product("sums over pixels", "float32", 0.38),
    _product("sums over pixels", "split, one product", 0.12),
    _product("sums over pixels", "split, three products", 0.23),
    _product("sums over images", "float32", 0.75),
    _product("sums over images", "split, three products", 0.36),
    _product("sums over images", "split, in chunks", 0.50),
    _signs("float32", 0.38),
    _signs("bfloat16", 0.05),
    _signs("int8", 0.05),
    _case("2x2 depth3", 35),
    _case("2x2 sweep of 1000 runs", 35),
    _case("deep_matrix 100x100 depth3", 35),
    _case("deep_matrix 100x100 depth2 float32", 46),
    _case("deep_matrix 100x100 depth3 float32", 62),
    _case("deep_matrix 100x100 depth4 float32", 77),
    _case("deep_matrix 100x100 depth2 float64", 43),
    _case("deep_matrix 100x100 depth3 float64", 58),
    _case("deep_matrix 100x100 depth4 float64", 74),
    _case("cp order4 R1000", 71),
    _case("cp order4 R512", 71),
    _case("tucker 25 K2", 86),
    _case("tucker 25 K4", 117),
    _case("hierarchical 8^4", 113),
    _case("image r15", 140),
    _case("image 120 columns", 280),
    _runs("deep_matrix", 256),
    _runs("psd", 256),
    _runs("cp", 256),
    _runs("deep_cp", 512),
    _runs("tucker", 256),
    _runs("hierarchical", 32),
    _runs("binary_cp", 128),
    _image_step(15, "float32", 0.14),
    _image_step(120, "float32", 0.28),
    _image_step(1200, "float32", 1.09),
    _image_step(2400, "float32", 2.06),
    _image_step(15, "split", 0.19),
    _image_step(120, "split", 0.28),
    _image_step(1200, "split", 0.60),
    _image_step(2400, "split", 1.07),
    Row("epochs of every job in the time of the part", 8500, PLAIN, "image", lambda c: c["jobs"][0]["epochs"]),
    Row("the whole figure, 2 x 10,000 epochs", 0.12, (1, "h"), "image", lambda c: c["hours_of_the_whole_figure"]),
)


def _shown(value: float, unit: tuple[float, str]) -> str:
    return f"{value / unit[0]:.3g} {unit[1]}".strip()


def outcome(row: Row, reports: dict[str, dict]) -> str:
    """Return the outcome of a prediction as text: a number and its ratio to the prediction, or that it is missing."""
    if row.part not in reports:
        return NOT_YET
    try:
        value = row.outcome(reports[row.part])
    except (KeyError, IndexError, StopIteration):
        return "not run"
    return f"{_shown(value, row.unit)} ({value / row.predicted:.2g} times)"


def markdown(out: Path) -> str:
    """Return the table of predictions and outcomes, from the reports of a proof on a GPU in a folder.

    Reports of a CPU are left out: the predictions are of a GPU.
    """
    found = {name: report.read(out / f"{name}.json") for name in runner.PARTS if (out / f"{name}.json").exists()}
    reports = {name: content for name, content in found.items() if content["device"] == "cuda"}
    lines = ["| quantity | predicted | outcome |", "|---|---|---|"]
    lines += [f"| {row.quantity} | {_shown(row.predicted, row.unit)} | {outcome(row, reports)} |" for row in ROWS]
    if reports:
        lines += ["", "| part | status | seconds | summary |", "|---|---|---|---|"]
        lines += [
            f"| {name} | {content['status']} | {content.get('seconds', float('nan')):.0f} | {content['summary']} |"
            for name, content in reports.items()
        ]
    return "\n".join(lines)
