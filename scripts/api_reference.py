"""Write the reference of all public names, from their docstrings, as a web page."""

from pathlib import Path

from greedyrank import command_line


def main(options):
    import pdoc

    import greedyrank

    for name in greedyrank.__all__:
        setattr(greedyrank, name, getattr(greedyrank, name))  # pdoc sees what is there, not what would be given lazily
    pdoc.render.configure(docformat="numpy")
    pdoc.pdoc("greedyrank", "greedyrank.training.protocols", output_directory=options.out)


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="a folder")
    command_line.run(main, parser)
