"""Decathlon tasks, NIfTI folders, GlaS: small files in the official layouts, and what can be wrong."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from al_runner.data.dataset import Dataset
from al_runner.data.formats.masks import positions
from al_runner.data.formats.volume import Volume, read_mask, write_mask
from al_runner.data.layouts.grid import Grid, Levels
from al_runner.data.sets import decathlon, glas, nifti_folder
from al_runner.errors import InputError
from tests.data.nifti_files import write_decathlon, write_glas, write_nifti, write_pair

SPACING = (1.0, 1.0, 1.0)


@pytest.fixture
def task(tmp_path: Path) -> Path:
    folder = tmp_path / "Task99_Boxes"
    write_decathlon(folder)
    return folder


def load(folder: Path, **options: Any) -> Dataset:
    return decathlon.load(folder, folder.parent / "cache", **options)


def sizes(dataset: Dataset) -> list[int]:
    return [len(dataset.splits[name]) for name in ("train", "val", "test")]


def test_a_decathlon_task(task: Path) -> None:
    dataset = load(task)
    assert dataset.name == "Task99_Boxes"
    assert sizes(dataset) == [7, 1, 2]
    assert dataset.train.images.shape == (7, 1, 8, 12, 11), "the smallest grid that holds every volume"
    assert dataset.class_names == ("background", "front", "back")
    assert dataset.task.count(dataset.train.targets).tolist() == [0, 7, 7]
    for split in dataset.splits.values():
        images, masks = split.images[:, 0].float(), split.targets
        assert images[masks == 2].mean() > images[masks == 1].mean() > images[masks == 0].mean()
    again = load(task)
    assert again.fingerprint == dataset.fingerprint
    assert torch.equal(again.train.images, dataset.train.images)
    assert load(task, split_seed=1).fingerprint != dataset.fingerprint


def test_axes_run_from_foot_to_head_back_to_front_left_to_right(task: Path) -> None:
    mask = load(task, split=[0.1, 0.1, 0.8]).splits["test"].targets[0]
    front = (mask == 1).nonzero()
    assert front.amin(0)[:2].tolist() == [1, 3]  # z, y of the box, as it was written
    assert front.amax(0)[:2].tolist() == [3, 7]


def test_other_orientations_are_turned(tmp_path: Path) -> None:
    import nibabel

    for k in range(4):
        write_pair(tmp_path / "a", f"p{k}")
        for kind in ("images", "masks"):
            name = f"{kind}/p{k}.nii.gz"
            image = nibabel.load(tmp_path / "a" / name)
            turned = image.as_reoriented([[1, -1], [2, 1], [0, -1]])
            (tmp_path / "b" / kind).mkdir(parents=True, exist_ok=True)
            nibabel.save(turned, tmp_path / "b" / name)
    first, second = (folder_of(tmp_path / name) for name in "ab")
    assert torch.equal(first.train.images, second.train.images)
    assert torch.equal(first.train.targets, second.train.targets)


def flipped(path: Path) -> None:
    """The same volume with its first two axes stored in the other direction (LPS)."""
    import nibabel

    turned = nibabel.load(path).as_reoriented([[0, -1], [1, -1], [2, 1]])
    nibabel.save(nibabel.Nifti1Image(np.array(turned.dataobj), turned.affine), path)


def test_a_warm_cache_reads_no_voxel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(4):
        write_pair(tmp_path / "scans", f"p{k}")
    plain = folder_of(tmp_path / "scans")
    for path in (tmp_path / "scans").glob("*/*.nii.gz"):
        flipped(path)
    assert folder_of(tmp_path / "scans").fingerprint == plain.fingerprint

    def read(*_: object, **__: object) -> np.ndarray:
        raise AssertionError("voxels are read")

    monkeypatch.setattr("nibabel.arrayproxy.ArrayProxy.__array__", read)
    assert folder_of(tmp_path / "scans").fingerprint == plain.fingerprint


def test_spacing_follows_the_axes(tmp_path: Path) -> None:
    import nibabel

    write_nifti(tmp_path / "a.nii.gz", np.zeros((4, 5, 6), np.uint8), (1.0, 2.0, 3.0))
    image = nibabel.load(tmp_path / "a.nii.gz")
    nibabel.save(image.as_reoriented([[1, -1], [2, 1], [0, -1]]), tmp_path / "b.nii.gz")
    first, second = (Volume.open(tmp_path / f"{name}.nii.gz") for name in "ab")
    assert first.shape == second.shape == (6, 5, 4)
    assert first.spacing == second.spacing == (3.0, 2.0, 1.0)
    np.testing.assert_allclose(first.affine, second.affine)


def test_every_split_has_its_cache(tmp_path: Path) -> None:
    for k in range(6):
        write_pair(tmp_path / "scans", f"p{k}")
    for seed in (0, 1, 0):
        folder_of(tmp_path / "scans", split_seed=seed)
    assert len(list((tmp_path / "cache").glob("*/*/meta.json"))) == 2
    write_glas(tmp_path / "glas")
    for test in ("A", "B"):
        glas.load(tmp_path / "glas", tmp_path / "glands", shape=(16, 24), test=test)
    assert len(list((tmp_path / "glands").glob("*/*/meta.json"))) == 2


def test_another_format_is_decoded_anew(task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(task)
    monkeypatch.setattr("al_runner.data.layouts.outlined.FORMAT", 99)
    load(task)
    assert len(list((task.parent / "cache").glob("*/*/meta.json"))) == 2


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_cases_that_cannot_be_read_may_be_left_out(
    task: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = load(task)
    (task / kind / "case_03.nii.gz").write_text("no")
    with pytest.raises(InputError, match=r"cannot read case_03\.nii\.gz"):
        load(task)
    for _ in range(2):
        dataset = load(task, on_error="skip")
        assert sum(sizes(dataset)) == sum(sizes(whole)) - 1
        assert "left out: 1 of 10 items" in capsys.readouterr().err
    split, k = next(
        (name, k)
        for name in ("train", "val", "test")
        for k in range(len(whole.splits[name]))
        if k == len(dataset.splits[name])
        or not torch.equal(whole.splits[name].images[k], dataset.splits[name].images[k])
    )
    rest = [i for i in range(len(whole.splits[split])) if i != k]
    assert torch.equal(whole.splits[split].images[rest], dataset.splits[split].images)


def test_glas_may_leave_out_images(tmp_path: Path) -> None:
    write_glas(tmp_path / "glas")
    (tmp_path / "glas" / "testB_1.bmp").write_text("no")
    dataset = glas.load(tmp_path / "glas", tmp_path / "cache", shape=(16, 24), on_error="skip")
    assert len(dataset.splits["test"]) == 4


def test_cropped_foreground_is_counted(task: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):  # the second time from the cache
        load(task, shape=[4, 4, 4])
        assert "10 of 10 masks reach beyond dataset.shape=[4, 4, 4]" in capsys.readouterr().err
    load(task, shape=[4, 6, 5], fit="resize")
    load(task, shape=[2, 3, 3], spacing=[4.0, 4.0, 4.0])
    load(task)
    assert "reach beyond" not in capsys.readouterr().err


def test_a_mask_that_lies_elsewhere(tmp_path: Path) -> None:
    import nibabel

    for k in range(4):
        write_pair(tmp_path / "scans", f"p{k}")
    path = tmp_path / "scans" / "masks" / "p2.nii.gz"
    content = np.array(nibabel.load(path).dataobj)
    for shift, refused in ((0.01, False), (0.5, True)):
        affine = np.eye(4)
        affine[1, 3] = shift
        nibabel.save(nibabel.Nifti1Image(content, affine), path)
        if refused:
            with pytest.raises(InputError, match=r"p2\.nii\.gz and its mask are up to 0\.5 voxels apart"):
                folder_of(tmp_path / "scans")
        else:
            folder_of(tmp_path / "scans")


def test_the_background_has_the_smallest_value(task: Path) -> None:
    write_pair(task.parent / "scans", "p0")
    with pytest.raises(InputError, match=r"names 1 \(background\) first, .* 0 \(tumor\) is smaller"):
        folder_of(task.parent / "scans", labels={1: "background", 0: "tumor"})
    edit(task, labels={"2": "back", "1": "front", "0": "background"})  # JSON objects have no order
    assert load(task).class_names == ("background", "front", "back")


def folder_of(root: Path, **options: Any) -> Dataset:
    given = {"images": "images/*.nii.gz", "masks": "masks/*.nii.gz", "split": [0.5, 0.25, 0.25], **options}
    labels = given.pop("labels", ["background", "front", "back"])
    return nifti_folder.load(root, labels=labels, cache_dir=root.parent / "cache", **given)


def test_patients_stay_together(tmp_path: Path) -> None:
    for patient in range(5):
        for visit in range(2):
            write_pair(tmp_path / "scans", f"p{patient}_{visit}")
    dataset = folder_of(tmp_path / "scans", group=r"p\d+", split=[0.6, 0.2, 0.2])
    assert sizes(dataset) == [6, 2, 2]
    together = folder_of(tmp_path / "scans", group=r"(p\d)_\d", split=[0.6, 0.2, 0.2])
    assert together.fingerprint == dataset.fingerprint


def test_clutter_is_no_case(tmp_path: Path) -> None:
    """MONAI #8305: what macOS and Windows leave beside files."""
    for k in range(4):
        write_pair(tmp_path / "scans", f"p{k}")
    before = folder_of(tmp_path / "scans")
    for folder in ("images", "masks"):
        (tmp_path / "scans" / folder / "._p0.nii.gz").write_bytes(b"\0\5\26\7")
        (tmp_path / "scans" / folder / ".DS_Store").write_bytes(b"x")
        (tmp_path / "scans" / folder / "Thumbs.db").write_bytes(b"x")
    assert folder_of(tmp_path / "scans").fingerprint == before.fingerprint
    everything = folder_of(tmp_path / "scans", images="images/*", masks="masks/*")
    assert everything.fingerprint == before.fingerprint


