"""Runs that name their arm: what is compared with what, and what is called how."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest

from al_runner.errors import InputError
from al_runner.report.study.arms import Experiment
from al_runner.report.study.folders import find
from al_runner.report.study.grouping import experiments
from al_runner.report.study.where import choose
from tests.report.conftest import FULL, WriteRun

OTHERS = ["3_augmented", "4_active", "5_pre_query", "6_post_query"]


def labels(experiment: Experiment) -> list[str]:
    return [arm.label for arm in experiment.arms]


def one(place: Path, where: Sequence[str] = (), baseline: str | None = None) -> Experiment:
    (experiment,) = experiments(choose(find([place]), where), baseline)
    return experiment


def test_arms_that_are_declared_are_one_experiment_whatever_differs(alda: Path) -> None:
    experiment = one(alda)
    assert experiment.title == "phantom"
    assert labels(experiment) == ["2_limited", *OTHERS]
    assert experiment.baseline
    assert experiment.by_outcome
    assert experiment.full_label == "1_full"
    assert [run.seed for run in experiment.full] == [0, 1, 2, 3, 4]
    curve = experiment.arms[2].curve("test/accuracy")
    assert curve is not None
    assert (curve.labels.tolist(), len(curve.seeds)) == ([80], 5)
    loop = experiment.arms[2].loop_curve("test/accuracy")
    assert loop is not None
    assert loop.labels.tolist() == [20, 40, 60, 80]
    assert experiment.arms[0].loop_curve("test/accuracy") is None


def test_the_baseline_is_the_one_asked_for_else_the_declared_one(alda: Path) -> None:
    assert labels(one(alda, baseline="4_active"))[0] == "4_active"
    chosen = one(alda, ["arm=4_active,6_post_query"])
    assert labels(chosen) == ["4_active", "6_post_query"]
    assert not chosen.baseline
    assert not chosen.full, "what is not named is not chosen"


def test_random_is_the_baseline_of_arms_that_declare_none(write_run: WriteRun, tmp_path: Path) -> None:
    for arm, strategy in (("b", "random"), ("a", "entropy")):
        write_run(strategy, 0, [0.5, 0.6], arm=arm)
    experiment = one(tmp_path)
    assert (labels(experiment), experiment.baseline) == (["b", "a"], True)
    write_run("random", 0, [0.5, 0.6], arm="c", model={"width": 4})
    assert not one(tmp_path).baseline, "two arms choose at random"


def test_several_declared_baselines_ask_for_a_choice(write_run: WriteRun, tmp_path: Path) -> None:
    for arm, baseline in (("a", "b"), ("b", "c"), ("c", None)):
        write_run(arm, 0, [0.5, 0.6], arm=arm, baseline=baseline)
    with pytest.raises(InputError, match="name several baselines: choose --baseline 'b' or 'c'"):
        one(tmp_path)
    assert labels(one(tmp_path, baseline="c")) == ["c", "a", "b"]


def test_what_differs_within_a_name_tells_arms_apart(write_run: WriteRun, tmp_path: Path) -> None:
    for strategy in ("entropy", "margin"):
        write_run(strategy, 0, [0.5, 0.6], arm="4_active")
    write_run("random", 0, [0.5, 0.6], arm="2_limited", model={"width": 4})
    assert labels(one(tmp_path)) == ["2_limited", "4_active, strategy=entropy", "4_active, strategy=margin"]
    write_run("margin", 0, [0.5, 0.6], arm="4_active", options={"floor": 1})
    write_run("margin", 0, [0.5, 0.6], arm="4_active", options={"floor": 2})
    assert "4_active, strategy=entropy" in labels(one(tmp_path))
    assert "4_active, strategy=margin, strategy.floor=2" in labels(one(tmp_path))
    write_run("random", 0, [0.5, 0.6], arm="2_limited", model={"width": 5})
    assert labels(one(tmp_path))[:2] == ["2_limited, model.width=4", "2_limited, model.width=5"]
    with pytest.raises(InputError, match="--baseline 2_limited is several arms; name one: '2_limited, model"):
        one(tmp_path, baseline="2_limited")
    assert labels(one(tmp_path, baseline="2_limited, model.width=5"))[0] == "2_limited, model.width=5"


def test_budgets_of_an_arm_are_its_curve(write_arm: WriteRun, tmp_path: Path) -> None:
    for budget in (40, 80, 120):
        for arm in ("2_limited", "4_active"):
            for seed in range(3):
                write_arm(arm, seed, budget)
    experiment = one(tmp_path)
    assert labels(experiment) == ["2_limited", "4_active"]
    for arm in experiment.arms:
        curve = arm.curve("test/accuracy")
        assert curve is not None
        assert curve.labels.tolist() == [40, 80, 120]
        assert [run.rows[-1]["n_labeled"] for run in arm.longest] == [120, 120, 120]
    two = one(tmp_path, ["schedule.budget=40,80"])
    curve = two.arms[1].curve("test/accuracy")
    assert curve is not None
    assert curve.labels.tolist() == [40, 80]


def test_rounds_are_compared_where_no_arm_leaves_a_final_model(write_run: WriteRun, tmp_path: Path) -> None:
    for k, arm in enumerate(("a", "b")):
        write_run("entropy", 0, [0.5, 0.6, 0.7], arm=arm, baseline="a", model={"width": k})
    experiment = one(tmp_path)
    assert not experiment.by_outcome
    curve = experiment.arms[1].curve("test/accuracy")
    assert curve is not None
    assert curve.labels.tolist() == [20, 40, 60]


def test_declared_and_other_runs_are_experiments_of_their_own(
    alda: Path, write_run: WriteRun, tmp_path: Path
) -> None:
    for strategy in ("random", "entropy"):
        write_run(strategy, 0, [0.5, 0.6])
    write_run("random", 0, [0.9], schedule=FULL)
    old, new = experiments(find([tmp_path]))
    assert (old.title, labels(old), old.full_label) == ("phantom", ["random", "entropy"], "all labels")
    assert len(old.full) == 1
    assert (new.title, labels(new)) == ("phantom, named arms", ["2_limited", *OTHERS])
    assert len(new.full) == 5


def test_other_data_and_several_references_are_refused(alda: Path, write_arm: WriteRun) -> None:
    write_arm("3_augmented", 9, fingerprint="md5:2")
    with pytest.raises(InputError, match=r"differ in dataset content \(md5:1: 30 runs, md5:2: 1 runs\)"):
        one(alda)
    assert len(experiments(find([alda]), force=True)) == 1
    write_arm("1_full", 0, arm="1_wide", optimizer={"lr": 1})
    with pytest.raises(InputError, match=r"1_full \(5 runs\); 1_wide \(1 runs\); choose with --where arm="):
        one(alda, ["dataset content=md5:1"])
    assert one(alda, ["dataset content=md5:1", "arm=1_wide,2_limited"]).full_label == "1_wide"


def test_only_references_are_arms_themselves(alda: Path) -> None:
    experiment = one(alda, ["arm=1_full"])
    assert (labels(experiment), experiment.full) == (["1_full"], ())


def test_runs_that_leave_final_models_need_no_name(write_run: WriteRun, tmp_path: Path) -> None:
    schedule = {"final_model": {"epochs": 40}}
    for strategy in ("random", "entropy"):
        write_run(strategy, 0, [0.5, 0.6], final=0.9, schedule=schedule)
        write_run(strategy, 0, [0.95], schedule=FULL)
    experiment = one(tmp_path)
    assert (labels(experiment), experiment.by_outcome) == (["random", "entropy"], True)
    assert not experiment.full, "the loop's network on all labels is another than the final model"
    curve = experiment.arms[0].curve("test/accuracy")
    assert curve is not None
    assert curve.values.tolist() == [[0.9]]


def test_an_arm_that_is_not_there_is_said(alda: Path) -> None:
    with pytest.raises(InputError, match="--where arm=7: no run has it; there are 1_full, 2_limited"):
        one(alda, ["arm=7"])


def test_a_strategy_chooses_nothing_where_all_is_bought_at_once(write_run: WriteRun, tmp_path: Path) -> None:
    final = {"final_model": {"epochs": 40}}
    at_once = {"initial_size": 80, "budget": 80}
    for seed, strategy in product(range(2), ("entropy", "random")):
        options = {"floor": 1} if strategy == "entropy" else {}
        shared = {"options": options, "baseline": "2_limited"}
        write_run(strategy, seed, [0.8], arm="1_full", schedule=FULL, **shared)
        status = "failed" if strategy == "entropy" and seed else "finished"
        write_run(
            strategy, seed, [0.5], arm="2_limited", schedule=at_once, bought=[80], status=status, **shared
        )
        write_run(strategy, seed, [0.4, 0.5], arm="4_active", schedule=final, final=0.6, **shared)
    experiment = one(tmp_path)
    assert labels(experiment) == ["2_limited", "4_active, strategy=entropy", "4_active, strategy=random"]
    assert experiment.full_label == "1_full"
    assert [run.seed for run in experiment.full] == [0, 1]
    limited = experiment.arms[0]
    assert ([run.seed for run in limited.finished], limited.unfinished) == ([0, 1], ())
    assert labels(one(tmp_path, ["arm=2_limited,4_active"]))[0] == "2_limited"
