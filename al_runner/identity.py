"""What a run is, apart from where and how it is run: the part of its config that its folder stands for."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from al_runner.schema import ScheduleConfig

NOT_SCIENCE = (
    "trainer",
    "logger",
    "data_dir",
    "output_dir",
    "name",
    "keep_checkpoints",
    "keep_predictions",
    "objective",
    "report",
)
"""Keys that say where and how a run is made, not what it is: not part of its identity."""
POINT = "al_runner.learning.posterior.Point"
NOT_SCIENCE_OF_DATA = ("cache_dir", "data_dir", "path", "root", "url", "hausdorff")
"""The same below `dataset`: where the data lie, what else is measured. What they are, the fingerprint in the
manifest guards."""


def data_source(composed: Mapping[str, Any]) -> list[Any]:
    """What tells a data file given by its path from another of its name: where it is, its size, its time."""
    path = Path(composed["dataset"].get("path", "")).expanduser()
    if not path.is_file():
        return []
    return [str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns]


def science(composed: Mapping[str, Any], *without: str) -> dict[str, Any]:
    """What a run's identity stands for: the config without where and how it is run.

    Args:
        composed: the config as plain values.
        without: further keys to leave out; without `seed`, repetitions share it.
    """
    chosen = {key: value for key, value in composed.items() if key not in (*NOT_SCIENCE, *without)}
    chosen["schedule"] = ScheduleConfig.model_validate(composed["schedule"]).canonical()
    chosen["dataset"] = {
        key: value for key, value in composed["dataset"].items() if key not in NOT_SCIENCE_OF_DATA
    }
    if composed["augmentation"]["placement"] == "none":  # then nothing is transformed
        del chosen["augmentation"], chosen["transforms"]
    if composed["posterior"]["_target_"] == POINT:  # one network, as ever
        del chosen["posterior"]
    return chosen


def identity(composed: Mapping[str, Any], *without: str) -> str:
    """Eight hexadecimal digits that stand for a run's science: the same experiment, the same digits."""
    chosen = science(composed, *without)
    if "transforms" in chosen:  # one comes after the other; and 30 degrees are 30.0
        chosen["transforms"] = [[name, _as_floats(step)] for name, step in chosen["transforms"].items()]
    text = json.dumps(chosen, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _as_floats(node: Any) -> Any:
    """The same with its whole numbers as floats: libraries take either."""
    if isinstance(node, Mapping):
        return {key: _as_floats(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_as_floats(value) for value in node]
    return float(node) if isinstance(node, int) and not isinstance(node, bool) else node