def test_values_may_be_named(tmp_path: Path) -> None:
    labels = np.zeros((10, 12, 8), np.uint8)
    labels[2:5], labels[6:8] = 1, 4
    for k in range(4):
        write_pair(tmp_path / "scans", f"p{k}", labels=labels)
    dataset = folder_of(tmp_path / "scans", labels={0: "background", 1: "edema", 4: "tumor"})
    assert dataset.train.targets.unique().tolist() == [0, 1, 2]
    assert dataset.class_names[2] == "tumor"


def test_a_smaller_grid_crops_and_a_larger_one_pads(task: Path) -> None:
    small, large = load(task, shape=[8, 8, 8]), load(task, shape=[10, 14, 16])
    whole = load(task, shape=[8, 12, 10])
    assert torch.equal(small.train.targets[..., 0, :], whole.train.targets[..., 2, 1:9])
    assert large.train.images[:, :, 0].max() == 0
    assert (large.train.targets > 0).sum() == (load(task).train.targets > 0).sum()


def test_resampling(task: Path) -> None:
    coarse = load(task, spacing=[2.0, 2.0, 2.0], hausdorff=True)
    assert coarse.image_size == (4, 6, 6)
    assert coarse.task.spacing == (2.0, 2.0, 2.0)
    resized = load(task, shape=[4, 6, 5], fit="resize")
    assert resized.train.targets.unique().tolist() == [0, 1, 2]


