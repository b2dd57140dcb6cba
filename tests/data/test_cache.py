"""Decoded once: what is kept, when it is made anew, and that it is whole or not there."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from al_runner.data import cache, shards
from al_runner.data.cache import Decoded, Source, cached
from al_runner.errors import InputError
from al_runner.runs.sweeps.stopping import Interrupted

N = 100


class Folder:
    """Files of three numbers each, and how often one was decoded."""

    def __init__(self, tmp: Path) -> None:
        self.root, self.caches, self.decoded = tmp / "root", tmp / "caches", 0
        self.options: dict[str, Any] = {"times": 2}
        self.remarks: list[str] = []
        self.root.mkdir()
        for i in range(N):
            self.write(i, [i, i + 1, i + 2])

    def write(self, i: int, numbers: list[int]) -> None:
        (self.root / f"{i:03}.bin").write_bytes(bytes(numbers))

    def decode(self, path: Path) -> dict[str, np.ndarray]:
        self.decoded += 1
        numbers = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        if len(numbers) != 3:
            raise InputError(f"has {len(numbers)} numbers")
        return {"twice": numbers * np.uint8(self.options["times"]), "first": numbers[0]}

    def open(self, **changed: Any) -> Decoded:
        files = sorted(self.root.iterdir())
        source = Source(
            root=self.root,
            files=files,
            items=[path.name for path in files],
            options=self.options,
            shapes={"twice": (3,), "first": ()},
            decode=lambda i: self.decode(files[i]),
            remarks=self.remarks,
        )
        return cached(self.caches, "numbers", source, **changed)

    def left(self) -> list[Path]:
        """What lies in the cache's folder, locks aside."""
        return [path for path in self.caches.glob("*/*") if path.suffix != ".lock"]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield Folder(tmp_path)


def test_every_item_in_order_decoded_once(folder: Folder) -> None:
    expected = [[2 * i, 2 * i + 2, 2 * i + 4] for i in range(N)]
    first = folder.open()
    assert first.arrays["twice"].tolist() == expected
    assert first.arrays["first"].tolist() == list(range(N))
    assert first.kept == list(range(N))
    assert folder.decoded == N
    again = folder.open()
    assert folder.decoded == N, "nothing is decoded again"
    assert again.arrays["twice"].tolist() == expected
    assert again.fingerprint == first.fingerprint
    assert again.arrays["twice"].dtype == torch.uint8
    assert again.arrays["twice"][torch.tensor([5, 3])].tolist() == [expected[5], expected[3]]


@pytest.mark.parametrize("change", ["content", "more", "fewer", "time", "renamed"])
def test_a_changed_folder_is_decoded_anew_and_its_old_cache_removed(folder: Folder, change: str) -> None:
    before = folder.open()
    if change == "content":
        folder.write(7, [9, 9, 9])
    elif change == "more":
        folder.write(N, [1, 2, 3])
    elif change == "fewer":
        (folder.root / "007.bin").unlink()
    elif change == "time":
        os.utime(folder.root / "007.bin", ns=(1, 1))
    else:
        (folder.root / "007.bin").rename(folder.root / "0075.bin")
    after = folder.open()
    assert len(folder.left()) == 1
    assert len(after.kept) == len(list(folder.root.iterdir()))
    assert folder.decoded == N + len(after.kept)
    assert (after.fingerprint == before.fingerprint) == (change in ("time", "renamed"))
    assert before.arrays["twice"][7].tolist() == [14, 16, 18], "who has the old one open keeps it"


def test_other_options_have_a_cache_beside(folder: Folder) -> None:
    before = folder.open()
    folder.options = {"times": 3}
    assert folder.open().arrays["twice"][5].tolist() == [15, 18, 21]
    folder.options = {"times": 2}
    assert folder.open().fingerprint == before.fingerprint
    assert folder.decoded == 2 * N
    assert len(folder.left()) == 2


