"""How long a person waits for `al-label`: until the page is up, and from one image to the next.

    python scripts/bench_page.py [--questions 5000] [--size 1024] [--images 40]

A run that waits for the labels of so many images (16 bits, size × size, noise: the worst for decoding) is
written to a temporary folder, and answered with keys in Chromium (playwright). Up: from the start of the
command until the first image is drawn, the start of the browser apart. Next: from a key until the next image
is drawn; once as a person works, who looks at each image for half a second, and once without a pause.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from al_runner.data.words import Words
from al_runner.people.asked import Asked, Question

FILES = 20
"""Different images; the others are links to these."""
NEXT = """async (pause) => {
    await new Promise((done) => setTimeout(done, pause));
    const start = performance.now(), before = document.body.dataset.shown;
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "1", bubbles: true }));
    while ((document.body.dataset.shown ?? before) === before) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return performance.now() - start;
}"""


def write(folder: Path, questions: int, size: int) -> Path:
    """A run folder that waits."""
    scans, run = folder / "scans", folder / "run"
    scans.mkdir()
    run.mkdir()
    rng = np.random.default_rng(0)
    for k in range(questions):
        if k < FILES:
            Image.fromarray(rng.integers(0, 2**16, (size, size), np.uint16)).save(scans / f"{k:05}.png")
        else:
            os.link(scans / f"{k % FILES:05}.png", scans / f"{k:05}.png")
    asked = [Question(f"{k:05}.png", "train", k) for k in range(questions)]
    Asked(0, scans, Words(("normal", "pneumonia")), asked, ("true",), folder).write(run)
    (run / "manifest.json").write_text('{"status": "waiting"}')
    return run


def next_ones(page: Page, images: int, pause: int) -> list[float]:
    """Milliseconds to each of the next images."""
    return [page.evaluate(NEXT, pause) for _ in range(images)]


def main() -> None:
    """Write, start, answer, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("questions", 5000), ("size", 1024), ("images", 40)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        run = write(Path(folder), options.questions, options.size)
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1600, "height": 1000})
        start = time.perf_counter()
        command = [str(Path(sys.executable).with_name("al-label")), str(run), "--no-browser", "--by", "AB"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        listening = time.perf_counter() - start
        page.goto(address)
        page.wait_for_selector("body[data-shown]")
        print(f"up: {listening:.2f} s to the address, {time.perf_counter() - start:.2f} s to the first image")
        for pause in (500, 0):
            waits = next_ones(page, options.images, pause)
            median = statistics.median(waits)
            print(f"next, {pause} ms after the last: median {median:.0f} ms, most {max(waits):.0f} ms")
        server.terminate()
        server.wait()
        chromium.close()


if __name__ == "__main__":
    main()
