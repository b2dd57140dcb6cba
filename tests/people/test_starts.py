"""The model's own outlines: which are written, and which are removed."""

from pathlib import Path

import pytest

from al_runner.errors import InputError
from al_runner.people.starts import Starts, started


@pytest.fixture
def starts(tmp_path: Path) -> Starts:
    (tmp_path / "masks").mkdir()
    return Starts(tmp_path, tmp_path / "masks")


def offer(starts: Starts, mask: str, content: str) -> None:
    starts.offer(mask, lambda path: path.write_text(content))


def names(starts: Starts) -> set[str]:
    return {path.name for path in starts.masks.iterdir()}


def test_names() -> None:
    assert [started(name) for name in ("a.nii.gz", "b.c.png")] == ["a.start.nii.gz", "b.c.start.png"]


def test_only_what_nobody_changed_is_removed(starts: Starts) -> None:
    for mask in ("a.png", "b.png"):
        offer(starts, mask, "by the model")
    (starts.masks / "b.start.png").write_text("by a person")
    (starts.masks / "c.start.png").write_text("of a person, whom nobody asked")
    (starts.masks / "d.png").write_text("drawn already")
    offer(starts, "b.png", "by a later model")
    offer(starts, "d.png", "needless")
    starts.clear()
    assert names(starts) == {"b.start.png", "c.start.png", "d.png"}
    assert (starts.masks / "b.start.png").read_text() == "by a person"
    starts.clear()
    assert len(names(starts)) == 3


def test_one_that_came_back_as_it_was_is_no_loss(starts: Starts) -> None:
    offer(starts, "a.png", "by the model")
    (starts.masks / "a.start.png").unlink()  # somebody renamed it
    starts.clear()
    offer(starts, "a.png", "by a later model")
    starts.clear()
    assert names(starts) == set()


def test_without_their_list_all_stay(starts: Starts) -> None:
    offer(starts, "a.png", "by the model")
    (starts.folder / "starts.json").write_text("[]")
    with pytest.raises(InputError, match="is not as al-run wrote it"):
        starts.clear()
    (starts.folder / "starts.json").unlink()
    starts.clear()
    assert names(starts) == {"a.start.png"}
