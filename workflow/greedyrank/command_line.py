"""What all command lines share: a clean room, one log, one line for an error."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from greedyrank import clean_room
from greedyrank.errors import UserError


def parser(description: str) -> argparse.ArgumentParser:
    """Return a parser with the options of every stage."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--log", type=Path, help="log file, beside the terminal")
    return made


def add_config(made: argparse.ArgumentParser) -> None:
    """Add the options ``--scale`` and ``--configfile``, which override config.yaml as they do in Snakemake."""
    made.add_argument("--scale", choices=("smoke", "laptop", "paper"), help="default: that of config.yaml")
    made.add_argument("--configfile", type=Path, nargs="+", default=[], help="config files that override config.yaml")


def add_slice(made: argparse.ArgumentParser, what: str) -> None:
    """Add the option ``--slice``: JSON, or ``-`` where it comes on standard input.

    Snakemake's jobs use the latter, since Linux takes no argument of more than 128 KiB: twenty thousand seeds.
    """

    def parsed(text: str) -> dict:
        try:
            content = json.loads(sys.stdin.read() if text == "-" else text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"not JSON: {error}") from None
        if not isinstance(content, dict):
            raise argparse.ArgumentTypeError("not a mapping of names to settings")
        return content

    made.add_argument("--slice", type=parsed, required=True, help=f"{what}, as JSON; - for standard input")


def run(main: Callable[[argparse.Namespace], None], made: argparse.ArgumentParser, name: str | None = None) -> None:
    """Parse, enter the clean room, set up logging, call ``main``; end with code 1 and one line on an error.

    ``main`` imports what imports numpy; the module that it stands in does not. ``name`` is the option whose value
    begins every line of the log.
    """
    options = made.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: what a terminal cannot show is no error
    try:
        clean_room.enter()
    except clean_room.BadProcessor as error:
        sys.exit(f"error: {error}")
    prefix = f"{getattr(options, name)}: " if name else ""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    # A log that cannot be written, such as on a full disk, is no reason for a traceback.
    logging.raiseExceptions = False
    try:
        if options.log:
            options.log.parent.mkdir(parents=True, exist_ok=True)
            handlers.append(logging.FileHandler(options.log, mode="w", encoding="utf-8"))
        logging.basicConfig(level=logging.INFO, format=f"{prefix.replace('%', '%%')}%(message)s", handlers=handlers)
        main(options)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads what is printed has read enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at its end
        sys.exit(1)
    except (UserError, OSError) as error:
        logging.error("error: %s", error)
        sys.exit(1)
    except Exception as error:
        # The reason on one line; the traceback, for whoever mends the code, in the log alone.
        logging.error("error: %s: %s", type(error).__name__, error)
        if options.log:
            with contextlib.suppress(OSError), options.log.open("a", encoding="utf-8") as log:
                traceback.print_exc(file=log)
        sys.exit(1)
