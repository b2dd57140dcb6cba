"""The machine a run computes on: device, precision, threads, sizes of chunks."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from al_runner.errors import InputError

CHUNK_NUMBERS = {"cpu": 256 * 8 * 28 * 28, "cuda": 2048 * 8 * 28 * 28}
"""Numbers in the first feature maps of what is predicted at once. On a CPU they should stay in the cache:
this gives chunks of 256, 64 and 32 images of 28×28 for alda_cnn of width 8 and 32 and for ResNet-18, each
within some 5 % of its best (two cores; chunks of 512 are 1.6 times slower). It is a constant, not tuned on
the spot: results to the bit depend on it."""

KEPT_BYTES = 31 * 2**20
"""Linux's allocator gives the memory of a freed chunk back to the system and has it faulted in anew for the
next one, which took a third of the time of a prediction (155,000 page faults for 13,932 images). Once a block
of this size was freed, it keeps blocks up to that size; at 32 MiB it stops learning."""

MOST_NUMBERS = 2**26
"""The same, where a few images alone have more than that: 256 MB in float32."""

RESIDENT_SHARE = 0.5
"""A data set lives on the GPU when it takes at most this share of the free memory."""


@dataclass(frozen=True)
class Machine:
    """Where and how tensors are computed.

    Args:
        device: the training device.
        precision: `bf16` = autocast to bfloat16 around forward passes, `32` = float32.
    """

    device: torch.device
    precision: Literal["32", "bf16"]

    @classmethod
    def detect(
        cls,
        accelerator: Literal["auto", "cpu", "gpu"] = "auto",
        precision: Literal["auto", "32", "bf16"] = "auto",
        threads: int | None = None,
    ) -> "Machine":
        """The machine that a trainer config asks for.

        `auto` takes a GPU where there is one, and bfloat16 where a GPU computes it natively. Sets
        PyTorch's global thread count and makes kernels deterministic.

        Raises:
            InputError: a GPU is asked for and there is none.
        """
        if accelerator == "gpu" and not torch.cuda.is_available():
            raise InputError("trainer=gpu, but PyTorch sees no CUDA GPU; trainer=auto takes what there is")
        if threads is not None:
            torch.set_num_threads(threads)
        use_gpu = accelerator != "cpu" and torch.cuda.is_available()
        device = torch.device("cuda", torch.cuda.current_device()) if use_gpu else torch.device("cpu")
        if use_gpu:
            # cuBLAS repeats its sums in one order only with a fixed workspace; read when it first starts.
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.backends.cudnn.benchmark = False
        else:
            # Lightning asks for a check that loads a driver library at every optimizer step.
            os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"
            torch.empty(KEPT_BYTES, dtype=torch.uint8)
        if precision == "auto":
            precision = "bf16" if use_gpu and torch.cuda.get_device_capability(device)[0] >= 8 else "32"
        return cls(device, precision)

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
        free, _ = torch.cuda.mem_get_info(self.device)
        return nbytes <= RESIDENT_SHARE * free

    def chunks(self, indices: Tensor, numbers: int) -> Iterator[Tensor]:
        """`indices` in pieces that are predicted at once; 4 images at least where they are not too large.

        `numbers` are those in the network's first feature maps of one image.
        """
        least = max(1, min(4, MOST_NUMBERS // numbers))
        yield from indices.split(max(least, CHUNK_NUMBERS[self.device.type] // numbers))

    @contextmanager
    def autocast(self) -> Iterator[None]:
        """The precision of a forward pass."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            yield
