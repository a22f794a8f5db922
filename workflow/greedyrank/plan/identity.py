"""What the recorded sweeps depend on, as digests: so that records made elsewhere can be compared with a plan."""

from __future__ import annotations

from greedyrank import provenance
from greedyrank.plan.graph import Plan


def of_sweep(plan: Plan, name: str) -> dict[str, str]:
    """Return what the measured runs of a sweep depend on.

    Parameters
    ----------
    plan : Plan
        The job graph.
    name : str
        A sweep.

    Returns
    -------
    dict
        ``settings`` and ``code``, each a digest: of the settings of all its runs, of its baseline and of its measures;
        and of the code that generates its data, trains, solves the baseline and measures.
    """
    slices = plan.slices
    settings = [*map(slices.training, plan.jobs[name].values()), slices.measures(name)]
    code = [slices.data_code(name), slices.training_code(name), slices.spectra_code(name)]
    if plan.sweeps[name].baseline:
        settings.append(slices.baseline(name))
        code.append(slices.baseline_code(name))
    return {
        "settings": provenance.digest(provenance.canonical(settings)),
        "code": provenance.digest(provenance.canonical(code)),
    }
