"""What a run is, apart from where and how it is run: the part of its config that its folder stands for."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from al_runner.config.schedule_node import ScheduleConfig
from al_runner.config.schema import ImageNoiseConfig, LossConfig, PatchesConfig, ProxyConfig
from al_runner.files import census, digest, files_below, plain_name
from al_runner.moved import original, today

NOT_SCIENCE = (
    "trainer",
    "logger",
    "data_dir",
    "output_dir",
    "name",
    "keep_checkpoints",
    "keep_predictions",
    "keep_pool",
    "keep_epochs",
    "audit",
    "objective",
    "report",
)
"""Keys that say where and how a run is made, not what it is: not part of its identity."""
POINT = "al_runner.learning.posterior.Point"
LATER: dict[str, dict[str, Any]] = {
    "al_runner.data.sets.medmnist.": {"finding": None, "against": "rest"},
    "al_runner.data.sets.image_folder.": {
        "per_class": "all",
        "resplit": False,
        "white": None,
        "upright": True,
        "duplicates": "keep",
    },
    "al_runner.data.sets.unlabeled.": {"window": None, "upright": True, "slices": "volumes"},
    "al_runner.data.sets.nifti_folder.": {"missing": "refuse", "test_size": None, "regions": None},
    "al_runner.data.sets.mask_folder.": {"regions": None},
    "al_runner.data.sets.decathlon.": {"regions": None},
    "al_runner.data.sets.phantom_ct.": {"regions": None},
    "al_runner.data.sets.glas.": {"missing": "refuse", "split": "official"},
    "al_runner.data.sets.glas_grades.": {"split": "official"},
    "al_runner.people.oracle.": {"masks": None, "start": False},
    "al_runner.models.dense_vnet.": {"prior": 0, "dropout": 0.0},
    "al_runner.models.saliency.": {"of": None},
    "al_runner.models.vision.": {"stem": "auto", "base_width": 64},
    "al_runner.learning.posterior.McDropout": {"aleatoric": False, "layers": "last"},
    "al_runner.loop.oracle.": {"cost": "images"},
    "al_runner.strategies.ideal_deep_features.": {"least_first": False},
    "al_runner.strategies.mutual_information.": {"information": "normalized", "entropy": "mean"},
}
"""Target → keys that came later, with the values that leave it as it was: they are left out, so that runs
keep their folders."""
OF_ENCODER = ("encoder", "head", "embedding_size")
"""Keys that mean nothing without an encoder."""
LINEAR = "al_runner.learning.linear.head.LinearHead"
PEOPLE = "al_runner.people.oracle.People"
FILES = ("path", "file")
"""Keys below `encoder` that name files: known by their content."""
NOT_SCIENCE_OF_DATA = ("cache_dir", "data_dir", "path", "root", "url")
"""The same below `dataset`: where the data lie. What they are, the fingerprint in the manifest guards."""
TABLE = "al_runner.data.sets.table."
"""Data whose key `table` names a file, wherever it is."""


def data_source(composed: Mapping[str, Any]) -> list[Any]:
    """What tells the run's data from others of their name."""
    others = (composed["schedule"].get("switch_dataset"), composed.get("proxy"))
    further = [value for node in others if node for value in source_of(node["dataset"])]
    return [*source_of(composed["dataset"]), *further]


def source_of(dataset: Mapping[str, Any]) -> list[Any]:
    """What tells data given by a path from others of their name: where they are, their sizes, their times.

    Data that tables describe are told by the files beside these: their images are too many to ask each time.
    """
    if "root" in dataset and (root := Path(dataset["root"]).expanduser()).is_dir():
        listed = "tables" in dataset or _has_table(dataset)
        found = sorted(filter(Path.is_file, root.iterdir())) if listed else files_below(root)
        files = json.dumps(census(root, found))
        table = _file(dataset.get("table") or "") if _has_table(dataset) else []
        return [str(root.resolve()), hashlib.sha256(files.encode()).hexdigest(), *table]
    return _file(dataset.get("path", ""))


def _file(name: str) -> list[Any]:
    """What tells a file from others; nothing, if there is none."""
    path = Path(name).expanduser()
    if not path.is_file():
        return []
    return [str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns]


def _has_table(dataset: Mapping[str, Any]) -> bool:
    return str(dataset.get("_target_")).startswith(TABLE)


