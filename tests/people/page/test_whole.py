"""From scans to a finished run: a person in a real browser, the run and the page killed on the way."""

import csv
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.commands import Command
from tests.people.page.test_browser import Label, Person
from tests.people.test_runs import rows

pytestmark = pytest.mark.slow
SIZES = ["dataset.test_size=8", "schedule.initial_size=6", "schedule.query_size=4", "schedule.budget=14"]
UNSURE = 5
"""Every so many images the person cannot tell."""


def write_scans(data_dir: Path, root: Path) -> dict[str, str]:
    """Sixty images of PneumoniaMNIST as PNG, and what a person says of each."""
    root.mkdir()
    with np.load(data_dir / "medmnist" / "pneumoniamnist.npz") as arrays:
        images, labels = arrays["train_images"][:60], arrays["train_labels"][:60, 0]
    said = {}
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(image).save(root / f"{i:02}.png")
        said[f"{i:02}.png"] = "cannot tell" if i % UNSURE == 0 else ("normal", "pneumonia")[int(label)]
    return said


def arguments(al_run: Command) -> list[str]:
    return [
        "dataset=unlabeled", f"dataset.root={al_run.folder / 'scans'}", "dataset.classes=[normal,pneumonia]",
        "dataset.image_size=28", "oracle=people", *SIZES, "schedule.epochs=3", "model.width=4", "logger=none",
    ]  # fmt: skip


class Reader(Person):
    """Somebody who knows what each image shows, by its name."""

    said: dict[str, str]

    def name(self) -> str:
        return self.text("#names dd >> nth=0").strip()

    def answer(self, by_click: bool = False) -> None:
        """The image on the screen, by a key or by a click."""
        label = self.said[self.name()]
        if by_click:
            self.page.click("#cannot" if label == "cannot tell" else f"#choices >> text={label}")
        else:
            self.page.keyboard.press({"normal": "1", "pneumonia": "2", "cannot tell": "x"}[label])

    def go(self, button: str) -> None:
        """A button between rounds; it takes half a second, so that an answer given twice starts nothing."""
        self.page.wait_for_selector(button, timeout=120_000)
        self.page.wait_for_timeout(600)
        self.page.click(button)

    def label_round(self, count: int, first: int = 0) -> None:
        for place in range(first, count):
            self.sees(place)
            self.answer(by_click=place % 2 == 0)
        self.page.wait_for_selector("#train:visible")


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_a_person_labels_is_what_a_simulated_oracle_makes(
    chromium: Any,
    al_run: Command,
    data_dir: Path,
) -> None:
    said = write_scans(data_dir, al_run.folder / "scans")
    asks = arguments(al_run)
    folder = al_run.run_folder(*asks)
    label = Label(folder, "--by", "AB", "--show-names")
    person = Reader(chromium, label)
    person.said = said
    person.sees(0)
    person.page.keyboard.press("1")  # a slip, taken back
    person.sees(1)
    person.press("u", 0)
    for place in range(4):
        person.sees(place)
        person.answer()
    person.sees(4)
    person.page.reload()
    person.sees(4)
    port = label.port
    label.end(signal.SIGKILL)
    label.start("--port", port)
    person.open(label)
    person.label_round(14, first=4)
    person.go("#train:visible")
    wait_for(lambda: running(folder) is not None)
    os.kill(int(running(folder) or 0), signal.SIGKILL)  # the run dies while it trains
    person.go("text=Try again")
    person.go("#go-on:visible")
    person.label_round(4)
    person.go("#train:visible")
    person.go("#go-on:visible")
    person.label_round(4)
    person.go("#train:visible")
    person.page.wait_for_selector("text=The run is finished", timeout=120_000)
    assert label.end() == 0
    table = al_run.folder / "said.csv"
    table.write_text("file,label\n" + "".join(f"{name},{what}\n" for name, what in said.items()))
    simulated = al_run.run_folder(*asks, "oracle=simulated", f"dataset.labels={table}")
    assert rows(folder, "queries.csv") == rows(simulated, "queries.csv")
    found = rows(folder, "rounds.csv")
    minutes = [float(row.pop("minutes")) for row in found]
    assert found == rows(simulated, "rounds.csv")
    assert 0 < minutes[0] < minutes[1] < minutes[2]
    assert any(row["label"] == "cannot tell" for row in rows(folder, "queries.csv"))
    kept = list(csv.DictReader((folder / "labels.csv").open(encoding="utf-8")))
    assert {row["by"] for row in kept} == {"AB"}
    assert all(float(row["seconds"]) >= 0 for row in kept if row["label"])


def running(folder: Path) -> int | None:
    """The process that trains, once it has begun."""
    if json.loads((folder / "manifest.json").read_text())["status"] != "running":
        return None
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (entry / "cmdline").is_file():
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"al_runner" in words and str(folder.parents[3] / "scans").encode() in b" ".join(words):
                return int(entry.name)
    return None
