"""The script that measures load, on small sizes."""

import argparse
import json
from pathlib import Path

import load_check
import pytest


def test_overheads_are_what_lies_between_the_work_of_two_jobs(tmp_path: Path) -> None:
    """Of two workers, of which the second one's jobs cost nothing besides; the first jobs are left out."""
    lines = [{"pid": 1, "round": 0, "kb": 100}]
    for k in range(6):
        lines.append({"pid": 1, "began": [k + 0.0, 0], "ended": [k + 0.75, 0]})
        lines.append({"pid": 2, "began": [k / 2, 0], "ended": [(k + 1) / 2, 0]})
    (tmp_path / "clock.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    found, work = load_check.overheads(tmp_path)
    assert sorted(found) == [0, 0, 0.25, 0.25]
    assert sorted(work) == [0.5, 0.5, 0.75, 0.75]


def test_many_processes_get_one_decoded_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert load_check.crowd(tmp_path, argparse.Namespace(processes=4))
    assert capsys.readouterr().out == "4 processes: 1 decoded, 0 failed, 1 different data\n"