def science(composed: Mapping[str, Any], *without: str) -> dict[str, Any]:
    """What a run's identity stands for: the config without where and how it is run.

    Args:
        composed: the config as plain values.
        without: further keys to leave out; without `seed`, repetitions share it.
    """
    composed = today(dict(composed))
    chosen = _asked({key: value for key, value in composed.items() if key not in (*NOT_SCIENCE, *without)})
    chosen["schedule"] = _schedule(chosen["schedule"])
    chosen["dataset"] = _data(chosen["dataset"])
    if chosen["oracle"].get("_target_") == PEOPLE:  # where their masks lie; what they are, the record guards
        chosen["oracle"] = _without(chosen["oracle"], "masks")
    chosen["loss"] = LossConfig.model_validate(composed["loss"]).canonical()
    chosen["image_noise"] = ImageNoiseConfig.model_validate(composed.get("image_noise", {})).canonical()
    chosen["patches"] = PatchesConfig.model_validate(composed["patches"]).canonical()
    for key in ("loss", "image_noise", "patches"):
        if not chosen[key]:  # the task's own, none, and whole images, as ever
            del chosen[key]
    if proxy := chosen.get("proxy"):
        asked = ProxyConfig.model_validate(proxy).model_dump()
        chosen["proxy"] = {**asked, "dataset": _data(asked["dataset"])}
    else:
        chosen.pop("proxy", None)
    chosen = _with_encoder(chosen) if chosen.get("encoder") else _without(chosen, *OF_ENCODER)
    if composed["augmentation"]["placement"] == "none":  # then nothing is transformed
        del chosen["augmentation"], chosen["transforms"]
    if composed["posterior"]["_target_"] == POINT:  # one network, as ever
        del chosen["posterior"]
    return chosen


def _with_encoder(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The science of a run with an encoder: its network is none of `model`; a linear head has no epochs."""
    encoder = _without(chosen["encoder"], "cache_dir")
    encoder.update({key: _files(encoder[key]) for key in FILES if encoder.get(key)})
    chosen = {**_without(chosen, "model"), "encoder": encoder}
    if chosen["head"]["_target_"] == LINEAR:
        chosen = {
            **_without(chosen, "optimizer"),
            "schedule": _without(chosen["schedule"], "epochs", "reset"),
        }
    return chosen


def _without(node: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """A node's other keys."""
    return {key: value for key, value in node.items() if key not in keys}


def _schedule(node: Mapping[str, Any]) -> dict[str, Any]:
    """The schedule, files and data sets by what they are."""
    chosen = ScheduleConfig.model_validate(node).canonical()
    if (features := chosen.get("initial_features")) is not None:
        chosen["initial_features"] = _known(Path(features).expanduser())
    if (switch := chosen.get("switch_dataset")) is not None:
        switch["dataset"] = _data(switch["dataset"])
    return chosen


def _data(node: Mapping[str, Any]) -> dict[str, Any]:
    """A data set's node without where it lies; a finding is the same however it is spelled."""
    chosen = {key: value for key, value in node.items() if key not in NOT_SCIENCE_OF_DATA}
    if isinstance(finding := chosen.get("finding"), str):
        chosen["finding"] = plain_name(finding)
    if _has_table(chosen) and chosen.get("table"):
        chosen["table"] = Path(chosen["table"]).name
    return chosen


def _files(value: Any) -> Any:
    """The file that a value names, or each of several, by what they are."""
    if isinstance(value, Mapping):
        return {name: _files(each) for name, each in value.items()}
    return _known(Path(str(value)).expanduser())


def _known(path: Path) -> str:
    """A file by its name and content, wherever it is; what is no file by its name alone."""
    return f"{path.name} {digest(path)[:12]}" if path.is_file() else path.name


def _asked(node: Mapping[str, Any]) -> dict[str, Any]:
    """A node, and the nodes in it, without the keys that came later and ask for nothing."""
    target = str(node.get("_target_"))
    idle = [item for prefix, later in LATER.items() if target.startswith(prefix) for item in later.items()]
    return {
        key: _asked(value) if isinstance(value, Mapping) else value
        for key, value in node.items()
        if (key, value) not in idle
    }


def identity(composed: Mapping[str, Any], *without: str) -> str:
    """Eight hexadecimal digits that stand for a run's science: the same experiment, the same digits."""
    chosen = science(composed, *without)
    if "transforms" in chosen:  # one comes after the other; and 30 degrees are 30.0
        chosen["transforms"] = [[name, _as_floats(step)] for name, step in chosen["transforms"].items()]
    text = json.dumps(original(chosen), sort_keys=True)  # runs from before the move keep their folders
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _as_floats(node: Any) -> Any:
    """The same with its whole numbers as floats: libraries take either."""
    if isinstance(node, Mapping):
        return {key: _as_floats(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_as_floats(value) for value in node]
    return float(node) if isinstance(node, int) and not isinstance(node, bool) else node
