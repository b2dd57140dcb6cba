"""People who label in a real Chromium, by clicks and keys."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("starlette")

from al_runner.data.words import Words  # noqa: E402
from al_runner.people.answers import Answers  # noqa: E402
from tests.people.page.waiting_run import write  # noqa: E402

COMMAND = str(Path(sys.executable).with_name("al-label"))
pytestmark = pytest.mark.slow


class Label:
    """The command over a run."""

    def __init__(self, run: Path, *options: str) -> None:
        self.run, self.options = run, options
        self.start()

    def start(self, *more: str) -> None:
        self.process = subprocess.Popen(
            [COMMAND, str(self.run), "--no-browser", *self.options, *more], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[-1]

    @property
    def port(self) -> str:
        return self.address.partition("/?")[0].rpartition(":")[2]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def kept(self) -> dict[str, str]:
        return {sample: answer.label for sample, answer in Answers(self.run).counting().items()}


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Label]]:
    """Write a run and serve it."""
    served: list[Label] = []

    def start(*options: str, **run: Any) -> Label:
        served.append(Label(write(tmp_path / f"place{len(served)}", **run), *options))
        return served[-1]

    yield start
    for each in served:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)


NAMELESS = """[...document.querySelectorAll("button, input, progress, [role=region]")]
    .filter((each) => each.checkVisibility())
    .filter((each) => !(each.innerText || each.ariaLabel || each.labels?.length)).length"""
"""How many of the elements that are shown a screen reader could not name."""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
PIXEL = """([x, y]) => {
    const canvas = document.getElementById("canvas");
    const pixel = canvas.getContext("2d").getImageData(canvas.width * x, canvas.height * y, 1, 1);
    return [...pixel.data].slice(0, 3);
}"""


class Person:
    """Somebody before a page; what the browser complains about is kept."""

    def __init__(self, chromium: Any, label: Label, **context: Any) -> None:
        self.complaints: list[str] = []
        self.page = chromium.new_context(**context).new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.open(label)

    def open(self, label: Label) -> None:
        self.page.goto(label.address)

    def sees(self, place: int) -> None:
        self.page.wait_for_selector(f"body[data-shown='{place}'] #fields:not([inert])")

    def press(self, key: str, place: int | None = None) -> None:
        """A key; then that image is shown."""
        self.page.keyboard.press(key)
        if place is not None:
            self.sees(place)

    def text(self, element: str) -> str:
        return self.page.inner_text(element)

    def pixel(self, x: float, y: float) -> list[int]:
        """Of the stage, at shares of its width and height."""
        return self.page.evaluate(PIXEL, [x, y])


def test_a_person_labels_two_rounds(chromium: Any, serve: Callable[..., Label]) -> None:
    label = serve(n=5, size=64, seconds=0.8)
    person = Person(chromium, label)
    page = person.page
    page.fill("#initials", "ab")
    person.press("Enter", 0)
    assert "token" not in page.url
    person.press("1", 1)  # by key
    page.click("#choices >> text=pneumonia")  # by click
    person.sees(2)
    person.press("u", 1)  # undo
    assert label.kept() == {"00000.png": "normal"}
    person.press("x", 2)  # cannot tell
    person.press("n")
    page.keyboard.type("u 1 <b>lobe</b>")
    person.press("Escape")
    assert page.evaluate("document.activeElement.id") == "stage"
    person.press("2", 3)
    page.reload()  # which loses nothing
    person.sees(3)
    assert "3 of 5" in person.text("#count")
    person.press("ArrowLeft", 2)
    assert page.input_value("#note") == "u 1 <b>lobe</b>"
    assert page.get_attribute("#choices >> button >> nth=1", "aria-pressed") == "true"
    person.press("1", 3)  # another answer, and on
    person.press("ArrowLeft", 2)
    assert page.get_attribute("#choices >> button >> nth=0", "aria-pressed") == "true"
    person.press("ArrowRight", 3)
    person.press("1", 4)
    page.click("#cannot")
    page.wait_for_selector("#train:visible")
    expected = ["normal", "cannot tell", "normal", "normal", "cannot tell"]
    assert list(label.kept().values()) == expected
    page.click("text=Undo the last answer")
    person.sees(4)
    person.press("2")
    page.wait_for_selector("#train:visible")
    page.wait_for_timeout(500)
    person.press("Enter")
    page.wait_for_selector("#training:visible")
    page.wait_for_selector("text=round 0: training, epoch")
    page.wait_for_selector("#go-on:visible")
    assert "Accuracy 84 % after 5 labels, 95 % interval 71 % to 93 %" in person.text("#summary")
    assert "AUROC 0.900, 95 % interval 0.805 to 0.970." in person.text("#summary")
    assert "normal for pneumonia (5 of 25)" in person.text("#summary")
    person.press("Enter", 0)
    assert person.text("#where") == "round 1"
    for place in range(1, 5):
        person.press("1", place)
    person.press("1")
    page.wait_for_selector("#train:visible")
    page.click("text=Look at the answers again")
    person.sees(4)
    person.press("ArrowRight")
    page.wait_for_selector("#train:visible")
    page.wait_for_timeout(500)
    page.click("#train")
    page.wait_for_selector("text=The run is finished")
    assert list(label.kept().values()) == [*expected[:4], "pneumonia", *["normal"] * 5]
    assert person.complaints == []
    assert label.end() == 0


def test_a_kill_loses_at_most_the_image_on_the_screen(chromium: Any, serve: Callable[..., Label]) -> None:
    label = serve("--by", "AB", n=5)
    person = Person(chromium, label)
    person.sees(0)
    person.press("1", 1)
    person.press("2", 2)
    port = label.port
    label.end(signal.SIGKILL)
    with (label.run / "labels.csv").open("ab") as file:
        file.write(b"00002.png,norm")  # the last line was cut
    person.press("1")
    person.page.wait_for_selector("#problem:visible")
    assert "al-label does not answer" in person.text("#problem")
    label.start("--port", port)
    person.open(label)
    person.sees(2)
    assert "2 of 5" in person.text("#count")
    person.press("1", 3)
    assert label.kept() == {"00000.png": "normal", "00001.png": "pneumonia", "00002.png": "normal"}


def test_a_person_stops_the_run(chromium: Any, serve: Callable[..., Label]) -> None:
    label = serve("--by", "AB", n=2, last=9)
    person = Person(chromium, label)
    page, asked = person.page, []
    for place in range(2):
        person.sees(place)
        person.press("1")
    page.wait_for_selector("#train:visible")
    assert not page.is_visible("#stop"), "nothing was learned yet"
    page.wait_for_timeout(500)
    person.press("Enter")
    page.wait_for_selector("#go-on:visible")
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.click("#stop")
    assert "asks for nothing more" in asked[0]
    assert not (label.run / "ended.json").exists(), "it was not meant"
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#stop")
    page.wait_for_selector("text=The run is finished")
    assert not page.is_visible("#stop")
    assert (label.run / "ended.json").is_file()
    assert person.complaints == []


def test_a_browser_that_is_closed_in_the_middle(chromium: Any, serve: Callable[..., Label]) -> None:
    label = serve("--by", "AB", n=4)
    person = Person(chromium, label)
    person.sees(0)
    person.press("1", 1)
    person.press("n")
    person.page.keyboard.type("half a no")
    person.page.context.close()
    assert label.kept() == {"00000.png": "normal"}
    other = Person(chromium, label)
    other.sees(1)
    assert other.page.input_value("#note") == ""
    assert "1 of 4" in other.text("#count")
    other.press("2", 2)
    assert label.kept() == {"00000.png": "normal", "00001.png": "pneumonia"}


def test_several_labels_and_an_image_that_is_gone(chromium: Any, serve: Callable[..., Label]) -> None:
    label = serve("--by", "AB", words=Words(("edema", "effusion", "mass"), several=True), n=4)
    (label.run.parent / "scans" / "00001.png").unlink()
    person = Person(chromium, label)
    person.sees(0)
    person.press("3")
    person.press("1")
    assert person.text("#next") == "Next: edema, mass"
    person.press("Enter", 1)
    assert person.text("#unreadable") == "Image 2 cannot be shown: the file is not there."
    person.press("1")
    person.press("Enter")
    person.sees(1)
    person.press("0", 2)
    assert person.text("#next") == "Next: none of these"
    person.press("Enter", 3)
    person.press("ArrowLeft", 2)
    person.press("ArrowLeft", 1)
    person.press("ArrowLeft", 0)
    assert person.page.is_checked("#choices >> input >> nth=2")
    assert list(label.kept().values()) == ["edema;mass", "cannot tell", "none"]


def test_original_pixels_through_a_window(chromium: Any, serve: Callable[..., Label]) -> None:
    label = serve("--by", "AB", n=2)
    half = np.full((40, 40), 30_000, np.uint16)
    half[:, 20:] = 30_100  # which 8 bits could not tell apart
    half[0, 0], half[39, 39] = 0, 65_535
    Image.fromarray(half).save(label.run.parent / "scans" / "00000.png")
    person = Person(chromium, label, viewport={"width": 1200, "height": 800})
    person.sees(0)
    person.page.wait_for_timeout(100)
    left, right = person.pixel(0.4, 0.5), person.pixel(0.6, 0.5)
    assert abs(left[0] - right[0]) <= 1
    person.page.evaluate("document.getElementById('view').open = true")
    for _ in range(120):
        person.press("a")  # a narrower window
    person.page.fill("#level", str(round(1000 * 30_050 / 65_535)))
    person.page.wait_for_timeout(200)
    left, right = person.pixel(0.4, 0.5), person.pixel(0.6, 0.5)
    assert right[0] - left[0] > 100
    person.press("i")
    person.page.wait_for_timeout(200)
    assert person.pixel(0.4, 0.5)[0] > person.pixel(0.6, 0.5)[0]
    person.press("+")
    assert "125 %" in person.text("#corner")
    person.press("r")
    assert "L 32768 · W 65535 · 100 %" in person.text("#corner")
    box = person.page.locator("#stage").bounding_box()
    person.page.mouse.move(box["x"] + 200, box["y"] + 200)
    person.page.mouse.down()
    person.page.mouse.move(box["x"] + 100, box["y"] + 300)
    person.page.mouse.up()
    assert "W 65535" not in person.text("#corner")
    assert "L 32768" not in person.text("#corner")


def test_two_readers_and_the_guess(chromium: Any, serve: Callable[..., Label]) -> None:
    label = serve(n=10)
    one, other = Person(chromium, label), Person(chromium, label)
    for person, by in ((one, "ab"), (other, "cd")):
        person.page.fill("#initials", by)
        person.press("Enter")
    one.sees(0)
    other.sees(3)
    assert one.page.locator("#guesses li").count() == 0
    one.press("g")
    one.page.wait_for_selector("#guesses li")
    assert one.text("#guesses").split() == ["normal", "50", "%", "pneumonia", "50", "%"]
    one.press("1", 1)
    assert one.page.locator("#guesses li").count() == 0, "hidden again"
    other.press("2", 4)
    other.page.click("#reader")
    other.page.fill("#initials", "ef")
    other.press("Enter", 8)
    assert [(line.by, line.via) for line in Answers(label.run).lines] == [
        ("AB", "page-guess"),
        ("CD", "page"),
    ]


@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_and_everything_has_a_name(chromium: Any, serve: Callable[..., Label], width: int) -> None:
    long = "a rather long name of a finding that nobody would want to read on a button " * 2
    label = serve("--by", "AB", words=Words(("normal", "pneumonia", long.strip())), n=2, seconds=0)
    person = Person(chromium, label, viewport={"width": width, "height": 844}, reduced_motion="reduce")
    person.sees(0)
    page = person.page
    assert page.evaluate(OVERFLOW) == 0
    assert page.evaluate(NAMELESS) == 0
    stage = page.locator("#stage").bounding_box()
    assert stage["width"] * stage["height"] > 0.4 * width * 844
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#answers') !== null"), "the answers come next"
    page.keyboard.press("?")
    assert page.evaluate(OVERFLOW) == 0
    page.keyboard.press("Escape")
    person.press("1", 1)
    person.press("1")
    page.wait_for_selector("#train:visible")
    page.wait_for_timeout(500)
    person.press("Enter")
    page.wait_for_selector("#go-on:visible")
    assert page.evaluate(OVERFLOW) == 0
    assert page.evaluate(NAMELESS) == 0
    assert person.complaints == []


def test_slices_of_a_volume(chromium: Any, serve: Callable[..., Label]) -> None:
    label = serve("--by", "AB", samples=["x.nii.gz", "00000.png"])
    content = np.zeros((30, 20, 10), np.int16)
    content[:, :, 6] = 100  # seen in one axial slice
    nibabel.save(nibabel.Nifti1Image(content, np.eye(4)), label.run.parent / "scans" / "x.nii.gz")
    person = Person(chromium, label)
    person.sees(0)
    assert person.text("#slice-number") == "6 of 10"
    person.page.wait_for_timeout(100)
    assert person.pixel(0.5, 0.5) == [0, 0, 0]
    person.press(".")
    person.page.wait_for_timeout(300)
    assert person.text("#slice-number") == "7 of 10"
    assert person.pixel(0.5, 0.5) == [255, 255, 255]
    person.press("p")
    assert person.page.get_attribute("#planes >> text=coronal", "aria-pressed") == "true"
    person.page.fill("#slice", "3")
    assert person.text("#slice-number") == "4 of 20"
    person.page.mouse.move(300, 300)
    person.page.mouse.wheel(0, 100)
    person.page.wait_for_function("document.getElementById('slice-number').textContent === '5 of 20'")
    person.press("1", 1)
    assert not person.page.is_visible("#slices")
