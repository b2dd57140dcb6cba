"""Which runs are compared with which."""

from pathlib import Path

import pytest

from al_runner.errors import InputError
from al_runner.report.study.analysis import Options, analyse
from al_runner.report.study.folders import find
from al_runner.report.study.grouping import experiments
from al_runner.report.study.where import choose
from al_runner.report.writing.notes import notes
from tests.report.conftest import WriteRun


def test_strategies_of_one_setting_are_arms_and_the_baseline_comes_first(study: Path) -> None:
    (experiment,) = experiments(find([study]), "random")
    assert experiment.title == "phantom"
    assert [arm.label for arm in experiment.arms] == ["random", "entropy", "margin"]
    assert experiment.baseline
    curve = experiment.arms[0].curve("test/accuracy")
    assert curve is not None
    assert curve.seeds == (0, 1, 2, 3, 4, 5)


def test_options_of_a_strategy_tell_its_arms_apart(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("random", 0, [0.5, 0.6])
    for reduction in ("mean", "max"):
        write_run("entropy", 0, [0.5, 0.6], options={"reduction": reduction})
    (experiment,) = experiments(find([tmp_path]), "random")
    labels = [arm.label for arm in experiment.arms]
    assert labels[0] == "random"
    assert set(labels[1:]) == {"entropy, strategy.reduction=mean", "entropy, strategy.reduction=max"}
    with pytest.raises(InputError, match="--baseline entropy is several arms"):
        experiments(find([tmp_path]), "entropy")
    (named,) = experiments(find([tmp_path]), "entropy, strategy.reduction=max")
    assert named.arms[0].label == "entropy, strategy.reduction=max"


def test_a_wrapper_is_told_by_what_it_wraps(write_run: WriteRun, tmp_path: Path) -> None:
    """Settings that only one of the wrapped strategies has say nothing more; those of one strategy do."""
    inner = [
        {"_target_": "x.Kurtosis", "bins": 256},
        {"_target_": "x.Glcm", "bin_width": 25.0, "scale": "range"},
        {"_target_": "x.Glcm", "bin_width": 5.0, "scale": "range"},
    ]
    for strategy in inner:
        write_run("reversed", 0, [0.4, 0.5], options={"strategy": strategy})
    write_run("random", 0, [0.4, 0.5])
    (experiment,) = experiments(find([tmp_path]), "random")
    assert {arm.label for arm in experiment.arms} == {
        "random",
        "reversed, strategy.strategy=Glcm, strategy.strategy.bin_width=25.0",
        "reversed, strategy.strategy=Glcm, strategy.strategy.bin_width=5.0",
        "reversed, strategy.strategy=Kurtosis, strategy.strategy.bin_width=none",
    }


def test_networks_make_experiments_of_their_own(write_run: WriteRun, tmp_path: Path) -> None:
    for width in (8, 16):
        for strategy in ("random", "entropy"):
            write_run(strategy, 0, [0.5, 0.6], model={"width": width})
    found = experiments(find([tmp_path]), "random")
    assert {experiment.title for experiment in found} == {"phantom, model.width=8", "phantom, model.width=16"}
    assert all(len(experiment.arms) == 2 for experiment in found)


def test_titles_leave_out_settings_that_only_one_network_has(write_run: WriteRun, tmp_path: Path) -> None:
    networks = [
        {"_target_": "x.unet", "depth": 4, "width": 8},
        {"_target_": "x.resnet", "width": 16},
        {"_target_": "x.resnet", "width": 32},
    ]
    for network in networks:
        for strategy in ("random", "entropy"):
            write_run(strategy, 0, [0.5, 0.6], model=network)
    assert {experiment.title for experiment in experiments(find([tmp_path]), "random")} == {
        "phantom, model=unet, model.width=8",
        "phantom, model=resnet, model.width=16",
        "phantom, model=resnet, model.width=32",
    }


def test_schedules_that_differ_are_compared_only_by_force(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("random", 0, [0.5, 0.6, 0.7])
    write_run("entropy", 0, [0.5, 0.6], schedule={"budget": 40})
    runs = find([tmp_path])
    words = r"differ in schedule.budget \(40: 1 runs, 80: 1 runs\): choose with --where 'schedule.budget=40'"
    with pytest.raises(InputError, match=words):
        experiments(runs, "random")
    (forced,) = experiments(runs, "random", force=True)
    assert [arm.label for arm in forced.arms] == ["random, schedule.budget=80", "entropy, schedule.budget=40"]
    assert forced.baseline
    assert len(experiments(choose(runs, ["schedule.budget=80"]), "random")) == 1


def test_other_data_of_the_same_name_is_refused(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("random", 0, [0.5, 0.6])
    write_run("entropy", 0, [0.5, 0.6], fingerprint="md5:2")
    with pytest.raises(InputError, match="differ in dataset content"):
        experiments(find([tmp_path]), "random")


def test_data_sets_are_experiments_unless_there_is_nothing_to_compare(
    write_run: WriteRun, tmp_path: Path
) -> None:
    write_run("random", 0, [0.5, 0.6], name="a")
    write_run("entropy", 0, [0.5, 0.6], name="b")
    with pytest.raises(InputError, match="nothing to compare: random on a; entropy on b"):
        experiments(find([tmp_path]), "random")
    assert len(experiments(find([tmp_path]), "random", force=True)) == 2
    write_run("random", 0, [0.5, 0.6], name="b")
    assert [experiment.title for experiment in experiments(find([tmp_path]), "random")] == ["a", "b"]


def test_runs_on_all_labels_are_the_reference(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("random", 0, [0.5, 0.6])
    write_run("entropy", 0, [0.9], schedule={"initial_size": "all", "budget": "all"})
    write_run("entropy", 1, [0.9], schedule={"initial_size": "all", "budget": "all"}, model={"width": 99})
    (experiment,) = experiments(find([tmp_path]), "random")
    assert [arm.label for arm in experiment.arms] == ["random"]
    assert [run.seed for run in experiment.full] == [0], "of the same network only"
    (alone,) = experiments(choose(find([tmp_path]), ["strategy=entropy", "model.width=8"]), "random")
    assert [arm.label for arm in alone.arms] == ["entropy"]


def test_unfinished_runs_are_kept_apart(write_run: WriteRun, tmp_path: Path) -> None:
    for seed in range(2):
        write_run("random", seed, [0.5, 0.6])
    write_run("random", 2, [0.5], status="failed")
    (experiment,) = experiments(find([tmp_path]), "random")
    (arm,) = experiment.arms
    assert [run.seed for run in arm.unfinished] == [2]
    curve = arm.curve("test/accuracy")
    assert curve is not None
    assert curve.seeds == (0, 1)
    assert curve.labels.tolist() == [20, 40]


def test_conditions_choose_runs(study: Path, write_run: WriteRun) -> None:
    runs = find([study])
    assert len(choose(runs, ["strategy=random,margin", "seed=0,1"])) == 4
    write_run("random", 0, [0.5, 0.6], schedule={"query_size": [20, 40]})
    assert len(choose(find([study]), ["schedule.query_size=[20, 40]"])) == 1
    for condition, words in {
        "strategy": "to be written as strategy=value",
        "width=8": "width is no key; did you mean model.width?",
        "seed=9": "no run has it; there are 0, 1, 2, 3, 4, 5",
    }.items():
        with pytest.raises(InputError, match=words):
            choose(runs, [condition])


def test_strategies_may_bring_a_posterior(write_run: WriteRun, tmp_path: Path) -> None:
    """They are compared, and the report says that their models differ."""
    dropout = {"_target_": "x.McDropout", "samples": 20}
    for seed in range(6):
        write_run("random", seed, [0.4, 0.5 + seed / 100])
        write_run("bald", seed, [0.4, 0.6 + seed / 100], posterior=dropout)
    (experiment,) = experiments(find([tmp_path / "runs"]), "random")
    assert [arm.label for arm in experiment.arms] == ["random", "bald"]
    said = notes(analyse(experiment, Options("test/accuracy")))
    assert any("random: none; bald: posterior=McDropout, posterior.samples=20" in note for note in said)
    write_run("random", 0, [0.4, 0.6], posterior=dropout)
    with pytest.raises(InputError, match=r"several arms; name one: .*'random, posterior=McDropout"):
        experiments(find([tmp_path / "runs"]), "random")
