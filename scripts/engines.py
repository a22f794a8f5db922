"""Train short parts of sweeps by closed forms and by autograd; exit with 1 where they part before rounding does."""

import json
import logging
import sys
from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank import storage
    from greedyrank.benchmarks import engine_parity
    from greedyrank.config import loading
    from greedyrank.data import instances
    from greedyrank.errors import UserError

    resolved = loading.load(loading.read(scale=options.scale)).sweeps
    report = {}
    sweeps = [resolved[name] for name in options.sweeps or resolved]
    for name, small in [group for sweep in sweeps for group in engine_parity.groups_of(sweep, options.steps)]:
        try:
            found = engine_parity.compare(small, instances.generator(small.problem, options.data_dir))
        except (UserError, OSError) as reason:  # its data are not here
            logging.warning("%s is left out: %s", name, reason)
            continue
        report[name] = found
        worst = max(found["invariants"].values(), key=lambda row: row["ratio"])
        passed = all(row["passed"] for row in found["invariants"].values())
        print(
            f"{name:60}{'agree' if passed else 'PART':8}{worst['ratio']:8.2g} times rounding;"
            f" rounding alone parts them at {worst['rounding_parts']}, of {found['steps']} steps",
            flush=True,
        )
    with storage.writing(options.out) as temporary:
        temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    sys.exit(not all(row["passed"] for found in report.values() for row in found["invariants"].values()))


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--sweeps", nargs="+", help="default: all")
    parser.add_argument("--scale", choices=("smoke", "laptop", "paper"), default="smoke")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="folder of images")
    parser.add_argument("--out", type=Path, required=True)
    command_line.run(main, parser)
