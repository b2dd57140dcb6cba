"""Build the wheel and use it as a user would: from a clean environment, started from another folder.

    python scripts/wheel_check.py

The clean environment sees the dependencies of the one that runs this script, but not its al-runner: the wheel
is installed without dependencies. A strategy of the user's own (one Python file, one YAML file outside the
package) is run through the installed command on a small file in MedMNIST's layout.
"""

import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]

STRATEGY = '''\
"""Query what the model is least sure of."""

from al_runner.acquisition.uncertainty import least_confidence
from al_runner.loop.pool import Query


def cautious(learner, pool, size, generator):
    unlabeled = pool.unlabeled
    scores = learner.predict(unlabeled, least_confidence)
    chosen = scores.argsort(descending=True)[:size]
    return Query(unlabeled[chosen], scores[chosen])
'''


def run(*command: object, cwd: Path) -> str:
    """Standard output of a command that has to succeed."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def clean_environment(folder: Path, wheel: Path) -> Path:
    """An environment with the wheel, and this one's dependencies in sight; its folder of commands."""
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    # A path in a .pth file is searched, but .pth files inside it are not read: no editable al-runner.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (
        sys.executable,
        "-m",
        "pip",
        "--python",
        folder / "bin" / "python",
        "install",
        "--quiet",
        "--no-deps",
    )
    run(*pip, wheel, cwd=folder)
    return folder / "bin"


def user_folder(folder: Path) -> None:
    """A strategy in two files, and data."""
    (folder / "mine" / "strategy").mkdir(parents=True)
    (folder / "mine" / "cautious.py").write_text(STRATEGY)
    (folder / "mine" / "strategy" / "cautious.yaml").write_text(
        "_target_: cautious.cautious\n_partial_: true\n"
    )
    rng = np.random.default_rng(0)
    arrays = {
        f"{split}_images": rng.integers(0, 256, (40, 14, 14), np.uint8) for split in ("train", "val", "test")
    }
    labels = {f"{split}_labels": rng.integers(0, 3, (40, 1), np.uint8) for split in ("train", "val", "test")}
    np.savez(folder / "data.npz", **arrays, **labels)


def main() -> None:
    """Build, install, run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.rmtree(ROOT / "build", ignore_errors=True)  # files of an older build would be packed too
        build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
        run(*build, "--wheel-dir", folder, ROOT, cwd=folder)
        (wheel,) = folder.glob("*.whl")
        commands = clean_environment(folder / "environment", wheel)
        where = run(commands / "python", "-c", "import al_runner; print(al_runner.__file__)", cwd=folder)
        if not where.startswith(str(folder)):
            raise SystemExit(f"the clean environment uses {where}, not the wheel")
        user_folder(folder)
        sizes = (
            "schedule.initial_size=6",
            "schedule.query_size=4",
            "schedule.budget=14",
            "schedule.epochs=1",
        )
        output = run(
            *(commands / "al-run", "--config-dir", "mine", "strategy=cautious", "logger=none"),
            *("dataset=npz", "dataset.path=data.npz", *sizes),
            cwd=folder,
        )
        print(output.splitlines()[-1])
        run(commands / "al-report", "outputs", "--baseline", "cautious", cwd=folder)
        print(f"{wheel.name}: a strategy of the user's own ran through the installed command")


if __name__ == "__main__":
    main()
