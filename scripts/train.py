"""Train one batch: all its runs together, from their initial factors to their stopping rule."""

import logging
from pathlib import Path

from greedyrank import cli, defaults, devices, provenance, storage, training
from greedyrank.instances import Instances
from greedyrank.tenants import tenant


def main(options):
    plan = options.slice
    data = Instances(options.data)
    sources = {path.name: storage.checksum(path) for path in options.data}
    identity = provenance.digest(provenance.canonical([plan, options.code, sources]))
    checkpoint = options.checkpoints / f"{identity[:24]}.npz"
    device = devices.prepare(options.device)
    logging.info("trains on %s", device)
    arrays = training.train(
        defaults.filled(plan),
        data.of,
        options.device,
        checkpoint=checkpoint,
        checkpoint_seconds=options.checkpoint_seconds,
    )
    problem = tenant("problems", plan["problem"]).Problem
    model = tenant("factorizations", plan["factorization"]).Model
    meta = {
        "slice": plan,
        "axes": {**problem.axes, **model.axes},
        "code": options.code,
        "device": device,
        "versions": provenance.versions("torch", "numpy", "numba"),
        "data": sources,
    }
    storage.save_arrays(options.out, meta, arrays)
    training.remove_checkpoints(checkpoint)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--name", required=True, help="name of the batch, for the log")
    cli.add_slice(parser, "settings of the runs")
    parser.add_argument("--code", default="", help="digest of the code, kept with the result")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="data files of the runs")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder of the checkpoints")
    parser.add_argument("--checkpoint-seconds", type=float, default=30.0)
    parser.add_argument("--out", type=Path, required=True)
    cli.run(main, parser, name="name")
