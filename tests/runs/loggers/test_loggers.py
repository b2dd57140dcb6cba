"""Loggers see each round; none of them can stop a run."""

import csv
import json
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning.utilities import rank_zero_only
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from wandb.proto import wandb_internal_pb2

from al_runner.data.dataset import Dataset
from al_runner.runs.loggers import wandb as wandb_logger
from al_runner.runs.loggers.base import Guarded, NoLogger, RunInfo
from al_runner.runs.loggers.files import Csv, TensorBoard
from al_runner.runs.loggers.wandb import WeightsAndBiases, picture
from tests.commands import Command


def without_logger(tiny: list[str]) -> list[str]:
    return [word for word in tiny if not word.startswith("logger")]


def records(path: Path) -> Iterator[wandb_internal_pb2.Record]:
    """The records of a `.wandb` file: a LevelDB log (32 KiB blocks of chunks) after a header of 7 bytes."""
    data, position, parts = path.read_bytes(), 7, b""
    while position + 7 <= len(data):
        if 32768 - position % 32768 < 7:  # no room for a chunk's header: the rest of the block is padding
            position += 32768 - position % 32768
            continue
        length, kind = struct.unpack_from("<HB", data, position + 4)
        parts += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            parts = b""
            yield record


def whole(path: Path) -> list[wandb_internal_pb2.Record]:
    """The records of a file, once its service has written the last one: that is later than its run's end."""
    for _ in range(600):
        found = list(records(path))
        if found and found[-1].WhichOneof("record_type") == "exit":
            return found
        time.sleep(0.05)
    raise AssertionError(f"{path} has no end")


Artifacts = dict[str, list[list[str]]]


def read_wandb(folder: Path) -> tuple[list[dict[str, Any]], Artifacts, str]:
    """History rows, files of artifacts by type, and run id of an offline run, as W&B would upload them."""
    (path,) = folder.glob("wandb/offline-run-*/*.wandb")
    rows: list[dict[str, Any]] = []
    artifacts: Artifacts = defaultdict(list)
    run_id = ""
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "history":
            items = {"/".join(i.nested_key) or i.key: json.loads(i.value_json) for i in record.history.item}
            rows.append(items)
        elif kind == "request" and record.request.WhichOneof("request_type") == "log_artifact":
            add(artifacts, record.request.log_artifact.artifact)
        elif kind == "artifact":
            add(artifacts, record.artifact)
        elif kind == "run":
            run_id = record.run.run_id
    return rows, artifacts, run_id


def add(artifacts: Artifacts, artifact: Any) -> None:
    artifacts[artifact.type].append(sorted(entry.path for entry in artifact.manifest.contents))


FINAL = ["+model@schedule.final_model.model=alda_cnn", "+schedule.final_model.epochs=1"]


def test_wandb_offline_by_default(al_run: Command, tiny: list[str]) -> None:
    folder = al_run.run_folder(*without_logger(tiny), *FINAL, "logger.max_images=3", WANDB_API_KEY="")
    rows, artifacts, run_id = read_wandb(folder)
    assert run_id == folder.name.split("-")[-1]
    assert [row["n_labeled"] for row in rows] == [6, 10, 14, 14]
    record = list(csv.DictReader((folder / "rounds.csv").open()))
    logged = [row["test/accuracy"] for row in rows[:3]] + [rows[3]["final/test/accuracy"]]
    assert logged == [float(row["test/accuracy"]) for row in record]
    assert "test/accuracy" not in rows[3], "another network's score is no point of the curve"
    assert rows[1]["queried/nrows"] == 3
    assert rows[1]["queried/_type"] == "table-file"
    assert artifacts["record"] == [["queries.csv", "rounds.csv"]]
    tables = artifacts["run_table"]
    assert len(tables) == 3
    assert all(sum(path.endswith(".png") for path in files) == 3 for files in tables)


def test_a_wandb_failure_does_not_stop_the_run(al_run: Command, tiny: list[str]) -> None:
    done = al_run(*without_logger(tiny), "logger.project='a/b:c'")
    assert done.returncode == 0
    assert "WeightsAndBiases failed and is off for the rest of the run" in done.stderr
    assert len(list(al_run.folder.glob("outputs/*/*/*/round_*"))) == 3


def test_a_mode_that_there_is_not_is_refused(al_run: Command, tiny: list[str]) -> None:
    done = al_run(*without_logger(tiny), "logger.mode=nonsense")
    assert done.returncode == 2
    assert done.stderr == "al-run: logger.mode=nonsense must be 'auto', 'online', 'offline' or 'disabled'\n"
    assert list(al_run.folder.iterdir()) == []


@pytest.mark.slow
def test_a_broken_wandb_does_not_stop_the_run(al_run: Command, tiny: list[str], tmp_path: Path) -> None:
    (tmp_path / "wandb.py").write_text("raise ImportError('protobuf is too old')")
    done = al_run(*without_logger(tiny), PYTHONPATH=str(tmp_path))
    assert done.returncode == 0
    assert "is off for the rest of the run (protobuf is too old)" in done.stderr


