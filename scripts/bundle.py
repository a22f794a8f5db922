"""Pack what a build recorded, measured, judged and drew into one file that can be passed on."""

import logging
from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank.archive import packing
    from greedyrank.config import loading
    from greedyrank.plan.graph import Plan

    plan = Plan(loading.read(options.configfile, options.scale), here=False)
    out = options.out or Path(plan.results, "bundle.tar.zst")
    packed = packing.pack(plan, options.figures or [name for name in plan.figures if name not in plan.skipped], out)
    size = out.stat().st_size / 1e6
    logging.info("%s: %d figures, %d files, %.0f MB", out, len(packed.figures), len(packed.files), size)


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--figures", nargs="+", help="default: all that are built")
    parser.add_argument("--out", type=Path, help="default: bundle.tar.zst in the results folder")
    command_line.add_config(parser)
    command_line.run(main, parser)
