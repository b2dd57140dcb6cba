"""The presets of the warren paper: the installed command on small scans, from the runs to the report."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import other_scores
import pytest
from scipy import stats

from al_runner.data.sets.mouse_scans import LABELS
from al_runner.data.sets.phantom_ct import load
from al_runner.errors import InputError
from al_runner.report.study.folders import find
from tests.commands import Command

SMALL = ["dataset.n_train=12", "dataset.n_val=1", "dataset.n_test=4", "dataset.shape=[24,16,16]",
         "dataset.seed=4", "model.width=0.5", "schedule.initial_size=4", "schedule.query_size=3",
         "schedule.epochs=8", "optimizer.lr=1e-2", "optimizer.batch_size=1", "trainer=cpu",
         "logger=none"]  # fmt: skip


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Study:
    """Both forms, cut short; the loop also with random."""

    folder: Path

    def run(self, form: str, strategy: str = "nmi_entropy_coarse") -> Path:
        """A run folder."""
        (found,) = self.folder.glob(f"outputs/warren/phantom_ct/{form}/{strategy}/seed-0-*")
        return found

    def kept(self, form: str, number: int, name: str, strategy: str = "nmi_entropy_coarse") -> np.ndarray:
        """An array of a round."""
        return np.load(self.run(form, strategy) / f"round_{number}" / f"{name}.npy")

    def report(self, form: str) -> tuple[str, Path]:
        """What al-report prints, and its folder."""
        done = Command(self.folder).report(str(self.folder / "outputs/warren/phantom_ct" / form))
        assert done.returncode == 0, done.stderr
        assert not done.stderr
        return done.stdout, Path(done.stdout.splitlines()[-1]).parent


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("warren")
    command = Command(folder)
    command.run_folder("experiment=warren/phantom_ct_one_shot", *SMALL, "schedule.budget=4")
    loop = command("-m", "experiment=warren/phantom_ct", "strategy=random,nmi_entropy_coarse", *SMALL,
                   "schedule.budget=7")  # fmt: skip
    assert loop.returncode == 0, loop.stderr
    return Study(folder)


@pytest.mark.slow
def test_the_loop_begins_where_the_one_shot_form_ends(study: Study) -> None:
    """One model, one pool, one score: what is right of the cut-off is the loop's first query."""
    for name in ("pool", "pool_scores", "dice_images_pool", "dice_images_test"):
        np.testing.assert_array_equal(study.kept("one_shot", 0, name), study.kept("loop", 0, name))
    bought = [row for row in rows(study.run("loop") / "queries.csv") if row["round"] == "1"]
    assert [int(row["index"]) for row in bought] == study.kept("one_shot", 0, "pool")[:3].tolist()
    scores = study.kept("one_shot", 0, "pool_scores")[:3].tolist()
    assert [np.float32(row["score"]) for row in bought] == scores
    assert len(rows(study.run("one_shot") / "rounds.csv")) == 1


@pytest.mark.slow
def test_what_is_kept_of_the_pool(study: Study) -> None:
    bought: set[int] = set()
    for number, row in enumerate(rows(study.run("loop") / "rounds.csv")):
        bought |= {
            int(r["index"]) for r in rows(study.run("loop") / "queries.csv") if r["round"] == str(number)
        }
        assert sorted(study.kept("loop", number, "pool")) == sorted({*range(12)} - bought)
        dice = study.kept("loop", number, "dice_images_pool")
        assert dice.shape == (12 - len(bought), 5)
        assert float(row["pool/dice"]) == pytest.approx(np.nanmean(np.nanmean(dice, 0)), abs=1e-5)
    truth = load(seed=4, n_train=12, shape=(24, 16, 16)).train.targets
    for index, dice_L in zip(
        study.kept("loop", 0, "pool"), study.kept("loop", 0, "dice_images_pool"), strict=True
    ):
        assert [bool((truth[index] == label).any()) for label in range(1, 6)] == (~np.isnan(dice_L)).tolist()
    assert (study.run("loop", "random") / "round_0" / "dice_images_pool.npy").is_file()
    assert not (study.run("loop", "random") / "round_0" / "pool_scores.npy").exists(), "it has no score"


