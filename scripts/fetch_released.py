"""Put the files that papers' authors released into the data folder: those on disk, or downloaded; and verify them."""

from pathlib import Path

from greedyrank import command_line
from greedyrank.data import released


def main(options):
    released.fetch(options.data_dir, options.slice)


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    command_line.add_slice(parser, "url and sha256 of each file, by its path in the data folder")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of images, ratings and targets")
    command_line.run(main, parser)
