"""A slice of `scripts/campaign.py`, which takes an hour; and that it finds what is wrong."""

import os
import random
import shutil
from pathlib import Path

import pytest
from attacks.compare import faults
from attacks.damages import DAMAGES
from attacks.edits import WAYS, damage
from attacks.moments import Moment, Watch

from tests.commands import forked

SCRIPT = Path(__file__).parents[1] / "scripts" / "campaign.py"


@pytest.mark.slow
def test_a_slice(tmp_path: Path) -> None:
    parts = ["kills", "disks", "bytes", "files", "orders"]
    words = [*parts, "--count", "5", "--only", "several labels", "--jobs", "1"]
    done = forked(str(SCRIPT), *words, folder=tmp_path, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    said = [line.split() for line in done.stdout.splitlines() if line.split()[1:2] == ["all"]]
    assert [(line[0], line[-2:]) for line in said] == [(part, ["0", "faults"]) for part in parts]
    assert int(said[0][4]) >= 3, "it was killed"


def test_differences_are_found(finished: tuple[Path, list[str]], tmp_path: Path) -> None:
    (true,) = (path.parent for path in finished[0].rglob("manifest.json"))
    ours = tmp_path / "run"
    for way, found in (
        (lambda path: path.unlink(), "lacks round_1/picks.npy"),
        (lambda path: path.write_bytes(b"x"), "round_1/picks.npy differs"),
        (lambda path: (path.parent / "more.npy").write_bytes(b"x"), "has round_1/more.npy"),
        (lambda path: (path.parents[1] / ".round_3").mkdir(), "left behind: .round_3"),
    ):
        shutil.copytree(true, ours)
        assert faults(ours, true) == []
        way(ours / "round_1" / "picks.npy")
        assert faults(ours, true) == [found]
        shutil.rmtree(ours)


@pytest.mark.parametrize("way", WAYS)
def test_damages_do_damage(tmp_path: Path, way: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 10)
    assert damage(path, way, random.Random(0))
    assert not path.exists() or path.read_bytes() != b"0123456789" * 10
    for name, change in DAMAGES.items():
        assert change(b"0123456789" * 100, random.Random(0)) != b"0123456789" * 100, name


@pytest.mark.parametrize(("what", "left"), [("before", b"ab"), ("torn", b"abcd"), ("after", b"abcdef")])
def test_a_kill_at_a_write(tmp_path: Path, what: str, left: bytes) -> None:
    path = tmp_path / "file"
    if not (child := os.fork()):
        Watch(tmp_path, Moment(2, what)).begin()
        with path.open("wb", buffering=0) as file:  # moment 0
            file.write(b"ab")
            file.write(b"cdef")
            file.write(b"gh")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    assert path.read_bytes() == left


def test_a_full_disk(tmp_path: Path) -> None:
    if not (child := os.fork()):
        Watch(tmp_path, Moment(1, "full")).begin()
        try:
            (tmp_path / "file").write_bytes(b"abcdef")
        except OSError as error:
            os._exit(error.errno)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 28
    assert (tmp_path / "file").read_bytes() == b"abc"
