import csv
import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from al_runner.errors import InputError
from al_runner.runs.record import Record, read_manifest
from al_runner.runs.rounds import read_array, write_array


def queries(number: int) -> list[dict[str, object]]:
    return [
        {"round": number, "rank": rank, "index": 10 * number + rank, "label": 1, "score": "0.5"}
        for rank in (0, 1)
    ]


def write_checkpoint(path: Path) -> None:
    path.write_bytes(b"weights of " + path.parent.name.encode())


def add_round(record: Record) -> None:
    number = len(record.rounds)
    row = {"round": number, "n_labeled": 2 * (number + 1), "test/accuracy": 0.1 * number, "fit_seconds": 1.5}
    record.close_round(
        row, queries(number), np.array([1, 1]), {"confusion_test": np.eye(2)}, write_checkpoint
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A record of three rounds."""
    with Record(tmp_path / "run").locked() as record:
        for _ in range(3):
            add_round(record)
        record.close("running")
    return tmp_path / "run"


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_writes_what_the_design_says(folder: Path) -> None:
    rows = list(csv.DictReader((folder / "rounds.csv").open()))
    assert [row["n_labeled"] for row in rows] == ["2", "4", "6"]
    assert list(rows[0])[-1] == "fit_seconds"
    bought = list(csv.DictReader((folder / "queries.csv").open()))
    assert [(row["round"], row["rank"], row["index"]) for row in bought[:3]] == [
        ("0", "0", "0"),
        ("0", "1", "1"),
        ("1", "0", "10"),
    ]
    assert read_manifest(folder)["status"] == "running"
    assert np.load(folder / "round_1" / "confusion_test.npy").shape == (2, 2)


def test_keeps_what_the_strategy_remembers_beside_the_checkpoint(tmp_path: Path) -> None:
    def close(record: Record, number: int) -> None:
        row = {"round": number, "n_labeled": 2 * (number + 1)}
        remember = lambda path: path.write_text(f"memory {number}")  # noqa: E731
        record.close_round(row, queries(number), np.array([1, 1]), {}, write_checkpoint, remember)

    with Record(tmp_path, "none").locked() as record:
        close(record, 0)
        close(record, 1)
    assert not (tmp_path / "round_0" / "memory.pt").exists()
    with Record(tmp_path, "none").locked() as record:
        assert record.memory().read_text() == "memory 1"
        record.memory().write_text("memory 2")
        with pytest.raises(InputError, match=r"memory\.pt is not as al-run wrote it"):
            record.memory()
        record.close("finished")
    assert not (tmp_path / "round_1" / "memory.pt").exists()


def test_keeps_the_last_checkpoint_only(folder: Path) -> None:
    assert [p.parent.name for p in sorted(folder.rglob("checkpoint.pt"))] == ["round_2"]


def test_keeps_all_or_none(tmp_path: Path) -> None:
    for keep, left in (("all", 3), ("none", 0)):
        with Record(tmp_path / keep, keep).locked() as record:  # type: ignore[arg-type]
            for _ in range(3):
                add_round(record)
            assert record.checkpoint().is_file(), "an unfinished run can always resume"
            record.close("finished")
        assert len(list((tmp_path / keep).rglob("checkpoint.pt"))) == left


def test_reopens_as_it_was(folder: Path) -> None:
    before = content(folder)
    with Record(folder).locked() as record:
        assert [closed.indices() for closed in record.rounds] == [[0, 1], [10, 11], [20, 21]]
        assert record.rounds[2].labels().tolist() == [1, 1]
        assert record.checkpoint().read_bytes() == b"weights of .round_2"
    assert content(folder) == before


@pytest.mark.parametrize("name", ["rounds.csv", "queries.csv"])
def test_mends_a_view_that_a_kill_left_behind(folder: Path, name: str) -> None:
    whole = (folder / name).read_text()
    last = 1 if name == "rounds.csv" else 2
    (folder / name).write_text("".join(whole.splitlines(keepends=True)[:-last]))
    with Record(folder).locked():
        pass
    assert (folder / name).read_text() == whole


def test_clears_a_round_that_a_kill_left_half_written(folder: Path) -> None:
    (folder / ".round_3").mkdir()
    (folder / ".round_3" / "checkpoint.pt").write_text("half")
    with Record(folder).locked() as record:
        assert len(record.rounds) == 3
        add_round(record)
    assert (folder / "round_3" / "checkpoint.pt").read_bytes() == b"weights of .round_3"


@pytest.mark.parametrize(
    "name",
    [
        "rounds.csv",
        "queries.csv",
        "round_1/query.csv",
        "round_1/round.json",
        "round_0/labels.npy",
        "manifest.json",
    ],
)
@pytest.mark.parametrize("how", ["cut", "edited"])
def test_refuses_a_changed_record_and_leaves_it(folder: Path, name: str, how: str) -> None:
    path = folder / name
    text = path.read_bytes()
    edited = text[:-4] + b"9" + text[-3:] if name != "manifest.json" else b"[]"
    path.write_bytes(text[: len(text) // 2] if how == "cut" else edited)
    before = content(folder)
    with pytest.raises(InputError, match=name.split("/")[-1]), Record(folder).locked() as record:
        record.manifest()
    assert content(folder) == before


@pytest.mark.parametrize("way", ["edited", "removed"])
def test_an_array_that_was_changed_is_not_shown(folder: Path, way: str) -> None:
    path = folder / "round_1" / "confusion_test.npy"
    assert read_array(path.parent, "confusion_test") is not None
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"\1") if way == "edited" else path.unlink()
    with pytest.raises(InputError, match=r"confusion_test\.npy is not as al-run wrote it"):
        read_array(path.parent, "confusion_test")


def test_a_manifest_that_was_edited_is_refused(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "status": "finished"}))
    with pytest.raises(InputError, match=r"manifest\.json is not as al-run wrote it"):
        read_manifest(folder)
    manifest.pop("checksum")  # as runs have it that are older
    path.write_text(json.dumps(manifest))
    assert read_manifest(folder)["status"] == "running"


def test_leaves_what_is_not_its_own(folder: Path) -> None:
    (folder / "round_old").mkdir()
    with Record(folder).locked() as record:
        assert len(record.rounds) == 3
    assert (folder / "round_old").is_dir()


def test_refuses_a_view_saved_by_a_spreadsheet(folder: Path) -> None:
    path = folder / "rounds.csv"
    path.write_bytes(path.read_text().encode("utf-16"))
    with pytest.raises(InputError, match=r"rounds\.csv"), Record(folder).locked():
        pass


@pytest.mark.parametrize("name", ["rounds.csv", "queries.csv"])
def test_gives_back_a_view_that_is_gone(folder: Path, name: str) -> None:
    text = (folder / name).read_text()
    (folder / name).unlink()
    with Record(folder).locked():
        pass
    assert (folder / name).read_text() == text


def test_refuses_a_missing_round(folder: Path) -> None:
    (folder / "round_1").rename(folder / "elsewhere")
    with pytest.raises(InputError, match="round_1 is missing"), Record(folder).locked():
        pass


def test_refuses_a_changed_checkpoint(folder: Path) -> None:
    (folder / "round_2" / "checkpoint.pt").write_bytes(b"other")
    with Record(folder).locked() as record, pytest.raises(InputError, match=r"checkpoint\.pt"):
        record.checkpoint()


def _hold(folder: Path, ready, done) -> None:  # type: ignore[no-untyped-def]
    with Record(folder).locked():
        ready.set()
        done.wait()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, ready, done))
    other.start()
    assert ready.wait(60)
    with pytest.raises(InputError, match="another process"), Record(tmp_path).locked():
        pass
    done.set()
    other.join()
    with Record(tmp_path).locked():
        pass


def test_a_failed_write_leaves_the_rounds_before(folder: Path) -> None:
    before = content(folder)

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    with Record(folder).locked() as record, pytest.raises(InputError, match="No space left"):
        record.close_round({"round": 3}, queries(3), np.array([1, 1]), {}, full)
    assert content(folder) == before


def test_a_round_that_was_not_evaluated_has_empty_cells(tmp_path: Path) -> None:
    with Record(tmp_path).locked() as record:
        add_round(record)
        record.close_round({"round": 1, "n_labeled": 4}, queries(1), np.array([1, 1]), {}, write_checkpoint)
    rows = list(csv.DictReader((tmp_path / "rounds.csv").open()))
    assert rows[1]["test/accuracy"] == ""
    assert json.loads((tmp_path / "round_1" / "round.json").read_text())["row"]["n_labeled"] == 4


def test_large_arrays_of_zeros_are_small_files(tmp_path: Path) -> None:
    """A thousand classes: 8 MB of a confusion matrix in 4 kB; everything else is an array file."""
    confusion = np.zeros((1000, 1000), np.int64)
    confusion[3, 7] = 5
    write_array(tmp_path, "confusion_test", confusion)
    write_array(tmp_path, "confusion_val", confusion[:9, :9])
    write_array(tmp_path, "pool", np.ones(300_000))
    assert {path.name for path in tmp_path.iterdir()} == {
        "confusion_test.npz",
        "confusion_val.npy",
        "pool.npy",
    }
    assert (tmp_path / "confusion_test.npz").stat().st_size < 20_000
    found = read_array(tmp_path, "confusion_test")
    assert found is not None
    assert (found == confusion).all()
    assert read_array(tmp_path, "nothing") is None
    (tmp_path / "confusion_test.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"confusion_test\.npz cannot be read"):
        read_array(tmp_path, "confusion_test")
