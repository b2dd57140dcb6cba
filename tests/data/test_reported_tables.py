"""Small tables with what people report in public trackers; the report's number beside each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from al_runner.data.sets import table
from al_runner.errors import InputError

N = 12


@dataclass(frozen=True)
class Reported:
    """A table of `N` images, and what comes of it.

    Attributes:
        header: its first line; empty = there is none.
        row: the others, with {i}, {n} (of two digits), {c} (cat or dog), {b}, {h} and {t} (0 or 1), {s} (a
            split), {w} (a word).
        words: one after the other.
        file: the images' names.
        labels: of the images, one after the other.
    """

    header: str = "image,label"
    row: str = "im{n}.png,{c}"
    words: Sequence[str] = ("",)
    file: str = "im{n}.png"
    encoding: str = "utf-8"
    options: Mapping[str, Any] = field(default_factory=dict)
    labels: Sequence[Any] = (0, 1)
    classes: Sequence[str] = ("cat", "dog")
    says: str = ""
    refuses: str = ""

    def text(self) -> str:
        return "\n".join([*[self.header] * bool(self.header), *(self.filled(self.row, i) for i in range(N))])

    def filled(self, text: str, i: int) -> str:
        return text.format(
            i=i, n=f"{i:02}", c=("cat", "dog")[i % 2], b=i % 2, h=i // 2 % 2, t=int(i > 5),
            s=("train", "val", "test")[i // 2 % 3], w=self.words[i % len(self.words)],
        )  # fmt: skip


CASES = {
    "pandas 4793: a BOM before a quoted header": Reported(
        '"image","label"', '"im{n}.png","{c}"', encoding="utf-8-sig"
    ),
    "pandas 54665, csvkit 977: leading zeros are lost": Reported("id,label", "{n},{c}", file="{n}.png"),
    "arrow 46853: even of a quoted one": Reported("id,label", '"0{n}",{c}', file="0{n}.png"),
    "pandas 55032: a class that is called NA": Reported(
        row="im{n}.png,{w}", words=("NA", "dog"), options={"classes": ["NA", "dog"]}, classes=("NA", "dog")
    ),
    "pandas 24681: n/a, which nobody has called a class": Reported(
        row="im{n}.png,{w}", words=("n/a", "dog"),
        refuses=r"6 of 12 rows have no label in label \(rows 2, 4, 6 and 3 more\)",
    ),
    "keras-preprocessing 88: file names without an ending": Reported(row="im{n},{c}"),
    "keras-preprocessing 92: capitals of an ending": Reported(row="im{n}.PNG,{c}"),
    "keras-preprocessing 92: folders with spaces, beside an index column": Reported(
        ",filepath,label", "{i},March 29 2018/Top view/im{n}.png,{c}", file="March 29 2018/Top view/im{n}.png"
    ),
    "keras-preprocessing 169: classes that are numbers": Reported(row="im{n},{b}", classes=("0", "1")),
    "covid-chestxray-dataset 96: endings that some rows lack": Reported(
        "filename,finding", "im{n}{w},{c}", words=("", ".png", ".png")
    ),
    "barcode_detection_benchmark 2: backslashes": Reported(row="a\\im{n}.png,{c}", file="a/im{n}.png"),
    "CNTK 1321: backslashes below another folder": Reported(row="testImages\\im{n}.png,{c}"),
    "ng-csv 28: Excel of Europe": Reported("sep=;\nimage;dose;label", "im{n}.png;0,{i};{c}"),
    "unstructured 4443: Excel's Unicode text": Reported(
        "image\tlabel", "im{n}.png\t{c}", encoding="utf-16"
    ),
    "CSV-AI 8: letters of western Europe": Reported(
        "image,größe,label", "im{n}.png,groß,{c}", encoding="cp1252"
    ),
    "oerworldmap 1263: such letters in names": Reported(row="größe {n}.png,{c}", file="größe {n}.png"),
    "scikit-learn 32265: which class is too rare": Reported(
        row="im{n}.png,{w}", words=(*["cat", "dog"] * 3, "bird", "dog", *["cat", "dog"] * 2),
        refuses="each label is needed in each of three splits, but bird in row 8: dataset.classes=",
    ),
    "darwin-py 406: combinations of labels that occur once": Reported(
        "image,a,b,c", "im{n}.png,{b},{h},{t}", labels=[[i % 2, i // 2 % 2, int(i > 5)] for i in range(N)],
        classes=("a", "b", "c"),
    ),
    "COVID-CT 11: a patient in several splits": Reported(
        "image,label,patient,split", "im{n}.png,{c},p{b},{s}", says="2 patients are in more than one split"
    ),
    "isic2018 1: lesions that have several images": Reported(
        "lesion_id,image_id,dx", "L{i},im{n},{c}", options={"patient_column": "lesion_id"}
    ),
    "isic-challenge-scoring 62: one column for each class": Reported(
        "image,MEL,NV", "im{n},{w}", words=("1.0,0.0", "0.0,1.0"), classes=("MEL", "NV"),
        says="each row has one of 2 label columns",
    ),
    "CheXpert's own: -1 where a report is not sure": Reported(
        "Path,Edema,Mass", "CheXpert-v1.0/im{n}.png,{w},{b}", words=("", "1.0", "-1.0"),
        refuses="row 4: Edema is -1: dataset.uncertain=positive, negative or ignore",
    ),
    "feature-selector 45: a number that is measured is no class": Reported(
        "image,age", "im{n}.png,4{i}.5", refuses=r"each label is needed .* and 9 more: dataset.classes="
    ),
    "a table without a header": Reported(
        "", "im{n}.png,{b}", refuses="has no header: its first row names the image im00.png"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_as_reported(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case, root = CASES[name], tmp_path / "scans"
    files = [case.filled(case.file, i) for i in range(N)]
    for i, below in enumerate(files):
        (root / below).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (8, 8), dtype=np.uint8)).save(root / below)
    (root / "labels.csv").write_bytes(case.text().encode(case.encoding))
    options = {"image_size": 8, "split": [0.4, 0.3, 0.3], **case.options}
    if case.refuses:
        with pytest.raises(InputError, match=case.refuses):
            table.load(root, tmp_path / "cache", **options)
        return
    dataset = table.load(root, tmp_path / "cache", **options)
    expected = {below: case.labels[i % len(case.labels)] for i, below in enumerate(files)}
    found = {}
    for split in dataset.splits.values():
        for image, target, below in zip(split.images, split.targets, split.names, strict=True):
            assert (image[0].numpy() == np.asarray(Image.open(root / below))).all()
            found[below] = target.tolist()
    assert found == expected
    assert dataset.class_names == tuple(case.classes)
    assert case.says in capsys.readouterr().err
