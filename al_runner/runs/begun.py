"""How a run begins: what was asked, of which data, and on what it runs, for its manifest."""

import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import al_runner
from al_runner.config.identity import data_source, science
from al_runner.config.own_code import own_code
from al_runner.config.schema import Config
from al_runner.data.addresses import hidden
from al_runner.data.dataset import Dataset, shape_of
from al_runner.data.reading import Reading
from al_runner.errors import InputError
from al_runner.people.answers import now
from al_runner.runs.build import Setting
from al_runner.runs.record import Record

LIBRARIES = (
    "torch",
    "torchvision",
    "pytorch-lightning",
    "torchmetrics",
    "captum",
    "monai",
    "nibabel",
    "medmnist",
    "numpy",
    "kornia",
    "scikit-learn",
)


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        config: the typed config.
        plain: the whole composed config as plain values.
        identity: the hash of its science.
        group: the same without the seed: what repetitions share.
        strategy: the name of the strategy's file.
        folder: the run folder.
        command: what repeats exactly this run.
        asked: file name → content for `.hydra/`.
    """

    config: Config
    plain: Mapping[str, Any]
    identity: str
    group: str
    strategy: str
    folder: Path
    command: str
    asked: Mapping[str, str]


def check_data(record: Record, setting: Setting) -> None:
    """Refuse to go on with other data than the run was begun with."""
    before = record.manifest()
    for key, dataset in _data(setting).items():
        known = (before.get(key) or {}).get("fingerprint")
        if known is None and record.rounds:
            raise InputError(
                f"{record.folder}/manifest.json lacks the data's fingerprint: it was edited or removed"
            )
        if known not in (None, dataset.fingerprint):
            raise InputError(
                f"{record.folder} was begun with other data of the name {dataset.name} "
                f"({known}, now {dataset.fingerprint}); give the new data another dataset.name"
            )


def _data(setting: Setting) -> dict[str, Dataset]:
    """What a run learns from, by what the manifest calls it."""
    return {"dataset": setting.dataset, **({"proxy": setting.proxy.dataset} if setting.proxy else {})}


def _described(dataset: Dataset) -> dict[str, Any]:
    """A data set for the manifest."""
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "sizes": {name: len(split) for name, split in dataset.splits.items()},
        "files": None if dataset.reading is None else _files(dataset.reading, dataset),
        "class_names": list(dataset.class_names),
        "headline": dataset.task.headline,
        "class_counts": {
            name: dataset.task.count(split.labels[split.told]).tolist()
            for name, split in dataset.splits.items()
        },
    }


def _only_asks(setting: Setting) -> bool:
    return setting.readers is not None and setting.readers.sample_is_open(setting.dataset)


def _files(reading: Reading, dataset: Dataset) -> dict[str, object]:
    """Which files al-predict may be given."""
    return {"suffixes": list(reading.suffixes), "shape": shape_of(dataset.train.images)}


def begin(record: Record, request: Request, setting: Setting) -> None:
    """Write what was asked, and on what it runs from here."""
    machine = setting.machine
    before = record.manifest()
    sessions = before.get("sessions", [])
    session = {
        "start": now(),
        "host": platform.node(),
        "device": machine.name,
        "precision": machine.precision,
        "code": _code_version(),
        "own_code": own_code(request.plain),
        "versions": dict(_versions()),
    }
    for key in ("device", "code", "own_code", "versions"):
        if sessions and record.rounds and sessions[-1].get(key, session[key]) != session[key]:
            print(
                f"al-run: the {key} changed since the last start: this run will differ from one that was not "
                f"stopped ({sessions[-1].get(key)}, now {session[key]})",
                file=sys.stderr,
            )
    for name, content in request.asked.items():
        record.write(f".hydra/{name}", content)
    record.update_manifest(
        status="waiting" if _only_asks(setting) else "running",  # a page is not to say that it trains
        identity=request.identity,
        group=request.group,
        name=request.config.name,
        strategy=request.strategy,
        seed=request.config.seed,
        command=request.command,
        start=before.get("start", session["start"]),
        end=None,
        error=None,
        sessions=[*sessions, session],
        data_source=data_source(request.plain),
        **{key: _described(dataset) for key, dataset in _data(setting).items()},
        switch=setting.switch and asdict(setting.switch),
        science=hidden(science(request.plain)),
        report=request.config.report.model_dump(),
    )


@cache
def _versions() -> Mapping[str, str]:
    """Of Python and the libraries: those that this process has imported, so for all its jobs."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


@cache
def _code_version() -> str:
    """The package's version, with the commit where it runs from a git checkout: as it was imported."""
    source = Path(al_runner.__file__).parent
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12"]
    if not (source.parent / ".git").exists():
        return al_runner.__version__
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return al_runner.__version__
    return f"{al_runner.__version__}+{commit}"
