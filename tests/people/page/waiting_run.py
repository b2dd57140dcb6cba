"""A run folder that waits for labels, and a command that trains nothing and asks the next round."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from al_runner.data.words import Words
from al_runner.people.asked import Asked, Question

CLASSES = ("normal", "pneumonia")
NEXT = """
import json, sys, time
from pathlib import Path

import numpy as np
from al_runner.learning.intervals import binomial
from al_runner.people.answers import Answers
from al_runner.people.asked import Asked

folder, last = Path("run"), int(sys.argv[1])
manifest = folder / "manifest.json"
asked = Asked.read(folder)
given = Answers(folder).counting()
manifest.write_text('{"status": "running"}')
if (folder / "ended.json").is_file():
    (folder / "asked.json").unlink()
    manifest.write_text('{"status": "finished"}')
    sys.exit()
for epoch in (1, 2, 3):
    print(f"round {asked.round}: training, epoch {epoch}", file=sys.stderr, flush=True)
    time.sleep(float(sys.argv[2]))
if (folder / "fail").is_file():
    manifest.write_text('{"status": "failed", "error": "out of <b>memory</b>"}')
    sys.exit("al-run: out of <b>memory</b>")
(folder / f"round_{asked.round}").mkdir()
counts = [[20, 5], [3, 22 + asked.round]]
np.save(folder / f"round_{asked.round}" / "confusion_test.npy", counts)
rows = folder / "rounds.csv"
ends = [f"test/{name}{end}" for name in ("accuracy", "auroc") for end in ("", "_low", "_high")]
before = rows.read_text() if rows.is_file() else ",".join(["round", "n_labeled", *ends]) + "\\n"
right, tested = 42 + asked.round, 50 + asked.round
low, high = binomial(right, tested)
rows.write_text(before + f"{asked.round},{len(given)},{right / tested},{low},{high},0.9,0.805,0.97\\n")
spare = sorted(path.name for path in asked.root.iterdir())[len(given):][:len(asked.questions)]
if asked.round == last:
    (folder / "asked.json").unlink()
    manifest.write_text('{"status": "finished"}')
else:
    told = json.loads((folder / "asked.json").read_text())
    questions = [{"sample": name, "split": "train", "index": k, "patient": "", "guess": [0.25, 0.75]}
                 for k, name in enumerate(spare)]
    told |= {"round": asked.round + 1, "questions": questions}
    (folder / "new.json").write_text(json.dumps(told))
    (folder / "new.json").replace(folder / "asked.json")
    manifest.write_text('{"status": "waiting"}')
"""


def write(
    folder: Path,
    n: int = 6,
    images: int | None = None,
    size: int = 64,
    words: Words | None = None,
    last: int = 1,
    seconds: float = 0.05,
    samples: Sequence[str] = (),
    guess: bool = True,
) -> Path:
    """A run that asks for n samples in round 0 and in each later one.

    Args:
        folder: gets `scans/`, `next.py` and `run/`.
        n: questions of a round.
        images: in the pool; enough for two rounds where nobody says.
        size: pixels of an edge.
        words: the labels.
        last: the round that ends the run.
        seconds: of each of three epochs.
        samples: instead of the first n of the pool.
        guess: whether there is a model that guesses.

    Returns:
        The run folder.
    """
    scans, run = folder / "scans", folder / "run"
    scans.mkdir(parents=True)
    run.mkdir()
    rng = np.random.default_rng(0)
    names = [f"{k:05}.png" for k in range(2 * n if images is None else images)]
    for k, name in enumerate(names):
        Image.fromarray(picture(rng, size, k % 2 == 1)).save(scans / name)
    (folder / "next.py").write_text(NEXT)
    words = words or Words(CLASSES)
    share = 1 / len(words.classes)
    questions = [
        Question(name, "test", k, f"patient {k}", (share,) * len(words.classes) if guess else None)
        for k, name in enumerate(samples or names[:n])
    ]
    command = (sys.executable, "next.py", str(last), str(seconds))
    Asked(0, scans, words, questions, command, folder).write(run)
    (run / "manifest.json").write_text(json.dumps({"status": "waiting"}))
    return run


def picture(rng: np.random.Generator, size: int, has_spot: bool) -> np.ndarray:
    """Two dark lungs in a gray chest; with a spot in one."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]  # type: ignore[misc]
    image = 150 - 60 * np.hypot(x, y)
    for side in (-0.42, 0.42):
        image[((x - side) / 0.3) ** 2 + (y / 0.7) ** 2 < 1] *= 0.35
    if has_spot:
        image[np.hypot(x - 0.4, y - 0.2) < 0.12] += 60
    return (image + rng.normal(0, 5, image.shape)).clip(0, 255).astype(np.uint8)
