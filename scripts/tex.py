"""Write the numbers and the pictures of the results for a paper in LaTeX."""

import logging
from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank.config import loading
    from greedyrank.report import tex

    project = loading.load(loading.read(options.configfile, options.scale))
    results = Path(project.config.folder)
    captions = {name: figure.paper.folder / name / "caption.rst" for name, figure in project.figures.items()}
    written = tex.write(results, captions, results / "tex")
    logging.info("%s and %d figures in %s", written[0].name, len(written) - 1, results / "tex")


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    command_line.add_config(parser)
    command_line.run(main, parser)
