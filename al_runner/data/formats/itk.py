"""NRRD (`.nrrd`, `.nhdr`) and MetaImage (`.mha`, `.mhd`) by SimpleITK (extra `volumes`)."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from al_runner.data.formats.stored import TO_RAS, Numbers, Stored, line
from al_runner.errors import InputError

if TYPE_CHECKING:
    from SimpleITK import ImageFileReader

SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")
DETACHED = (".nhdr", ".mhd")
"""Headers whose numbers are in a file beside them."""
BESIDE = (".raw", ".zraw", ".raw.gz", ".img", ".img.gz")
"""How the names of these files mostly end."""
SAID = ("sitk::ERROR:", "Description:", "ERROR:")
"""Where an error of SimpleITK begins to say what is wrong."""


def stored(path: Path) -> Stored:
    """What SimpleITK says of a file.

    Raises:
        InputError: SimpleITK or the file is missing, or it is none of this format, or has other than 3 or 4
            axes.
    """
    reader = _reader(path)
    size, axes = reader.GetSize(), reader.GetDimension()
    if axes not in (3, 4):
        raise InputError(f"{path.name} has {axes} axes; expected 3, or 4 with channels last")
    steps = np.array(reader.GetSpacing()[:3])
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(reader.GetDirection(), (axes, axes))[:3, :3] * steps
    affine[:3, 3] = reader.GetOrigin()[:3]
    further = size[3] if axes == 4 else 1
    return Stored(
        shape=(size[0], size[1], size[2]),
        channels=further * reader.GetNumberOfComponents(),
        spacing=(float(steps[0]), float(steps[1]), float(steps[2])),
        affine=TO_RAS @ affine,
        values=lambda: _values(path, reader),
    )


def _reader(path: Path) -> "ImageFileReader":
    """A reader that has read the header."""
    if find_spec("SimpleITK") is None:
        raise InputError(
            f"{path.name}: NRRD and MetaImage files need SimpleITK: pip install 'al-runner[volumes]'"
        )
    if not path.is_file():
        raise InputError(f"cannot read {path.name}: it is not there")
    from SimpleITK import ImageFileReader, ProcessObject

    ProcessObject.SetGlobalWarningDisplay(False)  # what ITK prints of a file, we say
    reader = ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        why = _why(error) if path.stat().st_size else "it has no content: 0 bytes"
        raise InputError(f"cannot read {path.name}: {why}") from error
    return reader


def _values(path: Path, reader: "ImageFileReader") -> Numbers:
    from SimpleITK import GetArrayFromImage

    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise InputError(f"{path.name} is damaged or was cut short: {_why(error)}") from error
    content: Numbers = GetArrayFromImage(image)  # [(t,) z, y, x (, components)]
    if image.GetNumberOfComponentsPerPixel() == 1:
        content = content[..., None]
    if content.ndim == 4:
        content = content[None]
    t, z, y, x, c = content.shape
    return content.transpose(3, 2, 1, 0, 4).reshape(x, y, z, t * c)


def _why(error: Exception) -> str:
    words = line(error)
    for mark in SAID:
        words = words.rpartition(mark)[2].strip() or words
    return words
