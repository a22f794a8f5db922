"""Print what there is on this machine and what is missing; exit with 1 where nothing can be built."""

import os
import sys

from greedyrank import command_line

CALLER = dict(os.environ)


def main(options):
    from greedyrank import doctor
    from greedyrank.config.papers import settings_file
    from greedyrank.config.yaml_input import read_mapping

    failed = False
    for subject, found, fails in doctor.findings(read_mapping(settings_file()), CALLER):
        print(f"{'NO' if fails else '  '} {subject:14}{found}", flush=True)
        failed |= fails
    sys.exit(int(failed))


if __name__ == "__main__":
    command_line.run(main, command_line.parser(__doc__))
