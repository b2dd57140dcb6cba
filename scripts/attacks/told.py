"""Names that mean harm in pages and tables, and secrets of the user, which nothing tells."""

import csv
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from PIL import Image

from al_runner.files import FORMULAS
from attacks.data import EDGE
from attacks.forks import command, done
from attacks.matrix import NPZ, TINY, run_folder

SECRETS = {
    "WANDB_API_KEY": "5ecre7" * 7,
    "LABEL_STUDIO_API_KEY": "token-of-label-studio-77",
    "AL_LABEL_PASSWORD": "password-of-the-page-77",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-cloud-77",
}
TYPED = ("address-user-77", "address-token-77", "address-key-77")
EVIL = (
    "<script>alert(1)",
    "<img src=x onerror=alert(1)>",
    "=HYPERLINK(0)",
    "+cmd|calc",
    "@SUM(1)",
    "$\\frac{$",
    "{{7*7}}",
    "a,b\"c'd",
)
"""Names of classes; a folder cannot have a slash."""
URL = f"https://{TYPED[0]}:{TYPED[1]}@host.invalid/a.npz?api_key={TYPED[2]}"
CODE = """from al_runner.strategies.random import random


def ask(learner, pool, size, generator, url):
    return random(learner, pool, size, generator)
"""


class _Tags(HTMLParser):
    """What a page has that could run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" or any(name.startswith("on") for name, _ in attrs):
            self.found.append(self.get_starttag_text() or tag)


def names_that_mean_harm(place: Path, _: Path) -> Iterator[str]:
    """Classes and files whose names are HTML, JavaScript, formulas or templates."""
    rng, scans = np.random.default_rng(0), place / "data" / "evil"
    for k in range(12 * len(EVIL)):
        folder = scans / EVIL[k % len(EVIL)]
        folder.mkdir(parents=True, exist_ok=True)
        image = rng.integers(0, 255, (EDGE, EDGE), dtype=np.uint8)
        Image.fromarray(image).save(folder / f"{EVIL[k // 12]}{k}.png")
    words = ("al-run", "dataset=image_folder", "dataset.root=data/evil", "dataset.image_size=14",
             "logger=none", "audit=maps", "audit.samples=1", *TINY)  # fmt: skip
    done(place, *words)
    done(place, "al-report", "outputs", "--out", "report")
    folder = run_folder(place)
    assert folder is not None
    done(place, "al-predict", str(folder))
    page = _Tags()
    page.feed((place / "report" / "index.html").read_text())
    yield from (f"the page runs {tag}" for tag in page.found)
    yield from _drawn(place / "report")
    shutil.rmtree(place / "outputs")
    ask = ("al-run", "dataset=unlabeled", "dataset.root=data/evil", "dataset.image_size=14",
           "dataset.classes=[normal,ill]", "dataset.test_size=5", "oracle=people", "logger=none",
           *TINY)  # fmt: skip
    done(place, *ask)
    asked = run_folder(place)
    assert asked is not None
    for path in [*(place / "report").rglob("*.csv"), asked / "to_label.csv"]:
        yield from _formulas(path)
    table = asked / "to_label.csv"
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "label": "ill"} for row in rows)
    if "waiting for 4 labels" not in done(place, *ask).err:
        yield "what people filled in is not taken"


def _drawn(folder: Path) -> Iterator[str]:
    """What figures could run."""
    for path in folder.rglob("*.svg"):
        if re.search(r"<script|\son\w+=|javascript:", path.read_text(), re.IGNORECASE):
            yield f"{path.name} runs something"


def _formulas(path: Path) -> Iterator[str]:
    """Cells that a spreadsheet would compute."""
    with path.open(newline="") as file:
        for row in csv.reader(file):
            for cell in row:
                if len(cell) > 1 and cell.startswith(FORMULAS) and not _is_number(cell):
                    yield f"{path.name} has the formula {cell}"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def secrets(place: Path, _: Path) -> Iterator[str]:
    """Tokens of the environment and of the command, and where they could be told."""
    (place / "mine" / "strategy").mkdir(parents=True)
    (place / "mine" / "asks.py").write_text(CODE)
    (place / "mine" / "strategy" / "asks.yaml").write_text("_target_: asks.ask\n_partial_: true\nurl: null\n")
    asks = ("al-run", "--config-dir", "mine", "strategy=asks", f"strategy.url='{URL}'", *NPZ[1:3], *TINY)
    done(place, *asks, "logger=csv")
    done(place, *asks, "logger=wandb", "logger.mode=offline", "seed=1")
    told = command(("al-run", "dataset=breastmnist", f"dataset.url='{URL}'", "data_dir=none", *TINY), place)
    command(("al-report", "outputs", "--out", "report"), place)
    yield from _told(told.out + told.err, "a message")
    for path in (each for each in place.rglob("*") if each.is_file() and "data" not in each.parts):
        yield from _told(path.read_bytes().decode(errors="replace"), str(path.relative_to(place)))


def _told(text: str, where: str) -> Iterator[str]:
    yield from (f"{where} tells {secret}" for secret in (*SECRETS.values(), *TYPED) if secret in text)
