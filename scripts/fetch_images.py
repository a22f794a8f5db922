"""Fetch and verify one image data set; write the checksums of its files."""

from pathlib import Path

from greedyrank import command_line, storage
from greedyrank.data import images


def main(options):
    images.fetch(options.data_dir, options.dataset)
    with storage.writing(options.out) as temporary:
        lines = (f"{sha}  {name}\n" for name, sha in images.CHECKSUMS[options.dataset].items())
        temporary.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--dataset", required=True, choices=images.CHECKSUMS)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of images and ratings")
    parser.add_argument("--out", type=Path, required=True)
    command_line.run(main, parser, name="dataset")
