"""What does not fit is halved; what comes out is the same, in the same order."""

import pytest
import torch
from torch import Tensor, nn

from al_runner.data.dataset import Dataset
from al_runner.errors import InputError
from al_runner.learning import machine as machine_module
from al_runner.learning.chunks import through
from al_runner.learning.inference import embeddings
from al_runner.learning.machine import Machine, gpu_chunk
from al_runner.models.alda import alda_cnn

CPU = Machine(torch.device("cpu"), "32")


class SmallMemory:
    """A computation for which no more than some images fit."""

    def __init__(self, most: int) -> None:
        self.most, self.sizes = most, list[int]()

    def __call__(self, images: Tensor) -> Tensor:
        if len(images) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.sizes.append(len(images))
        return images * 2


@pytest.fixture(autouse=True)
def _chunks_of_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_module, "CHUNK_NUMBERS", 8)


@pytest.mark.parametrize(("most", "sizes"), [(8, [8, 8, 4]), (5, [4] * 5), (1, [1] * 20)])
def test_chunks_are_halved_until_they_fit(most: int, sizes: list[int]) -> None:
    memory = SmallMemory(most)
    found = torch.cat(list(through(torch.arange(20), 1, lambda chunk: chunk, memory, CPU)))
    assert found.tolist() == list(range(0, 40, 2))
    assert memory.sizes == sizes


def test_not_even_one_image_fits() -> None:
    with pytest.raises(InputError, match="a single image: take a smaller model"):
        list(through(torch.arange(20), 1, lambda chunk: chunk, SmallMemory(0), CPU))


def test_nothing_to_compute() -> None:
    assert sum(len(each) for each in through(torch.arange(0), 1, lambda c: c, SmallMemory(9), CPU)) == 0


def test_embeddings_of_a_pass_that_failed_are_forgotten(
    small: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = alda_cnn(1, 3, (14, 14), width=2)
    everything = torch.arange(len(small.train))
    monkeypatch.setattr(machine_module, "CHUNK_NUMBERS", 16 * 2 * 14 * 14)
    expected = embeddings(network, small.train, everything, CPU)

    def full(_network: nn.Module, inputs: tuple[Tensor], _outputs: Tensor) -> None:
        if len(inputs[0]) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")

    network.register_forward_hook(full)
    torch.testing.assert_close(embeddings(network, small.train, everything, CPU), expected)


def test_a_gpu_predicts_as_many_at_once_as_its_memory_holds() -> None:
    small, resnet, free = 8 * 28 * 28, 64 * 224 * 224, 80 * 2**30
    assert gpu_chunk(small, free, free) > 13_932, "a pool of this size takes one pass"
    assert gpu_chunk(resnet, free, free) == pytest.approx(
        gpu_chunk(small, free, free) * small / resnet, abs=1
    )
    assert gpu_chunk(resnet, free // 2, free) == gpu_chunk(resnet, free, free), "the same while there is room"
    assert gpu_chunk(resnet, free // 8, free) == gpu_chunk(resnet, free, free) // 2
    assert gpu_chunk(resnet, 1, free) == 1
