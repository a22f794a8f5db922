"""``python -m greedyrank slice <rule> <job>`` prints what a job gets; ``run`` runs that one job in this process.

For example, in the folder of the Snakefile:

    python -m greedyrank slice train det_sign/depth-2_dtype-float32
    python -m pdb -m greedyrank run train det_sign/depth-2_dtype-float32
"""

import argparse
import json

from greedyrank import command_line


def main(options: argparse.Namespace) -> None:
    """Print or run one job."""
    from greedyrank.config import loading
    from greedyrank.plan import host, jobs
    from greedyrank.plan.graph import Plan

    plan = Plan(loading.read(options.configfile, options.scale))
    given = {"scale": options.scale} if options.scale else {}
    host.export_environment([paper.folder for paper in plan.project.papers], options.configfile, given)
    if not options.job:
        print("\n".join(jobs.names(plan, options.rule)))
        return
    job = jobs.job(plan, options.rule, options.job)
    if options.action == "slice":
        print(json.dumps(job.described(), indent=2))
    else:
        job.run()


if __name__ == "__main__":
    parser = command_line.parser((__doc__ or "").splitlines()[0])
    parser.add_argument("action", choices=("slice", "run"), help="print what the job gets, or run it")
    parser.add_argument("rule", help="generate, train, baseline, extract, plot or check_claims")
    parser.add_argument("job", nargs="?", help="as the logs name it; without it, all jobs of the rule are listed")
    command_line.add_config(parser)
    command_line.run(main, parser)
