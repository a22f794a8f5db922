"""Prove the GPU path: what the machine is, tests, devices compared, exactness, speed, and the image figure.

See docs/gpu.md. Parts that cannot run here say so. Started by scripts/gpu_proof.sh.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from greedyrank import command_line
from greedyrank.benchmarks.gpu_proof import report, runner, table


def device_here() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def main(options):
    if options.table:
        print(table.markdown(options.out))
        return
    device = options.device or device_here()
    smoke = options.smoke or device == "cpu"
    seconds = options.seconds or (runner.SMOKE_SECONDS if smoke else runner.SECONDS)
    if options.part:
        told = report.Options(options.out, device, smoke, time.monotonic() + seconds)
        runner.run_part(options.part, told)
        return
    found = runner.run(options.out, device, smoke, seconds, Path(__file__).resolve(), options.parts)
    print(runner.summary(found))
    if runner.has_failed(found):
        sys.exit(1)


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("out", type=Path, help="folder of the reports")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: cuda where torch sees a GPU")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, as always on a CPU")
    parser.add_argument("--seconds", type=float, help="time for all parts")
    parser.add_argument("--parts", nargs="+", choices=runner.PARTS, default=list(runner.PARTS))
    parser.add_argument("--part", choices=runner.PARTS, help="run this part alone, in this process")
    parser.add_argument("--table", action="store_true", help="print predictions and outcomes from the reports")
    command_line.run(main, parser)
