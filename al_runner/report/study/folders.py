"""Which folders hold runs."""

from collections.abc import Iterable
from pathlib import Path

from al_runner.errors import InputError
from al_runner.files import files_below
from al_runner.report.study.runs import Run
from al_runner.runs.record import MANIFEST


def find(places: Iterable[Path]) -> list[Run]:
    """Every run below some folders, ordered by data set, strategy and seed.

    Raises:
        InputError: there is none below one of them, or none with a complete round; one was changed or cut
            short, or two are the same run.
    """
    folders: dict[Path, Path] = {}
    for place in places:
        found = [path.parent for path in files_below(place) if path.name == MANIFEST and _is_run(path.parent)]
        if not found:
            raise InputError(f"no runs found below {place}")
        folders.update({folder.resolve(): folder for folder in found})
    runs = [Run.read(folder) for folder in folders.values()]
    if not any(run.rounds for run in runs):
        raise InputError("no run has a complete round yet")
    seen: dict[str, Run] = {}
    for run in runs:
        other = seen.setdefault(run.manifest["identity"], run)
        if other is not run:
            raise InputError(f"{other.folder} and {run.folder} are the same run: give one of them")
    return sorted(runs, key=lambda run: (run.dataset, run.strategy, run.seed, run.manifest["identity"]))


def _is_run(folder: Path) -> bool:
    """Other programs write manifests, too; a run that failed in its first round has no `rounds.csv`."""
    return (folder / "rounds.csv").is_file() or (folder / "run.lock").is_file()
