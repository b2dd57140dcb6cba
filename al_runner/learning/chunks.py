"""Computing over many images, chunk by chunk: smaller chunks where memory ends, images fetched ahead."""

from collections import deque
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from al_runner.errors import InputError
from al_runner.learning.machine import Machine

Load = Callable[[Tensor], Tensor]
Compute = Callable[[Tensor], Tensor]


def through(
    indices: Tensor, numbers: int, load: Load, compute: Compute, machine: Machine
) -> Iterator[Tensor]:
    """What is computed of the images of `indices`, one chunk at a time, in their order.

    On a GPU, the next chunk's images are fetched while one is computed. A chunk for which its memory does not
    suffice is halved, and so are those after it.

    Args:
        indices: int64 [n].
        numbers: in the network's first feature maps of one image.
        load: indices → their images on the device.
        compute: images → what is asked for, one row for each.
        machine: computes, and knows how many at once.

    Raises:
        InputError: the memory does not suffice for a single image.
    """
    ahead = _Ahead(load, machine.device) if machine.device.type == "cuda" else None
    waiting = deque(machine.chunks(indices, numbers))
    while waiting:
        try:
            found = compute((ahead or load)(waiting[0]))
        except torch.OutOfMemoryError:
            found = None
        if found is None:  # here, where no traceback holds what was in the memory
            _halve(waiting)
            if ahead:
                ahead.forget()
            continue
        waiting.popleft()
        if ahead and waiting:
            ahead.fetch(waiting[0])
        yield found


def _halve(waiting: deque[Tensor]) -> None:
    """Let no chunk have more than half of the first one's indices."""
    half = len(waiting[0]) // 2
    if not half:
        raise InputError(
            "the GPU's memory is too small to predict a single image: take a smaller model, or trainer=cpu"
        )
    smaller = [part for chunk in waiting for part in chunk.split(half)]
    waiting.clear()
    waiting.extend(smaller)


class _Ahead:
    """Loads images on a stream of its own: they are copied while the GPU computes.

    Args:
        load: as in `through`.
        device: a CUDA GPU.
    """

    def __init__(self, load: Load, device: torch.device) -> None:
        self.load, self.device = load, device
        self.stream = torch.cuda.Stream(device)
        self.stream.wait_stream(torch.cuda.current_stream(device))  # which may still make what is loaded
        self.fetched: tuple[Tensor, Tensor] | None = None

    def __call__(self, chunk: Tensor) -> Tensor:
        """The images of a chunk, for which the computation waits."""
        if self.fetched is None or self.fetched[0] is not chunk:
            self.fetched = (chunk, self._begun(chunk))
        images, self.fetched = self.fetched[1], None
        current = torch.cuda.current_stream(self.device)
        current.wait_stream(self.stream)
        images.record_stream(current)
        return images

    def fetch(self, chunk: Tensor) -> None:
        """Begin with a chunk, if there is room for it beside the other."""
        try:
            self.fetched = (chunk, self._begun(chunk))
        except torch.OutOfMemoryError:
            self.fetched = None

    def forget(self) -> None:
        """Make room."""
        self.fetched = None
        torch.cuda.empty_cache()

    def _begun(self, chunk: Tensor) -> Tensor:
        with torch.cuda.stream(self.stream):
            return self.load(chunk)
