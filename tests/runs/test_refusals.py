"""What `al-predict` refuses before torch is imported."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from al_runner.runs import networks
from al_runner.runs.predict import parser
from al_runner.runs.refusals import refuse

Change = Callable[[Path], object]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the checks look at of a run, and some images; the current folder holds them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run" / "round_3").mkdir(parents=True)
    (tmp_path / "run" / ".hydra").mkdir()
    for name in (".hydra/config.yaml", "round_3/checkpoint.pt"):
        (tmp_path / "run" / name).write_text("any")
    files = {"suffixes": [".png"], "shape": "1×14×14"}
    (tmp_path / "run" / "manifest.json").write_text(json.dumps({"dataset": {"files": files}}))
    for name in ("scan.png", "scan.nii.gz", "empty/notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("any")
    (tmp_path / "table.csv").write_text("file\nscan.png\nlost.png\n")
    return tmp_path / "run"


BAD: dict[str, tuple[list[str], str]] = {
    "no folder": (["gone"], "gone is no run folder"),
    "a folder of something else": (["empty"], "empty is no run folder"),
    "an image that is not there": (["run", "gone.png"], "there is no file or folder gone.png"),
    "a folder without images": (["run", "empty"], "empty holds no file that ends in .png"),
    "another kind": (["run", "scan.nii.gz"], "scan.nii.gz is a volume, and this run's network takes images"),
    "an unknown kind": (["run", "empty/notes.md"], "empty/notes.md is of another format"),
    "a table with a lost file": (["run", "table.csv"], "table.csv: row 3: there is no file lost.png"),
    "another format of networks": (["run", "--export", "m.pth"], "m.pth: the file of a network ends in .pt2"),
    "no suffix": (["run", "--export", "model"], "model: the file of a network ends in .pt2 or .onnx"),
    "a network for a folder": (["run", "--export", "no/m.pt2"], "--export no/m.pt2: there is no folder no"),
    "a network in a file": (["run", "--export", "scan.png/m.pt2"], "scan.png is no folder"),
    "a table in a file": (["run", "--out", "scan.png/a.csv"], "--out scan.png/a.csv: "),
    "nothing to skip": (["run", "--skip"], "--skip leaves out files of IMAGES, and none are named"),
    "a place for no table": (
        ["run", "--export", "m.pt2", "--out", "t.csv"],
        "--export alone writes no table: leave out --out, or name IMAGES",
    ),
}


def _said(words: list[str]) -> str:
    with pytest.raises(networks.InputError) as refused:
        refuse(parser().parse_intermixed_args(words))
    return str(refused.value)


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_word(run: Path, case: str) -> None:
    words, said = BAD[case]
    assert said in _said(words)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda run: (run / "round_3" / "checkpoint.pt").unlink(), "keep_checkpoints=last keeps the last"),
        (lambda run: (run / "round_3").rename(run / ".round_3"), "run has no model yet"),
        (lambda run: (run / ".hydra" / "config.yaml").unlink(), "config.yaml cannot be read"),
        (lambda run: (run / "manifest.json").write_text("{"), "manifest.json is not as al-run wrote it"),
    ],
)
def test_a_run_without_a_model(run: Path, change: Change, said: str) -> None:
    change(run)
    assert said in _said(["run"])


def test_a_right_word(run: Path) -> None:
    for words in (
        ["run"],
        ["run", "scan.png", "--skip"],
        ["run", "--export", "m.pt2"],
        ["run", "--out", "new/m"],
    ):
        refuse(parser().parse_intermixed_args(words))
    (run / "manifest.json").write_text(json.dumps({"dataset": {}}))  # of a run that is older than these words
    refuse(parser().parse_intermixed_args(["run", "scan.nii.gz"]))


def test_without_the_extra(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "find_spec", lambda name: None)
    said = "--export m.onnx needs onnx and onnxruntime and onnxscript: pip install 'al-runner[onnx]'"
    assert _said(["run", "--export", "m.onnx"]) == said


def test_no_refusal_imports_torch(run: Path) -> None:
    asks = [*(words for words, _ in BAD.values()), ["run", "--export", "m.onnx", "gone.png"]]
    look = (
        "import sys\nfrom al_runner.runs.predict import main\n"
        f"for words in {asks!r}:\n"
        "    try: main(words)\n"
        "    except SystemExit as end: assert end.code == 2\n"
        "print(sorted({'torch', 'lightning', 'monai', 'sklearn', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert done.stderr.count("\n") == done.stderr.count("al-predict: ") == len(asks)
