"""A run whose images people outline: masks in a folder are its answers."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from al_runner.errors import InputError
from al_runner.people.cli import check_asks
from al_runner.people.label_studio.cli import waiting as label_studio_waiting
from al_runner.people.page.desk import Desk
from tests.commands import Command
from tests.data.nifti_files import write_glas, write_pair
from tests.data.test_mask_folder import write as write_picture
from tests.people.test_runs import rows, status

COUNT = 14
RUN = [
    "oracle=people", "model=unet", "model.width=2", "model.depth=2", "schedule.initial_size=3",
    "schedule.query_size=2", "schedule.budget=7", "schedule.epochs=1", "optimizer.batch_size=2",
    "strategy=entropy", "logger=none",
]  # fmt: skip
VOLUMES = [
    "dataset=nifti_folder", "dataset.root=scans", "dataset.labels=[background,front,back]",
    "dataset.missing=unlabeled", "dataset.test_size=4", *RUN,
]  # fmt: skip
GLANDS = ["dataset=glas", "dataset.root=glands", "dataset.shape=[16,32]", "dataset.missing=unlabeled", *RUN]


@pytest.fixture
def scans(al_run: Command) -> Path:
    """Volumes without masks; returns the folder of the masks that people would draw."""
    for k in range(COUNT):
        write_pair(al_run.folder / "scans", f"p{k:02}", shape=(10, 12, 8), seed=k)
    truth = al_run.folder / "truth"
    shutil.move(al_run.folder / "scans" / "masks", truth)
    return truth


def asked(folder: Path) -> list[dict[str, str]]:
    """What is not answered yet."""
    return list(csv.DictReader((folder / "to_label.csv").open(encoding="utf-8")))


def outline(folder: Path, truth: Path, count: int | None = None) -> None:
    """Save the masks of some of what is asked."""
    for row in asked(folder)[:count]:
        shutil.copy(truth / row["mask"], folder / "masks")


def outlined(al_run: Command, arguments: list[str], truth: Path) -> Path:
    """The folder of a run whose questions were all answered by masks."""
    for _ in range(6):
        folder = al_run.run_folder(*arguments)
        if not (folder / "to_label.csv").is_file():
            return folder
        outline(folder, truth)
    raise AssertionError("it goes on asking")


def same_record(folder: Path, other: Path) -> bool:
    """Whether two runs say the same, label for label."""
    tables = all(rows(folder, name) == rows(other, name) for name in ("queries.csv", "rounds.csv"))
    labels = sorted(path.relative_to(folder) for path in folder.glob("round_*/labels.npy"))
    return (
        tables and bool(labels) and all((folder / p).read_bytes() == (other / p).read_bytes() for p in labels)
    )


def test_a_run_asks_for_masks_and_waits(al_run: Command, scans: Path) -> None:
    done = al_run(*VOLUMES)
    folder = al_run.folder / done.stdout.strip()
    assert done.returncode == 0, done.stderr
    assert "waiting for 7 of 7 outlines: save masks in" in done.stderr
    assert status(folder) == "waiting"
    questions = asked(folder)
    assert [row["split"] for row in questions] == ["test"] * 4 + ["train"] * 3
    assert all(Path(row["image"]).is_file() and row["mask"] == Path(row["image"]).name for row in questions)
    outline(folder, scans, 5)
    done = al_run(*VOLUMES)
    assert "waiting for 2 of 7 outlines" in done.stderr
    assert [row["file"] for row in asked(folder)] == [row["file"] for row in questions[5:]]
    kept = rows(folder, "labels.csv")
    assert [row["sample"] for row in kept] == [row["file"] for row in questions[:5]]
    assert all(row["label"].startswith("sha256:") and row["via"] == "mask" and row["at"] for row in kept)


@pytest.mark.slow
def test_volumes_by_masks_are_the_run_of_a_simulated_oracle(al_run: Command, scans: Path) -> None:
    folder = outlined(al_run, VOLUMES, scans)
    assert status(folder) == "finished"
    assert not {"asked.json", "to_label.csv", "waiting.csv"} & {path.name for path in folder.iterdir()}
    first = rows(folder, "rounds.csv")[0]
    low, dice, high = (float(first[f"test/dice{end}"]) for end in ("_low", "", "_high"))
    assert low - 1e-6 <= dice <= high + 1e-6
    assert "val/dice" not in first
    shutil.copytree(scans, al_run.folder / "scans" / "masks")
    simulated = al_run.run_folder(*VOLUMES, "oracle=simulated")
    assert same_record(folder, simulated)


@pytest.mark.slow
def test_validation_and_test_images_are_outlined_first(al_run: Command, scans: Path) -> None:
    asks = [word for word in VOLUMES if "test_size" not in word]
    asks += ["schedule.target={value:0.99,metric:val/dice}", "dataset.split=[0.6,0.2,0.2]"]
    folder = al_run.run_folder(*asks)
    splits = [row["split"] for row in asked(folder)]
    assert splits == ["val"] * 3 + ["test"] * 3 + ["train"] * 3
    assert outlined(al_run, asks, scans) == folder
    shutil.copytree(scans, al_run.folder / "scans" / "masks")
    assert same_record(folder, al_run.run_folder(*asks, "oracle=simulated"))


@pytest.mark.slow
def test_glands_by_masks_are_the_run_of_a_simulated_oracle(al_run: Command) -> None:
    write_glas(al_run.folder / "glands")
    simulated = al_run.run_folder(*[word for word in GLANDS if "missing" not in word], "oracle=simulated")
    truth = al_run.folder / "truth"
    truth.mkdir()
    for path in al_run.folder.glob("glands/train_*_anno.bmp"):
        Image.open(path).save(truth / f"{path.stem.removesuffix('_anno')}.png")
        path.unlink()
    folder = outlined(al_run, GLANDS, truth)
    assert same_record(folder, simulated), "also one of the data as they are"


@pytest.mark.slow
def test_pictures_by_masks_are_the_run_of_a_simulated_oracle(al_run: Command) -> None:
    for k in range(COUNT):
        write_picture(al_run.folder / "scans", f"p{k:02}")
    truth = al_run.folder / "truth"
    shutil.move(al_run.folder / "scans" / "masks", truth)
    asks = ["dataset=mask_folder", "dataset.root=scans", "dataset.labels={0:background,255:lesion}",
            "dataset.shape=[16,24]", *VOLUMES[3:]]  # fmt: skip
    folder = outlined(al_run, asks, truth)
    shutil.copytree(truth, al_run.folder / "scans" / "masks")
    assert same_record(folder, al_run.run_folder(*asks, "oracle=simulated"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a run waits for seven masks."""
    folder = tmp_path_factory.mktemp("waiting")
    for k in range(COUNT):
        write_pair(folder / "scans", f"p{k:02}", seed=k)
    shutil.move(folder / "scans" / "masks", folder / "truth")
    Command(folder).run_folder(*VOLUMES)
    return folder


