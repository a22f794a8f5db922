"""What the machine is, and what it can do: bandwidth, matrix products, and the time of a launch."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable

import torch

from greedyrank import provenance
from greedyrank.benchmarks import steps as timing
from greedyrank.benchmarks.gpu_proof.report import Options, Report
from greedyrank.benchmarks.gpu_proof.unit_tests import is_here
from greedyrank.plan import host
from greedyrank.training import devices

FIELDS = (
    "name", "driver_version", "memory.total", "clocks.sm", "clocks.max.sm", "clocks.mem", "power.limit",
    "temperature.gpu", "pcie.link.gen.current", "ecc.mode.current", "compute_mode",
)  # fmt: skip
OPTIONAL = ("numba", "scipy", "xarray", "h5netcdf", "tensorly", "cvxpy", "snakemake", "hypothesis", "triton")
LAUNCHES = 1000


def _nvidia_smi() -> dict[str, str]:
    words = ["nvidia-smi", f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader"]
    try:
        done = subprocess.run(words, capture_output=True, encoding="utf-8", errors="replace", timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return {"missing": str(error)}
    return dict(zip(FIELDS, (entry.strip() for entry in done.stdout.splitlines()[0].split(",")), strict=False))


def describe(device: str) -> dict:
    """Return what there is: processor, card, memory, versions, and packages that are missing."""
    found = {
        "processor": platform.processor() or platform.machine(),
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "memory_bytes": host.memory(),
        "python": platform.python_version(),
        "versions": {"torch": torch.__version__, **provenance.versions("numpy", "numba")},
        "missing": [name for name in OPTIONAL if not is_here(name)],
    }
    if device == "cuda":
        card = torch.cuda.get_device_properties(torch.cuda.current_device())
        found |= {
            "card": card.name,
            "capability": f"{card.major}.{card.minor}",
            "multiprocessors": card.multi_processor_count,
            "card_memory_bytes": card.total_memory,
            "l2_bytes": getattr(card, "L2_cache_size", None),
            "cuda": torch.version.cuda,
            "nvidia_smi": _nvidia_smi(),
        }
    return found


def bandwidth(device: str, size: int) -> float:
    """Return bytes read and written a second by a copy of ``size`` bytes."""
    source = torch.rand(size // 4, device=device)
    target = torch.empty_like(source)

    def copy(count: int) -> None:
        for _ in range(count):
            target.copy_(source)

    return 2 * size / timing.seconds(copy, 0.1, 5)


def product_rate(device: str, dtype: torch.dtype, size: int) -> float:
    """Return operations a second of products of matrices of this size; of int8 with int32 sums."""
    if dtype != torch.int8:
        return 2 * size**3 / timing.product_seconds([(size, size, size)], device, dtype, repeats=3)
    left, right = (torch.randint(-9, 9, (size, size), dtype=dtype, device=device) for _ in range(2))

    def multiply(count: int) -> None:
        for _ in range(count):
            torch._int_mm(left, right.mT)  # the layout that its matrix units take

    return 2 * size**3 / timing.seconds(multiply, 0.1, 3)


def _in_graph(call: Callable[[int], None], count: int) -> float:
    """Return the time of one of so many calls that are captured together."""
    call(1)  # what a library makes when first called cannot be captured
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call(count)

    def replay(replays: int) -> None:
        for _ in range(replays):
            graph.replay()

    return timing.seconds(replay, 0.05, 5) / count


def launch_seconds(device: str) -> dict[str, float]:
    """Return the time of a kernel that does next to nothing and of a small product: called, and from graphs."""
    tensor, matrix = torch.zeros(1, device=device), torch.rand(100, 100, device=device)
    out = torch.empty_like(matrix)

    def add(count: int) -> None:
        for _ in range(count):
            tensor.add_(1)

    def multiply(count: int) -> None:
        for _ in range(count):
            torch.mm(matrix, matrix, out=out)

    found = {"call": timing.seconds(add, 0.05, 5), "call_of_product": timing.seconds(multiply, 0.05, 5)}
    if device == "cuda":
        found["replay_of_one"] = _in_graph(add, 1)
        found["in_graph"] = _in_graph(add, LAUNCHES)
        found["small_product"] = _in_graph(multiply, LAUNCHES)
    return found


def float32_error(device: str) -> float:
    """Return the largest relative error of a float32 product of positive numbers; in TF32 it is 1e-4 and more."""
    left, right = torch.rand(2, 512, 512, device=device)
    exact = left.double() @ right.double()
    return ((left @ right).double() / exact - 1).abs().max().item()


def run(report: Report, options: Options) -> None:
    """Describe and measure the machine."""
    device = options.device
    devices.prepare(device)
    report.set(machine=describe(device))
    report.set(float32_error=float32_error(device))
    exact = report.content["float32_error"] < 1e-5
    report.check("float32 products are float32", exact, f"largest error {report.content['float32_error']:.1e}")
    on_card = device == "cuda"
    report.set(bandwidth=bandwidth(device, 2**31 if on_card else 2**26))
    report.set(launch=launch_seconds(device))
    rates = {}
    for name in ("float32", "float64", *(("bfloat16", "int8") if on_card else ())):
        try:
            rates[name] = product_rate(device, getattr(torch, name), 8192 if on_card else 512)
        except RuntimeError as error:
            report.not_run(f"products of {name}", str(error).splitlines()[0])
        report.set(product_rates=rates)
    if on_card:
        torch.set_float32_matmul_precision("high")
        rates["tf32"] = product_rate(device, torch.float32, 8192)
        report.set(product_rates=rates, tf32_error=float32_error(device))
    written = ", ".join(f"{name} {rate / 1e12:.3g}" for name, rate in rates.items())
    name = report.content["machine"].get("card", report.content["machine"]["processor"])
    report.set(
        summary=f"{name}: {report.content['bandwidth'] / 1e12:.3g} TB/s, products in Tflop/s: {written};"
        f" launch {report.content['launch']['call'] * 1e6:.3g} us"
    )
