"""Train the same short runs on the CPU and on a GPU, and report where they part.

With given slices it needs only torch and numpy (and MNIST for image_rank): write the slices with --save-slices on a
machine that has the other packages too, and read them with --slices on the machine with the GPU.
"""

import json
import logging
from pathlib import Path

from greedyrank import command_line, storage
from greedyrank.errors import UserError

# Every factorization that has a step of its own, with each optimiser.
SWEEPS = ("singular_values", "component_norms", "deep_tucker_adam", "mf_cp_htf_hierarchical", "image_rank")


def from_config(raw, names, steps):
    """Return a short slice of each of these sweeps of config.yaml."""
    from greedyrank.benchmarks import device_parity
    from greedyrank.config import loading

    resolved = loading.load(raw).sweeps
    slices = {}
    for name in names or [name for name in SWEEPS if name in resolved]:
        if name not in resolved:
            raise UserError(f"config.yaml has no sweep {name}")
        slices[name] = device_parity.of_sweep(resolved[name], steps)
    return slices


def main(options):
    from greedyrank.config.sweeps import Slice

    if options.slices:
        if not (options.data_dir and options.out):
            raise UserError("--slices needs --data-dir and --out too: no config is read then")
        data_dir, out = options.data_dir, options.out
        slices = {
            name: Slice(**given) for name, given in json.loads(options.slices.read_text(encoding="utf-8")).items()
        }
    else:
        from greedyrank.config import loading

        config = loading.user_config(options.configfile, options.scale)
        data_dir, out = options.data_dir or Path(config.data), options.out or Path(config.folder, "devices.json")
        slices = from_config(loading.read(options.configfile, options.scale), options.sweeps, options.steps)
    if options.save_slices:
        given = {name: slice_.to_json() for name, slice_ in slices.items()}
        options.save_slices.write_text(json.dumps(given, indent=1) + "\n", encoding="utf-8")
        return
    from greedyrank.benchmarks import device_parity
    from greedyrank.data import instances
    from greedyrank.training import devices as training_devices

    try:
        names = [training_devices.prepare(device) for device in options.devices]
    except UserError as reason:
        logging.warning("nothing is compared: %s", reason)
        return
    report = {}
    for sweep, slice_ in slices.items():
        dtype, count = slice_.runs[0]["dtype"], len(slice_.runs)
        try:
            rows = device_parity.compare(slice_, instances.generator(slice_.problem, data_dir), options.devices)
        except (UserError, OSError) as reason:  # its data are not here
            logging.warning("%s is left out: %s", sweep, reason)
            continue
        allowed = device_parity.tolerance(dtype)
        report[sweep] = {"dtype": dtype, "runs": count, "tolerance": allowed, "invariants": rows}
        print(f"\n{sweep}: {count} runs, {dtype}; parted where they differ by more than {allowed:.1e}")
        print(f"{'invariant':20}{'largest difference':>20}{'at step':>10}  parted")
        for name, row in rows.items():
            parted = "never" if row["parts"] is None else f"from step {row['parts']}"
            print(f"{name:20}{row['largest']:20.1e}{row['at']:10d}  {parted}")
    with storage.writing(out) as temporary:
        temporary.write_text(json.dumps({"devices": names, "sweeps": report}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = command_line.parser(__doc__.splitlines()[0])
    parser.add_argument("--sweeps", nargs="+", help=f"default: {' '.join(SWEEPS)}")
    parser.add_argument("--slices", type=Path, help="what --save-slices wrote, in place of sweeps of config.yaml")
    parser.add_argument("--save-slices", type=Path, help="write the short slices to this file, and end")
    parser.add_argument(
        "--devices", nargs=2, choices=("cpu", "cuda"), default=("cuda", "cpu"), help="second: reference"
    )
    parser.add_argument("--steps", type=int, default=500, help="default: 500")
    parser.add_argument("--data-dir", type=Path, help="folder of images; default: that of config.yaml")
    parser.add_argument("--out", type=Path, help="default: devices.json in the results folder")
    command_line.add_config(parser)
    command_line.run(main, parser)
