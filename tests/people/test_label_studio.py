"""The exchange with Label Studio by files."""

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from al_runner.people import cli as al_label
from al_runner.people.answers import Answer, Answers
from al_runner.people.asked import Asked, Question
from al_runner.people.label_studio import annotations, tasks
from al_runner.people.label_studio.cli import main
from tests.people.label_studio import FINDINGS, QUESTIONS, ROOT, TWO, annotation, asks, minimal, task

R_AND_D = TWO.classes[1]


def asked_of(folder: Path) -> Asked:
    asked = Asked.read(folder)
    assert asked is not None
    return asked


def labels(folder: Path) -> dict[tuple[str, str], str]:
    """Sample and reader → label."""
    return {(each.sample, each.by): each.label for each in Answers(folder).lines}


def imported(folder: Path, told: object, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says when it takes a file."""
    path = folder / "annotations.json"
    path.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    main(["import", str(folder), str(path)])
    return capsys.readouterr().out


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says when it takes nothing: one line."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    said = capsys.readouterr()
    assert end.value.code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def of_another_interface() -> dict[str, Any]:
    made = annotation("normal")
    made["result"][0]["from_name"] = "class"
    return made


def test_questions_are_tasks_with_images_that_label_studio_serves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["export", str(asks(tmp_path)), "--out", str(tmp_path / "out.json")])
    assert "3 tasks in" in capsys.readouterr().out
    told = json.loads((tmp_path / "out.json").read_text())
    assert [each["data"] for each in told][1] == {
        "image": "/data/local-files/?d=scans/b/%C3%BC%20%26%20%231%3F.png",
        "sample": "b/ü & #1?.png",
        "index": 7,
        "split": "train",
    }
    assert [each["data"]["sample"] for each in told] == [each.sample for each in QUESTIONS]
    assert not any("predictions" in each for each in told), "a guess would bias"
    assert "p7" not in (tmp_path / "out.json").read_text(), "nobody there needs to know the patient"


def test_images_are_where_somebody_says(tmp_path: Path) -> None:
    asked = asked_of(asks(tmp_path))
    address = tasks.local(asked, tasks.folder(asked, Path("/data/scans/..")))
    assert address("a.png") == "/data/local-files/?d=scans/a.png"
    address = tasks.local(asked, tasks.folder(asked, Path("/")))
    assert address("a.png") == "/data/local-files/?d=data/scans/a.png"
    assert tasks.at_url("http://here/x/")("b/ü.png") == "http://here/x/b/%C3%BC.png"


def test_the_guess_is_shown_where_it_is_wanted(tmp_path: Path) -> None:
    asked = asked_of(asks(tmp_path))
    told = tasks.tasks(asked, tasks.at_url("/x"), guess=True)
    assert "predictions" not in told[0], "the model has no guess of the random sample"
    [prediction] = told[1]["predictions"]
    assert prediction["score"] == 0.75
    assert prediction["result"][0]["value"] == {"choices": [R_AND_D]}
    assert told[2]["predictions"][0]["result"][0]["value"] == {"choices": ["normal"]}


def test_the_interface_has_the_labels_that_may_be_given() -> None:
    choices = ElementTree.fromstring(tasks.interface(TWO)).find(".//Choices")
    assert choices is not None
    assert choices.get("choice") == "single-radio"
    assert [each.get("value") for each in choices] == [*TWO.classes, "cannot tell"]
    choices = ElementTree.fromstring(tasks.interface(FINDINGS)).find(".//Choices")
    assert choices is not None
    assert choices.get("choice") == "multiple"
    assert [each.get("value") for each in choices] == [*FINDINGS.classes, "none", "cannot tell"]


def test_annotations_are_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = asks(tmp_path / "run")
    told = [
        task("a.png", annotation("normal", note='says "fine" \ud83d')),
        task("b/ü & #1?.png", annotation(R_AND_D, by={"id": 2, "email": "two", "first_name": ""})),
        task("c.png", annotation(was_cancelled=True), annotation()),
    ]
    said = imported(folder, told, capsys)
    assert said == f"2 answers added to {folder / 'labels.csv'}; 1 of 3 questions are open\n"
    first, second = Answers(folder).lines
    assert astuple(first) == (
        "a.png", "normal", "1", "2026-03-01T10:00:05.775+00:00", 4.288, 'says "fine" ?', "label-studio",
    )  # fmt: skip
    assert (second.label, second.by) == (R_AND_D, "two")
    assert imported(folder, told, capsys).startswith("0 answers added")
    small = [minimal("a.png", "normal"), minimal("b/ü & #1?.png", R_AND_D, annotator="two"), minimal("c.png")]
    assert imported(folder, small, capsys).startswith("0 answers added"), "both formats call readers the same"
    assert "give the same al-run again" in imported(folder, [minimal("c.png", "cannot tell")], capsys)
    assert labels(folder)["c.png", "1"] == "cannot tell"


def test_both_formats_tell_the_same(tmp_path: Path) -> None:
    full = [
        task("a.png", annotation("nodule", "mass", note="one\ntwo", by=None)),
        task("c.png", annotation("none", lead_time=None)),
    ]
    small = [
        minimal("a.png", {"choices": ["nodule", "mass"]}, note="one\ntwo", annotator="None"),
        minimal("c.png", "none", lead_time=None),
    ]
    asked = asked_of(asks(tmp_path, FINDINGS))
    found = annotations.new(full, "x", asked, Answers(tmp_path))
    assert found == annotations.new(small, "x", asked, Answers(tmp_path))
    assert [(each.label, each.by, each.seconds) for each in found] == [
        ("mass;nodule", "", 4.288),
        ("none", "1", None),
    ]


def test_several_people_are_several_readers_and_the_first_one_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = asks(tmp_path)
    late = annotation("normal", by=1, created_at="2026-03-02T10:00:00+02:00")
    imported(folder, [task("a.png", late, annotation(R_AND_D, by=2))], capsys)
    assert labels(folder) == {("a.png", "2"): R_AND_D, ("a.png", "1"): "normal"}
    assert Answers(folder).counting()["a.png"].by == "2"
    assert Answers(folder).lines[1].at == "2026-03-02T08:00:00.000+00:00"


def test_tasks_of_earlier_rounds_stay_in_a_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = asks(tmp_path)
    imported(folder, [task("a.png", annotation("normal"))], capsys)
    asks(folder, questions=QUESTIONS[1:])
    told = [task("a.png", annotation("normal")), task("c.png", annotation("normal"))]
    assert imported(folder, told, capsys).startswith("1 answers added")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("", "is not JSON: export as JSON or JSON-MIN"),
        ("id,label\n3,normal\n", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ({"detail": "Not found."}, "holds no list of tasks"),
        ([3], "item 1 is no task, but 3"),
        ([task("z.png", annotation("normal"))], "task 3: z.png is not one of the images asked for"),
        ([minimal("z.png", "normal")], "task 3: z.png is not one of the images asked for"),
        ([task("a.png", annotation("flu"))], "task 3: flu is not one of normal, "),
        ([task("a.png", annotation("normal", R_AND_D))], f"task 3: normal;{R_AND_D} is not one of"),
        ([task("a.png", annotation("normal", "cannot tell"))], "normal and cannot tell; cannot tell stands"),
        ([task("a.png", annotation("normal"), annotation(R_AND_D))], f"a.png is {R_AND_D} here, and normal"),
        ([minimal("a.png", R_AND_D), minimal("a.png", "normal")], "task 3: a.png is normal here, and R&D"),
        ([task("a.png", annotation("normal"), data={"image": "x"})], "task 3: data.sample: Field required"),
        ([{"id": 8, "annotations": []}], "task 8: data: Field required"),
        ([{"image": "x", "label": "normal"}], "item 1: sample: Field required"),
        ([task("a.png", annotation("normal", lead_time=-1))], "annotations.0.lead_time: Input should be"),
        ([task("a.png", annotation("normal", created_at="soon"))], "annotations.0.created_at: Input should"),
        ([task("z\n.png", annotation("normal"), id="3\n4")], "task 3 4: z .png is not one of the images"),
        ([task("a.png", of_another_interface())], "task 3: its choices are called class, not label"),
        ([task("a.png", annotations=["x"])], "task 3: annotations.0: Input should be"),
        ([task("a.png", annotation("normal", result="normal"))], "annotations.0.result: Input should"),
    ],
)  # fmt: skip
def test_what_does_not_fit_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], told: object, said: str
) -> None:
    folder = asks(tmp_path)
    Answers(folder).add([Answer("b/ü & #1?.png", R_AND_D, "1")])
    before = (folder / "labels.csv").read_bytes()
    path = folder / "annotations.json"
    path.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    assert said in refused(["import", str(folder), str(path)], capsys)
    assert (folder / "labels.csv").read_bytes() == before


def test_a_single_answer_that_does_not_fit_keeps_the_others_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = asks(tmp_path)
    with pytest.raises(SystemExit):
        imported(folder, [task("a.png", annotation("normal")), task("c.png", annotation("flu"))], capsys)
    assert not (folder / "labels.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export", "nowhere"], "nowhere is no folder"),
        (["export", "idle"], "idle asks people nothing"),
        (["export", "run", "--document-root", "/elsewhere"], "--document-root /elsewhere is no folder above"),
        (
            ["export", "run", "--document-root", str(ROOT)],
            f"--document-root {ROOT} is no folder above {ROOT}",
        ),
        (["export", "run", "--image-url", "here"], "--image-url here: an address is expected"),
        (["export", "run", "--image-url", "/x", "--document-root", "/"], "not allowed with argument"),
        (["export", "run", "--out", "no/such/place.json"], "cannot write no/such/place.json: No such file"),
        (["export", "first", "--guess"], "--guess: there is none in round 1, as no model has learned yet"),
        (["export", "several", "--guess"], "as an image may have several labels"),
        (["export", "dicom"], "Label Studio cannot show x.DCM, only .bmp, "),
        (["import", "run", "missing.json"], "cannot read missing.json: No such file"),
        (["import", "run"], "required: JSON"),
        (["pull", "run", "--url", "http://127.0.0.1:1"], "required: --project"),
        (["export", "run", "--gues", "--what"], "--what is no option"),
    ],
)
def test_what_cannot_be_done_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "idle").mkdir()
    asks(tmp_path / "run")
    asks(tmp_path / "first", questions=QUESTIONS[:1])
    asks(tmp_path / "several", FINDINGS, QUESTIONS[:1])
    asks(tmp_path / "dicom", questions=[Question("x.DCM", "train", 0)])
    assert said in refused(arguments, capsys)
    assert not list(tmp_path.rglob("tasks.*"))


def test_a_correction_counts_as_on_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = asks(tmp_path)
    first = [task(name, annotation("normal")) for name in ("a.png", "c.png")]
    imported(folder, first, capsys)
    later = annotation(R_AND_D, updated_at="2026-03-01T11:00:00.5Z", lead_time=7.288)
    corrected = [task("a.png", later), task("c.png", annotation("normal"))]
    assert imported(folder, corrected, capsys).startswith(
        f"1 answers added to {folder / 'labels.csv'}, 1 of them in place of earlier ones; 1 of 3"
    )
    answers = Answers(folder)
    assert answers.counting()["a.png"].label == R_AND_D
    assert (answers.lines[-1].at, answers.lines[-1].seconds) == ("2026-03-01T11:00:00.500+00:00", 3.0)
    assert imported(folder, corrected, capsys).startswith("0 answers added")
    path = folder / "older.json"
    path.write_text(json.dumps(first), encoding="utf-8")
    main(["import", str(folder), str(path)])
    out, err = capsys.readouterr()
    assert out.startswith("0 answers added")
    assert err == f"al-label: a.png was normal before it was {R_AND_D}, which stays\n"
    asks(folder, questions=QUESTIONS[1:])  # the next round: the model has learned from a.png
    path.write_text(json.dumps([task("a.png", annotation("normal", updated_at="2026-03-02T11:00:00Z"))]))
    main(["import", str(folder), str(path)])
    out, err = capsys.readouterr()
    assert out.startswith("0 answers added")
    assert f"a.png stays {R_AND_D}: it is not asked any more, and normal comes late" in err


def test_al_label_exchanges_with_label_studio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = asks(tmp_path)
    al_label.main([str(folder), "--export", "label-studio"])
    assert capsys.readouterr().out.startswith(f"3 tasks in {folder / 'tasks.json'}")
    written = (folder / "tasks.json").read_text()
    main(["export", str(folder), "--out", str(folder / "other.json")])
    assert (folder / "other.json").read_text() == written
    al_label.main(
        [str(folder), "--export", "label-studio", "--file", str(folder / "t.json"), "--image-url", "/x"]
    )
    assert json.loads((folder / "t.json").read_text())[0]["data"]["image"] == "/x/a.png"
    (back := folder / "annotations.json").write_text(json.dumps([task("a.png", annotation("normal"))]))
    capsys.readouterr()
    al_label.main([str(folder), "--import", "label-studio", "--file", str(back)])
    assert "1 answers added" in capsys.readouterr().out
    assert Answers(folder).counting()["a.png"].label == "normal"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--guess"], "--guess needs --export label-studio or --import"),
        (["--file", "x.json"], "--file needs --export label-studio"),
        (["--export", "label-studio", "--file", "x", "--url", "http://127.0.0.1:1"], "give one of them"),
        (["--export", "label-studio", "--project", "3"], "--project needs --url"),
        (["--import", "label-studio"], "needs --file JSON, or --url and --project"),
        (["--import", "label-studio", "--url", "http://127.0.0.1:1"], "needs --project"),
        (["--import", "label-studio", "--file", "x.json", "--guess"], "--guess is for --export"),
        (["--import", "label-studio", "--export", "label-studio"], "not allowed with argument"),
        (["--export", "label-studo"], "label-studio"),
    ],
)
def test_al_label_refuses_what_does_not_go_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    folder = asks(tmp_path)
    with pytest.raises(SystemExit) as end:
        al_label.main([str(folder), *words])
    out, err = capsys.readouterr()
    assert (end.value.code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not list(tmp_path.glob("t*.json"))
