"""MedMNIST v2 and MedMNIST+ (Yang et al., Scientific Data 10, 41, 2023): every 2D and 3D set, every size."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from medmnist.info import INFO

from al_runner.data.dataset import Dataset, Split
from al_runner.data.layouts.findings import Against, Contrast
from al_runner.data.sets import npz
from al_runner.data.sets.download import ensure
from al_runner.data.tasks import Binary, MultiLabel
from al_runner.errors import InputError, instead
from al_runner.values import Named


def load(
    flag: Named,
    data_dir: Named | Path,
    size: Literal[28, 64, 128, 224] = 28,
    name: Named | None = None,
    url: Named | None = None,
    md5: Named | None = None,
    finding: Named | None = None,
    against: Against = "rest",
) -> Dataset:
    """A MedMNIST set from `data_dir/medmnist`, downloaded into it where it is missing.

    Classes, task, address and checksum are those of the `medmnist` package.

    Args:
        flag: the package's name of the set, such as `organsmnist`.
        data_dir: folder of all data sets.
        size: image edge in pixels: 28, 64, 128, 224 (2D) or 28, 64 (3D).
        name: the set's name in folders and figures; the flag by default.
        url: another address of the same file, such as a mirror in your own network.
        md5: another checksum, for a file that differs from the official one on purpose.
        finding: of a set with several labels, one as a binary task.
        against: its negative images: all `rest`, or those without any label (`no_finding`); see
            `findings.Contrast`.

    Raises:
        InputError: unknown flag, size or finding, a file that cannot be had, or one that is not the official
            one.
    """
    if flag not in INFO:
        raise InputError(f"dataset.flag={flag} is not a MedMNIST set; {instead(str(flag), INFO)}")
    info = INFO[flag]
    suffix = "" if size == 28 else f"_{size}"
    if f"MD5{suffix}" not in info:
        sizes = [28, *(int(key[4:]) for key in info if key.startswith("MD5_"))]
        raise InputError(f"dataset.size={size}: {flag} has the sizes {', '.join(map(str, sizes))}")
    path = Path(data_dir).expanduser() / "medmnist" / f"{flag}{suffix}.npz"
    expected = md5 or info[f"MD5{suffix}"]
    ensure(path, url or info[f"url{suffix}"], expected)
    dataset = npz.load(
        path,
        name=name or flag,
        task="multilabel" if "multi-label" in info["task"] else "auto",
        n_classes=len(info["label"]),
        md5=expected,
    )
    dataset = replace(dataset, class_names=tuple(info["label"][str(i)] for i in range(len(info["label"]))))
    if finding is None and against != "rest":
        raise InputError(f"dataset.against={against} says nothing without dataset.finding")
    return dataset if finding is None else _one_finding(dataset, Contrast(finding, against))


def _one_finding(dataset: Dataset, contrast: Contrast) -> Dataset:
    """The binary task of one label; images that belong to neither class are left out.

    Raises:
        InputError: a set whose images have one label each, or without this one.
    """
    if not isinstance(dataset.task, MultiLabel):
        raise InputError(f"dataset.finding: {dataset.name} has one label for each image, not several")
    contrast = contrast.among(dataset.class_names)
    label = dataset.class_names.index(contrast.finding)

    def of(split: Split) -> Split:
        positive = split.targets[:, label]
        if contrast.against == "rest":
            return Split(split.images, positive)
        kept = (positive == 1) | (split.targets.sum(1) == 0)
        return Split(split.images[kept], positive[kept])

    return replace(
        dataset,
        splits={name: of(split) for name, split in dataset.splits.items()},
        task=Binary(),
        fingerprint=f"{dataset.fingerprint} {contrast.finding} {contrast.against}",
        class_names=contrast.names,
    )
