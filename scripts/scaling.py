"""Measure and draw how the cost of a training step grows with columns, components, runs, threads and jobs."""

import json
import platform
from pathlib import Path

from greedyrank import command_line, storage


def main(options):
    import torch

    from greedyrank.benchmarks import scaling
    from greedyrank.config import loading
    from greedyrank.figures import saving

    results = loading.user_config(options.configfile, options.scale).folder
    out = options.out or Path(results, "figures", "scaling")
    torch.set_num_threads(1)
    measured = {"machine": platform.processor() or platform.machine(), **scaling.measure(options.seconds)}
    with storage.writing(out.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    outputs = {ending: out.with_suffix(f".{ending}") for ending in ("png", "pdf", "svg", "csv")}
    saving.save(scaling.draw(measured), outputs, measured)


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=0.3, help="time of one repetition")
    parser.add_argument("--out", type=Path, help="pictures, without ending; default: figures/scaling in the results")
    command_line.add_config(parser)
    command_line.run(main, parser)
