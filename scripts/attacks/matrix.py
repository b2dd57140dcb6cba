"""The runs that are attacked: of everything that a run can do, something."""

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

STEPS = ("schedule.initial_size=6", "schedule.query_size=4", "schedule.budget=14", "schedule.epochs=2")
PLAIN = (*STEPS, "model.width=2", "logger=none", "trainer=cpu")
OUTLINED = (*STEPS, "model=unet", "model.width=2", "model.depth=1", "logger=none", "trainer=cpu")
TINY = ("schedule.initial_size=6", "schedule.query_size=4", "schedule.budget=10", "schedule.epochs=1",
        "model.width=2", "trainer=cpu")  # fmt: skip
"""Two rounds."""
NPZ = ("al-run", "dataset=npz", "dataset.path=data/classes.npz", "logger=none", *TINY)
"""The same on arrays, started beside the data."""
MAX_COMMANDS = 8
"""That a run with people takes."""


@dataclass(frozen=True)
class Subject:
    """A run that is attacked.

    Attributes:
        name: for people.
        words: of `al-run`; `DATA` stands for the folder of the data.
        answer: what people do when it waits for them.
        settings: `module:name` → what is set there, such as how often something is kept.
    """

    name: str
    words: tuple[str, ...]
    answer: Callable[[Path, Path], None] | None = None
    settings: Mapping[str, float] = field(default_factory=dict)

    def command(self, data: Path) -> list[str]:
        """What is typed."""
        return ["al-run", *(word.replace("DATA", str(data)) for word in self.words)]


def run_folder(place: Path) -> Path | None:
    """The folder of the run that was started in a place; None = there is none yet."""
    return next((path.parent for path in sorted(place.glob("outputs/*/*/*/manifest.json"))), None)


def status(place: Path) -> str:
    """What the manifest says of the run in a place."""
    folder = run_folder(place)
    return str(json.loads((folder / "manifest.json").read_text())["status"]) if folder else "none"


def fill_in(place: Path, _: Path) -> None:
    """Write all labels into the table: by the number of the file."""
    folder = run_folder(place)
    table = folder and folder / "to_label.csv"
    if not table or not table.is_file():
        return
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "label": ("normal", "ill")[int(Path(row["file"]).stem) % 2]} for row in rows)


def outline(place: Path, data: Path) -> None:
    """Save all masks that are asked for: a box where the image is bright."""
    folder = run_folder(place)
    if not folder or not (folder / "asked.json").is_file():
        return
    for each in json.loads((folder / "asked.json").read_text())["questions"]:
        path = folder / "masks" / each["mask"]
        if not path.exists():
            image = np.asarray(Image.open(data / "open_masks" / each["sample"]))
            Image.fromarray((image > 120).astype(np.uint8)).save(path)


def npz(name: str, *words: str) -> tuple[str, ...]:
    """A run on arrays."""
    return ("dataset=npz", f"dataset.path=DATA/{name}.npz", *PLAIN, *words)


SUBJECTS = (
    Subject(
        "classes, warm, final model",
        npz("classes", "augmentation=post_query", "schedule.reset={every: 2}", "keep_pool=true",
            "keep_predictions=true", "keep_checkpoints=all", "+model@schedule.final_model.model=alda_cnn",
            "schedule.final_model.model.width=3", "+schedule.final_model.epochs=2"),
    ),
    Subject("several labels, costs", npz("several", "strategy=margin", "oracle=noisy")),
    Subject(
        "2D masks",
        ("dataset=mask_folder", "dataset.root=DATA/masks", "dataset.labels=[background,box]",
         "dataset.shape=[16,16]", *OUTLINED, "strategy=entropy", "oracle.cost=foreground"),
    ),
    Subject(
        "3D masks, patches",
        ("dataset=nifti_folder", "dataset.root=DATA/volumes", "dataset.labels=[background,box]",
         "dataset.shape=[8,8,8]", *OUTLINED, "patches.size=[8,8,8]", "strategy=margin"),
    ),
    Subject(
        "encoder learned, linear head",
        npz("classes", "encoder=simclr", "encoder.epochs=3", "encoder.least_steps=0", "encoder.batch_size=16",
            "encoder.model.width=2", "strategy=typiclust", "schedule.initial=strategy"),
        settings={"al_runner.learning.encoders.training:KEEP_SECONDS": 0.0},
    ),
    Subject(
        "encoder trained on",
        npz("classes", "encoder=simclr", "encoder.epochs=1", "encoder.least_steps=0", "encoder.batch_size=16",
            "encoder.model.width=2", "head=finetune", "strategy=badge"),
    ),
    Subject(
        "features, Laplace",
        npz("classes", "encoder=features", "encoder.path=DATA/features.npz", "posterior=laplace",
            "posterior.samples=5", "strategy=bald"),
    ),
    Subject(
        "ensemble, bagged queries",
        npz("classes", "posterior=ensemble", "posterior.members=2", "strategy=batchbald", "logger=csv"),
    ),
    Subject(
        "dropout, switch",
        npz("classes", "posterior=mc_dropout", "posterior.samples=3", "strategy=bald",
            "+dataset@schedule.switch_dataset.dataset=npz", "+schedule.switch_dataset.at=0.5",
            "schedule.switch_dataset.dataset.path=DATA/others.npz"),
    ),
    Subject(
        "memory",
        npz("two", "strategy=ideal_deep_features", "strategy.clusters=2", "strategy.epochs=1",
            "strategy.trees=3"),
    ),
    Subject(
        "proxy",
        ("dataset=glas", "data_dir=DATA", "dataset.shape=[16,24]", *OUTLINED, "proxy=glas_grades",
         "model@proxy.model=alda_cnn", "proxy.model.width=2", "proxy.epochs=1",
         "proxy.dataset.shape=[16,16]", "strategy=entropy"),
    ),
    Subject("audit, TensorBoard", npz("classes", "audit=maps", "audit.samples=2", "logger=tensorboard")),
    Subject("W&B offline", npz("classes", "logger=wandb", "logger.mode=offline", "logger.max_images=2")),
    Subject(
        "people label",
        ("dataset=unlabeled", "dataset.root=DATA/scans", "dataset.classes=[normal,ill]",
         "dataset.image_size=14", "dataset.test_size=8", "oracle=people", *PLAIN),
        fill_in,
    ),
    Subject(
        "people outline",
        ("dataset=mask_folder", "dataset.root=DATA/open_masks", "dataset.labels=[background,box]",
         "dataset.shape=[16,16]", "dataset.missing=unlabeled", "dataset.test_size=5", "oracle=people",
         "oracle.start=true", *OUTLINED),
        outline,
    ),
)  # fmt: skip
