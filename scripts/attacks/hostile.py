"""Files of somebody who means harm: nothing of them is executed, or written elsewhere."""

import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import yaml

from al_runner.files import digest
from attacks.data import SPLITS
from attacks.forks import command, done, last
from attacks.kills import Outcome, clear
from attacks.matrix import NPZ, TINY, run_folder
from attacks.told import SECRETS, names_that_mean_harm, secrets


class Payload:
    """A pickle that leaves a trace where it is loaded."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, (f"touch '{self.trace}'",)


@dataclass(frozen=True)
class Harm:
    """Something that is tried: it prepares a place, gives commands, and yields what went wrong."""

    name: str
    tried: Callable[[Path, Path], Iterator[str]]
    subject: str = "hostile"

    def __str__(self) -> str:
        return self.name


def attempt(harm: Harm, data: Path, place: Path) -> Outcome:
    """Try it in a place of its own; nothing outside may change."""
    shutil.copytree(data, place / "data")
    trace = place.with_name(f"{place.name}.trace")
    os.environ.update(SECRETS)
    try:
        found = list(harm.tried(place, trace))
    except Exception as error:
        found = [f"{type(error).__name__}: {error}"]
    found += ["it was executed"] if trace.exists() else []
    for name in SECRETS:
        os.environ.pop(name)
    clear(place)
    return Outcome(0, found)


def refused(place: Path, *words: str, said: str = "") -> Iterator[str]:
    """A command that has to end in one line."""
    ended = command(words, place)
    lines = [line for line in ended.err.splitlines() if line.startswith(f"{words[0]}: ")]
    if ended.code != 2 or len(lines) < 1 or "Traceback" in ended.err or said not in ended.err:
        yield f"{' '.join(words[:3])} ended with {ended.code}: {last(ended.err)}"
    if left := [path.name for path in place.glob("outputs/*")]:
        yield f"wrote {left}"


def pickled_arrays(place: Path, trace: Path) -> Iterator[str]:
    """Object arrays are pickles."""
    evil = np.array([Payload(trace)] * 40, dtype=object)
    names = (f"{split}_{part}" for split in SPLITS for part in ("images", "labels"))
    np.savez(place / "data" / "classes.npz", **dict.fromkeys(names, evil))
    yield from refused(place, *NPZ)


def pickled_features(place: Path, trace: Path) -> Iterator[str]:
    """The same as features, of an encoder or of the first query."""
    evil = np.array([Payload(trace)] * 40, dtype=object)
    np.savez(place / "data" / "features.npz", train=evil, val=evil, test=evil)
    np.save(place / "data" / "first.npy", evil, allow_pickle=True)
    (place / "data" / "raw.npy").write_bytes(pickle.dumps(Payload(trace)))
    yield from refused(place, *NPZ, "encoder=features", "encoder.path=data/features.npz")
    for name in ("first", "raw"):
        words = ("schedule.initial=k_center", f"schedule.initial_features=data/{name}.npy")
        yield from refused(place, *NPZ, *words)


def pickled_weights(place: Path, trace: Path) -> Iterator[str]:
    """A file of weights that is a pickle, old and new."""
    path = place / "data" / "weights.pt"
    words = (*NPZ, "encoder=state_file", "model@encoder.model=convnet", "encoder.model.width=2",
             "encoder.file=data/weights.pt")  # fmt: skip
    for content in ("zip", "legacy", "raw"):
        if content == "raw":
            path.write_bytes(pickle.dumps(Payload(trace)))
        else:
            torch.save({"w": Payload(trace)}, path, _use_new_zipfile_serialization=content == "zip")
        yield from refused(place, *words)


def pickled_states(place: Path, trace: Path) -> Iterator[str]:
    """A run folder whose checkpoint and arrays are pickles, its checksums made to fit."""
    done(place, *NPZ, "audit=maps", "audit.samples=1", "keep_pool=true")
    folder = run_folder(place)
    assert folder is not None
    closed = folder / "round_1"
    torch.save({"w": Payload(trace)}, closed / "checkpoint.pt")
    evil = np.array([Payload(trace)], dtype=object)
    for name in ("picks", "confusion_test", "audit", "pool", "pool_scores"):
        np.save(closed / f"{name}.npy", evil, allow_pickle=True)
    told = json.loads((closed / "round.json").read_text())
    told["digests"] = {name: digest(closed / name) for name in told["digests"]}
    (closed / "round.json").write_text(json.dumps(told))
    yield from _one_line(place, "al-report", "outputs", "--out", "report")
    yield from _one_line(place, "al-predict", str(folder))


def _one_line(place: Path, *words: str) -> Iterator[str]:
    """A command that has to be refused, in a place that has outputs."""
    ended = command(words, place)
    if ended.code != 2 or "Traceback" in ended.err or f"{words[0]}: " not in ended.err:
        yield f"{words[0]} ended with {ended.code}: {last(ended.err)}"


def other_config(place: Path, trace: Path) -> Iterator[str]:
    """A run folder whose config is another one, with code in it, or in YAML's own words."""
    done(place, *NPZ)
    folder = run_folder(place)
    assert folder is not None
    path = folder / ".hydra" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["strategy"] = {"_target_": "os.system", "command": f"touch '{trace}'"}
    for text in (yaml.safe_dump(config), f"a: !!python/object/apply:os.system ['touch {trace}']\n"):
        path.write_text(text)
        yield from _one_line(place, "al-predict", str(folder))
        done(place, *NPZ)
        done(place, "al-report", "outputs", "--out", "report")


def paths_that_leave(place: Path, _: Path) -> Iterator[str]:
    """A description, a table and a name that lead out of their folder."""
    shutil.move(place / "data" / "scans" / "00.png", place / "outside.png")
    shutil.copy(place / "data" / "Task99_Boxes" / "images" / "00.nii.gz", place / "outside.nii.gz")
    path = place / "data" / "Task99_Boxes" / "dataset.json"
    told = json.loads(path.read_text())
    for outside in ("../../outside.nii.gz", str(place / "outside.nii.gz")):
        told["training"][0]["image"] = outside
        path.write_text(json.dumps(told))
        words = ("al-run", "dataset=decathlon", "dataset.folder=Task99_Boxes", "data_dir=data", "model=unet",
                 "model.depth=1", "logger=none", *TINY)  # fmt: skip
        yield from refused(place, *words)
        table = place / "data" / "labels.csv"
        text = table.read_text()
        table.write_text(text.replace("00.png", outside.replace("nii.gz", "png")))
        words = ("al-run", "dataset=table", "dataset.root=data/scans", "dataset.table=data/labels.csv",
                 "dataset.image_size=14", "logger=none", *TINY)  # fmt: skip
        yield from refused(place, *words)
        table.write_text(text)
    for word in ("name=../x", "name=/tmp/x", "report.arm=../x", "dataset.name=../x"):
        yield from refused(place, *NPZ, word)


def claims(place: Path, _: Path) -> Iterator[str]:
    """A zip archive whose directory says that it holds 50 GB."""
    path = place / "data" / "classes.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train_images.npy", b"x" * 1000)
    content, size = path.read_bytes(), (1000).to_bytes(4, "little")
    path.write_bytes(content.replace(size, (4_000_000_000).to_bytes(4, "little")))
    yield from refused(place, *NPZ)


HARMS = tuple(
    Harm(each.__name__.replace("_", " "), each)
    for each in (
        pickled_arrays,
        pickled_features,
        pickled_weights,
        pickled_states,
        other_config,
        paths_that_leave,
        claims,
        names_that_mean_harm,
        secrets,
    )
)
