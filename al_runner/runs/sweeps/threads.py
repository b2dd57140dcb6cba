"""How many threads a job computes with, so that the jobs of one machine share its cores."""

from collections.abc import Mapping
from typing import Any


def job_threads(launcher: Mapping[str, Any], environ: Mapping[str, str]) -> int | None:
    """The threads of a job whose `trainer.threads` is null.

    A function of the command and the allocation alone: a sweep that is started again gets the same
    number, on which results to the bit depend.

    - `OMP_NUM_THREADS` wins. joblib sets it in its workers to cores / `n_jobs`, Ray to the task's `num_cpus`.
    - submitit starts jobs that know nothing of each other: `cpus_per_task`, and 1 without it, which is
      also what SLURM gives.
    - Any other run inside a SLURM allocation has `SLURM_CPUS_PER_TASK`.

    Args:
        launcher: the node `hydra.launcher` of a sweep, {} for a single run.
        environ: the job's environment variables.

    Returns:
        The number; None = PyTorch's own choice: `OMP_NUM_THREADS`, else all cores.
    """
    if "OMP_NUM_THREADS" in environ:
        return None
    if "submitit" in str(launcher.get("_target_")):
        return int(launcher.get("cpus_per_task") or 1)
    if cores := environ.get("SLURM_CPUS_PER_TASK"):
        return int(cores)
    return None
