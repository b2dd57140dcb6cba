"""Reading run folders: what is whole is read, what is not is refused."""

import shutil
from pathlib import Path

import pytest

from al_runner.errors import InputError
from al_runner.report.study.analysis import Options, analyse
from al_runner.report.study.folders import find
from al_runner.report.study.grouping import experiments
from al_runner.report.study.runs import Run
from al_runner.report.writing.notes import notes
from tests.commands import Command
from tests.report.conftest import WriteRun


def test_a_run_of_al_run_is_read(finished: tuple[Path, list[str]]) -> None:
    (run,) = find([finished[0]])
    assert (run.strategy, run.dataset, run.seed, run.finished) == ("entropy", "small", 0, True)
    assert [row["n_labeled"] for row in run.rows] == [6, 10, 14]
    assert [len(query) for query in run.indices] == [6, 4, 4]
    assert run.science["schedule.budget"] == "14"
    assert "seed" not in run.science
    picks, confusion = run.array(1, "picks"), run.array(2, "confusion_test")
    assert picks is not None
    assert picks.shape == (4, 14, 14)
    assert confusion is not None
    assert confusion.sum() == 20
    assert run.array(0, "nothing") is None
    counts = run.manifest["dataset"]["class_counts"]
    assert {split: sum(each) for split, each in counts.items()} == run.manifest["dataset"]["sizes"]


def test_a_run_may_be_seen_as_if_it_had_ended_earlier(
    finished: tuple[Path, list[str]], write_run: WriteRun
) -> None:
    (run,) = find([finished[0]])
    earlier = run.up_to(13)
    assert [row["n_labeled"] for row in earlier.rows] == [6, 10]
    assert earlier.outcome == run.rows[1]
    assert [len(query) for query in earlier.indices] == [6, 4], "and its tables are still checked as a whole"
    assert run.up_to(14) is run
    with pytest.raises(InputError, match=r"--budget 5: .* begins with 6 labels"):
        run.up_to(5)
    final = Run.read(write_run("random", 0, [0.2, 0.4, 0.5], final=0.9))
    assert final.up_to(40).outcome == final.rows[1], "a final model has seen the later labels"


def test_places_that_overlap_give_each_run_once(study: Path) -> None:
    assert len(find([study, study / "phantom"])) == 18


def test_links_are_followed_and_count_once(study: Path, tmp_path: Path) -> None:
    """A study put together of links: to runs, to folders of runs, to one that holds the link itself."""
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / "all").symlink_to(study, target_is_directory=True)
    (mixed / "again").symlink_to(study / "phantom", target_is_directory=True)
    (mixed / "round").symlink_to(mixed, target_is_directory=True)
    assert len(find([mixed])) == 18
    one = tmp_path / "one"
    one.symlink_to(next(study.rglob("manifest.json")).parent, target_is_directory=True)
    assert len(find([one])) == 1


@pytest.mark.parametrize("name", ["rounds.csv", "queries.csv"])
def test_an_edited_table_is_refused(finished: tuple[Path, list[str]], tmp_path: Path, name: str) -> None:
    """Whole and plausible, but not what the rounds' own folders say: al-run refuses it, too."""
    (folder,) = (path.parent for path in shutil.copytree(finished[0], tmp_path / "cwd").rglob("rounds.csv"))
    head, *rows = (folder / name).read_text().splitlines()
    cells = rows[-1].split(",")
    cells[2] = "2" if cells[2] != "2" else "3"
    damage(folder, name, "\n".join([head, *rows[:-1], ",".join(cells), ""]))
    with pytest.raises(InputError, match=f"{name} is not as al-run wrote it"):
        _ = find([folder])[0].queries
    for path in folder.glob("round_*/round.json"):  # without them the tables stand for themselves
        path.unlink()
    assert find([folder])[0].queries


