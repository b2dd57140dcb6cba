"""Tables and folders of images, as people have them, and what is refused."""

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from al_runner.data.dataset import SPLITS, Dataset
from al_runner.data.sets import table
from al_runner.data.tasks import Binary, MultiClass, MultiLabel
from al_runner.errors import InputError
from tests.commands import Command

EDGE = 8
CLASSES = ("benign", "malignant")


def picture(number: int) -> np.ndarray:
    """No two are alike."""
    return np.random.default_rng(number).integers(0, 256, (EDGE, EDGE), dtype=np.uint8)


class Scans:
    """A folder of numbered images, and tables of them."""

    def __init__(self, tmp: Path) -> None:
        self.root, self.cache = tmp / "scans", tmp / "cache"
        self.root.mkdir()

    def images(self, count: int = 24, name: str = "im{:02}.png") -> list[str]:
        """Image `number` of each name."""
        names = [name.format(number) for number in range(count)]
        for number, each in enumerate(names):
            (self.root / each).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture(number)).save(self.root / each)
        return names

    def write(self, content: str | bytes, name: str = "labels.csv") -> Path:
        path = self.root / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def load(self, **options: Any) -> Dataset:
        return table.load(self.root, self.cache, **{"image_size": EDGE, **options})

    def labels(self, dataset: Dataset) -> dict[str, Any]:
        """What each image shows; its pixels are those of its file."""
        found = {}
        for split in dataset.splits.values():
            for pixels, target, name in zip(split.images, split.targets, split.names, strict=True):
                assert (pixels[0].numpy() == np.asarray(Image.open(self.root / name))).all(), name
                found[name] = target.tolist()
        return found

    def refused(self, words: str, **options: Any) -> None:
        with pytest.raises(InputError, match=words) as error:
            self.load(**options)
        assert "\n" not in str(error.value)
        assert not self.cache.exists()


@pytest.fixture
def scans(tmp_path: Path) -> Scans:
    return Scans(tmp_path)


def text(header: str, rows: Sequence[Sequence[Any]], separator: str = ",", end: str = "\n") -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator=end)
    writer.writerows([header.split(","), *rows])
    return buffer.getvalue()


def of_two(names: Sequence[str]) -> list[list[str]]:
    """Every other image is malignant."""
    return [[name, CLASSES[number % 2]] for number, name in enumerate(names)]


TWO = {f"im{number:02}.png": number % 2 for number in range(24)}


def test_image_label_and_index_belong_together(scans: Scans, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[f"p{i // 2}", label, name] for i, (name, label) in enumerate(of_two(scans.images()))]
    scans.write(text("patient,label,image", rows[::-1]))
    dataset = scans.load()
    assert scans.labels(dataset) == TWO
    assert isinstance(dataset.task, Binary)
    assert dataset.class_names == CLASSES
    assert dataset.name == "scans"
    patients = {row[2]: row[0] for row in rows}
    found = [{patients[name] for name in dataset.splits[split].names} for split in SPLITS]
    assert sum(map(len, found)) == len(set.union(*found)) == 12, "no patient is in two splits"
    assert (
        "al-run: labels.csv is read with dataset.path_column=image dataset.label_column=label "
        "dataset.patient_column=patient dataset.split_column=none"
    ) in capsys.readouterr().err
    asked = {"path_column": "image", "label_column": "label", "patient_column": "patient"}
    again = scans.load(**asked, split_column="none", table="labels.csv")
    assert again.fingerprint == dataset.fingerprint
    assert capsys.readouterr().err == "", "nothing was guessed"


