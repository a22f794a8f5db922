import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

LIBRARY = Path(workflow.basedir) / "workflow"
sys.path.insert(0, str(LIBRARY))
# Jobs find the library and keep their caches in the results, installed or not.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(LIBRARY), *filter(None, [os.environ.get("PYTHONPATH")])]
)

from greedyrank.config import ConfigError
from greedyrank.planning import Plan

try:
    plan = Plan(config)
except ConfigError as error:
    raise WorkflowError("The config is not valid:", *error.messages)

RESULTS = plan.results
DATA_DIR = plan.data_dir
os.environ["MPLCONFIGDIR"] = str(Path(RESULTS).absolute() / ".cache" / "matplotlib")
os.environ["NUMBA_CACHE_DIR"] = str(Path(RESULTS).absolute() / ".cache" / "numba")

REFRESH_PAGE = f"python scripts/page.py --results {shlex.quote(RESULTS)} --slice {shlex.quote(plan.page_slice())}"


wildcard_constraints:
    sweep="|".join(plan.sweeps),
    figure="|".join(plan.config.figures),
    dataset="mnist|fashion_mnist",
    batch="[^/]+",
    instance="[^/]+",
