"""Layouts of collections: nnU-Net, several modalities, TotalSegmentator, BIDS, and pairs that are guessed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from al_runner.data.dataset import Dataset
from al_runner.data.sets import decathlon, mask_folder, nifti_folder, nnunet, totalsegmentator
from al_runner.errors import InputError
from tests.data.layout_files import AFFINE, LABELS, SHAPE, boxes, image_of, write_raw, write_structures
from tests.data.nifti_files import write_nifti
from tests.data.volume_files import WRITERS, write_series


def load(root: Path, **options: Any) -> Dataset:
    given = {"percentiles": (0.0, 100.0), "split": (0.5, 0.25, 0.25), **options}
    return nnunet.load(root, root.parent / "cache", **given)


def scaled(image: np.ndarray) -> torch.Tensor:
    """As a data set has it: foot to head, back to front, left to right, 0..255."""
    low, high = float(image.min()), float(image.max())
    return (
        torch.from_numpy(((image - low) / (high - low) * 255).astype(np.float32).round())
        .byte()
        .permute(2, 1, 0)
    )


def check_boxes(dataset: Dataset, channels: int) -> None:
    """Every image, mask and name belong together."""
    count = 0
    for split in dataset.splits.values():
        for image, mask, name in zip(split.images, split.targets, split.names, strict=True):
            case = int("".join(filter(str.isdigit, name))[-2:])
            assert image.shape == (channels, *SHAPE[::-1])
            for c in range(channels):
                assert torch.equal(image[c], scaled(image_of(case, c))), (name, c)
            assert (mask.numpy() == boxes().transpose(2, 1, 0)).all()
            count += 1
    assert count


@pytest.mark.parametrize("kind", [".nii.gz", ".nrrd", ".mha"])
def test_channels_are_in_files_of_their_own(kind: str, tmp_path: Path) -> None:
    dataset = load(write_raw(tmp_path / "Dataset001_Boxes", kind=kind))
    assert dataset.name == "Dataset001_Boxes"
    assert dataset.class_names == ("background", "front", "back")
    assert [len(split) for split in dataset.splits.values()] == [3, 2, 1]
    check_boxes(dataset, 2)


def test_regions_may_overlap(tmp_path: Path) -> None:
    labels = {"background": 0, "whole": [1, 2], "core": 2}
    dataset = load(write_raw(tmp_path / "Dataset001_Boxes", labels=labels, regions_class_order=[1, 2]))
    assert dataset.class_names == ("whole", "core")
    assert dataset.task.several
    values = torch.from_numpy(boxes().transpose(2, 1, 0).copy())
    for target in dataset.train.targets:
        assert torch.equal(target & 1, (values > 0).byte())
        assert torch.equal(target >> 1 & 1, (values == 2).byte())


TASK: dict[str, Any] = {"modality": {"0": "T1"}, "training": [{"image": "a.nii.gz", "label": "b.nii.gz"}]}


def test_the_decathlon_has_no_regions(tmp_path: Path) -> None:
    root = write_raw(tmp_path / "Task01_Boxes", labels={"background": 0, "whole": [1, 2]}, **TASK)
    with pytest.raises(InputError, match=r"whole in labels is a region of several values.*dataset=nnunet"):
        decathlon.load(root, tmp_path / "cache")


def test_the_first_version(tmp_path: Path) -> None:
    """nnU-Net #1644: it leaves the channel out where it lists the files."""
    root = write_raw(tmp_path / "Task100_Boxes", channels=("CT",))
    listed = [
        {"image": f"./imagesTr/case_{k:02}.nii.gz", "label": f"./labelsTr/case_{k:02}.nii.gz"}
        for k in range(6)
    ]
    labels = {"0": "background", "1": "front", "2": "back"}
    content = {"modality": {"0": "CT"}, "labels": labels, "numTraining": 6, "training": listed}
    (root / "dataset.json").write_text(json.dumps(content))
    check_boxes(load(root), 1)


def test_test_cases_that_have_masks(tmp_path: Path) -> None:
    root = write_raw(tmp_path / "Dataset001_Boxes", test=3)
    official = load(root)
    assert official.splits["test"].names == ("case_06", "case_07", "case_08")
    assert len(official.train) + len(official.splits["val"]) == 6
    check_boxes(official, 2)
    assert sum(map(len, load(root, official_test=False).splits.values())) == 6


def test_a_number_that_differs_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(write_raw(tmp_path / "Dataset001_Boxes", numTraining=41))
    assert "says numTraining=41, and there are 6" in capsys.readouterr().err


def rename(folder: Path, old: str, new: str) -> None:
    (folder / old).rename(folder / new)


