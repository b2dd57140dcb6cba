"""What two run folders have that is not the same, but for what counts time."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from kill_test import differences

OF_TIME = ("sessions", "start", "end", "at", "seconds", "minutes")
STATES = ("checkpoint.pt", "memory.pt")
UNTOLD = ("wandb", "tensorboard")
"""What programs of others write, each time in another way: looked at by `logged`."""
OF_PLACE = "hydra.yaml"
"""Says where the command was started."""


def faults(folder: Path, reference: Path) -> list[str]:
    """The differences of two runs that ended, in words; empty = none."""
    found = differences(folder, reference)
    ours, theirs = names(folder), names(reference)
    found += [f"lacks {name}" for name in sorted(theirs - ours)]
    found += [f"has {name}" for name in sorted(ours - theirs)]
    found += [
        f"{name} differs" for name in sorted(ours & theirs) if not same(folder / name, reference / name)
    ]
    return found + logged(folder, reference)


def names(folder: Path) -> set[str]:
    """Of the files of a run, without those of other programs."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    kept = (path for path in files if path.parts[0] not in UNTOLD and path.name != OF_PLACE)
    return {path.as_posix() for path in kept if path.suffix != ".lock"}


def same(path: Path, reference: Path) -> bool:
    """Whether two files hold the same but for times."""
    if path.read_bytes() == reference.read_bytes():
        return True
    if path.name in STATES:
        return same_state(*(torch.load(each, weights_only=True) for each in (path, reference)))
    if path.suffix == ".json":
        return timeless(json.loads(path.read_text())) == timeless(json.loads(reference.read_text()))
    return path.suffix == ".csv" and list(rows(path)) == list(rows(reference))


def same_state(ours: Any, theirs: Any) -> bool:
    """Whether two states hold the same, to the bit."""
    if isinstance(ours, torch.Tensor):
        return isinstance(theirs, torch.Tensor) and torch.equal(ours, theirs)
    if isinstance(ours, Mapping):
        return ours.keys() == theirs.keys() and all(same_state(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(map(same_state, ours, theirs))
    return bool(ours == theirs)


def timeless(node: Any) -> Any:
    """Plain values without those of time, and without checksums of files that have some."""
    if isinstance(node, Mapping):
        return {key: timeless(value) for key, value in node.items() if not _is_of_time(key)}
    return [timeless(each) for each in node] if isinstance(node, list) else node


def _is_of_time(key: str) -> bool:
    return key in (*OF_TIME, "digests", "checksum") or key.endswith(("_seconds", "minutes"))


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Of a table, without the cells of time."""
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            yield {key: cell for key, cell in row.items() if not _is_of_time(key)}


def logged(folder: Path, reference: Path) -> list[str]:
    """What TensorBoard shows of one run and not of the other: the last value of each step counts."""
    if not (reference / "tensorboard").is_dir():
        return []
    return [] if curves(folder) == curves(reference) else ["tensorboard differs"]


def curves(folder: Path) -> dict[str, dict[int, float]]:
    """Name → step → value."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return {
        name: {each.step: each.value for each in events.Scalars(name)}
        for name in events.Tags()["scalars"]
        if not _is_of_time(name)
    }