def test_grid_means_over_pixels_and_takes_nearest_labels() -> None:
    pixels = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    grid = Grid((2, 2), "resize")
    assert grid.image(pixels, (1, 1)).tolist() == [[[2.5, 4.5], [10.5, 12.5]]]
    labels = np.kron(np.array([[0, 1], [2, 3]], np.uint8), np.ones((2, 2), np.uint8))
    assert grid.mask(labels, (1, 1)).tolist() == [[0, 1], [2, 3]]
    assert Grid((6, 2)).image(pixels, (1, 1))[0, :, 0].tolist() == [0, 1, 5, 9, 13, 0]


def test_levels() -> None:
    pixels = np.array([[-1000.0, -160, 40, 240, 3000]])
    assert Levels(window=(-160, 240)).scaled(pixels).tolist() == [[0, 0, 127.5, 255, 255]]
    low, high = np.percentile(pixels, (10, 90))
    expected = ((pixels - low) / (high - low)).clip(0, 1) * 255
    np.testing.assert_allclose(Levels(percentiles=(10, 90)).scaled(pixels), expected, rtol=1e-6)
    assert Levels().scaled(np.full((2, 3), 7.0)).tolist() == [[0, 0, 0], [0, 0, 0]]


def broken(task: Path, kind: str, array: np.ndarray, spacing: tuple[float, ...] = SPACING) -> None:
    write_nifti(task / kind / "case_03.nii.gz", array, spacing)