@pytest.fixture
def waiting(made: Path, al_run: Command) -> Path:
    """The run folder of a copy, in which the command starts."""
    shutil.copytree(made, al_run.folder, dirs_exist_ok=True)
    return next(al_run.folder.glob("outputs/*/*/*/asked.json")).parent


def changed(path: Path, change: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]) -> None:
    """Save a mask anew: its values and its affine are changed."""
    image = nibabel.load(path)
    nibabel.save(nibabel.Nifti1Image(*change(np.array(image.dataobj), image.affine)), path)


def fill_in(folder: Path, **labels: str) -> None:
    """Write labels into the table in place of masks."""
    path = folder / "to_label.csv"
    table = asked(folder)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, table[0])
        writer.writeheader()
        for row in table:
            name = Path(row["file"]).name.removesuffix(".nii.gz")
            writer.writerow({**row, "label": labels.get(name, "")})


def _first(folder: Path) -> Path:
    """The first mask that is asked for."""
    return folder / "masks" / asked(folder)[0]["mask"]


def _not_asked(folder: Path) -> str:
    """A mask that is not asked for."""
    truth = folder.parents[3] / "truth"
    return min({path.name for path in truth.iterdir()} - {row["mask"] for row in asked(folder)})


def _key(path: Path) -> str:
    return path.name.removesuffix(".nii.gz")


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "another shape": (
        lambda run: changed(_first(run), lambda values, affine: (values[:-1], affine)),
        "voxels, its mask 8×12×9",
    ),
    "another place": (
        lambda run: changed(_first(run), lambda values, affine: (values, affine + np.eye(4, k=3) * 2)),
        "its mask are up to",
    ),
    "another spacing": (
        lambda run: changed(_first(run), lambda values, affine: (values, affine @ np.diag([2, 1, 1, 1]))),
        "mm, its mask's 1×1×2",
    ),
    "an undeclared label": (
        lambda run: changed(_first(run), lambda values, affine: (values + np.uint8(5), affine)),
        "has the label 5, 6, 7; declared are 0, 1, 2",
    ),
    "a value between labels": (
        lambda run: changed(_first(run), lambda values, affine: (values * np.float32(0.6), affine)),
        "has the label 0.6, 1.2; declared are 0, 1, 2",
    ),
    "not a number": (
        lambda run: changed(_first(run), lambda values, affine: (values * np.float32(np.nan), affine)),
        "has the label nan",
    ),
    "unreadable": (lambda run: _first(run).write_text("no mask"), "cannot read"),
    "cut short": (lambda run: _first(run).write_bytes(_first(run).read_bytes()[:-12]), "cannot read"),
    "another name": (
        lambda run: _first(run).rename(run / "masks" / "mine.nii.gz"),
        "mine.nii.gz is not the name",
    ),
    "another format": (
        lambda run: _first(run).rename(run / "masks" / "p.nrrd"),
        "p.nrrd is not the name of a mask",
    ),
    "not asked for": (
        lambda run: shutil.copy(run.parents[3] / "truth" / _not_asked(run), run / "masks"),
        "is of an image that was not asked for",
    ),
    "an image that vanished": (
        lambda run: (run.parents[3] / "scans" / asked(run)[1]["file"]).unlink(),
        "was asked for, and is not in",
    ),
    "a mask, and nothing to see": (
        lambda run: fill_in(run, **{_key(_first(run)): "none"}),
        "outlines something",
    ),
    "another label": (
        lambda run: fill_in(run, **{_key(_first(run)): "front"}),
        "neither none nor cannot tell",
    ),
    "an edited list": (lambda run: (run / "asked.json").write_text("{}"), "is not as al-run wrote it"),
}


