"""From a folder of scans to a model, as docs/labeling.md does it: how long it takes, how good the model is.

python scripts/label_trial.py chest_xray

Labels are the names of the folders in which the images lie. The run sees copies without them, by neutral
names, and Chromium answers its page at once. As many images again, which the run never sees, test the model.
"""

import argparse
import csv
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import sync_playwright

BIN, ROUNDS = Path(sys.executable).absolute().parent, 3  # on the page; one more is answered in the table
TABLE, READY = "to_label.csv", "body[data-shown='{}'] #fields:not([inert])"


def said(name: str, since: float, what: str = "") -> None:
    """A row of the table."""
    print(f"| {name} | {time.perf_counter() - since:.1f} | {what} |", flush=True)


def rows(path: Path) -> list[dict[str, str]]:
    """Of a table."""
    return list(csv.DictReader(path.read_text().splitlines()))


def step(name: str, words: list[str], told: Callable[[], str] = str) -> str:
    """Time a command of al-runner; the last line that it prints."""
    since, command = time.perf_counter(), [str(BIN / words[0]), *words[1:]]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    said(name, since, told())
    return done.stdout.splitlines()[-1]


def hide(source: Path, count: int, place: Path) -> dict[str, str]:
    """Copy images to `scans`, as many to `new_scans`; name → label."""
    known, files = {}, sorted(path for path in source.rglob("*.*") if path.is_file())
    for k, path in enumerate(random.Random(0).sample(files, 2 * count)):
        copy = place / ("scans" if k < count else "new_scans") / f"scan_{k:04}{path.suffix.lower()}"
        copy.parent.mkdir(exist_ok=True)
        known[shutil.copyfile(path, copy).name] = path.parent.name
    return known


def measured(run: Path) -> str:
    """What the random sample says of the last model."""
    row = rows(run / "rounds.csv")[-1]
    value, low, high = (f"{float(row[f'test/accuracy{end}']):.3f}" for end in ("", "_low", "_high"))
    return f"{row['n_labeled']} labels: accuracy {value} [{low}, {high}]"


def right(table: Path, known: dict[str, str]) -> str:
    """How many predictions are true."""
    hits = [known[Path(row["file"]).name] == row["prediction"] for row in rows(table)]
    return f"{sum(hits)} of {len(hits)} right: {sum(hits) / len(hits):.3f}"


def on_page(run: Path, known: dict[str, str], classes: list[str]) -> None:
    """The rounds that are answered on the page."""
    since, words = time.perf_counter(), [str(BIN / "al-label"), str(run), "--no-browser", "--by", "AB"]
    with sync_playwright() as started, subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(600_000)
        page.goto(server.stdout.readline().split()[-1])
        page.wait_for_selector(READY.format(0))
        said("al-label, until the first image", since)
        for number in range(ROUNDS):
            since, names = time.perf_counter(), [row["file"] for row in rows(run / TABLE)]
            for k, name in enumerate(names):
                page.wait_for_selector(READY.format(k))
                page.keyboard.press(str(classes.index(known[name]) + 1))
            page.wait_for_selector("#train:visible")
            said(f"round {number}", since, f"{len(names)} answers")
            page.wait_for_timeout(700)  # a click before it is taken for the last image's
            since = time.perf_counter()
            page.click("#train")
            page.wait_for_selector("#go-on:visible")
            said("Train and ask next", since, measured(run))
            page.click("#go-on")
        server.terminate()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="images in folders of their classes")
    parser.add_argument("--images", type=int, default=300)
    args = parser.parse_args()
    print("| step | seconds | |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        os.environ["AL_RUNNER_CACHE"] = f"{place}/cache"  # nobody has trained its encoder before
        known = hide(args.folder, args.images, Path(place))
        os.chdir(place)
        classes = sorted({*known.values()})
        asks = ["al-run", "experiment=people", "dataset.root=scans", f"dataset.classes=[{','.join(classes)}]"]
        run = Path(step("al-run, until it asks", asks, lambda: f"{args.images} images"))
        on_page(run, known, classes)
        answers = [f"{row['file']},{known[row['file']]}" for row in rows(run / TABLE)]
        (run / TABLE).write_text("\n".join(["file,label", *answers]))
        step(f"al-run, {len(answers)} answers in the table", asks, lambda: measured(run))
        pool, elsewhere, predict = "predictions.csv", "predictions_of_images.csv", ["al-predict", str(run)]
        step("al-predict", predict, lambda: right(run / pool, known))
        step("al-predict new_scans", [*predict, "new_scans"], lambda: right(run / elsewhere, known))
        step("al-predict --export", [*predict, "--export", "model.pt2"])
        step("al-report", ["al-report", "outputs/scans"])


if __name__ == "__main__":
    main()
