"""Bad files for everything that reads one: each is refused in one line, or what it says can be meant."""

import os
import pickle
import random
import resource
import shutil
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hydra import compose, initialize_config_module
from omegaconf import DictConfig

from al_runner.config.parts import Parts
from al_runner.config.schema import validate
from al_runner.errors import InputError
from al_runner.runs.build import build, prepare
from attacks.damages import DAMAGES, OTHERS, spoil
from attacks.kills import Outcome


@dataclass(frozen=True)
class Reader:
    """Something that reads a file.

    Attributes:
        name: for people.
        words: of the `al-run` that reads it; `DATA` stands for the folder of the data.
        files: those that it reads, below that folder.
    """

    name: str
    words: tuple[str, ...]
    files: tuple[str, ...]


STEPS = ("schedule.initial_size=6", "schedule.query_size=4", "schedule.budget=14", "schedule.epochs=1")
NPZ = ("dataset=npz", "dataset.path=DATA/classes.npz", "model.width=2")
BOXES = ("dataset.labels=[background,box]", "model=unet", "model.width=2", "model.depth=1")
SCANS = ("dataset.classes=[normal,ill]", "dataset.image_size=14", "model.width=2")
READERS = (
    Reader("npz", NPZ, ("classes.npz",)),
    Reader(
        "npz, several", ("dataset=npz", "dataset.path=DATA/several.npz", "model.width=2"), ("several.npz",)
    ),
    Reader("features", (*NPZ, "encoder=features", "encoder.path=DATA/features.npz"), ("features.npz",)),
    Reader(
        "first features",
        (*NPZ, "schedule.initial=k_center", "schedule.initial_features=DATA/first.npy"),
        ("first.npy",),
    ),
    Reader(
        "weights",
        (
            *NPZ,
            "encoder=state_file",
            "model@encoder.model=convnet",
            "encoder.model.width=2",
            "encoder.file=DATA/weights.pt",
        ),
        ("weights.pt",),
    ),
    Reader("script", (*NPZ, "encoder=torchscript", "encoder.file=DATA/script.pt"), ("script.pt",)),
    Reader(
        "masks",
        ("dataset=mask_folder", "dataset.root=DATA/masks", "dataset.shape=[16,16]", *BOXES),
        ("masks/images/00.png", "masks/masks/00.png"),
    ),
    Reader(
        "volumes",
        ("dataset=nifti_folder", "dataset.root=DATA/volumes", "dataset.shape=[8,8,8]", *BOXES),
        ("volumes/images/00.nii.gz", "volumes/masks/00.nii.gz"),
    ),
    Reader(
        "decathlon",
        (
            "dataset=decathlon",
            "dataset.folder=Task99_Boxes",
            "data_dir=DATA",
            "dataset.shape=[8,8,8]",
            *BOXES[1:],
        ),
        ("Task99_Boxes/dataset.json",),
    ),
    Reader(
        "glas",
        ("dataset=glas", "data_dir=DATA", "dataset.shape=[16,24]", *BOXES[1:]),
        ("glas/Grade.csv", "glas/train_1.bmp", "glas/train_1_anno.bmp"),
    ),
    Reader(
        "grades",
        ("dataset=glas_grades", "data_dir=DATA", "dataset.shape=[16,24]", "model.width=2"),
        ("glas/Grade.csv", "glas/train_1.bmp"),
    ),
    Reader(
        "scans",
        (
            "dataset=unlabeled",
            "dataset.root=DATA/scans",
            "dataset.labels=DATA/labels.csv",
            "oracle=people",
            *SCANS,
        ),
        ("scans/00.png", "labels.csv"),
    ),
    *(
        Reader(
            f"table, {kind}",
            ("dataset=table", "dataset.root=DATA/scans", f"dataset.table=DATA/labels.{kind}", *SCANS),
            (f"labels.{kind}",),
        )
        for kind in ("csv", "xlsx", "parquet")
    ),
    Reader(
        "folders", ("dataset=image_folder", "dataset.root=DATA/folders", *SCANS[1:]), ("folders/ill/01.png",)
    ),
)
"""Everything that reads a file of the user's."""
MEMORY, SECONDS = 20 * 2**30, 60
"""Bytes of address space, and seconds, that a reader may take."""


@dataclass(frozen=True)
class Case:
    """A file that is damaged."""

    reader: Reader
    file: str
    damage: str

    @property
    def subject(self) -> str:
        """The name of the reader."""
        return self.reader.name

    def __str__(self) -> str:
        return f"{self.reader.name}: {self.file}: {self.damage}"


def cases() -> Iterator[Case]:
    """Every file of every reader with every damage."""
    for reader in READERS:
        for file in reader.files:
            for name in (*DAMAGES, *OTHERS):
                yield Case(reader, file, name)


def attempt(case: Case, data: Path, scratch: Path) -> Outcome:
    """Read it: in a process of its own, up to where a run would begin to learn.

    Args:
        case: what is damaged.
        data: whole.
        scratch: where this process has a copy of the data, whose file is damaged and put back.
    """
    place = scratch / f"reader_{os.getpid()}"
    if not place.exists():
        shutil.copytree(data, place / "data")
    path = place / "data" / case.file
    spoil(path, case.damage, random.Random(str(case)))
    config = composed(case.reader)
    outcome = in_a_fork(lambda: read(config), place)
    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    shutil.copy2(data / case.file, path)
    shutil.rmtree(place / "cache", ignore_errors=True)
    return outcome


@cache
def composed(reader: Reader) -> DictConfig:
    """What Hydra makes of its command, which is started beside the data."""
    words = [word.replace("DATA", "data") for word in reader.words]
    with initialize_config_module("al_runner.conf", version_base="1.3"):
        return compose("config", [*words, "logger=none", "trainer=cpu", *STEPS])


def in_a_fork(action: Callable[[], Outcome], place: Path) -> Outcome:
    """What an action says in a process of its own, which may fail, hang, or want too much memory."""
    end, start = os.pipe()
    if not (child := os.fork()):
        with suppress(BaseException):
            os.chdir(place)
            os.environ["AL_RUNNER_CACHE"] = str(place / "cache")
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.write(start, pickle.dumps(action()))
        os._exit(0)
    os.close(start)
    with os.fdopen(end, "rb") as pipe:
        content = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return pickle.loads(content) if content else Outcome(0, (f"its process died: {code}",))


def read(config: DictConfig) -> Outcome:
    """What a job does before it begins to learn; it may write nothing."""

    def build_all() -> None:
        typed, parts = validate(config), Parts(config)
        parts.check()
        build(prepare(typed, parts), typed, parts, lambda _done, _all: None)

    outcome = judged(build_all)
    written = [path.name for path in Path.cwd().iterdir() if path.name not in ("data", "cache")]
    return Outcome(0, (*outcome.faults, f"wrote {written}"), outcome.refused) if written else outcome


def judged(action: Callable[[], object]) -> Outcome:
    """What becomes of an action: refused (one line), accepted, or a fault."""
    try:
        action()
    except InputError as error:
        line = str(error)
        return Outcome(0, () if line and "\n" not in line else (f"not one line: {line!r}",), refused=True)
    except BaseException:
        return Outcome(0, (" ".join(traceback.format_exc().split())[-700:],))
    return Outcome(0, ())
