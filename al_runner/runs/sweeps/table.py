"""What `al-run -m` says when the jobs have ended: how many did what, and which failed, why."""

from collections import Counter
from collections.abc import Sequence

from al_runner.runs.sweeps.sweep import Job, Status, Sweep

WORDS: dict[Status, str] = {
    "finished": "finished",
    "finished already": "finished already",
    "waiting": "waiting for labels",
    "failed": "failed",
    "started": "never ended",
}
"""What the table calls a job's status; a job that has only started has not ended when the table is made."""


def close(sweep: Sweep, error: Exception | None) -> int:
    """Print the table on standard error.

    Args:
        sweep: the sweep, of which at least one job has begun.
        error: what ended the launcher before its time, such as a worker that was killed.

    Returns:
        The exit code: 0 = no job failed, 2 = all failures are bad input, 1 = another failure, or a job that
        never ended.
    """
    from rich.console import Console

    jobs = sweep.jobs() if error else sweep.ended_jobs()
    planned = sweep.planned()
    missing = max(0, len(planned) - len(jobs))
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    console.print(f"al-run: {counts(jobs, missing)}")
    troubled = [job for job in jobs if job.status in ("failed", "started")]
    asked = swept(troubled, planned or [job.overrides for job in jobs])
    width = max(map(len, asked), default=0)
    for job, words in zip(troubled, asked, strict=True):
        status = WORDS[job.status].ljust(len(WORDS["started"]))
        console.print(f"  {status}  {words.ljust(width)}  {reason(job)}", style="red")
    full = f"the disk of {sweep.folder} is full" if sweep.unwritten and sweep.disk_is_full else ""
    if last := "; ".join(filter(None, (full, remark(jobs, missing, error)))):
        console.print(f"al-run: {last}; the same command goes on from there")
    return exit_code(jobs, missing, error)


def counts(jobs: Sequence[Job], missing: int) -> str:
    """The jobs in numbers, such as `24 jobs: 20 finished, 4 finished already`."""
    found = Counter(job.status for job in jobs)
    numbers = [f"{found[status]} {word}" for status, word in WORDS.items() if found[status]]
    if missing:
        numbers.append(f"{missing} not begun")
    total = len(jobs) + missing
    return f"{total} job{'s' * (total != 1)}: {', '.join(numbers)}"


def swept(jobs: Sequence[Job], sweep: Sequence[tuple[str, ...]]) -> list[str]:
    """Each job's overrides without those that all jobs of the sweep have."""
    common = set.intersection(*map(set, sweep)) if len(sweep) > 1 else set()
    return [" ".join(word for word in job.overrides if word not in common) for job in jobs]


def reason(job: Job) -> str:
    """Why a job is in the table."""
    return job.error or f"its process died, or still runs ({job.process} on {job.host})"


def remark(jobs: Sequence[Job], missing: int, error: Exception | None) -> str:
    """What ended the sweep before its time, empty if nothing did."""
    kind = f" ({type(error).__name__})" if error else ""
    if any(job.status == "started" for job in jobs):
        return f"the process of a job died{kind}, often for lack of memory"
    if error or missing:
        said = " ".join(str(error or "").split())[:200]
        return f"the sweep ended early{kind}{': ' if said else ''}{said}"
    return ""


def exit_code(jobs: Sequence[Job], missing: int, error: Exception | None) -> int:
    """0, 2 or 1: see `close`."""
    failed = [job for job in jobs if job.status == "failed"]
    ended = not (error or missing) and all(job.status != "started" for job in jobs)
    if not ended or not all(job.bad_input for job in failed):
        return 1
    return 2 if failed else 0
