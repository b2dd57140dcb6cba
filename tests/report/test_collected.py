"""`scripts/collect_scores.py`: the scores of a study's runs, from which a page is made."""

from pathlib import Path

import collect_scores
import pytest
from result_views.technion import all_labels
from result_views.words import by_arm, compared

from al_runner.report.study.folders import find
from tests.report.conftest import CLASSES, WriteRun


def test_a_row_for_each_run_and_number_of_labels(write_run: WriteRun, tmp_path: Path) -> None:
    for seed in (1, 0):
        write_run("random", seed, [0.4, 0.5, 0.6])
        write_run("entropy", seed, [0.4, 0.7])
        write_run("random", seed, [0.9], schedule={"initial_size": "all", "budget": "all"})
    write_run("entropy", 2, [0.4], status="running")
    header, *rows = collect_scores.rows([tmp_path / "runs"], ["test/accuracy"], "1")
    assert header == ["arm", "seed", "labels", "test/accuracy", "bought 1"]
    expected = [[0, 20, "0.4"], [0, 40, "0.7"], [1, 20, "0.4"], [1, 40, "0.7"]]
    assert [row[1:4] for row in rows if row[0] == "entropy"] == expected
    assert [row[1:4] for row in rows if row[0] == "all labels"] == [[0, 200, "0.9"], [1, 200, "0.9"]]
    (run,) = (
        each
        for each in find([tmp_path / "runs" / "phantom" / "random"])
        if len(each.rows) == 3 and not each.seed
    )
    later = [pick.index for query in run.queries[1:] for pick in query]
    shares = [row[4] for row in rows if row[:2] == ["random", 0]]
    assert shares[0] == "", "nothing was queried"
    assert float(shares[2]) == pytest.approx(sum(index % CLASSES == 1 for index in later) / 40)


def test_named_arms_have_the_model_that_they_leave(write_run: WriteRun, tmp_path: Path) -> None:
    for arm in ("one", "two"):
        write_run("random" if arm == "one" else "entropy", 0, [0.4, 0.5], arm=arm, final=0.8)
    _, *rows = collect_scores.rows([tmp_path / "runs"], ["test/accuracy"])
    assert rows == [["one", 0, 40, "0.8"], ["two", 0, 40, "0.8"]]


def test_what_views_make_of_them() -> None:
    scores = {"a": [0.5, 0.7, 0.6], "b": [0.1, 0.2, 0.3]}
    measures = ("accuracy", "precision", "recall", "f1", "auroc")
    rows = [
        {"arm": arm, "seed": str(seed), **{f"test/{name}": str(score) for name in measures}}
        for arm, of in scores.items()
        for seed, score in reversed([*enumerate(of)])
    ]
    assert by_arm(rows, "test/auroc")["a"].tolist() == scores["a"]
    assert all_labels(rows)[1] == ["a", *["0.600 ± 0.100"] * 5]
    with pytest.raises(AssertionError, match="a seed is missing"):
        by_arm(rows[:-1], "test/auroc")
    ((difference, p, adjusted),) = compared([by_arm(rows, "test/f1")["a"] - by_arm(rows, "test/f1")["b"]])
    assert difference.startswith("+0.400 [")
    assert p == adjusted == ".250", "of three seeds, all signs are the same in 2 of 8 cases"