def move(path: Path) -> None:
    """A volume one voxel further."""
    shifted = AFFINE.copy()
    shifted[0, 3] = 1
    WRITERS[".nii.gz"](path.parent, path.name.removesuffix(".nii.gz"), image_of(0, 1), shifted)


WRONG: dict[str, tuple[dict[str, Any], Callable[[Path], Any], str]] = {
    "a channel's file": ({}, lambda r: (r / "imagesTr/case_03_0001.nii.gz").unlink(),
        r"case_03 lacks channel 1 \(T2\): there is no case_03_0001\.nii\.gz"),
    "one channel more": ({}, lambda r: rename(r / "imagesTr", "case_02_0001.nii.gz", "case_03_0002.nii.gz"),
        "case_02 lacks channel 1"),
    "an unknown channel": ({"channel_names": {"0": "T1"}}, lambda r: None,
        "case_00 has a channel 1, but dataset.json names 1: T1"),
    "no channel in the name": ({}, lambda r: rename(r / "imagesTr", "case_02_0000.nii.gz", "case_02.nii.gz"),
        r"case_02\.nii\.gz has no channel in its name: nnU-Net would call it case_02_0000\.nii\.gz"),
    "a mask": ({}, lambda r: (r / "labelsTr/case_04.nii.gz").unlink(),
        r"case_04 has no mask; expected labelsTr/case_04\.nii\.gz"),
    "masks": ({}, lambda r: [path.unlink() for path in (r / "labelsTr").iterdir()],
        "case_00 has no mask, nor have 5 others"),
    "a mask with a channel": ({}, lambda r: rename(r / "labelsTr", "case_04.nii.gz", "case_04_0000.nii.gz"),
        r"case_04_0000\.nii\.gz is there, but masks have no channel"),
    "regions": ({"labels": {"background": 0, "whole": [1, 3], "core": [3]}}, lambda r: None,
        "has the label 2; declared are 0, 1, 3"),
    "an empty region": ({"labels": {"background": 0, "whole": [1, 2], "core": []}}, lambda r: None,
        "regions in labels must be like"),
    "ignored voxels": ({"labels": {**LABELS, "ignore": 3}}, lambda r: None,
        "label ignore would count as a class"),
    "labels": ({"labels": ["liver"]}, lambda r: None, "labels must be like"),
    "names of channels": ({"channel_names": ["T1", "T2"]}, lambda r: None,
        'channel_names must be like {"0": "T1"'),
    "another ending": ({"file_ending": ".nrrd"}, lambda r: None, r"has no files that end in _0000\.nrrd"),
    "no folder": ({}, lambda r: (r / "imagesTr").rename(r / "imageTr"), "there is no folder .*imagesTr"),
    "an image elsewhere": ({}, lambda r: move(r / "imagesTr/case_00_0001.nii.gz"),
        r"case_00_0000\.nii\.gz and case_00_0001\.nii\.gz are up to .* voxels apart"),
    "no description": ({}, lambda r: (r / "dataset.json").unlink(), "dataset.json: No such file"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_raw_data_set(name: str, tmp_path: Path) -> None:
    described, damage, said = WRONG[name]
    root = write_raw(tmp_path / "Dataset001_Boxes", **described)
    damage(root)
    with pytest.raises(InputError, match=said):
        load(root)


def picture(k: int, c: int, color: bool = False) -> np.ndarray:
    size = (10, 12, 3) if color else (10, 12)
    return np.random.default_rng([k, c]).integers(0, 256, size, dtype=np.uint8)


def write_pictures(root: Path, names: tuple[str, ...], color: bool) -> Path:
    for folder in ("imagesTr", "labelsTr"):
        (root / folder).mkdir(parents=True)
    for k in range(6):
        for c in range(1 if color else len(names)):
            Image.fromarray(picture(k, c, color)).save(root / "imagesTr" / f"road-{k}_{c:04}.png")
        mask = np.zeros((10, 12), np.uint8)
        mask[k : k + 2, 3:7] = 1
        Image.fromarray(mask).save(root / "labelsTr" / f"road-{k}.png")
    content = {
        "channel_names": dict(enumerate(names)),
        "labels": {"background": 0, "road": 1},
        "file_ending": ".png",
    }
    (root / "dataset.json").write_text(json.dumps(content))
    return root


@pytest.mark.parametrize("color", [True, False])
def test_pictures_of_nnunet(color: bool, tmp_path: Path) -> None:
    """In color, three channels are in one file; in gray, one is in each."""
    names = ("R", "G", "B") if color else ("front", "back")
    dataset = load(write_pictures(tmp_path / "Dataset120_Road", names, color))
    assert dataset.image_size == (10, 12)
    for split in dataset.splits.values():
        for image, mask, name in zip(split.images, split.targets, split.names, strict=True):
            k = int(name[-1])
            channels = picture(k, 0, True).transpose(2, 0, 1) if color else [picture(k, c) for c in range(2)]
            assert (image.numpy() == np.stack(list(channels))).all()
            assert mask.nonzero().amin(0).tolist() == [k, 3]
    with pytest.raises(InputError, match=r"dataset.shape=\[8, 8, 8\]: these are pictures, which have 2 axes"):
        load(tmp_path / "Dataset120_Road", shape=[8, 8, 8])


@pytest.mark.parametrize("made", ["volumes", "gray", "color"])
def test_channels_in_the_code_for_others(made: str, tmp_path: Path) -> None:
    if made == "volumes":
        root = write_raw(tmp_path / "set")
    else:
        root = write_pictures(
            tmp_path / "set", ("R", "G", "B") if made == "color" else ("a", "b"), made == "color"
        )
    dataset, code = load(root), {}
    reading = dataset.reading
    assert reading is not None
    exec(reading.recipe.code, code)
    found = reading.found(root / "imagesTr")
    assert len(found) == 6
    for path in found:
        assert np.array_equal(code["read"](path), reading.read(path))


def test_a_decathlon_task_of_several_modalities(tmp_path: Path) -> None:
    """As BraTS: a fourth axis of four."""
    root = tmp_path / "Task01_Boxes"
    for k in range(6):
        write_nifti(
            root / "imagesTr" / f"BRATS_{k:02}.nii.gz", np.stack([image_of(k, c) for c in range(4)], -1)
        )
        write_nifti(root / "labelsTr" / f"BRATS_{k:02}.nii.gz", boxes())
    names = [f"BRATS_{k:02}.nii.gz" for k in range(6)]
    content = {
        "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
        "labels": {"0": "background", "1": "front", "2": "back"},
        "training": [{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names],
    }
    (root / "dataset.json").write_text(json.dumps(content))
    check_boxes(decathlon.load(root, tmp_path / "cache", percentiles=(0, 100)), 4)


def of_structures(root: Path, classes: Any, **options: Any) -> Dataset:
    return totalsegmentator.load(root, classes, root.parent / "cache", percentiles=(0, 100), **options)


def test_a_file_for_each_structure(tmp_path: Path) -> None:
    root = write_structures(tmp_path / "Total", splits=True)
    dataset = of_structures(root, ["liver", "spleen"])
    assert dataset.class_names == ("background", "liver", "spleen")
    assert dataset.splits["test"].names == ("s0004", "s0005")
    assert dataset.splits["val"].names == ("s0003",)
    check_boxes(dataset, 1)
    swapped = of_structures(root, ["spleen", "liver"], official_split=False, split=(0.5, 0.25, 0.25))
    assert (swapped.train.targets[0].numpy() == np.array([0, 2, 1])[boxes()].transpose(2, 1, 0)).all()
    assert [len(split) for split in swapped.splits.values()] == [3, 2, 1]


def test_what_is_wrong_with_structures(tmp_path: Path) -> None:
    root = write_structures(tmp_path / "Total")
    for classes, said in (
        (["liverr"], "has no structure liverr among 4, but liver"),
        (["liver", "body"], r"liver\.nii\.gz and body\.nii\.gz overlap in \d+ voxels"),
        ("all", "overlap in"),
        (["liver", "liver"], "each once"),
    ):
        with pytest.raises(InputError, match=said):
            of_structures(root, classes)
    (root / "s0003" / "segmentations" / "liver.nii.gz").unlink()
    with pytest.raises(InputError, match=r"cannot read liver\.nii\.gz: it is not there"):
        of_structures(root, ["liver", "spleen"])
    with pytest.raises(InputError, match=r"has no folders( of cases)? with mri\.nii\.gz and segmentations"):
        of_structures(root, ["liver"], image="mri.nii.gz")
    (root / "meta.csv").write_text("image_id,split\ns0000,train\n")
    with pytest.raises(InputError, match=r"meta\.csv has no row of s0001"):
        of_structures(root, ["spleen"])


def of_folder(
    root: Path, images: str = "images/*.nii.gz", masks: str = "masks/*.nii.gz", **options: Any
) -> Dataset:
    given = {"percentiles": (0, 100), "split": (0.5, 0.25, 0.25), **options}
    return nifti_folder.load(
        root, images, masks, ["background", "front", "back"], root.parent / "cache", **given
    )


def test_bids(tmp_path: Path) -> None:
    """Images below subjects and sessions, masks below derivatives."""
    root = tmp_path / "bids"
    for k in range(6):
        place = Path(f"sub-{k:02}") / "ses-01" / "anat"
        write_nifti(root / place / f"sub-{k:02}_ses-01_T1w.nii.gz", image_of(k))
        write_nifti(root / place / f"sub-{k:02}_ses-01_T2w.nii.gz", image_of(k, 1))
        write_nifti(root / "derivatives" / "skull" / place / f"sub-{k:02}_ses-01_T1w.nii.gz", image_of(k, 2))
        mask = f"sub-{k:02}_ses-01_label-lesion_mask.nii.gz"
        write_nifti(root / "derivatives" / "manual" / place / mask, boxes())
    patterns = ("**/anat/*_ses-01_T1w.nii.gz", "derivatives/manual/**/*_ses-01_label-lesion_mask.nii.gz")
    dataset = of_folder(root, *patterns, group=r"sub-\d+")
    assert sorted(name for split in dataset.splits.values() for name in split.names)[0] == "sub-00"
    check_boxes(dataset, 1)
    write_nifti(root / "derivatives" / "again" / place / f"sub-{k:02}_ses-01_T1w.nii.gz", image_of(k, 2))
    with pytest.raises(
        InputError, match=r"matches derivatives/again/.* and derivatives/skull/.*, whose \* is the"
    ):
        of_folder(root, "derivatives/**/*_ses-01_T1w.nii.gz", patterns[1])


GUESSED = {
    "nnU-Net": ("imagesTr/c{k}_0000.nii.gz", "labelsTr/c{k}.nii.gz"),
    "mixed endings": ("images/c{k}.nii", "masks/c{k}.nii.gz"),
    "other names": ("img/c{k}.nii.gz", "label/c{k}_seg.nii.gz"),
    "capitals": ("Images/c{k}.nii.gz", "Masks/c{k}.nii.gz"),
    "one folder": ("c{k}.nii.gz", "c{k}_seg.nii.gz"),
    "one folder, each named": ("data/c{k}_image.nii", "data/c{k}_label.nii"),
    "a folder for each case": ("c{k}/image.nii.gz", "c{k}/mask.nii.gz"),
    "NRRD": ("images/c{k}.nrrd", "labels/c{k}.nrrd"),
    "MetaImage and NRRD": ("scans/c{k}.mha", "segmentations/c{k}.nrrd"),
}


@pytest.mark.parametrize("name", GUESSED)
def test_common_pairs_are_guessed_and_said(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, pair = tmp_path / "scans", GUESSED[name]
    for k in range(10, 16):
        for pattern, array in zip(pair, (image_of(k), boxes()), strict=True):
            path = root / pattern.format(k=k)
            end = ".nii.gz" if path.name.endswith(".gz") else path.suffix
            WRITERS[end](path.parent, path.name.removesuffix(end), array, AFFINE)
    check_boxes(of_folder(root), 1)
    one, other = (pattern.format(k="*").replace("c*", "*") for pattern in pair)
    assert (
        f"dataset.images={one} and dataset.masks={other} are taken, for nothing below"
        in capsys.readouterr().err
    )


def test_series_are_guessed(tmp_path: Path) -> None:
    for k in range(4):
        write_series(tmp_path / "scans" / "CT", f"p{k:02}", image_of(k), AFFINE)
        write_nifti(tmp_path / "scans" / "labels" / f"p{k:02}.nii.gz", boxes())
    check_boxes(of_folder(tmp_path / "scans"), 1)


def test_what_does_not_fit_is_not_guessed(tmp_path: Path) -> None:
    root = tmp_path / "scans"
    for k in range(4):
        write_nifti(root / "imagesTr" / f"c{k}_0000.nii.gz", image_of(k))
        write_nifti(root / "imagesTr" / f"c{k}_0001.nii.gz", image_of(k, 1))
        write_nifti(root / "labelsTr" / f"c{k}.nii.gz", boxes())
    with pytest.raises(InputError, match=r"dataset.images=images/\*.nii.gz matches no file below"):
        of_folder(root)
    with pytest.raises(InputError, match=r"dataset.images=images/\*.nii.gz matches no file below"):
        of_folder(tmp_path / "nowhere")


def test_pictures_are_guessed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_pictures(tmp_path / "set", ("a",), False)
    dataset = mask_folder.load(
        root, "images/*.png", "masks/*.png", ["background", "road"], tmp_path / "cache"
    )
    assert sum(map(len, dataset.splits.values())) == 6
    assert (
        "dataset.images=imagesTr/*_0000.png and dataset.masks=labelsTr/*.png are taken"
        in capsys.readouterr().err
    )
