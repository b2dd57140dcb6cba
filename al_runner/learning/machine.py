"""The machine a run computes on: device, precision, threads, sizes of chunks."""

import os
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from al_runner.errors import InputError
from al_runner.learning.precision import Precision, allow_tf32, available

CHUNK_NUMBERS = 256 * 8 * 28 * 28
"""Numbers in the first feature maps of what a CPU predicts at once: they should stay in the cache. This gives
chunks of 256, 64 and 32 images of 28×28 for alda_cnn of width 8 and 32 and for ResNet-18, each within some
5 % of its best (two cores; chunks of 512 are 1.6 times slower). It is a constant, not tuned on the spot:
results to the bit depend on it."""

KEPT_BYTES = 31 * 2**20
"""Linux's allocator gives the memory of a freed chunk back to the system and has it faulted in anew for the
next one, which took a third of the time of a prediction (155,000 page faults for 13,932 images). Once a block
of this size was freed, it keeps blocks up to that size; at 32 MiB it stops learning."""

MOST_NUMBERS = 2**26
"""The same, where a few images alone have more than that: 256 MB in float32."""

GPU_SHARE = 0.25
"""So much of a GPU's memory may be taken by what is predicted at once; the rest is for a resident data set,
the training and other runs on the card."""

GPU_BYTES = 32
"""Bytes that a prediction needs for each number in its first feature maps: eight maps in float32, as many as
a network with connections between distant layers holds at once."""

RESIDENT_SHARE = 0.5
"""A data set lives on the GPU when it takes at most this share of the free memory."""


@dataclass(frozen=True)
class Machine:
    """Where and how tensors are computed.

    Args:
        device: the training device.
        precision: `bf16` = autocast to bfloat16 around forward passes; `tf32` and `32` = float32, with and
            without TF32 in its products.
        graphs: training steps are captured in CUDA graphs where they can be.
    """

    device: torch.device
    precision: Precision
    graphs: bool = False

    @classmethod
    def detect(
        cls,
        accelerator: Literal["auto", "cpu", "gpu"] = "auto",
        precision: Literal["auto", "32", "tf32", "bf16"] = "auto",
        threads: int | None = None,
        graphs: Literal["auto", "on", "off"] = "auto",
    ) -> "Machine":
        """The machine that a trainer config asks for.

        `auto` takes a GPU where there is one, and on it TF32 where the card has it, until a run has measured
        what is fastest for its network (`runs.settling`). Sets PyTorch's global thread count and makes
        kernels deterministic.

        Raises:
            InputError: a GPU is asked for and there is none, or something that this device does not have.
        """
        if accelerator == "gpu" and not torch.cuda.is_available():
            raise InputError("trainer=gpu, but PyTorch sees no CUDA GPU; trainer=auto takes what there is")
        if threads is not None:
            torch.set_num_threads(threads)
        use_gpu = accelerator != "cpu" and torch.cuda.is_available()
        device = torch.device("cuda", torch.cuda.current_device()) if use_gpu else torch.device("cpu")
        name, capability = torch.cuda.get_device_name, torch.cuda.get_device_capability
        card = (name(device), capability(device)) if use_gpu else None
        check(card, precision, graphs)
        if use_gpu:
            # cuBLAS repeats its sums in one order only with a fixed workspace; read when it first starts.
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.backends.cudnn.benchmark = False
            # Kernels that fill memory before it is written cost a small network's step more than its sums.
            torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
            # What these kernels of attention give back differs from time to time, where that only warns.
            torch.backends.cuda.enable_flash_sdp(False)
            torch.backends.cuda.enable_mem_efficient_sdp(False)
            torch.backends.cuda.enable_cudnn_sdp(False)
        else:
            # Lightning asks for a check that loads a driver library at every optimizer step.
            os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"
            torch.empty(KEPT_BYTES, dtype=torch.uint8)
        if precision == "auto":
            precision = "tf32" if card and "tf32" in available(card[1]) else "32"
        return cls(device, precision, graphs == "on").at(precision)

    def at(self, precision: Precision) -> "Machine":
        """The same machine in another precision, which the process computes in from now on."""
        allow_tf32(precision == "tf32")
        return replace(self, precision=precision)

    @property
    def name(self) -> str:
        """The device in words, for the manifest."""
        if self.device.type == "cuda":
            return f"{torch.cuda.get_device_name(self.device)}, {self.precision}"
        return f"CPU {platform.machine()}, {torch.get_num_threads()} threads, {self.precision}"

    def holds(self, nbytes: int) -> bool:
        """Whether `nbytes` of images may live on the device for the whole run."""
        if self.device.type == "cpu":
            return True
        return nbytes <= RESIDENT_SHARE * memory(self.device)[0]

    def chunks(self, indices: Tensor, numbers: int) -> Iterator[Tensor]:
        """`indices` in pieces that are predicted at once; 4 images at least where they are not too large.

        `numbers` are those in the network's first feature maps of one image.
        """
        if self.device.type == "cpu":
            least = max(1, min(4, MOST_NUMBERS // numbers))
            yield from indices.split(max(least, CHUNK_NUMBERS // numbers))
        else:
            yield from indices.split(gpu_chunk(numbers, *memory(self.device)))

    def autocast(self) -> AbstractContextManager[object]:
        """The precision of a forward pass.

        Rounded weights are not kept: a graph would go on with those of the step that was recorded.
        """
        if self.precision != "bf16":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16, cache_enabled=False)


def gpu_chunk(numbers: int, free: int, total: int) -> int:
    """Images that a GPU predicts at once: as many as a share of its memory holds, halved while less is free.

    So it is the same at every start on a card that has room: results to the bit depend on it.

    Args:
        numbers: in the network's first feature maps of one image.
        free: bytes.
        total: bytes of the card.

    >>> gpu_chunk(8 * 28 * 28, 80 * 2**30, 80 * 2**30)
    106997
    """
    size = max(1, int(GPU_SHARE * total) // (GPU_BYTES * numbers))
    while size > 1 and size * GPU_BYTES * numbers > free:
        size //= 2
    return size


def memory(device: torch.device) -> tuple[int, int]:
    """Bytes that a GPU has free, and in all. What PyTorch holds ready is free: no result may depend on it.

    That of captured graphs counts as free, too, though it is theirs; it is little beside a card's memory.
    """
    free, total = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device), total


def check(card: tuple[str, tuple[int, int]] | None, precision: str, graphs: str) -> None:
    """Refuse what a device does not have.

    Args:
        card: a GPU's name and compute capability; None = a CPU.
        precision: as it is asked for.
        graphs: as they are asked for.

    Raises:
        InputError: says what would be right.
    """
    if card is None and graphs == "on":
        raise InputError(
            "trainer.graphs=on needs a CUDA GPU, and this run is on the CPU: trainer.graphs=auto"
        )
    if card is None and precision == "tf32":
        raise InputError(
            "trainer.precision=tf32 needs a CUDA GPU, and this run is on the CPU: trainer.precision=32"
        )
    if card is not None and precision not in ("auto", *available(card[1])):
        name, (major, minor) = card
        raise InputError(
            f"trainer.precision={precision} needs a GPU of compute capability 8.0 or more, and {name} has "
            f"{major}.{minor}: trainer.precision=32"
        )
