"""Time each training step against plain autograd, the authors' form and this machine's peak; or against a commit."""

import json
import platform
import sys
from pathlib import Path

from greedyrank import command_line, storage


def beside(options):
    """Print each step beside that of another commit; exit with 1 if one is slower than is allowed."""
    from greedyrank.benchmarks import steps, two_commits

    cases = list(two_commits.SHORT) if options.cases == ["short"] else options.cases or list(steps.CASES)
    found = two_commits.compare(Path(), options.base, cases)
    print(f"{'case':36}{options.base[:12]:>12}{'here':>12}{'ratio':>9}")
    for row in found:
        print(f"{row['case']:36}{row['base_s'] * 1e3:9.4g} ms{row['here_s'] * 1e3:9.4g} ms{row['ratio']:9.2f}")
    slower = [row["case"] for row in found if row["ratio"] > options.allowed]
    if slower:
        sys.exit(f"more than {options.allowed:g} times as slow as at {options.base}: {', '.join(slower)}")


def main(options):
    if options.base:
        beside(options)
        return
    import torch

    from greedyrank.benchmarks import steps
    from greedyrank.config import loading

    out = options.out or Path(loading.user_config(options.configfile, options.scale).folder, "bench.json")
    if device := next((d for d in options.device if d == "cuda" and not torch.cuda.is_available()), None):
        raise RuntimeError(f"{device} was asked for, but torch sees no GPU here")
    cases = []
    for device in options.device:
        report = steps.run(device, options.cases or list(steps.CASES))
        single, double = report["gemm_gflops"], report["gemm_gflops_float64"]
        print(f"{device}: matrix products {single:.0f} Gflop/s, float64 {double:.0f}, {torch.get_num_threads()} thread")
        print(f"{'case':36}{'published':>12}{'plain':>12}{'engine':>12}{'x published':>12}{'x plain':>9}{'of peak':>9}")
        for case in report["cases"]:
            times = (case[key] for key in ("published_s", "plain_s", "engine_s"))
            written = "".join(f"{t * 1e3:9.4g} ms" if t else f"{'-':>12}" for t in times)
            ratio = f"{case['ratio_published']:.0f}" if case["ratio_published"] else "-"
            share = f"{case['gemm_fraction']:.0%}" if case["gemm_fraction"] else "-"
            print(f"{case['case']:36}{written}{ratio:>12}{case['ratio']:>9.1f}{share:>9}")
        cases += report["cases"]
    machine = {"processor": platform.processor() or platform.machine(), "torch": torch.__version__}
    content = {"machine": machine, **report, "cases": cases}
    with storage.writing(out) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--device", nargs="+", choices=("cpu", "cuda"), default=["cpu"])
    parser.add_argument("--cases", nargs="+", help="names of cases; default: all; beside a commit also: short")
    parser.add_argument("--base", help="a commit: the engine of this checkout is timed beside its engine, on the CPU")
    parser.add_argument("--allowed", type=float, default=1.5, help="largest ratio to the commit; default: 1.5")
    parser.add_argument("--out", type=Path, help="default: bench.json in the results folder")
    command_line.add_config(parser)
    command_line.run(main, parser)