def test_items_that_cannot_be_decoded(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    for i in (3, 50, 70, 99):
        folder.write(i, [1])
    fault = r"4 of 100 items of .*root cannot be read: 003.bin \(has 1 numbers\), 050.bin .*, and 1 more"
    with pytest.raises(InputError, match=fault):
        folder.open()
    assert not any((path / "meta.json").exists() for path in folder.left()), "a refused cache is none"
    kept = folder.open(on_error="skip")
    assert "al-run: left out: 4 of 100 items" in capsys.readouterr().err
    assert kept.kept == [i for i in range(N) if i not in (3, 50, 70, 99)]
    assert kept.arrays["first"].tolist() == kept.kept
    with pytest.raises(InputError, match=fault):
        folder.open()


def test_no_item_at_all(folder: Folder) -> None:
    for i in range(N):
        folder.write(i, [])
    assert folder.open(on_error="skip").arrays["twice"].shape == (0, 3)


def test_a_damaged_cache_is_made_anew(folder: Folder) -> None:
    expected = folder.open().fingerprint
    for damage in ("twice", "meta.json"):
        (path,) = folder.caches.glob(f"*/*/{damage}")
        path.write_bytes(path.read_bytes()[:-9])
        assert folder.open().fingerprint == expected
    assert folder.decoded == 3 * N


def test_nothing_is_left_of_a_cache_that_could_not_be_written(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache, "to_disk", refuse)
    with pytest.raises(InputError, match="No space left on device; they take 0 MB: make room"):
        folder.open()
    assert folder.left() == []
    monkeypatch.undo()
    assert len(folder.open().kept) == N


def test_a_disk_that_is_too_small_is_found_at_once(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(folder.root)._replace(free=399)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(InputError, match="No space left on device"):
        folder.open()
    assert folder.left() == []
    assert folder.decoded == 0


@pytest.fixture
def ten_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of ten items."""
    monkeypatch.setattr(shards, "SHARD_BYTES", 36)


def stopped_at(folder: Folder, item: int, stop: Callable[[], None]) -> None:
    """Let decoding stop at an item, in the sixth shard, as long as nobody changes that."""
    decode = folder.decode

    def until(path: Path) -> dict[str, np.ndarray]:
        if path.name == f"{item:03}.bin":
            stop()
        return decode(path)

    folder.decode = until  # type: ignore[method-assign]


def test_a_stopped_process_has_lost_a_shard_at_most(
    folder: Folder, tmp_path: Path, ten_each: None, capsys: pytest.CaptureFixture[str]
) -> None:
    decode = folder.decode

    def stop() -> None:
        raise Interrupted(2)

    stopped_at(folder, 55, stop)
    with pytest.raises(Interrupted):
        folder.open()
    folder.decode, folder.decoded = decode, 0  # type: ignore[method-assign]
    found = folder.open()
    assert folder.decoded == 50, "the sixth shard and those after it"
    assert "decoding 50 of 100 items of" in capsys.readouterr().err
    assert found.arrays["twice"].tolist() == [[2 * i, 2 * i + 2, 2 * i + 4] for i in range(N)]
    shutil.rmtree(folder.caches)
    assert folder.open().fingerprint == found.fingerprint
    assert folder.open().digests == found.digests


def test_kill_9_and_again(folder: Folder, ten_each: None) -> None:
    expected = folder.open()
    shutil.rmtree(folder.caches)
    decode = folder.decode
    stopped_at(folder, 55, lambda: os.kill(os.getpid(), signal.SIGKILL))
    if (child := os.fork()) == 0:
        folder.open()
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    folder.decode, folder.decoded = decode, 0  # type: ignore[method-assign]
    found = folder.open()
    assert folder.decoded == 50
    assert (found.fingerprint, found.digests) == (expected.fingerprint, expected.digests)
    assert len(folder.left()) == 1


@pytest.mark.parametrize("damage", ["content", "cut", "said", "plan"])
def test_a_damaged_shard_is_made_anew(folder: Folder, ten_each: None, damage: str) -> None:
    """As a power cut may leave it: said to be whole, and its content never written."""
    decode = folder.decode

    def stop() -> None:
        raise Interrupted(2)

    stopped_at(folder, 55, stop)
    with pytest.raises(Interrupted):
        folder.open()
    (partial,) = folder.caches.glob("*/.*.partial")
    if damage == "content":
        with (partial / "first").open("r+b") as file:
            file.seek(21)
            file.write(b"?")
    elif damage == "cut":
        os.truncate(partial / "first", 25)
    else:
        path = partial / "done" / ("2.json" if damage == "said" else "plan.json")
        path.write_text(path.read_text()[:-9])
    folder.decode, folder.decoded = decode, 0  # type: ignore[method-assign]
    assert folder.open().arrays["first"].tolist() == list(range(N))
    assert folder.decoded == {"plan": N, "cut": 80}.get(damage, 60)


def test_gaps_in_several_shards(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = (3, 9, 10, 50, 55, 99)
    for i in broken:
        folder.write(i, [1])
    expected = folder.open(on_error="skip")
    shutil.rmtree(folder.caches)
    monkeypatch.setattr(shards, "SHARD_BYTES", 36)
    with pytest.raises(InputError, match="6 of 100 items"):
        folder.open()
    folder.decoded = 0
    found = folder.open(on_error="skip")
    assert folder.decoded == 40, "what could not be decoded is tried again, with its shard"
    assert found.kept == expected.kept == [i for i in range(N) if i not in broken]
    assert torch.equal(found.arrays["twice"], expected.arrays["twice"])
    assert found.arrays["first"].tolist() == found.kept
    assert (found.fingerprint, found.digests) == (expected.fingerprint, expected.digests)


def test_machines_share_the_shards(
    folder: Folder, ten_each: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each thread stands for a machine; both have decoded some, and nothing was decoded twice."""
    decode, decoded_by = folder.decode, dict[str, int]()
    names = threading.local()
    monkeypatch.setattr(cache, "_machine", lambda: names.mine)
    monkeypatch.setattr(shards, "in_order", lambda work, n: map(work, range(n)))  # in this thread

    def slowly(path: Path) -> dict[str, np.ndarray]:
        decoded_by[names.mine] = decoded_by.get(names.mine, 0) + 1
        threading.Event().wait(0.005)
        return decode(path)

    def ask(name: str) -> str:
        names.mine = name
        if name == "second":
            while not list(folder.caches.glob("*/.*.partial/done/1.json")):
                threading.Event().wait(0.001)
        return folder.open().fingerprint

    folder.decode = slowly  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(ask, ("first", "second")))) == 1
    assert sum(decoded_by.values()) == N
    assert decoded_by["second"] >= 10
    assert "helping another machine" in capsys.readouterr().err