@pytest.mark.slow
def test_report_of_the_one_shot_form(study: Study) -> None:
    said, folder = study.report("one_shot")
    table = rows(folder / "tables" / "phantom_ct_dice_of_images.csv")
    assert list(table[0]) == ["strategy", "image", *LABELS[1:], "mean"]
    test = study.kept("one_shot", 0, "dice_images_test")
    for row, dice_L in zip(table, test, strict=True):
        cells = [row[name] for name in LABELS[1:]]
        assert [cell == "N/A" for cell in cells] == np.isnan(dice_L).tolist()
        assert float(row["mean"]) == pytest.approx(np.nanmean(dice_L), rel=1e-5)
    assert "N/A" in said
    dice = np.nanmean(study.kept("one_shot", 0, "dice_images_pool").astype(float), 1)
    scores = study.kept("one_shot", 0, "pool_scores").astype(float)
    (row,) = rows(folder / "tables" / "phantom_ct_score_dice.csv")
    assert row["images"] == "8"
    for column, test_of, p in (("Pearson r", stats.pearsonr, "p"), ("Spearman ρ", stats.spearmanr, "p (ρ)")):
        expected = test_of(scores, dice)
        assert (float(row[column]), float(row[p])) == pytest.approx((expected[0], expected[1]))
    assert float(row["Dice of the query"]) == pytest.approx(dice[:3].mean())
    assert "nmi_entropy_coarse: on the 8 images that 4 labels leave" in said
    for figure in ("score_bars", "score_dice"):
        assert (folder / "figures" / f"phantom_ct_{figure}.svg").stat().st_size > 5000


@pytest.mark.slow
def test_other_scores_are_those_that_the_runs_own_model_would_give(study: Study) -> None:
    """Its own score again; and the weighted entropy alone, which ranks as entropy does."""
    asked = [["nmi_entropy_coarse"], ["nmi_entropy_coarse", "beta=0"], ["entropy"]]
    header, own, weighted, entropy = other_scores.rows(find([study.run("one_shot")]), asked)
    assert header[:4] == ["score", "seed", "images", "r"]
    dice = np.nanmean(study.kept("one_shot", 0, "dice_images_pool").astype(float), 1)
    scores = study.kept("one_shot", 0, "pool_scores").astype(float)
    expected = [
        stats.pearsonr(scores, dice)[0],
        stats.spearmanr(scores, dice)[0],
        dice.mean(),
        dice[:3].mean(),
    ]
    assert own[:3] == ["nmi_entropy_coarse", 0, 8]
    assert [float(str(value)) for value in own[3:]] == pytest.approx(expected, rel=1e-5)
    assert weighted[0] == "nmi_entropy_coarse beta=0"
    assert [float(str(value)) for value in weighted[3:]] == pytest.approx(
        [float(str(value)) for value in entropy[3:]], rel=1e-4
    )
    assert entropy[3:] != own[3:]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "strategy", "score", "said"),
    [
        ("loop", "random", ["entropy"], "kept no pool"),
        ("loop", "nmi_entropy_coarse", ["random"], "scores each image"),
        ("loop", "nmi_entropy_coarse", ["entropi"], "entropi"),
        ("loop", "nmi_entropy_coarse", ["entropy", "bins=3"], "bins"),
    ],
)
def test_scores_that_cannot_be_given(
    study: Study, form: str, strategy: str, score: list[str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        [*other_scores.rows(find([study.run(form, strategy)]), [score])]


@pytest.mark.slow
def test_report_of_the_loop(study: Study) -> None:
    said, folder = study.report("loop")
    assert "N/A" not in said, "the images' table is for those who open it"
    table = rows(folder / "tables" / "phantom_ct_score_dice.csv")
    assert [row["labels"] for row in table] == ["4", "7"]
    assert len(rows(folder / "tables" / "phantom_ct_dice_of_images.csv")) == 8


@pytest.mark.slow
def test_keeping_the_pool_changes_nothing_else(study: Study, tmp_path: Path) -> None:
    arguments = ["experiment=warren/phantom_ct", *SMALL, "schedule.budget=7", "keep_pool=false"]
    folder = Command(tmp_path).run_folder(*arguments)
    assert not list(folder.glob("round_*/*pool*"))
    assert rows(folder / "queries.csv") == rows(study.run("loop") / "queries.csv")
    kept = [{k: v for k, v in row.items() if not k.startswith("pool/") and not k.endswith("_seconds")}
            for row in rows(study.run("loop") / "rounds.csv")]  # fmt: skip
    plain = [
        {k: v for k, v in row.items() if not k.endswith("_seconds")} for row in rows(folder / "rounds.csv")
    ]
    assert plain == kept


def test_presets_share_what_makes_them_one_study() -> None:
    from tests.composing import composed

    for data in ("phantom_ct", "hippocampus"):
        loop, one_shot = composed(f"experiment=warren/{data}"), composed(f"experiment=warren/{data}_one_shot")
        for node in ("model", "strategy", "oracle", "optimizer"):
            assert loop[node] == one_shot[node]
        for config in (loop, one_shot):
            assert config.schedule.initial_size == 16
            assert config.keep_pool
            assert config.model._target_.endswith("dense_vnet")
        assert one_shot.schedule.budget == 16
        composed(f"experiment=warren/{data}", "strategy=entropy")
