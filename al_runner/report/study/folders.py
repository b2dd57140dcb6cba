"""Which folders hold runs."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from al_runner.errors import InputError
from al_runner.report.study.runs import Run


def find(places: Iterable[Path]) -> list[Run]:
    """Every run below some folders, ordered by data set, strategy and seed.

    Raises:
        InputError: there is none below one of them, or none with a complete round; one was changed or cut
            short, or two are the same run.
    """
    folders: dict[Path, Path] = {}
    for place in places:
        found = [folder for folder in _below(place) if _is_run(folder)]
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


def _below(place: Path) -> Iterator[Path]:
    """Every folder below a place, through symbolic links, too; each once."""
    seen: set[Path] = set()
    for name, folders, _ in os.walk(place, followlinks=True):
        if (real := Path(name).resolve()) in seen:
            folders.clear()
        else:
            seen.add(real)
            yield Path(name)


def _is_run(folder: Path) -> bool:
    """Other programs write manifests, too; a run that failed in its first round has no `rounds.csv`."""
    made = (folder / "rounds.csv").is_file() or (folder / "run.lock").is_file()
    return made and (folder / "manifest.json").is_file()
