"""Generate data instances into one file: targets and their observed entries, or sets of images or ratings."""

from pathlib import Path

from greedyrank import cli, instances


def main(options):
    plan = options.slice
    generate = instances.generator(plan["problem"], options.data_dir)
    instances.save(options.out, plan["problem"], plan["instances"], generate)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    cli.add_slice(parser, "problem and settings of each instance")
    parser.add_argument("--data-dir", type=Path, help="folder of images and ratings")
    parser.add_argument("--out", type=Path, required=True)
    cli.run(main, parser)
