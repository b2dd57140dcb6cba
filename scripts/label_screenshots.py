"""The screenshots of docs/labeling.md: slices of the phantom, labeled in Chromium by somebody who knows them.

python scripts/label_screenshots.py docs
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from al_runner.data.sets import phantom

ORGANS = ("liver", "spleen", "kidney-left", "heart")
IMAGES, EDGE = 200, 280
SIZES = ["dataset.test_size=30", "schedule.initial_size=10", "schedule.query_size=10", "schedule.budget=40"]
BIN = Path(sys.executable).parent


def write_scans(root: Path) -> dict[str, str]:
    """Slices as PNG, large enough to be seen; what each shows."""
    dataset = phantom.load(n_train=2000, n_val=10, n_test=10)
    shown = {}
    root.mkdir()
    for image, target in zip(dataset.train.images[:, 0].numpy(), dataset.train.targets.tolist(), strict=True):
        organ = dataset.class_names[target]
        if organ in ORGANS and len(shown) < IMAGES:
            name = f"slice_{len(shown):03}.png"
            Image.fromarray(np.asarray(image)).resize((EDGE, EDGE), Image.Resampling.BICUBIC).save(
                root / name
            )
            shown[name] = organ
    return shown


def run(folder: Path) -> Path:
    """Ask for the first labels."""
    classes = ",".join(ORGANS)
    asks = [
        "experiment=people",
        "dataset.root=scans",
        f"dataset.classes=[{classes}]",
        "encoder.epochs=20",
        "encoder.least_steps=100",
    ]
    words = [str(BIN / "al-run"), *asks, *SIZES]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    return folder / done.stdout.splitlines()[-1]


def label(page: Any, shown: dict[str, str], count: int) -> None:
    """A round."""
    for place in range(count):
        page.wait_for_selector(f"body[data-shown='{place}'] #fields:not([inert])")
        name = page.inner_text("#names dd >> nth=0").strip()
        page.keyboard.press(str(ORGANS.index(shown[name]) + 1))
    for button in ("#train:visible", "#go-on:visible"):
        page.wait_for_selector(button, timeout=300_000)
        page.wait_for_timeout(700)
        if button.startswith("#train"):
            page.click(button)


def main() -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as place, sync_playwright() as started:
        shown = write_scans(Path(place, "scans"))
        words = [str(BIN / "al-label"), str(run(Path(place))), "--no-browser", "--by", "AB", "--show-names"]
        server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        found = re.search(r"http\S+", server.stdout.readline())
        assert found is not None
        browser = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 700})
        page.goto(found[0])
        label(page, shown, 40)
        page.click("#go-on")
        for _ in range(2):
            label(page, shown, 10)
            page.screenshot(path=out / "labeling_curve.png")
            page.click("#go-on")
        page.wait_for_selector("body[data-shown='0'] #fields:not([inert])")
        page.screenshot(path=out / "labeling.png")
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
