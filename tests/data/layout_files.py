"""Collections in the layouts of nnU-Net and TotalSegmentator, for tests."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.data.nifti_files import write_nifti
from tests.data.volume_files import WRITERS, oriented

SHAPE = (6, 5, 4)
AFFINE = np.eye(4)
LABELS = {"background": 0, "front": 1, "back": 2}
EDGES = (slice(1, 3), slice(3, 5))


def boxes() -> np.ndarray:
    labels = np.zeros(SHAPE, np.int16)
    labels[1:3, 1:4, 1:3], labels[3:5, 1:4, 1:3] = 1, 2
    return labels


def image_of(case: int, channel: int = 0) -> np.ndarray:
    """Another one for each case and channel."""
    noise = np.random.default_rng([case, channel]).integers(0, 50, SHAPE)
    return (noise + 100 * boxes() * (channel + 1)).astype(np.int16)


def write_raw(root: Path, count: int = 6, channels: tuple[str, ...] = ("T1", "T2"), kind: str = ".nii.gz",
              test: int = 0, **described: Any) -> Path:  # fmt: skip
    """A raw data set of nnU-Net's second version."""
    for k in range(count + test):
        end = "Tr" if k < count else "Ts"
        for c in range(len(channels)):
            WRITERS[kind](
                root / f"images{end}", f"case_{k:02}_{c:04}", *oriented(image_of(k, c), AFFINE, "LPS")
            )
        WRITERS[kind](root / f"labels{end}", f"case_{k:02}", boxes(), AFFINE)
    names = {str(c): name for c, name in enumerate(channels)}
    content = {"channel_names": names, "labels": LABELS, "numTraining": count, "file_ending": kind}
    (root / "dataset.json").write_text(json.dumps({**content, **described}))
    return root


def write_structures(root: Path, splits: bool = False) -> Path:
    """TotalSegmentator's layout."""
    for k in range(6):
        case = root / f"s00{k:02}"
        write_nifti(case / "ct.nii.gz", image_of(k))
        for value, name in enumerate(("liver", "spleen"), start=1):
            write_nifti(case / "segmentations" / f"{name}.nii.gz", (boxes() == value).astype(np.uint8))
        write_nifti(case / "segmentations" / "colon.nii.gz", np.zeros(SHAPE, np.uint8))
        write_nifti(case / "segmentations" / "body.nii.gz", np.ones(SHAPE, np.uint8))
    if splits:
        rows = [f"s00{k:02};61;m;{('train', 'train', 'train', 'val', 'test', 'test')[k]}" for k in range(6)]
        (root / "meta.csv").write_text("\n".join(["﻿image_id;age;gender;split", *rows]), encoding="utf-8")
    return root
