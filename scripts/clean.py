"""Remove the results of every scale; images and ratings stay."""

from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank.config import loading
    from greedyrank.config.grammar import expanded
    from greedyrank.plan import cleaning

    config = loading.user_config(options.configfile)
    cleaning.remove_results(Path(expanded(config.results_dir)), Path(config.data))


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    command_line.add_config(parser)
    command_line.run(main, parser)