def test_the_system_refuses_to_write_on(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: writes fail in the middle of a file."""
    program = """
import resource, sys
from pathlib import Path
from tests.data.test_cache import Folder
resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
Folder(Path(sys.argv[1])).open()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "InputError: cannot write the decoded data of" in done.stderr.splitlines()[-1]
    assert {path.suffix for path in (tmp_path / "caches").rglob("*") if path.is_file()} == {".lock"}


def test_what_a_killed_process_left_is_removed(folder: Folder) -> None:
    folder.open()
    (place,) = folder.caches.glob("numbers-*[!k]")
    (place / ".abc.partial").mkdir()
    folder.write(1, [0, 0, 0])
    folder.open()
    assert len(folder.left()) == 1


def test_two_at_once_decode_once(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    together, decode = threading.Barrier(2), folder.decode

    def slowly(path: Path) -> dict[str, np.ndarray]:
        if path.name == "000.bin":
            threading.Event().wait(0.2)
        return decode(path)

    def ask(_: int) -> str:
        together.wait()
        return folder.open().fingerprint

    folder.decode = slowly  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(ask, range(2)))) == 1
    assert folder.decoded == N
    assert "waiting for another process" in capsys.readouterr().err


def test_a_cache_that_cannot_be_written_is_read(folder: Folder) -> None:
    folder.open()
    for path in folder.caches.glob("*.lock"):
        path.unlink()
    os.chmod(folder.caches, 0o555)  # noqa: PTH101
    try:
        folder.open()
    finally:
        os.chmod(folder.caches, 0o755)  # noqa: PTH101
    assert folder.decoded == N
    assert not list(folder.caches.glob("*.lock"))


def test_a_cache_that_another_process_removes_is_made_once_more(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = cache._make, []

    def make_and_lose(place: Path, *arguments: Any) -> None:
        make(place, *arguments)
        made.append(place)
        if len(made) <= lost:
            shutil.rmtree(place)

    monkeypatch.setattr(cache, "_make", make_and_lose)
    lost = 1
    assert len(folder.open().kept) == N
    assert len(made) == 2
    made.clear()
    folder.options, lost = {"times": 3}, 99
    with pytest.raises(InputError, match="was removed while it was in use"):
        folder.open()


def test_remarks_are_no_part_of_the_fingerprint(folder: Folder) -> None:
    folder.remarks = ["twice"]
    found = folder.open()
    folder.options = {"times": 3}
    again = folder.open()
    assert not torch.equal(again.arrays["twice"], found.arrays["twice"])
    assert again.fingerprint == found.fingerprint
