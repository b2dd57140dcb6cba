"""Which GPU a job computes on, so that the jobs of one machine share its GPUs."""

from collections.abc import Callable, Mapping
from typing import Any

VISIBLE = "CUDA_VISIBLE_DEVICES"


def job_card(
    launcher: Mapping[str, Any], number: int, environ: Mapping[str, str], count: Callable[[], int]
) -> str | None:
    """The only GPU that a process should see from now on: joblib's workers get one each, in turn.

    A worker keeps that of its first job, because a process that has begun to use a GPU cannot see others. Ray
    and SLURM deal GPUs themselves.

    Args:
        launcher: the node `hydra.launcher` of a sweep, {} for a single run.
        number: the job's.
        environ: its environment variables.
        count: how many GPUs there are, if these do not say.

    Returns:
        A value of `CUDA_VISIBLE_DEVICES`; None = as it is.
    """
    if "joblib" not in str(launcher.get("_target_")):
        return None
    given = environ.get(VISIBLE)
    cards = [str(each) for each in range(count())] if given is None else given.split(",")
    return cards[number % len(cards)].strip() if len(cards) > 1 else None