@pytest.mark.parametrize("case", BAD)
def test_masks_that_do_not_fit_change_nothing(al_run: Command, waiting: Path, case: str) -> None:
    outline(waiting, al_run.folder / "truth")
    change, said = BAD[case]
    change(waiting)
    done = al_run(*VOLUMES)
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if "decoding" not in line]
    assert len(lines) == 1
    assert said in lines[0]
    assert status(waiting) == "waiting"
    assert not (waiting / "labels.csv").exists()


def test_masks_are_taken_as_programs_save_them(al_run: Command, waiting: Path) -> None:
    truth = al_run.folder / "truth"
    outline(waiting, truth)
    floats, turned, wide, *_ = (waiting / "masks" / row["mask"] for row in asked(waiting))
    changed(floats, lambda values, affine: (values.astype(np.float32) + np.float32(4e-4), affine))
    image = nibabel.load(turned).as_reoriented([[1, -1], [2, 1], [0, -1]])
    nibabel.save(nibabel.Nifti1Image(np.array(image.dataobj), image.affine), turned)
    changed(wide, lambda values, affine: (values.astype(np.int32), affine))
    (waiting / "masks" / "workspace.itksnap").write_text("what a program leaves")
    folder = outlined(al_run, VOLUMES, truth)
    shutil.copytree(truth, al_run.folder / "scans" / "masks")
    assert same_record(folder, al_run.run_folder(*VOLUMES, "oracle=simulated"))


def test_a_mask_may_change_until_its_round_is_complete(al_run: Command, waiting: Path) -> None:
    truth = al_run.folder / "truth"
    mask, other = (waiting / "masks" / row["mask"] for row in asked(waiting)[:2])
    outline(waiting, truth, 2)
    al_run.run_folder(*VOLUMES)
    changed(mask, lambda values, affine: (np.roll(values, 1, 0), affine))
    other.unlink()
    done = al_run(*VOLUMES)
    assert "waiting for 6 of 7 outlines" in done.stderr
    labels = rows(waiting, "labels.csv")
    assert [row["label"][:7] for row in labels] == ["sha256:", "sha256:", "sha256:", ""]
    assert labels[0]["label"] != labels[2]["label"]
    outline(waiting, truth)
    asked_before = (waiting / "asked.json").read_text()
    al_run.run_folder(*VOLUMES)
    assert (waiting / "round_0").is_dir()
    (waiting / "asked.json").write_text(asked_before)  # as a kill leaves it when the round is complete
    before = mask.read_bytes()
    shutil.copy(truth / mask.name, mask)
    done = al_run(*VOLUMES)
    assert done.returncode == 2
    assert "was changed after the run had taken it in" in done.stderr
    mask.unlink()
    assert "is gone, and the run knows it" in al_run(*VOLUMES).stderr
    mask.write_bytes(before)
    assert al_run(*VOLUMES).returncode == 0


