"""The kinds of files that hold an exported network: how one is made, asked, and loaded without al-runner.

Nothing heavy is imported before a network is exported: which kinds there are is asked before that.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from al_runner.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.export import ExportedProgram

Ask = Callable[["Tensor"], "Tensor"]
"""uint8 [n, channels, ...] → probabilities."""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        content: of the file that holds a traced network.
        opened: such a content → what asks it.
        library: what opens the file elsewhere.
        loading: Python that does so with the file `@FILE@` beside it, and defines `ask(pixels)`.
        needs: the library, in words.
        modules: of libraries that not everybody has, which the extra `onnx` installs.
    """

    content: Callable[["ExportedProgram"], bytes]
    opened: Callable[[bytes], Ask]
    library: str
    loading: str
    needs: str
    modules: Sequence[str] = ()


def _torch_content(program: "ExportedProgram") -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    return buffer.getvalue()


def _torch_opened(content: bytes) -> Ask:
    import torch

    network: Ask = torch.export.load(io.BytesIO(content)).module()
    return network


TORCH = '''network = torch.export.load(Path(__file__).with_name(@FILE@)).module()


def ask(pixels):
    """The network's probabilities of images."""
    with torch.inference_mode():
        return network(torch.from_numpy(pixels)).numpy()
'''


def _onnx_content(program: "ExportedProgram") -> bytes:
    import torch

    with torch.no_grad():
        made = torch.onnx.export(program, dynamo=True, verbose=False)
    if made is None:
        raise TypeError("an exported program becomes a program of ONNX")
    return made.model_proto.SerializeToString()


def _onnx_opened(content: bytes) -> Ask:
    import onnxruntime
    import torch

    network = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    name = network.get_inputs()[0].name
    return lambda images: torch.from_numpy(network.run(None, {name: images.numpy()})[0])


ONNX = '''network = onnxruntime.InferenceSession(Path(__file__).with_name(@FILE@))


def ask(pixels):
    """The network's probabilities of images."""
    return network.run(None, {network.get_inputs()[0].name: pixels})[0]
'''

KINDS: Mapping[str, Kind] = {
    ".pt2": Kind(
        _torch_content,
        _torch_opened,
        "torch",
        TORCH,
        "torch ({torch} made the file; newer ones load it)",
    ),
    ".onnx": Kind(
        _onnx_content,
        _onnx_opened,
        "onnxruntime",
        ONNX,
        "onnxruntime",
        ("onnx", "onnxruntime", "onnxscript"),
    ),
}
"""How the file's name ends → its kind."""


def kind_of(out: Path) -> Kind:
    """The kind that a file's name says.

    Raises:
        InputError: it says none, or a library is missing.
    """
    kind = KINDS.get(out.suffix)
    if kind is None:
        raise InputError(f"--export {out}: the file of a network ends in {' or '.join(KINDS)}")
    if missing := [name for name in kind.modules if find_spec(name) is None]:
        raise InputError(f"--export {out} needs {' and '.join(missing)}: pip install 'al-runner[onnx]'")
    return kind
