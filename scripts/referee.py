"""Build what a paper's figures need in a given time, and write one page of published against measured.

Ends with 1 where a verdict is not the one on record, or nothing was judged in the time given.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from greedyrank import command_line

STARTED = time.monotonic()  # before what takes seconds to import
STARTING = 0.5  # minutes until the first job, and for the page
STOPPING = 10  # seconds that jobs have to end by themselves


def build(words, seconds):
    """Run Snakemake for at most so long; what is running then is stopped, and goes on from there another time."""
    # In a session of its own, so that jobs are interrupted too: Snakemake alone would wait for them.
    with subprocess.Popen([sys.executable, "-m", "snakemake", *words], start_new_session=True) as process:
        try:
            process.wait(seconds)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            logging.warning("the time is over; what is running is stopped")
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(STOPPING)
            except subprocess.TimeoutExpired:  # results are whole or not there, and training has its checkpoints
                os.killpg(process.pid, signal.SIGKILL)


def main(options):
    from greedyrank.claims import judged_files
    from greedyrank.config import loading
    from greedyrank.config.messages import nearest
    from greedyrank.errors import UserError
    from greedyrank.plan import prerequisites
    from greedyrank.plan.graph import Plan
    from greedyrank.report import paper_tables, referee

    if line := prerequisites.unwritable_here():
        raise UserError(line)
    plan = Plan(loading.read(options.configfile, options.scale), here=False)
    papers = {paper.name: paper for paper in plan.project.papers}
    if options.paper not in papers:
        raise UserError(f"there is no paper {options.paper!r}; {nearest(options.paper, papers)}")
    paper = papers[options.paper]
    minutes = {
        name: figure.block.minutes
        for name, figure in plan.figures.items()
        if figure.paper == paper and name not in plan.skipped
    }
    chosen = referee.affordable(minutes, options.cores, options.minutes - STARTING)
    if chosen:
        files = [*(["--configfile", *map(str, options.configfile)] if options.configfile else [])]
        scale = ["--config", f"scale={options.scale}"] if options.scale else []
        left = (options.minutes - STARTING / 2) * 60 - STOPPING - (time.monotonic() - STARTED)
        build(["--cores", str(options.cores), *files, *scale, "--", *chosen], left)
    found = []
    for name in chosen:
        path = Path(plan.results, "claims", f"{name}.json")
        if not path.is_file():
            continue
        block = plan.figures[name].block
        reduced = [line for sweep in block.sweeps for line in referee.reduced(sweep, plan.slices.reduced(sweep))]
        found.append(referee.Found(name, block.title, block.paper, reduced, judged_files.load(path)))
    built = {figure.name for figure in found}
    not_run = [f"{name} ({minutes[name]:g} minutes on 2 cores)" for name in minutes if name not in built]
    title = paper_tables.title(paper)
    out = Path(plan.results, "referee", f"{paper.name}.html")
    referee.write(out, title, plan.config.scale, found, not_run, "../figures")
    print(referee.text(title, found, not_run))
    print(out)
    claims = referee.judged(found)
    sys.exit(not claims or any(claim["verdict"] != claim["on_record"] for claim in claims))


if __name__ == "__main__":
    parser = command_line.parser(__doc__.partition("\n")[0])
    parser.add_argument("paper", help="a paper's folder, such as razin_cohen_2020")
    parser.add_argument("--minutes", type=float, default=10, help="how long it may take")
    parser.add_argument("--cores", type=int, default=2)
    command_line.add_config(parser)
    command_line.run(main, parser)
