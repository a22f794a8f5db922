"""Write the tracked record of a build: published values beside ours, the pictures, and the tables of the READMEs."""

from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank.config import loading, papers
    from greedyrank.report import paper_tables, record

    config = loading.user_config(options.configfile, options.scale)
    papers_of = {figure: paper.name for paper in papers.find(config.papers) for figure in paper.figures}
    record.write(options.results or Path(config.folder), options.docs, papers_of)
    paper_tables.write()


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--results", type=Path, help="results folder of one scale; default: that of config.yaml")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="folder of the record; default: docs")
    command_line.add_config(parser)
    command_line.run(main, parser)
