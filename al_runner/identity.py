"""What a run is, apart from where and how it is run: the part of its config that its folder stands for."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from al_runner.files import census, files_below
from al_runner.schema import LossConfig, ScheduleConfig

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
LATER_OF_MODEL = {"stem": "auto", "base_width": 64}
"""Values of the networks in `models.vision` that are as they were before the keys were there."""
VISION = "al_runner.models.vision."
NOT_SCIENCE_OF_DATA = ("cache_dir", "data_dir", "path", "root", "url")
"""The same below `dataset`: where the data lie. What they are, the fingerprint in the manifest guards."""
LATER_OF_DATA = {"hausdorff": False, "on_error": "fail"}
"""Values that leave a data set as it was before the keys were there."""
IMAGE_FOLDER = "al_runner.data.image_folder.load"
"""It has had its keys from the start."""


def data_source(composed: Mapping[str, Any]) -> list[Any]:
    """What tells data given by a path from others of their name: where they are, their sizes, their times."""
    dataset = composed["dataset"]
    if "root" in dataset and (root := Path(dataset["root"]).expanduser()).is_dir():
        files = json.dumps(census(root, files_below(root)))
        return [str(root.resolve()), hashlib.sha256(files.encode()).hexdigest()]
    path = Path(dataset.get("path", "")).expanduser()
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
    chosen["dataset"] = _data(composed["dataset"])
    chosen["loss"] = LossConfig.model_validate(composed["loss"]).canonical()
    if not chosen["loss"]:  # the task's own, as ever
        del chosen["loss"]
    chosen["model"] = _model(composed["model"])
    if (final := chosen["schedule"].get("final_model")) is not None:
        final["model"] = _model(final["model"])
    if composed["augmentation"]["placement"] == "none":  # then nothing is transformed
        del chosen["augmentation"], chosen["transforms"]
    if composed["posterior"]["_target_"] == POINT:  # one network, as ever
        del chosen["posterior"]
    elif composed["posterior"].get("aleatoric") is False:  # as before there was the key
        chosen["posterior"] = {
            key: chosen["posterior"][key] for key in composed["posterior"] if key != "aleatoric"
        }
    return chosen


def _data(node: Mapping[str, Any]) -> dict[str, Any]:
    """A data set without where it lies, and without what leaves it as it was."""
    later = LATER_OF_DATA if node.get("_target_") != IMAGE_FOLDER else {}
    return {
        key: value
        for key, value in node.items()
        if key not in NOT_SCIENCE_OF_DATA and (key not in later or value != later[key])
    }


def _model(node: Mapping[str, Any]) -> dict[str, Any]:
    """A network without what leaves it as it was."""
    later = LATER_OF_MODEL if str(node.get("_target_")).startswith(VISION) else {}
    return {key: value for key, value in node.items() if key not in later or value != later[key]}


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
