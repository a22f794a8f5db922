"""The products of bits of the image step, in each form there is: their time, and their error against float64.

A split product may take the place of the float32 product where neither its largest nor its root mean square error is
more than `ALLOWED` times that of the float32 product, in both directions and at every draw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from greedyrank.benchmarks import steps as timing
from greedyrank.benchmarks.gpu_proof.report import Options, Report
from greedyrank.data.images import PIXELS
from greedyrank.kernels import image_bits
from greedyrank.training import devices

ALLOWED = 2.0
IMAGES = 5000  # of a minibatch
COLUMNS = (2400, 1200, 120)  # of the published figure: originals, one control, and of the bench
# Draws of the factors' deviation from 1: as they start, and as far apart as training takes them.
SPREADS = (1e-3, 0.3)
CHUNKS = 5  # of images, for sums that are taken in pieces


def draw(images: int, columns: int, spread: float, device: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return bits (images, 784), differences of logarithms (784, columns) and gradients (images, columns), float32."""
    generator = torch.Generator(device).manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, device=device)

    pixels = PIXELS
    bits = (torch.rand(images, pixels, generator=generator, device=device) < 0.2).float()
    sizes = (1 + spread * normal(2, pixels, columns)).abs().clamp_(min=1e-3)
    return bits, sizes[1].log() - sizes[0].log(), normal(images, columns)


# -- the forms: each takes bits and a float32 matrix, and returns a call that takes the product -----------------------


def _float32(bits: torch.Tensor, dense: torch.Tensor) -> Callable[[], torch.Tensor]:
    return lambda: torch.mm(bits, dense)


def _tf32(bits: torch.Tensor, dense: torch.Tensor) -> Callable[[], torch.Tensor]:
    def multiply() -> torch.Tensor:
        torch.set_float32_matmul_precision("high")
        try:
            return torch.mm(bits, dense)
        finally:
            torch.set_float32_matmul_precision("highest")

    return multiply


def _split_in_one(bits: torch.Tensor, dense: torch.Tensor) -> Callable[[], torch.Tensor]:
    narrow = bits.bfloat16()
    return lambda: image_bits.product(narrow.repeat(1, 3), torch.cat(image_bits.split(dense)[::-1]))


def _split_in(parts: int) -> Callable:
    def form(bits: torch.Tensor, dense: torch.Tensor) -> Callable[[], torch.Tensor]:
        narrow = bits.bfloat16()

        def multiply() -> torch.Tensor:
            first, *others = (image_bits.product(narrow, part) for part in image_bits.split(dense)[:parts][::-1])
            for other in others:
                first.add_(other)
            return first

        return multiply

    return form


