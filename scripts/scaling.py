"""Measure and draw how the cost of a training step grows with columns, components, runs, threads and jobs."""

import json
import platform
from pathlib import Path

import torch

from greedyrank import command_line, storage
from greedyrank.benchmarks import scaling
from greedyrank.figures import saving


def main(options):
    torch.set_num_threads(1)
    measured = {"machine": platform.processor() or platform.machine(), **scaling.measure(options.seconds)}
    with storage.writing(options.out.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(measured, indent=2) + "\n")
    outputs = {ending: options.out.with_suffix(f".{ending}") for ending in ("png", "pdf", "svg", "csv")}
    saving.save(scaling.draw(measured), outputs, measured)


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=0.3, help="time of one repetition")
    parser.add_argument("--out", type=Path, required=True, help="pictures, without ending")
    command_line.run(main, parser)