def test_tensorboard_and_csv(al_run: Command, tiny: list[str]) -> None:
    folder = al_run.run_folder(*tiny[:-1], *FINAL, "logger=tensorboard")
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    record = list(csv.DictReader((folder / "rounds.csv").open()))
    logged = events.Scalars("val/accuracy")
    assert [event.step for event in logged] == [6, 10, 14]
    assert [event.value for event in logged] == pytest.approx([float(r["val/accuracy"]) for r in record[:3]])
    (final,) = events.Scalars("final/val/accuracy")
    assert final.value == pytest.approx(float(record[3]["val/accuracy"]))

    folder = al_run.run_folder(*tiny[:-1], "logger=csv", "output_dir=other")
    record = list(csv.DictReader((folder / "rounds.csv").open()))
    rows = list(csv.DictReader((folder / "csv" / "metrics.csv").open()))
    assert [row["step"] for row in rows] == ["6", "10", "14"]
    assert [float(r["test/auroc"]) for r in rows] == [float(r["test/auroc"]) for r in record]


class Broken(NoLogger):
    """Fails at the second round."""

    calls = 0

    def log_round(self, row: Mapping[str, object], queries: Sequence[Mapping[str, object]]) -> None:
        self.calls += 1
        if self.calls == 2:
            raise ConnectionError("gone\nfar away")


def test_guard_gives_up_once(capsys: pytest.CaptureFixture[str]) -> None:
    broken = Broken()
    guarded = Guarded(broken)
    for _ in range(4):
        guarded.log_round({}, [])
    guarded.finish("finished")
    assert broken.calls == 2
    assert capsys.readouterr().err.count("Broken failed and is off for the rest of the run (gone)") == 1


@pytest.mark.parametrize(
    ("env", "netrc", "expected"),
    [
        ({}, "", "offline"),
        ({"WANDB_API_KEY": "0" * 40}, "", "online"),
        ({}, "machine api.wandb.ai login user password 0000\n", "online"),
        (
            {"WANDB_BASE_URL": "https://wandb.hospital"},
            "machine api.wandb.ai login user password 0\n",
            "offline",
        ),
        ({"WANDB_MODE": "offline", "WANDB_API_KEY": "0" * 40}, "", None),
    ],
)
def test_online_where_an_account_is_configured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, env: dict[str, str], netrc: str, expected: str | None
) -> None:
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "netrc").write_text(netrc)
    for name, value in {"NETRC": str(tmp_path / "netrc"), **env}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(wandb_logger, "unreachable", lambda: None)
    assert WeightsAndBiases()._mode() == expected


def info(folder: Path, dataset: Dataset, rounds: int) -> RunInfo:
    """A run that goes on after some rounds."""
    return RunInfo("abcd1234", "a run", "a group", {}, folder, dataset.train, [row(k) for k in range(rounds)])


def row(number: int) -> dict[str, float]:
    return {"round": number, "n_labeled": 10 * (number + 1), "n_queried": 10, "test/accuracy": number / 10}


@pytest.mark.slow
def test_what_wandb_lacks_of_a_resumed_run_is_logged_again(small: Dataset, tmp_path: Path) -> None:
    """Stopped after six rounds, resumed offline: its file has all seven, each at its own step."""
    logger = WeightsAndBiases(mode="offline")
    logger.start(info(tmp_path, small, rounds=6))
    logger.log_round(row(6), [])
    logger.finish("finished")
    (path,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    found = whole(path)
    history = [record.history for record in found if record.WhichOneof("record_type") == "history"]
    assert [each.step.num for each in history] == list(range(7))
    labels = [item.value_json for each in history for item in each.item if "n_labeled" in item.nested_key]
    assert labels == ["10", "20", "30", "40", "50", "60", "70"]


def test_without_a_network_wandb_is_offline_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    assert WeightsAndBiases()._mode() == "offline"
    assert capsys.readouterr().err.startswith("al-run: W&B cannot be reached (ConnectionError); the run is")


@pytest.mark.parametrize("logger", [Csv, TensorBoard])
def test_each_process_of_a_cluster_logs_its_own_run(
    logger: Callable[[], Csv | TensorBoard], small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SLURM_PROCID=1 says that it is the second task of a job, not that it is no run of its own."""
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    subject = logger()
    subject.start(info(tmp_path, small, rounds=0))
    subject.log_round(row(0), [])
    subject.finish("finished")
    assert any(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())


def test_tensorboard_has_every_round_of_a_resumed_run_once(small: Dataset, tmp_path: Path) -> None:
    """A kill came after the second round was recorded, and before it was logged."""
    for rounds in (0, 2):
        logger = TensorBoard()
        logger.start(info(tmp_path, small, rounds))
        logger.log_round(row(rounds), [])
        logger.finish("finished")
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(each.step, each.value) for each in events.Scalars("n_labeled")] == [(10, 10), (20, 20), (30, 30)]


def test_a_full_disk_is_told_in_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Lightning takes it for a value of the wrong kind; the thread that writes prints no traceback."""

    class Full(NoLogger):
        def finish(self, status: str) -> None:
            raise ValueError("you tried to log 0.5 which is not supported") from OSError(28, "No space left")

    Guarded(Full()).finish("finished")
    assert "(No space left" not in (said := capsys.readouterr().err)
    assert "[Errno 28] No space left); the record is complete without it" in said


def test_the_thread_of_tensorboard_prints_no_traceback(
    small: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    logger = Guarded(TensorBoard())
    logger.start(info(tmp_path, small, rounds=0))
    writer = logger.logger.logger.experiment.file_writer.event_writer._async_writer  # type: ignore[attr-defined]
    monkeypatch.setattr(
        writer._writer, "write", lambda _: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    logger.log_round(row(0), [])
    logger.finish("finished")
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "TensorBoard failed and is off for the rest of the run ([Errno 28] No space left)" in said


def test_pictures(small: Dataset) -> None:
    assert picture(small.train, 3).shape == (14, 14)
