"""A run's last model as a file that loads without al-runner, and the code that feeds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from al_runner.data.dataset import shape_of
from al_runner.data.reading import recipe
from al_runner.errors import InputError
from al_runner.files import replace_together
from al_runner.learning.calibration import tempered
from al_runner.learning.whole import Whole, of_masks
from al_runner.runs.beside import script
from al_runner.runs.last_model import LastModel
from al_runner.runs.networks import Ask, kind_of

if TYPE_CHECKING:
    from torch.export import ExportedProgram

TRIED = 8
"""Images of the pool that the file is checked on."""
NEAR = {"32": 1e-4, "tf32": 1e-2, "bf16": 3e-2}
"""By which probabilities may differ: sums of float32 in another order, or what TF32 or bfloat16 round."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        network: the file of `torch.export`, or of ONNX.
        code: beside it, Python that reads images and asks it.
        summary: how it was checked, in a line.
    """

    network: Path
    code: Path
    summary: str


def export(model: LastModel, out: Path) -> Exported:
    """Write the model, once it has given the run's own numbers.

    Scaling, normalization, an encoder, the head, the temperature and the probabilities are in the file. What
    comes before, from a file to pixels, is in the code beside it.

    Args:
        model: of a run.
        out: the file, whose name says its kind, see `networks.KINDS`.

    Raises:
        InputError: the network cannot be exported, the file gives other numbers, or cannot be written.
    """
    kind, (images, expected) = kind_of(out), _tried(model)
    program, any_number = _program(model.whole().traceable(), images)
    with _refusing():
        content = kind.content(program)
    apart = _apart(kind.opened(content), images if any_number else images[:1], expected)
    near = max(NEAR[model.machine.precision], *(NEAR.get(each.split(", ")[-1], 0) for each in model.devices))
    if not apart <= near:
        raise InputError(
            f"the exported network's probabilities differ by {apart:.2g} from those of the run: nothing is "
            "written"
        )
    code = out.with_name(f"{out.stem}_predict.py")
    dataset = model.dataset
    reads = recipe(dataset.reading, tuple(dataset.train.images.shape[1:]))
    text = script(model, kind, out.name, code.name, reads, any_number)
    try:
        replace_together({code: text.encode(errors="backslashreplace"), out: content})
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}") from error
    said = (
        f"a network for images of {shape_of(dataset.train.images)}; on {len(images)} images of the pool its"
    )
    return Exported(out, code, f"{said} probabilities differ by {apart:.1g} at most from the run's")


def _tried(model: LastModel) -> tuple[Tensor, Tensor]:
    """Some images of the pool, uint8, and what the run makes of them."""
    train = model.dataset.train
    indices = torch.linspace(0, len(train) - 1, min(TRIED, len(train))).long()
    probs = model.learner.predict(indices).float().cpu()
    if model.dataset.task.dense:
        probs = of_masks(probs, model.dataset.image_size)
    if model.temperature is not None:
        probs = tempered(probs, model.temperature)
    return train.images[indices.to(train.images.device)].cpu(), probs


def _program(whole: Whole, images: Tensor) -> "tuple[ExportedProgram, bool]":
    """The traced network, and whether it takes any number of images at a time, or one alone."""
    try:
        return _traced(whole, images[:2], any_number=len(images) > 1), len(images) > 1
    except InputError:  # a window that is slid over images, for one, counts them
        return _traced(whole, images[:1], any_number=False), False


def _traced(whole: Whole, images: Tensor, any_number: bool) -> "ExportedProgram":
    batch = torch.export.Dim("batch") if any_number else None
    with _refusing(), torch.no_grad():
        return torch.export.export(
            whole, (images,), dynamic_shapes=({0: batch},) if batch else None, strict=False
        )


@contextmanager
def _refusing() -> Iterator[None]:
    """What a tracer or a translator does not understand is said in a line."""
    try:
        yield
    except Exception as error:  # theirs, of any kind: nothing else runs here
        cause = error.__cause__ or error  # what is around it tells how to report it to PyTorch
        why = " ".join(str(cause).split())[:200] or type(cause).__name__
        raise InputError(f"this network cannot be exported: {why}") from error


def _apart(ask: Ask, images: Tensor, expected: Tensor) -> float:
    """How far the file's probabilities are from others, at most."""
    with torch.inference_mode():
        found, alone = ask(images), ask(images[:1])
    if found.shape != expected[: len(images)].shape:
        return float("inf")
    return max(
        float((found - expected[: len(images)]).abs().max()), float((alone - expected[:1]).abs().max())
    )
