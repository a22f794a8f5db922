"""Fetch the ratings of MovieLens 100K and verify them, or check those that are there."""

from pathlib import Path

from greedyrank import command_line
from greedyrank.data import ratings


def main(options):
    ratings.fetch(options.data_dir)


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of images and ratings")
    command_line.run(main, parser)
