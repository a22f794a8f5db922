"""Train the runs of one job, from their initial factors to their stopping rule."""

from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank import stages

    stages.train(
        options.slice,
        options.data,
        options.out,
        code=options.code,
        device=options.device,
        checkpoints=options.checkpoints,
        checkpoint_seconds=options.checkpoint_seconds,
    )


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--name", required=True, help="name of the job, for the log")
    command_line.add_slice(parser, "settings of the runs")
    parser.add_argument("--code", default="", help="digest of the code, kept with the result")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="data files of the runs")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder of the checkpoints")
    parser.add_argument("--checkpoint-seconds", type=float, default=30.0)
    parser.add_argument("--out", type=Path, required=True)
    command_line.run(main, parser, name="name")
