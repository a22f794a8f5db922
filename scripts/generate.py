"""Generate data instances into one file: targets and their observed entries, or sets of images or ratings."""

from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank import stages

    stages.generate(options.slice, options.data_dir, options.out)


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    command_line.add_slice(parser, "problem and settings of each instance")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of images and ratings")
    parser.add_argument("--out", type=Path, required=True)
    command_line.run(main, parser)
