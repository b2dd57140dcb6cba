"""Questions, answers, undo, two readers, and what lies between the rounds, through the page's addresses."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from filelock import FileLock

from al_runner.data.words import Words
from al_runner.people.answers import Answer, Answers
from al_runner.people.asked import Asked
from al_runner.people.ending import Ending
from al_runner.people.page.reserved import KEPT
from tests.people.page.conftest import Reader

Opened = Callable[..., Reader]


def kept(reader: Reader) -> dict[str, str]:
    """What the run would read: sample → label."""
    return {sample: answer.label for sample, answer in Answers(reader.run).counting().items()}


def wait(reader: Reader, state: str) -> dict[str, Any]:
    for _ in range(400):
        if (told := reader.get("state").json())["state"] == state:
            return told
        time.sleep(0.05)
    raise AssertionError(told)


def test_an_answer_is_on_the_disk_when_the_page_hears_of_it(reader: Reader) -> None:
    told = reader.start()
    assert (told["state"], told["total"], told["done"], told["classes"]) == (
        "label",
        6,
        0,
        ["normal", "pneumonia"],
    )
    assert told["queue"] == [0, 1, 2], "the one on the screen, and two that are loaded meanwhile"
    told = reader.answer(0, "Pneumonia", note="lower\nlobe\x07", seconds=3.25)
    assert (told["done"], told["queue"]) == (1, [1, 2, 3])
    (line,) = Answers(reader.run).lines
    assert (line.sample, line.label, line.by, line.seconds, line.note, line.via) == (
        "00000.png", "pneumonia", "AB", 3.2, "lower lobe", "page",
    )  # fmt: skip
    assert line.at.endswith("+00:00")


def test_cannot_tell_undo_and_another_answer(reader: Reader) -> None:
    assert reader.undo()["place"] is None
    reader.answer(0, "normal")
    reader.answer(1, "cannot tell")
    assert kept(reader) == {"00000.png": "normal", "00001.png": "cannot tell"}
    told = reader.undo()
    assert (told["place"], told["queue"][0], told["done"]) == (1, 1, 1), "it is the next one again"
    assert kept(reader) == {"00000.png": "normal"}
    assert reader.undo()["place"] == 0
    assert reader.undo()["place"] is None
    reader.answer(0, "normal")
    reader.answer(0, "pneumonia")
    assert kept(reader) == {"00000.png": "pneumonia"}
    lines = len(Answers(reader.run).lines)
    reader.answer(0, "pneumonia")
    assert len(Answers(reader.run).lines) == lines, "nothing new was said"
    reader.answer(0, "pneumonia", note="sure")
    assert reader.get("question/0/0").json()["answer"] == {"label": "pneumonia", "note": "sure"}


def test_a_page_that_is_loaded_again_goes_on(opened: Opened) -> None:
    reader = opened()
    for place, label in enumerate(("normal", "pneumonia", "normal")):
        reader.answer(place, label)
    reader.undo()
    told = reader.start()
    assert (told["mine"], told["queue"][0], told["done"]) == ([0, 1], 2, 2)


def test_several_labels(opened: Opened) -> None:
    reader = opened(words=Words(("edema", "effusion", "mass"), several=True))
    assert reader.start()["several"]
    reader.answer(0, "mass;edema")
    reader.answer(1, "none")
    reader.answer(2, "cannot tell")
    assert list(kept(reader).values()) == ["edema;mass", "none", "cannot tell"]
    assert "nodule is not one of edema, effusion, mass" in reader.post("answer", place=3, label="nodule").text


def test_the_guess_is_hidden_and_that_it_was_seen_is_kept(reader: Reader) -> None:
    about = reader.get("question/0/0")
    assert about.json() == {"answer": None, "volume": False, "has_guess": True}
    assert "0.5" not in about.text
    reader.other("CD").get("guess/0/1")
    assert reader.get("guess/0/0").json() == {"guess": [["normal", 0.5], ["pneumonia", 0.5]]}
    reader.answer(0, "normal")
    reader.answer(1, "normal")
    assert [line.via for line in Answers(reader.run).lines] == ["page-guess", "page"]


def test_names_are_shown_to_those_who_asked_for_them(opened: Opened) -> None:
    reader = opened(show_names=True)
    about = reader.get("question/0/3").json()
    assert (about["name"], about["patient"]) == ("00003.png", "patient 3")


def test_nobody_is_named_otherwise(reader: Reader) -> None:
    texts = [reader.get(path) for path in ("start", "state", "question/0/3", "image/0/3", "summary")]
    for response in texts:
        whole = response.content + str(response.headers).encode()
        assert b"patient 3" not in whole
        assert b"00003" not in whole


def test_two_readers_get_different_images(opened: Opened) -> None:
    reader = opened(n=6)
    other = reader.other("CD")
    assert reader.start()["queue"] == [0, 1, 2]
    assert other.start()["queue"] == [3, 4, 5]
    assert other.answer(3, "normal")["queue"] == [4, 5], "the rest is on the other screen"
    for place in (4, 5):
        told = other.answer(place, "normal")
    assert (told["queue"], told["state"], told["done"]) == ([], "label", 3)
    reader.desk.session().reserved.clock = lambda: time.monotonic() + KEPT + 1  # type: ignore[union-attr]
    assert other.get("state").json()["queue"] == [0, 1, 2], "who went away keeps no image"
    other.answer(0, "pneumonia")
    reader.answer(0, "normal")
    readers = Answers(reader.run).of_readers()["00000.png"]
    assert {by: answer.label for by, answer in readers.items()} == {"CD": "pneumonia", "AB": "normal"}
    assert kept(reader)["00000.png"] == "pneumonia", "the first one counts"


def test_many_at_once(opened: Opened) -> None:
    reader = opened(n=60)

    def label_all(by: str) -> int:
        own, count = reader.other(by), 0
        while queue := own.get("state").json()["queue"]:
            own.answer(queue[0], "normal")
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(label_all, ["AB", "CD", "EF", "GH"]))
    lines = Answers(reader.run).lines
    assert sum(counts) == len(lines) == 60, "no answer is lost, no image is read by two"
    assert len({line.sample for line in lines}) == 60


def test_a_share_is_read_twice(opened: Opened) -> None:
    reader = opened(n=40, twice=0.25)
    session = reader.desk.session()
    assert session is not None
    both = [place for place in range(40) if session.needed(place) == 2]
    assert 4 <= len(both) <= 18
    other = reader.other("CD")
    while queue := reader.get("state").json()["queue"]:
        reader.answer(queue[0], "normal")
    told = other.start()
    assert (told["state"], told["second_readings"]) == ("full", len(both))
    seen = []
    while queue := other.get("state").json()["queue"]:
        seen.append(queue[0])
        other.answer(queue[0], "normal" if len(seen) % 2 else "pneumonia")
    assert seen == both
    (agreed,) = other.get("summary").json()["agreements"]
    assert (agreed["readers"], agreed["samples"], agreed["kappa"]) == (["AB", "CD"], len(both), 0)


def test_answers_from_elsewhere_count_at_once(reader: Reader) -> None:
    reader.start()
    Answers(reader.run).add([Answer("00001.png", "normal", "CD", via="table")])
    told = reader.get("state").json()
    assert (told["done"], told["queue"]) == (1, [0, 2, 3])


def test_time_left_is_by_the_median(reader: Reader) -> None:
    assert reader.start()["seconds_left"] is None
    for place, seconds in enumerate((2.0, 3.0, 500.0)):
        told = reader.answer(place, "normal", seconds=seconds)
    assert told["seconds_left"] == 9


def test_the_run_trains_and_asks_again(reader: Reader) -> None:
    assert reader.post("train").json()["state"] == "label", "not before all is answered"
    for place in range(6):
        told = reader.answer(place, "normal")
    assert told["state"] == "full"
    assert reader.post("train").json()["state"] == "training"
    assert reader.post("train").json()["state"] == "training", "once"
    assert reader.post("answer", place=0, label="pneumonia").status_code == 409
    assert reader.post("undo").status_code == 409
    told = wait(reader, "label")
    assert (told["round"], told["total"], told["done"]) == (1, 6, 0)
    assert reader.post("answer", place=0, label="normal").status_code == 409, "the round before is closed"
    summary = reader.get("summary").json()
    (point,) = summary["curve"]
    assert (point["n_labeled"], point["metrics"]["test/accuracy"], point["tested"]) == (6, 0.84, 50)
    assert point["intervals"]["test/auroc"] == [0.805, 0.97]
    assert point["intervals"]["test/accuracy"] == pytest.approx([0.7089, 0.9283], abs=1e-4)
    assert summary["confusion"]["matrix"] == [[20, 5], [3, 22]]
    for place in range(6):
        reader.post("answer", round=1, place=place, label="normal")
    reader.post("train", round=1)
    assert wait(reader, "finished")["round"] is None
    assert reader.get("summary").json()["confusion"]["classes"] == ["normal", "pneumonia"]


def test_the_line_of_progress_is_shown(opened: Opened) -> None:
    reader = opened(seconds=0.3)
    for place in range(6):
        reader.answer(place, "normal")
    reader.post("train")
    said = set()
    while (told := reader.get("state").json())["state"] == "training":
        said.add(told["said"])
        time.sleep(0.05)
    assert "round 0: training, epoch 2" in said


def test_a_run_that_fails_says_why_and_can_be_tried_again(reader: Reader) -> None:
    for place in range(6):
        reader.answer(place, "normal")
    (reader.run / "fail").touch()
    reader.post("train")
    assert wait(reader, "failed")["said"] == "al-run: out of <b>memory</b>"
    (reader.run / "fail").unlink()
    assert reader.post("train").json()["state"] == "training"
    wait(reader, "label")


def test_a_command_that_is_gone(opened: Opened) -> None:
    reader = opened(n=2)
    for place in range(2):
        reader.answer(place, "normal")
    session = reader.desk.session()
    assert session is not None
    object.__setattr__(session.asked, "command", ("no-such-program",))
    told = reader.post("train").json()
    assert (told["state"], told["said"]) == (
        "failed",
        "cannot start no-such-program: No such file or directory",
    )


def test_somebody_else_trains_it(reader: Reader) -> None:
    (reader.run / "manifest.json").write_text('{"status": "running"}')
    with FileLock(reader.run / "run.lock"):
        assert reader.get("state").json()["state"] == "training"
        assert reader.post("answer", place=0, label="normal").status_code == 409
    assert reader.get("state").json()["state"] == "label", "it was killed: what it asked for is still open"


def test_a_run_that_asks_nothing_any_more(reader: Reader) -> None:
    (reader.run / "asked.json").unlink()
    assert reader.start()["state"] == "stopped"
    assert reader.post("answer", place=0, label="normal").status_code == 409
    (reader.run / "asked.json").write_text("{")
    broken = reader.get("state")
    assert (broken.status_code, "start the same al-run again" in broken.text) == (500, True)


def test_a_reader_stops_the_run(opened: Opened) -> None:
    reader = opened(n=2)
    assert not reader.start()["can_stop"], "it has learned nothing"
    assert reader.post("stop").json()["state"] == "label"
    assert not (reader.run / "ended.json").exists()
    for place in range(2):
        reader.answer(place, "normal")
    assert not reader.post("train").json()["can_stop"], "it trains"
    assert reader.post("stop").status_code in (200, 409)
    told = wait(reader, "label")
    assert told["can_stop"]
    assert reader.post("stop", round=0).status_code == 409, "that round has been closed"
    assert reader.post("stop", round=1).json()["state"] == "training"
    wait(reader, "finished")
    ending = Ending.read(reader.run)
    assert ending is not None
    assert ending.reason == "ended by AB"


def test_a_run_that_is_started_meanwhile_moves_no_question(reader: Reader) -> None:
    """It asks only what is open, and more: an answer still belongs to the image on the screen."""
    reader.answer(0, "normal")
    asked = Asked.read(reader.run)
    assert asked is not None
    more = replace(asked.questions[0], sample="00009.png", index=9)
    replace(asked, questions=[more, *asked.questions[:0:-1]]).write(reader.run)
    told = reader.answer(1, "pneumonia")
    assert (told["total"], told["done"]) == (7, 2)
    assert kept(reader) == {"00000.png": "normal", "00001.png": "pneumonia"}
    reader.answer(6, "normal")
    assert kept(reader)["00009.png"] == "normal"
    assert reader.undo()["place"] == 6
