"""The code that lies beside an exported network: words, preprocessing, and how to ask it."""

from collections.abc import Sequence
from textwrap import fill

import torch

from al_runner.data.reading import Recipe
from al_runner.runs.last_model import LastModel
from al_runner.runs.networks import Kind

WIDTH = 100
"""Of the lines of words."""
TEMPLATE = '''"""{title}

    python {name} {example} …

{input}
{output}
{words}

Needs {needs} and what is imported below, not al-runner.
"""

{imports}import sys
from pathlib import Path

import {library}
{code}

CLASSES = {classes!r}
{loading}

def probabilities(path):
    """{of_one}"""
    return ask(np.array(read(path))[None])[0]

{main}'''
OF_CLASSES = """
if __name__ == "__main__":
    table = csv.writer(sys.stdout, lineterminator="\\n")
    table.writerow(["file", *CLASSES])
    for path in sys.argv[1:]:
        table.writerow([path, *(f"{each:.6f}" for each in probabilities(path){present}.tolist())])
"""
OF_MASKS = """
if __name__ == "__main__":
    for path in sys.argv[1:]:
        np.save(f"{path}.mask.npy", {mask}.astype(np.uint8))
        print(f"{path}.mask.npy")
"""
LIKELIEST, PRESENT = "probabilities(path).argmax(0)", "(probabilities(path) > 0.5)"
"""The mask of labels that exclude each other; those of labels that may overlap, one after the other."""


def script(model: LastModel, kind: Kind, file: str, name: str, recipe: Recipe, any_number: bool) -> str:
    """The code.

    Args:
        model: of the run.
        kind: of the network's file.
        file: the network's, beside it.
        name: of the file that the code is for.
        recipe: from a file to pixels.
        any_number: whether the network takes any number of images at a time.
    """
    dataset = model.dataset
    size = ", ".join(map(str, dataset.train.images.shape[1:]))
    count = "n" if any_number else "1"
    dense, several = dataset.task.dense, dataset.task.several
    names = ", ".join(model.classes)
    shape = f"[{count}, {len(model.classes)}" + (
        f", {size.partition(', ')[2]}]" if dense else ", 2]" if several else "]"
    )
    means = f"the probability of each of {names}, in this order"
    if several and not dense:
        means = (
            f"of each of {names}, in this order, the probability that it is absent, and that it is present"
        )
    if dense:
        means = f"of each pixel {means}{', which may overlap' if several else ''}"
    calibrated = ""
    if model.temperature is not None:
        calibrated = f" They are calibrated (temperature {model.temperature:.3f})."
    inside = "Scaling to −1..1, the network and the probabilities are in the file."
    return TEMPLATE.format(
        title=_told(f"Ask a network that al-runner trained on {model.n_labeled:,} labels of {dataset.name}."),
        name=_inside(name),
        example=_example(dataset.reading.suffixes if dataset.reading else (".npy",)),
        input=_told(f"The network takes uint8 [{count}, {size}] of 0 to 255, channels first. {inside}"),
        output=_told(f"It gives float32 {shape}: {means}.{calibrated}"),
        words="\n".join(map(_told, recipe.words)),
        library=kind.library,
        needs=kind.needs.format(torch=torch.__version__),
        imports="" if dense else "import csv\n",
        code=recipe.code.rstrip() + "\n",
        classes=list(model.classes),
        loading=kind.loading.replace("@FILE@", repr(file)),
        of_one=_told(f"Of one file: {shape.replace(f'{count}, ', '', 1)}, {means}."),
        main=_main(dense, several),
    )


def _main(dense: bool, several: bool) -> str:
    """What the script does with files."""
    if dense:
        return OF_MASKS.replace("{mask}", PRESENT if several else LIKELIEST)
    return OF_CLASSES.replace("{present}", "[:, 1]" if several else "")


def _told(text: str) -> str:
    """A sentence in a docstring, whatever classes are called."""
    return _inside(fill(text, WIDTH))


def _inside(text: str) -> str:
    """A text within a docstring."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _example(suffixes: Sequence[str]) -> str:
    return next((f"scan{each}" for each in (".png", ".nii.gz") if each in suffixes), f"scan{suffixes[0]}")