def _nan(task: Path) -> None:
    image = np.ones((11, 12, 8), np.float32)
    image[0, 0, :2] = np.nan, np.inf
    broken(task, "images", image)


def _colors(task: Path) -> None:
    colors = np.zeros((11, 12, 8), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    broken(task, "images", colors)


def _cut(task: Path) -> None:
    path = task / "images" / "case_03.nii.gz"
    path.write_bytes(path.read_bytes()[:2000])


WRONG = {
    "shapes": (
        lambda t: broken(t, "masks", np.zeros((11, 12, 9), np.uint8)),
        "8×12×11 voxels, its mask 9×12×11",
    ),
    "spacing": (
        lambda t: broken(t, "masks", np.zeros((11, 12, 8), np.uint8), (1, 1, 2.5)),
        "its mask's 2.5×1×1",
    ),
    "label": (
        lambda t: broken(t, "masks", np.full((11, 12, 8), 7, np.uint8)),
        "label 7; declared are 0, 1, 2",
    ),
    "half a label": (
        lambda t: broken(t, "masks", np.full((11, 12, 8), 0.5, np.float32)),
        "has the label 0.5",
    ),
    "not finite": (_nan, "has 2 voxels that are not finite"),
    "channels": (
        lambda t: broken(t, "images", np.zeros((11, 12, 8, 2), np.float32)),
        "has 2 channels, 1 expected",
    ),
    "colors": (_colors, "RGB voxels; expected gray"),
    "cut short": (_cut, "case_03.nii.gz"),
    "missing": (lambda t: (t / "masks" / "case_03.nii.gz").unlink(), "case_03.nii.gz"),
    "no nifti": (lambda t: (t / "masks" / "case_03.nii.gz").write_text("no"), "cannot read case_03.nii.gz"),
    "description": (lambda t: (t / "dataset.json").unlink(), "dataset.json: No such file"),
    "no json": (lambda t: (t / "dataset.json").write_text("{"), "is not JSON"),
    "no labels": (
        lambda t: (t / "dataset.json").write_text(json.dumps({"modality": {"0": "x"}})),
        "lacks labels, training",
    ),
    "nested": (lambda t: (t / "dataset.json").write_text("[" * 100_000), "is not JSON"),
    "other kinds": (lambda t: edit(t, training=7, modality=[]), "lacks modality"),
    "entries": (lambda t: edit(t, training=["a.nii.gz"]), "has no image and label"),
    "out of the folder": (
        lambda t: edit(t, training=[{"image": "images/../../a.nii.gz", "label": "b.nii.gz"}]),
        "a.nii.gz is not below",
    ),
    "elsewhere": (
        lambda t: edit(t, training=[{"image": "/etc/a.nii.gz", "label": "b.nii.gz"}]),
        "/etc/a.nii.gz is not below",
    ),
    "names": (lambda t: edit(t, labels={"liver": 1}), "labels must be like"),
}


def edit(task: Path, **changed: object) -> None:
    path = task / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


@pytest.mark.parametrize("name", WRONG)
def test_bad_files(task: Path, name: str) -> None:
    damage, words = WRONG[name]
    damage(task)
    with pytest.raises(InputError, match=words.replace(".", r"\.")):
        load(task)
    assert not list((task.parent / "cache").glob("*/*/meta.json")), "nothing half made"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fit": "resize"}, "needs dataset.shape"),
        ({"window": [240, -160]}, "two rising numbers"),
        ({"percentiles": [99, 1]}, "two rising numbers"),
        ({"split": [1.0, 0.001, 0.001]}, "split is empty"),
    ],
)
def test_bad_options(task: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load(task, **options)


def test_folders_that_do_not_pair(tmp_path: Path) -> None:
    for k in range(4):
        write_pair(tmp_path / "scans", f"p{k}")
    (tmp_path / "scans" / "masks" / "p2.nii.gz").unlink()
    with pytest.raises(InputError, match=r"4 images and 3 masks: p2\.nii\.gz has no mask"):
        folder_of(tmp_path / "scans")
    for options, words in (
        ({"images": "imagesTr/*.nii"}, "matches no file"),
        ({"images": "images/p.nii.gz"}, "must have one"),
        ({"masks": "images/*.nii.gz", "group": "("}, "not a regular expression"),
        ({"masks": "images/*.nii.gz", "group": "case"}, "finds no patient in images/p0"),
    ):
        with pytest.raises(InputError, match=words):
            folder_of(tmp_path / "scans", **options)


def test_empty_masks_are_fine_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for k in range(4):
        write_pair(tmp_path / "scans", f"p{k}", labels=np.zeros((10, 12, 8), np.uint8))
    dataset = folder_of(tmp_path / "scans")
    assert dataset.task.count(dataset.train.targets).tolist() == [2, 0, 0]
    assert "2 of 2 train masks are empty" in capsys.readouterr().err


def test_glas(tmp_path: Path) -> None:
    write_glas(tmp_path / "glas")
    dataset = glas.load(tmp_path / "glas", tmp_path / "cache", shape=(16, 24), val_share=0.25)
    assert sizes(dataset) == [9, 3, 5]
    assert dataset.train.images.shape == (9, 3, 16, 24)
    assert dataset.train.targets.unique().tolist() == [0, 1], "glands have numbers in the files"
    images, masks = dataset.train.images.float(), dataset.train.targets
    assert images[:, 2][masks == 1].mean() > 150
    only_b = glas.load(tmp_path / "glas", tmp_path / "cache", shape=(16, 24), test="B")
    assert len(only_b.splits["test"]) == 2


GLAS_WRONG = {
    "no grades": (lambda g: (g / "Grade.csv").unlink(), "cannot read .*Grade.csv"),
    "no patients": (
        lambda g: (g / "Grade.csv").write_bytes(b"name,grade\rtrain_1,benign"),
        "lacks the column patient ID",
    ),
    "short row": (
        lambda g: (g / "Grade.csv").write_bytes(b"name,patient ID\rtrain_1"),
        "row train_1 is too short",
    ),
    "no training": (
        lambda g: (g / "Grade.csv").write_bytes(b"name,patient ID\rtestA_1,2"),
        "begins with train_",
    ),
    "no mask": (lambda g: (g / "train_2_anno.bmp").unlink(), "train_2_anno.bmp: No such file"),
    "gray": (
        lambda g: Image.new("L", (30, 20)).save(g / "train_2.bmp"),
        "pixels of the kind L, expected RGB",
    ),
    "sizes": (
        lambda g: Image.new("L", (30, 21)).save(g / "train_2_anno.bmp"),
        r"\(20, 30\), its mask \(21, 30\)",
    ),
    "cut short": (
        lambda g: (g / "train_2.bmp").write_bytes((g / "train_2.bmp").read_bytes()[:700]),
        "train_2",
    ),
}


@pytest.mark.parametrize("name", GLAS_WRONG)
def test_bad_glas(tmp_path: Path, name: str) -> None:
    write_glas(tmp_path / "glas")
    damage, words = GLAS_WRONG[name]
    damage(tmp_path / "glas")
    with pytest.raises(InputError, match=words):
        glas.load(tmp_path / "glas", tmp_path / "cache")


def test_real_data(data_dir: Path, tmp_path: Path) -> None:
    """The shipped layouts, where they are."""
    if not (data_dir / "Task04_Hippocampus").is_dir() or not (data_dir / "glas").is_dir():
        pytest.skip("no Task04_Hippocampus or glas in AL_RUNNER_DATA")
    brains = decathlon.load(data_dir / "Task04_Hippocampus", tmp_path, shape=(40, 56, 40))
    assert sizes(brains) == [182, 26, 52]
    assert brains.task.count(brains.train.targets).tolist() == [0, 182, 182]
    glands = glas.load(data_dir / "glas", tmp_path)
    assert sum(sizes(glands)) == 165
    assert len(glands.splits["test"]) == 80
    assert 0.3 < glands.train.targets.float().mean() < 0.7


@pytest.mark.parametrize(
    "grid",
    [Grid((6, 5, 8)), Grid((10, 9, 11)), Grid((12, 4, 7)), Grid((14, 21, 16), "resize")],
)
def test_a_mask_goes_back_to_its_image(grid: Grid) -> None:
    whole = np.zeros((7, 7, 8), np.uint8)
    whole[3:5, 2:4, 3:6] = np.arange(1, 13).reshape(2, 2, 3)  # where no grid crops
    spacing = (1.0, 1.0, 1.0)
    assert np.array_equal(grid.back(grid.mask(whole, spacing), whole.shape, spacing), whole)


def test_a_resampled_mask_goes_back() -> None:
    grid, spacing = Grid((8, 8, 8), spacing=(1.0, 1.0, 1.0)), (2.0, 1.0, 0.5)
    box = np.zeros((4, 8, 16), np.uint8)
    box[1:3, 2:6, 4:12] = 1
    assert np.array_equal(grid.back(grid.mask(box, spacing), box.shape, spacing), box)


@pytest.mark.parametrize("axes", ["RAS", "LPS", "SPL", "AIR"])
def test_a_mask_that_is_written_is_read(tmp_path: Path, axes: str) -> None:
    import nibabel
    from nibabel.orientations import axcodes2ornt

    write_nifti(tmp_path / "plain.nii.gz", np.zeros((4, 5, 6), np.float32), (1.0, 2.0, 3.0))
    stored = nibabel.load(tmp_path / "plain.nii.gz").as_reoriented(axcodes2ornt(axes))
    image, mask = tmp_path / "image.nii.gz", tmp_path / "mask.nii.gz"
    nibabel.save(stored, image)
    labels = np.random.default_rng(0).integers(0, 3, Volume.open(image).shape).astype(np.uint8)
    write_mask(image, np.array([0, 7, 300])[labels], mask)
    again, spacing = read_mask(image, mask, [0, 7, 300])
    assert np.array_equal(again, labels)
    assert spacing == Volume.open(image).spacing
    assert nibabel.load(mask).shape == stored.shape


@pytest.mark.parametrize("value", [255, 40_000, 614_454_277, 2**40])
def test_an_atlas_has_large_values(tmp_path: Path, value: int) -> None:
    image, mask = tmp_path / "image.nii.gz", tmp_path / "mask.nii.gz"
    write_nifti(image, np.zeros((2, 3, 4), np.float32))
    labels = np.arange(24).reshape(4, 3, 2) % 2
    write_mask(image, np.array([0, value])[labels], mask)
    assert np.array_equal(read_mask(image, mask, [0, value])[0], labels)


def test_values_near_whole_numbers_are_labels() -> None:
    near = np.array([[0.0004, 0.9996], [4.0, 3.9991]], np.float32)
    assert positions(near, [0, 1, 4], Path("m.nii")).tolist() == [[0, 1], [2, 2]]
    with pytest.raises(InputError, match=r"m\.nii has the label 0\.998; declared are 0, 1"):
        positions(np.array([0.998]), [0, 1], Path("m.nii"))


def test_a_random_sample_of_masks(tmp_path: Path) -> None:
    for patient in range(6):
        for visit in range(2):
            write_pair(tmp_path / "scans", f"p{patient}_{visit}")
    whole = folder_of(tmp_path / "scans", group=r"p\d", missing="unlabeled", test_size=3)
    assert sizes(whole) == [8, 0, 4], "whole patients"
    assert not {*whole.train.patients} & {*whole.splits["test"].patients}
    (tmp_path / "scans" / whole.train.names[2].replace("images", "masks")).unlink()
    part = folder_of(tmp_path / "scans", group=r"p\d", missing="unlabeled", test_size=3)
    assert part.train.names == whole.train.names
    assert part.train.told.tolist() == [0, 1, 3, 4, 5, 6, 7]
    assert part.fingerprint != whole.fingerprint
    assert part.task.count(part.train.targets[part.train.told]).tolist() == [0, 7, 7]