def test_what_is_written_beside_masks_to_come_is_kept(al_run: Command, waiting: Path) -> None:
    path = waiting / "to_label.csv"
    with_notes = [{**row, "by": "mk", "note": f"scan, {row['index']}"} for row in asked(waiting)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, with_notes[0])
        writer.writeheader()
        writer.writerows(with_notes)
    outline(waiting, al_run.folder / "truth", 1)
    assert al_run(*VOLUMES).returncode == 0
    left = [(row["file"], row["by"], row["note"]) for row in asked(waiting)]
    assert left == [(row["file"], "mk", row["note"]) for row in with_notes[1:]]
    (known,) = rows(waiting, "labels.csv")
    assert (known["by"], known["note"]) == ("mk", with_notes[0]["note"])


def test_nothing_to_outline_and_cannot_tell(al_run: Command, waiting: Path) -> None:
    truth = al_run.folder / "truth"
    outline(waiting, truth)
    *_, none, unsure, empty = (waiting / "masks" / row["mask"] for row in asked(waiting))
    none.unlink()
    unsure.unlink()
    changed(empty, lambda values, affine: (values * 0, affine))
    fill_in(waiting, **{_key(none): "None", _key(unsure): "cannot_tell"})
    done = al_run(*VOLUMES)
    assert f"{empty.name} is empty and does not count" in done.stderr
    assert "waiting for 1 of 7 outlines" in done.stderr
    (row,) = asked(waiting)
    assert row["mask"] == empty.name
    fill_in(waiting, **{_key(empty): "none"})
    assert "is empty" not in al_run(*VOLUMES).stderr
    first = rows(waiting, "rounds.csv")[0]
    assert (first["n_queried"], first["n_labeled"]) == ("3", "2")
    labels = [row["label"] for row in rows(waiting, "queries.csv")]
    assert sorted(labels) == ["0", "0", "cannot tell"]
    shutil.copy(truth / unsure.name, unsure)
    assert f"{unsure} outlines something, and the run knows cannot tell" in al_run(*VOLUMES).stderr
    bought = np.load(waiting / "round_0" / "labels.npy")
    assert bought.dtype == np.uint8
    assert sorted({int(mask.max()) for mask in bought}) == [0, 254]


@pytest.mark.slow
def test_masks_that_are_there_are_learned_from_first(al_run: Command, scans: Path) -> None:
    known = [f"p{k:02}.nii.gz" for k in range(0, COUNT, 2)]
    for name in known:
        (al_run.folder / "scans" / "masks").mkdir(exist_ok=True)
        shutil.copy(scans / name, al_run.folder / "scans" / "masks" / name)
    folder = outlined(al_run, VOLUMES, scans)
    drawn = {row["mask"] for row in _asked_first(al_run)}
    answered = {Path(row["sample"]).name for row in rows(folder, "labels.csv")}
    assert not answered & {*known}, "nobody is asked for a mask that is there"
    pool = [f"p{k:02}.nii.gz" for k in range(COUNT) if f"p{k:02}.nii.gz" not in drawn]
    bought = [pool[int(row["index"])] for row in rows(folder, "queries.csv") if row["round"] == "0"]
    assert {*bought} <= {*known}, "they are the first query"


def _asked_first(al_run: Command) -> list[dict[str, str]]:
    """The random sample, which is the same whatever is known."""
    shutil.rmtree(al_run.folder / "scans" / "masks")
    other = al_run.run_folder(*VOLUMES, "seed=7")
    return [row for row in asked(other) if row["split"] == "test"]