@pytest.mark.parametrize(("folds", "split"), [(("train", "val", "test"), "Fold"), (("0", "1", "2"), "none")])
def test_columns_as_hospitals_call_them(
    scans: Scans, capsys: pytest.CaptureFixture[str], folds: Sequence[str], split: str
) -> None:
    labeled = enumerate(of_two(scans.images()))
    rows = [[name, label, f"p{i // 2}", folds[i // 2 % 3]] for i, (name, label) in labeled]
    scans.write(text("File,Dx,PatID,Fold", rows))
    dataset = scans.load()
    assert scans.labels(dataset) == TWO
    assert (
        "dataset.path_column=File dataset.label_column=Dx dataset.patient_column=PatID "
        f"dataset.split_column={split}\n"
    ) in capsys.readouterr().err
    if split == "Fold":
        assert set(dataset.splits["test"].names) == {row[0] for row in rows if row[3] == "test"}


ROWS = of_two(list(TWO))
BODY = text("image,label", ROWS)


@pytest.mark.parametrize(
    "content",
    [
        BODY,
        "\ufeff" + BODY,
        BODY.replace("\n", "\r\n"),
        BODY.replace("\n", "\r"),
        BODY.replace(",", ";"),
        BODY.replace(",", "\t"),
        "sep=;\n" + BODY.replace(",", ";"),
        BODY.encode("utf-16"),
        BODY.encode("utf-16-le"),
        BODY.replace(",", "\t").encode("utf-16-be"),
        BODY.replace("image", "Bildgröße").replace("label", "Größe").encode("cp1252"),
        "image;weight;label\n" + "".join(f"{name};0,5;{label}\n" for name, label in of_two(list(TWO))),
        text("image,note,label", [[n, "two\nlines, quoted", c] for n, c in of_two(list(TWO))]),
        text("the\nimage,label", of_two(list(TWO)), ";"),
        text(",image,label", [[i, *row] for i, row in enumerate(of_two(list(TWO)))]),
        BODY + "\n,\n",
    ],
)
def test_as_programs_save_it(scans: Scans, content: str | bytes) -> None:
    scans.images()
    scans.write(content)
    assert scans.labels(scans.load()) == TWO


def test_excel_and_parquet(scans: Scans, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers with gaps are floats there; patients that are text stay text."""
    openpyxl, pyarrow = pytest.importorskip("openpyxl"), pytest.importorskip("pyarrow")
    scans.images()
    rows = [[name, label, f"{i // 2:03}", 1.0] for i, (name, label) in enumerate(of_two(list(TWO)))]
    book = openpyxl.Workbook()
    book.create_sheet("notes").append(["nothing"])
    for row in (["image", "label", "patient", "round"], *rows):
        book.active.append(row)
    book.save(scans.root / "labels.xlsx")
    dataset = scans.load()
    assert scans.labels(dataset) == TWO
    assert "labels.xlsx: read is the sheet Sheet, not notes" in capsys.readouterr().err
    columns = dict(
        zip(("image", "label", "patient", "round"), map(list, zip(*rows, strict=True)), strict=True)
    )
    pyarrow.parquet = pytest.importorskip("pyarrow.parquet")
    pyarrow.parquet.write_table(pyarrow.table(columns), scans.root / "labels.parquet")
    assert scans.load(table="labels.parquet").fingerprint == dataset.fingerprint


def test_a_library_that_is_missing_is_named(scans: Scans, monkeypatch: pytest.MonkeyPatch) -> None:
    scans.images()
    for name, library in (("a.xlsx", "openpyxl"), ("a.parquet", "pyarrow")):
        scans.write(b"", name)
        monkeypatch.setitem(sys.modules, library, None)
        scans.refused(rf"{name} needs {library}: pip install 'al-runner\[table\]'", table=name)
    scans.write(b"", "a.xls")
    scans.refused(r"a.xls is of a format that is not read: save it as .xlsx or .csv", table="a.xls")


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("im{:02}.png", "im{:02}"),
        ("IM{:02}.PNG", "im{:02}.png"),
        ("a/b/im{:02}.png", "im{:02}.png"),
        ("a/b/im{:02}.png", "b/im{:02}"),
        ("a/b/im{:02}.png", "a\\b\\im{:02}.png"),
        ("a/b/im{:02}.png", "./a/b/im{:02}.png"),
        ("train/im{:02}.png", "CheXpert-v1.0/train/im{:02}.png"),
        ("1.2.840.{:02}.png", "1.2.840.{:02}"),
        ("u\u0308 {:02}.png", "ü {:02}.png"),
        ("im{:02}.png", "{root}/im{:02}.png"),
        ("{:05}.png", "{:05}"),
    ],
)
def test_paths_as_people_write_them(scans: Scans, stored: str, written: str) -> None:
    names = scans.images(name=stored)
    cells = [written.replace("{root}", str(scans.root)).format(number) for number in range(24)]
    scans.write(text("image,label", [[cell, CLASSES[i % 2]] for i, cell in enumerate(cells)]))
    assert scans.labels(scans.load()) == {name: number % 2 for number, name in enumerate(names)}


def test_a_name_in_two_folders(scans: Scans) -> None:
    """The path says which; the name alone does not."""
    names = scans.images(12, "left/{:02}.png") + scans.images(12, "right/{:02}.png")
    scans.write(text("image,label", [[name, CLASSES["left" in name]] for name in names]))
    assert scans.labels(scans.load()) == {name: int("left" in name) for name in names}
    scans.write(text("image,label", [["03.png", "x"]]))
    scans.cache = scans.root.with_name("no cache")
    scans.refused(r"row 2: 03.png may be left/03.png or right/03.png: the path below the root says which")


def test_patients_are_no_numbers(scans: Scans, capsys: pytest.CaptureFixture[str]) -> None:
    """007 and 7 are two, and a table that says the splits may have a patient in several."""
    names = scans.images()
    rows = [[n, c, ("7", "007")[i % 2], SPLITS[i // 2 % 3]] for i, (n, c) in enumerate(of_two(names))]
    scans.write(text("image,label,patient_id,set", rows))
    dataset = scans.load()
    assert [len(dataset.splits[split]) for split in SPLITS] == [8, 8, 8]
    assert "2 patients are in more than one split" in capsys.readouterr().err
    assert len(scans.load(split_column="none", patient_column="none").train) == 18


def test_patients_in_the_paths(scans: Scans) -> None:
    names = scans.images(name="im{:02}.png")
    scans.write(text("image,label,patient", [[n, c, "x"] for n, c in of_two(names)]))
    dataset = scans.load(group=r"im\d(\d)")
    found = [{name[3] for name in dataset.splits[split].names} for split in SPLITS]
    assert sum(map(len, found)) == len(set.union(*found)) == 10, "no patient is in two splits"
    with pytest.raises(InputError, match="both say who the patients are"):
        scans.load(group="im", patient_column="patient")
    with pytest.raises(InputError, match="finds no patient in 24 of 24 paths"):
        scans.load(group="person")


@pytest.mark.parametrize(
    "words", [("train", "val", "test"), ("Training", "valid", "Testing"), ("TRAIN", "dev", "test")]
)
def test_words_for_splits(scans: Scans, words: Sequence[str]) -> None:
    rows = [[n, c, words[i // 2 % 3]] for i, (n, c) in enumerate(of_two(scans.images()))]
    scans.write(text("image,label,split", rows))
    dataset = scans.load()
    for at, split in enumerate(SPLITS):
        assert sorted(dataset.splits[split].names) == [n for n, _, word in rows if word == words[at]]


def test_splits_that_the_table_does_not_say(scans: Scans) -> None:
    names = scans.images(40)
    rows = [[n, c, "test" if i < 10 else "train"] for i, (n, c) in enumerate(of_two(names))]
    scans.write(text("image,label,split", rows))
    dataset = scans.load()
    assert sorted(dataset.splits["test"].names) == names[:10]
    assert len(dataset.splits["val"]) == 4
    scans.write(text("image,label,split", [[n, c, ""] for n, c, _ in rows]))
    assert [len(split) for split in scans.load().splits.values()] == [28, 4, 8]


def test_several_labels_in_a_cell(scans: Scans, capsys: pytest.CaptureFixture[str]) -> None:
    cells = ["Effusion|Mass", "Mass", "effusion", ""]
    names = scans.images(40)
    scans.write(text("image,Finding Labels", [[name, cells[i % 4]] for i, name in enumerate(names)]))
    dataset = scans.load()
    assert isinstance(dataset.task, MultiLabel)
    assert dataset.class_names == ("Effusion", "Mass")
    expected = ([1, 1], [0, 1], [1, 0], [0, 0])
    assert scans.labels(dataset) == {name: expected[i % 4] for i, name in enumerate(names)}
    said = capsys.readouterr().err
    assert (
        "labels are separated by |; Effusion and effusion are one label; 10 rows have none of the labels"
        in said
    )
    only = scans.load(classes=["Mass"])
    assert scans.labels(only) == {name: [expected[i % 4][1]] for i, name in enumerate(names)}
    scans.write(text("image,finding", [[n, cells[i % 4].replace("|", ",")] for i, n in enumerate(names)]))
    assert scans.load(separator=",").fingerprint == dataset.fingerprint
    joined = scans.write(text("image,finding", [[n, cells[i % 3]] for i, n in enumerate(names)]))
    assert scans.load(several=False, table=joined.name).class_names == ("Effusion|Mass", "Mass", "effusion")


def test_columns_of_marks(scans: Scans, capsys: pytest.CaptureFixture[str]) -> None:
    """As CheXpert: -1 is uncertain, empty is not mentioned."""
    marks = [("1.0", ""), ("0", "1"), ("True", "no"), ("-1", "1,0")]
    names = scans.images(40)
    rows = [[name, *marks[i % 4]] for i, name in enumerate(names)]
    scans.write(text("Path,Edema,Mass", rows))
    scans.refused(r"row 5: Edema is -1: dataset.uncertain=positive, negative or ignore")
    for uncertain, shown in (("positive", [1, 1]), ("negative", [0, 1]), ("ignore", None)):
        dataset = scans.load(uncertain=uncertain, several=True)
        assert dataset.class_names == ("Edema", "Mass")
        expected = ([1, 0], [0, 1], [1, 0], shown)
        assert scans.labels(dataset) == {
            name: expected[i % 4] for i, name in enumerate(names) if expected[i % 4] is not None
        }
        said = capsys.readouterr().err
        assert "10 empty cells of the label columns count as 0" in said
        assert "10 rows with uncertain labels are" in said
    assert scans.load(label_column=["Mass", "Edema"], uncertain="positive").class_names == ("Mass", "Edema")


def test_one_column_for_each_class(scans: Scans, capsys: pytest.CaptureFixture[str]) -> None:
    """As ISIC's ground truth: exactly one is 1."""
    names = scans.images(40)
    rows = [[name, *(float(i % 3 == at) for at in range(3))] for i, name in enumerate(names)]
    scans.write(text("image,MEL,NV,BCC", rows))
    dataset = scans.load()
    assert isinstance(dataset.task, MultiClass)
    assert dataset.class_names == ("MEL", "NV", "BCC")
    assert scans.labels(dataset) == {name: i % 3 for i, name in enumerate(names)}
    assert "each row has one of 3 label columns: classes" in capsys.readouterr().err
    assert isinstance(scans.load(several=True).task, MultiLabel)
    assert scans.load(classes=["NV", "MEL"]).class_names == ("NV", "MEL")
    assert "13 rows of other classes are left out" in capsys.readouterr().err


def test_the_order_of_classes(scans: Scans) -> None:
    """Numbers by their value; floats of a column with gaps are whole numbers."""
    names = scans.images(40)
    scans.write(text("image,grade", [[name, (10, 2, 0, 1)[i % 4]] for i, name in enumerate(names)]))
    dataset = scans.load()
    assert dataset.class_names == ("0", "1", "2", "10")
    scans.write(text("image,grade", [[name, (10.0, 2.0, 0.0, 1)[i % 4]] for i, name in enumerate(names)]))
    assert scans.load().fingerprint == dataset.fingerprint
    assert scans.load(classes=[10, 0]).class_names == ("10", "0")


def test_minus_one_in_one_column(scans: Scans) -> None:
    names = scans.images(40)
    scans.write(text("image,label", [[name, (1, 0, -1, 1)[i % 4]] for i, name in enumerate(names)]))
    scans.refused("row 4: label is -1: dataset.uncertain=")
    assert len(scans.labels(scans.load(uncertain="ignore"))) == 30
    scans.write(text("image,label", [[name, (1, -1)[i % 2]] for i, name in enumerate(names)]))
    assert scans.load().class_names == ("-1", "1"), "two classes, as they are"


def test_rows_and_files_that_lack_each_other(scans: Scans, capsys: pytest.CaptureFixture[str]) -> None:
    rows = of_two(scans.images(40))
    scans.write(text("image,label", [*rows[2:], ["im77.png", "benign"], ["im78.png", ""]]))
    scans.refused(
        r"labels.csv: 2 of 40 rows have no image file in .* \(im77.png, im78.png\) and 2 of 40 image files "
        r"have no row \(im00.png, im01.png\)"
    )
    assert len(scans.labels(scans.load(on_error="skip"))) == 38
    assert "left out" in capsys.readouterr().err


def test_rows_that_are_there_twice(scans: Scans, capsys: pytest.CaptureFixture[str]) -> None:
    rows = of_two(scans.images())
    scans.write(text("image,label", [*rows, rows[3], ["IM04.PNG", "benign"]]))
    assert scans.labels(scans.load()) == TWO
    assert "labels.csv: 2 rows are there twice" in capsys.readouterr().err
    scans.write(text("image,label", [*rows, [rows[3][0], "benign"]]))
    scans.cache = scans.root.with_name("no cache")
    scans.refused(r"rows 5 and 26 are both of im03.png, and contradict each other \(malignant, benign\)")


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (BODY, {"path_column": "imgae"}, "path_column=imgae: .* has no such column; did you mean image"),
        (BODY, {"label_column": "zzz"}, "label_column=zzz: .* has no such column; there are image, label"),
        (BODY, {"label_column": ["label", "x"]}, "label_column=x: "),
        (BODY, {"patient_column": "pat"}, "patient_column=pat: "),
        (BODY, {"label_column": "image"}, "the column image cannot say two things"),
        (BODY, {"table": "lables.csv"}, "lables.csv is no file, neither below .* has labels.csv"),
        (BODY, {"classes": ["benign", "malignent"]}, "no label malignent; did you mean malignant"),
        (BODY, {"classes": ["benign"]}, r"one class only \(benign\)"),
        (BODY, {"uncertain": "ones"}, "uncertain=ones: there are positive, negative, ignore"),
        ("", {}, "labels.csv is empty"),
        ("image,label\n", {}, "has a header, but no rows"),
        ("image,image,label\n", {"path_column": "image"}, "has 2 columns of that name"),
        ("label,age\nbenign,3\n", {}, "path_column=… must say which column is meant: it has label, age"),
        ("image,a,b\nim00.png,3,x\n", {}, "label_column=… must say which of a, b is meant"),
        ("image,label,class\nim00.png,3,x\n", {}, "which of label, class is meant"),
        ("image,path,label\nim00.png,im01.png,x\n", {}, "which of image, path is meant"),
        ("image,label\n../im00.png,x\n", {"path_column": "image"}, "row 2: ../im00.png leads out of"),
        ("image,label\n/etc/im00.png,x\n", {"path_column": "image"}, "row 2: /etc/im00.png is not below the"),
        ("image,label\nD:\\x.png,x\n", {"path_column": "image"}, r"row 2: D:\\x.png is not below the"),
        ("image,label\n,x\n", {"path_column": "image"}, "row 2 names no image"),
        (BODY.replace("im03.png,malignant", "im03.png,"), {}, r"1 of 24 rows have no label .* \(row 5\)"),
        (BODY.replace("im03.png,malignant", "im03.png,malignnt"), {}, "malignnt in row 5: did you mean"),
        (BODY.replace("im03.png,malignant", "im03.png,cyst"), {}, r"cyst in row 5: dataset.classes=\[…\]"),
        (BODY.replace("malignant", "benign"), {}, r"one class only \(benign\)"),
        (
            text("image,label,split", [[*row, "trian" if i % 3 else "test"] for i, row in enumerate(ROWS)]),
            {},
            "split is trian in 16 rows: did you mean train\\? Or dataset.split_column=none",
        ),
        (
            text("image,label,split", [[*row, "3"] for row in ROWS]),
            {},
            "split is 3 in 24 rows: words for splits are train, training",
        ),
        (text("image,label,split", [[*row, "test"] for row in ROWS]), {}, "no row that it is train"),
        (
            text("image,label,split", [[*row, SPLITS[i % 2]] for i, row in enumerate(ROWS)]),
            {},
            "every split needs images of every class",
        ),
        (
            text("image,label,patient", [[*row, "" if i == 5 else "a"] for i, row in enumerate(ROWS)]),
            {},
            "row 7 has no patient in patient",
        ),
        (
            text("image,a,b", [[name, 1, i % 3] for i, name in enumerate(TWO)]),
            {"label_column": ["a", "b"]},
            "row 4: b is 2, not 1, 0, -1 or empty",
        ),
        (
            text("image,a,b", [[name, 1, i % 2] for i, name in enumerate(TWO)]),
            {"several": False},
            "row 3 has 2 of a, b: dataset.several=false means exactly one",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(scans: Scans, content: str, options: dict[str, Any], words: str) -> None:
    scans.images()
    scans.write(content)
    scans.refused(words, **options)


def test_folders_that_are_refused(scans: Scans) -> None:
    scans.refused("must say which table is meant: .*scans has no table")
    scans.write(BODY)
    scans.refused("holds no images: expected files that end in")
    scans.images()
    scans.write(BODY, "more.tsv")
    scans.refused("has labels.csv, more.tsv")
    with pytest.raises(InputError, match="nowhere is not a folder"):
        table.load(scans.root / "nowhere", scans.cache)


def test_a_run_as_a_user_makes_it(al_run: Command, scans: Scans) -> None:
    """The command that a person types first; a finished run is found again, wherever its table lies."""
    scans.images(60)
    rows = of_two([f"im{number:02}.png" for number in range(60)])
    scans.write(text("image,label", rows))
    arguments = [
        "dataset=table", f"dataset.root={scans.root}", "dataset.image_size=14", "model.width=2",
        "schedule.initial_size=6", "schedule.query_size=4", "schedule.budget=10",
        "schedule.epochs=1", "logger=none",
    ]  # fmt: skip
    env = {"AL_RUNNER_CACHE": str(scans.cache)}
    done = al_run(*arguments, **env)
    assert done.returncode == 0, done.stderr
    assert "outputs/scans/entropy/" in done.stdout
    assert "al-run: labels.csv is read with dataset.path_column=image" in done.stderr
    assert "finished already" in al_run(*arguments, **env).stderr
    elsewhere = scans.root.rename(scans.root.with_name("moved"))
    moved = [word.replace(str(scans.root), str(elsewhere)) for word in arguments]
    given = [*moved, f"dataset.table={elsewhere}/labels.csv", "name=scans", "dataset.name=scans"]
    first = al_run(*given, **env)
    assert first.returncode == 0, first.stderr
    (elsewhere / "labels.csv").rename(elsewhere.with_name("labels.csv"))
    again = al_run(*[word.replace("moved/labels", "labels") for word in given], **env)
    assert again.stdout == first.stdout, "the same run, wherever its table lies"
    misspelled = al_run(*arguments[:1], "dataset.root=x", "dataset.path_colum=image", **env)
    assert misspelled.returncode == 2
    assert "did you mean dataset.path_column?" in misspelled.stderr
