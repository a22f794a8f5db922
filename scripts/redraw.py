"""Draw and judge what a bundle recorded, without training; exit with 1 where a figure or a verdict is not the same."""

import logging
import sys
from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank.archive import redrawing, unpacking
    from greedyrank.config import loading
    from greedyrank.plan import host

    described = unpacking.described(options.bundle)
    plan = redrawing.planned(loading.read(options.configfile), described)
    host.export_environment([paper.folder for paper in plan.project.papers], options.configfile, {})
    unpacking.unpack(options.bundle, Path(plan.results))
    found = redrawing.redraw(plan, described, options.cores)
    host.refresh_page(plan.results, plan.slices.page())
    for figure in found:
        if figure.refused:
            logging.error("%s", figure.refused)
        elif figure.differing:
            logging.warning("%s: other bytes: %s", figure.figure, ", ".join(figure.differing))
    same = [figure for figure in found if not figure.refused and not figure.differing]
    logging.info("%s: %d of %d figures have the recorded bytes", plan.results, len(same), len(found))
    if len(same) < len(found) and (versions := redrawing.other_versions(described)):
        logging.info("recorded with other versions: %s", ", ".join(versions))
    judged_otherwise = [name for figure in found for name in figure.differing if name.startswith("claims/")]
    sys.exit(bool(judged_otherwise or any(figure.refused for figure in found)))


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("bundle", type=Path, help="a bundle.tar.zst, or the folder that it was unpacked into")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--configfile", type=Path, nargs="+", default=[], help="config files that override config.yaml")
    command_line.run(main, parser)