def test_masks_may_lie_elsewhere(al_run: Command, waiting: Path) -> None:
    done = al_run(*VOLUMES, "oracle.masks=mine")
    assert al_run.folder / done.stdout.strip() == waiting, "where they lie is no part of the experiment"
    outline(waiting, al_run.folder / "truth")
    shutil.copytree(waiting / "masks", al_run.folder / "mine", dirs_exist_ok=True)
    shutil.rmtree(waiting / "masks")
    al_run.run_folder(*VOLUMES, "oracle.masks=mine")
    assert (waiting / "round_0").is_dir()


def test_the_models_outline_is_a_start(al_run: Command, scans: Path) -> None:
    folder = al_run.run_folder(*VOLUMES, "oracle.start=true")
    assert not list((folder / "masks").iterdir()), "there is no model yet"
    outline(folder, scans)
    al_run.run_folder(*VOLUMES, "oracle.start=true")
    starts = {row["mask"].replace(".nii", ".start.nii"): row for row in asked(folder)}
    assert starts
    worked_on = folder / "masks" / min(starts)
    changed(worked_on, lambda values, affine: (values * 0 + 1, affine))
    al_run.run_folder(*VOLUMES, "oracle.start=true")
    assert np.asarray(nibabel.load(worked_on).dataobj).all(), "it is not written over"
    for name, row in starts.items():
        image, start = nibabel.load(row["image"]), nibabel.load(folder / "masks" / name)
        assert image.shape == start.shape
        np.testing.assert_allclose(image.affine, start.affine)
        assert {*np.unique(start.dataobj)} <= {0, 1, 2}
    outline(folder, scans)
    al_run.run_folder(*VOLUMES, "oracle.start=true")
    left = starts.keys() & {path.name for path in (folder / "masks").iterdir()}
    assert left == {worked_on.name}, "what a person changed is kept"
    assert np.asarray(nibabel.load(worked_on).dataobj).all()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["oracle=simulated"], "scans lacks masks: oracle=people asks for them"),
        (["dataset.missing=refuse", "dataset.test_size=null"], "masks=masks/*.nii.gz matches no file"),
        (["dataset.missing=refuse"], "it is for dataset.missing=unlabeled"),
        (["dataset.missing=unlabelled"], "did you mean unlabeled?"),
        (["dataset.test_size=14"], "some must be left to learn from"),
        (["dataset.test_size=0"], "must be at least 1"),
        (["dataset.images='*/*.nii.gz'"], "must have one *"),
        (["oracle.masks=scans/masks"], "is below dataset.root"),
        (["keep_pool=true"], "keep_pool needs the labels of the whole pool"),
        (
            ["schedule.target={value:0.9,metric:val/dice}"],
            "needs a validation split, and these data have none",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(al_run: Command, scans: Path, more: list[str], said: str) -> None:
    done = al_run(*VOLUMES, *more)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (al_run.folder / "outputs").exists()


def test_data_with_all_masks_ask_nobody(al_run: Command) -> None:
    write_glas(al_run.folder / "glands")
    done = al_run(*[word for word in GLANDS if "missing" not in word])
    assert done.returncode == 2
    assert "so dataset.missing=unlabeled" in done.stderr


def test_the_page_and_label_studio_take_no_outlines(waiting: Path) -> None:
    with pytest.raises(InputError, match="asks for outlines, which this page does not take"):
        check_asks(waiting, Desk(waiting))
    with pytest.raises(InputError, match="asks for outlines, which do not come by Label Studio"):
        label_studio_waiting(waiting)


@pytest.mark.slow
def test_glas_by_masks_is_the_run_of_a_simulated_oracle(al_run: Command, data_dir: Path) -> None:
    """The real images: people draw what the experts drew, and save it as pictures."""
    if not (data_dir / "glas" / "Grade.csv").is_file():
        pytest.skip("GlaS is missing")
    glands, truth = al_run.folder / "glands", al_run.folder / "truth"
    truth.mkdir()
    shutil.copytree(data_dir / "glas", glands)
    glas = ["dataset=glas", "dataset.root=glands", "dataset.shape=[64,96]", *RUN, "schedule.budget=8"]
    simulated = al_run.run_folder(*glas, "oracle=simulated")
    for path in glands.glob("train_*_anno.bmp"):
        values = np.array(Image.open(path))
        Image.fromarray((values > 0).astype(np.uint8)).save(truth / f"{path.stem.removesuffix('_anno')}.png")
        path.unlink()
    folder = outlined(al_run, [*glas, "dataset.missing=unlabeled"], truth)
    assert same_record(folder, simulated)
