"""Print what there is on this machine and what is missing; exit with 1 where nothing can be built."""

import os
import sys
from pathlib import Path

from greedyrank import command_line

CALLER = dict(os.environ)


def main(options):
    from greedyrank import doctor
    from greedyrank.config.yaml_input import read_mapping

    failed = False
    for subject, found, fails in doctor.findings(read_mapping(options.config), CALLER):
        print(f"{'NO' if fails else '  '} {subject:14}{found}", flush=True)
        failed |= fails
    sys.exit(int(failed))


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    command_line.run(main, parser)