def damage(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


ROUNDS = "round,n_labeled,test/accuracy\n0,20,0.5\n1,40,0.6\n2,60,0.7\n"
DAMAGES = {
    "a line cut off": ("rounds.csv", ROUNDS[:-4], "cut short"),
    "a cell missing": ("rounds.csv", ROUNDS + "3,80\n", "cut short"),
    "a row missing": ("rounds.csv", ROUNDS, "3 rows for 4 rounds"),
    "a row in the middle missing": ("rounds.csv", ROUNDS.replace("1,40,0.6\n", ""), "round 1 is missing"),
    "not a number": ("rounds.csv", ROUNDS.replace("0.6", "high"), "round 1: could not convert"),
    "a field of 200 kB": ("rounds.csv", ROUNDS.replace("0.6", "6" * 200_000), "larger than field limit"),
    "an empty file": ("rounds.csv", "", "has no rounds"),
    "a manifest cut short": ("manifest.json", '{"name": ', "not as al-run wrote it"),
    "another program's manifest": ("manifest.json", "{}", "lacks name"),
}


@pytest.mark.parametrize("fault", DAMAGES)
def test_a_damaged_run_is_refused(write_run: WriteRun, fault: str) -> None:
    name, text, words = DAMAGES[fault]
    folder = write_run("random", 0, [0.5, 0.6, 0.7, 0.8])
    damage(folder, name, text)
    with pytest.raises(InputError, match=words) as error:
        find([folder])
    assert str(folder) in str(error.value)


@pytest.mark.parametrize(
    ("old", "new"), [("\n0,0,", "\nzero,0,"), ("round,rank,index", "a,b,c"), ("\n0,19,", "\n0,19,x")]
)
def test_queries_that_were_edited_are_refused(write_run: WriteRun, old: str, new: str) -> None:
    folder = write_run("random", 0, [0.5, 0.6])
    damage(folder, "queries.csv", (folder / "queries.csv").read_text().replace(old, new))
    with pytest.raises(InputError, match=r"queries\.csv"):
        _ = Run.read(folder).queries


def test_a_run_that_failed_in_its_first_round_is_known(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("random", 0, [0.5, 0.6])
    failed = write_run("entropy", 0, [0.5], status="failed")
    (failed / "run.lock").touch()
    for name in ("rounds.csv", "queries.csv"):
        (failed / name).unlink()
    (failed / "round_0").rename(failed / ".round_0")
    assert [(run.strategy, len(run.rows)) for run in find([tmp_path])] == [("entropy", 0), ("random", 2)]


def test_queries_that_were_cut_short_are_refused(write_run: WriteRun) -> None:
    folder = write_run("random", 0, [0.5, 0.6])
    damage(folder, "queries.csv", (folder / "queries.csv").read_text()[:-3])
    with pytest.raises(InputError, match=r"queries\.csv was cut short"):
        _ = Run.read(folder).queries


def test_a_run_that_goes_on_may_be_a_row_behind(write_run: WriteRun) -> None:
    folder = write_run("random", 0, [0.5, 0.6, 0.7, 0.8], status="running")
    damage(folder, "rounds.csv", ROUNDS)
    assert len(Run.read(folder).rows) == 3


def test_the_same_run_twice_is_refused(write_run: WriteRun, tmp_path: Path) -> None:
    first = write_run("random", 0, [0.5, 0.6])
    second = write_run("random", 0, [0.5, 0.7], root=tmp_path / "copy")
    with pytest.raises(InputError, match="are the same run") as error:
        find([tmp_path])
    assert str(first) in str(error.value)
    assert str(second) in str(error.value)


def test_a_folder_without_runs_is_refused(al_run: Command) -> None:
    with pytest.raises(InputError, match="no runs found below"):
        find([al_run.folder])


def test_a_final_model_is_no_round_of_the_loop(write_arm: WriteRun) -> None:
    run = Run.read(write_arm("4_active", 0))
    assert [row["n_labeled"] for row in run.rows] == [20, 40, 60, 80]
    assert run.final is not None
    assert (run.final["round"], run.final["n_labeled"], run.final["n_queried"]) == (4, 80, 0)
    assert run.outcome is run.final
    assert [len(query) for query in run.queries] == [20] * 4
    assert run.array(4, "picks") is None
    assert (run.arm, run.arm_baseline, run.leaves_final_model, run.has_one_round) == (
        "4_active",
        "2_limited",
        True,
        False,
    )


def test_an_older_run_leaves_its_last_round_and_names_no_arm(write_run: WriteRun) -> None:
    folder = write_run("random", 0, [0.5, 0.6])
    run = Run.read(folder)
    assert run.outcome is run.rows[-1]
    assert (run.arm, run.arm_baseline, run.final, run.leaves_final_model) == (None, None, None, False)
    text = (folder / "manifest.json").read_text()
    damage(folder, "manifest.json", text[:-1] + ', "report": {"arm": null, "baseline": null}}')
    assert Run.read(folder).arm is None
    damage(folder, "manifest.json", text[:-1] + ', "report": "4_active"}')
    with pytest.raises(InputError, match="not as al-run wrote it"):
        Run.read(folder)


def without_last_row(folder: Path) -> None:
    lines = (folder / "rounds.csv").read_text().splitlines(keepends=True)
    damage(folder, "rounds.csv", "".join(lines[:-1]))


def test_a_run_killed_before_its_final_model_is_unfinished(write_arm: WriteRun) -> None:
    folder = write_arm("4_active", 0, final=None, status="running")
    run = Run.read(folder)
    assert (run.final, len(run.rows), run.leaves_final_model) == (None, 4, True)

    behind = write_arm("4_active", 1, status="running")
    without_last_row(behind)
    assert Run.read(behind).final is None, "one row behind its rounds"


def test_a_final_model_whose_row_is_lost_is_refused(write_arm: WriteRun) -> None:
    folder = write_arm("4_active", 0)
    without_last_row(folder)
    with pytest.raises(InputError, match="4 rows for 5 rounds"):
        Run.read(folder)


def test_a_round_that_bought_nothing_is_the_last_one(write_arm: WriteRun) -> None:
    folder = write_arm("4_active", 0)
    text = (folder / "rounds.csv").read_text()
    damage(folder, "rounds.csv", text.replace("\n1,40,20,", "\n1,40,0,"))
    with pytest.raises(InputError, match="n_queried 0"):
        Run.read(folder)


def switched(folder: Path) -> Path:
    """A run that queries another data set from 35 labels on, as al-run writes it."""
    text = (folder / "manifest.json").read_text()
    damage(folder, "manifest.json", text[:-1] + ', "switch": {"first": 100, "labels": 35}}')
    return folder


def test_rounds_before_a_switch_are_no_part_of_the_curve(write_run: WriteRun) -> None:
    measured = {"switch_dataset": {"at": 0.4, "measure": "second"}}
    values = [0.9, 0.95, 0.3, 0.5]  # the third query is the first one made with 35 labels or more
    runs = [Run.read(switched(write_run("random", seed, values, schedule=measured))) for seed in (0, 1)]
    assert [row["n_labeled"] for row in runs[0].rows] == [60, 80]
    assert [row["n_labeled"] for row in runs[0].rounds] == [20, 40, 60, 80]
    assert runs[0].query_size(1) == 20
    (experiment,) = experiments(runs)
    analysis = analyse(experiment, Options("test/accuracy"))
    assert analysis.arms[0].area.value == pytest.approx(0.4)
    assert "Measured on the second data set from 60 labels on; earlier rounds are left out." in notes(
        analysis
    )


def test_rounds_before_a_switch_count_where_all_are_measured_alike(write_run: WriteRun) -> None:
    first = {"switch_dataset": {"at": 0.4, "measure": "first"}}
    run = Run.read(switched(write_run("random", 0, [0.5, 0.6, 0.7, 0.8], schedule=first)))
    assert run.rows == run.rounds
    early = Run.read(switched(write_run("random", 1, [0.5, 0.6])))
    assert len(early.rows) == 2, "it ended before the switch"