def _split_in_chunks(bits: torch.Tensor, dense: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Three parts, and the images of each in pieces, whose sums are added in float32."""
    narrow = bits.bfloat16().chunk(CHUNKS, dim=1)

    def multiply() -> torch.Tensor:
        pieces = [part.chunk(CHUNKS) for part in image_bits.split(dense)[::-1]]
        total = torch.zeros(bits.shape[0], dense.shape[1], device=dense.device)
        for part in pieces:
            for left, right in zip(narrow, part, strict=True):
                total.add_(image_bits.product(left, right))
        return total

    return multiply


FORMS = {
    "float32": _float32,
    "tf32": _tf32,
    "split, one product": _split_in_one,
    "split, three products": _split_in(3),
    "two parts only": _split_in(2),
}
CANDIDATES = ("split, one product", "split, three products", "split, in chunks")


def errors(found: torch.Tensor, exact: torch.Tensor) -> dict[str, float]:
    """Return the largest and the root mean square difference, and the mean, which shows truncation."""
    apart = found.double() - exact
    return {
        "largest": apart.abs().max().item(),
        "root_mean_square": apart.square().mean().sqrt().item(),
        "mean": apart.mean().item(),
    }


def compare(direction: str, columns: int, spread: float, images: int, device: str, at_least: float) -> dict:
    """Return time and errors of every form of one product, ``sums over pixels`` or ``sums over images``."""
    bits, differences, gradients = draw(images, columns, spread, device)
    if direction == "sums over pixels":
        left, dense, forms = bits, differences, FORMS
    else:
        left, dense = torch.cat([1 - bits, bits], dim=1).mT, gradients
        forms = FORMS | {"split, in chunks": _split_in_chunks}
    exact = left.double() @ dense.double()
    found = {}
    for name, form in forms.items():
        multiply = form(left, dense)

        def step(count: int, multiply=multiply) -> None:
            for _ in range(count):
                multiply()

        found[name] = {"seconds": timing.seconds(step, at_least, 3), **errors(multiply(), exact)}
    return {
        "direction": direction,
        "columns": columns,
        "spread": spread,
        "largest_entry": exact.abs().max().item(),
        "forms": found,
    }


def signs(columns: int, images: int, device: str, at_least: float) -> dict:
    """Return the time of the product that counts negative factors, and whether it is exact, in each precision."""
    bits, differences, _ = draw(images, columns, 0.3, device)
    negative = torch.sign(differences) * (differences.abs() > 0.5)
    exact = bits.double() @ negative.double()
    forms = {
        "float32": lambda: torch.mm(bits, negative),
        "bfloat16": lambda: image_bits.product(bits.bfloat16(), negative.bfloat16()),
        "int8": lambda: torch._int_mm(bits.to(torch.int8), negative.to(torch.int8).mT.contiguous().mT),
    }
    found: dict[str, dict[str, Any]] = {}
    for name, multiply in forms.items():

        def step(count: int, multiply=multiply) -> None:
            for _ in range(count):
                multiply()

        try:
            is_exact = torch.equal(multiply().double(), exact)
            found[name] = {"seconds": timing.seconds(step, at_least, 3), "exact": is_exact}
        except RuntimeError as error:
            found[name] = {"not run": str(error).splitlines()[0]}
    return {"columns": columns, "forms": found}


def accurate(rows: list[dict], form: str) -> bool:
    """Return whether a form meets the criterion in every row that has it."""
    return all(
        row["forms"][form][kind] <= ALLOWED * row["forms"]["float32"][kind]
        for row in rows
        if form in row["forms"]
        for kind in ("largest", "root_mean_square")
    )


def step_is_accurate(rows: list[dict]) -> bool:
    """Return whether the forms that `image_bits.SplitBatch` takes meet the criterion."""
    forward = [row for row in rows if row["direction"] == "sums over pixels"]
    backward = [row for row in rows if row["direction"] == "sums over images"]
    return accurate(forward, "split, one product") and accurate(backward, "split, three products")


def run(report: Report, options: Options) -> None:
    """Time and check every form at the sizes of the published figure."""
    devices.prepare(options.device)
    images, widths, at_least = (200, (15,), 0.01) if options.smoke else (IMAGES, COLUMNS, 0.05)
    for columns in widths:
        report.append("signs", signs(columns, images, options.device, at_least))
        for spread in SPREADS:
            for direction in ("sums over pixels", "sums over images"):
                if options.time_left() < 2:
                    report.not_run(f"{direction}, {columns} columns", "no time left")
                    continue
                row = compare(direction, columns, spread, images, options.device, at_least)
                report.append("products", row)
    rows = report.content["products"]
    report.set(
        allowed=ALLOWED,
        accurate={form: accurate(rows, form) for form in CANDIDATES},
        split_step_is_accurate=step_is_accurate(rows),
    )
    inexact = [
        f"{name} at {row['columns']} columns"
        for row in report.content["signs"]
        for name, form in row["forms"].items()
        if form.get("exact") is False
    ]
    report.check("counts of negative factors are exact", not inexact, ", ".join(inexact) or "in every precision")
    first = {row["direction"]: row["forms"] for row in reversed(rows) if row["columns"] == widths[0]}
    times = "; ".join(
        f"{direction} {forms['float32']['seconds'] * 1e3:.3g} ms, split"
        f" {min(forms[name]['seconds'] for name in CANDIDATES if name in forms) * 1e3:.3g} ms"
        for direction, forms in first.items()
    )
    verdict = "accurate" if report.content["split_step_is_accurate"] else "not accurate enough"
    report.set(summary=f"{times}; the split step is {verdict} against float32")
