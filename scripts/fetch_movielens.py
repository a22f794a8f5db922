"""Fetch the ratings of MovieLens 100K and verify them, or check those that are there."""

from pathlib import Path

from greedyrank import cli, movielens


def main(options):
    movielens.fetch(options.data_dir)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of images and ratings")
    cli.run(main, parser)
