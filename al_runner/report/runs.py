"""Run folders as data."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from al_runner.errors import InputError
from al_runner.record import read_manifest


@dataclass(frozen=True)
class Run:
    """What one run folder holds.

    Attributes:
        folder: the run folder.
        name: what was run, such as `phantom`.
        strategy: the strategy's name.
        group: hash of the science without the seed: repetitions share it.
        setting: hash of the science without seed and strategy: what is compared shares it.
        seed: the run's seed.
        status: `finished`, or how far it is.
        rows: `rounds.csv`, numbers only; empty cells are left out.
    """

    folder: Path
    name: str
    strategy: str
    group: str
    setting: str
    seed: int
    status: str
    rows: tuple[Mapping[str, float], ...]

    @classmethod
    def read(cls, folder: Path) -> "Run":
        """Read a run folder.

        Raises:
            InputError: it was changed or cut short.
        """
        manifest = read_manifest(folder)
        path = folder / "rounds.csv"
        try:
            with path.open() as file:
                rows = [
                    {key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)
                ]
            keys = ("name", "strategy", "group", "setting", "seed", "status")
            name, strategy, group, setting, seed, status = (manifest[key] for key in keys)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} cannot be read: {error}") from error
        return cls(folder, name, strategy, group, setting, seed, status, tuple(rows))


def find(places: Iterable[Path]) -> list[Run]:
    """Every run below some folders that has a complete round, ordered by strategy and seed.

    Raises:
        InputError: there is none.
    """
    places = list(places)
    folders = {path.parent for place in places for path in place.rglob("rounds.csv")}
    if not folders:
        raise InputError(f"no runs found below {', '.join(map(str, places))}")
    runs = [Run.read(folder) for folder in folders]
    return sorted(runs, key=lambda run: (run.name, run.setting, run.strategy, run.group, run.seed))
