"""One optimizer step, and the ways to take it: as PyTorch runs it, or as a captured CUDA graph."""

import sys
from collections.abc import Callable, Hashable

import torch
from torch import Tensor, nn

from al_runner.learning.machine import Machine

Loss = Callable[[Tensor, Tensor], Tensor]
Replay = Callable[[], object]


class Step:
    """Forward, backward, optimizer: the loss of a batch before the step.

    Args:
        network: trained in place.
        optimizer: of its parameters.
        loss: (logits, targets) → mean loss of the batch.
        machine: gives the precision of the forward pass.
    """

    def __init__(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, loss: Loss, machine: Machine
    ) -> None:
        self.network, self.optimizer, self.loss, self.machine = network, optimizer, loss, machine

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """Take it."""
        return self.eager(images, targets)

    def eager(self, images: Tensor, targets: Tensor) -> Tensor:
        """As PyTorch runs it; a graph is a recording of this."""
        with self.machine.autocast():
            loss = self.loss(self.network(images), targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def trains(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> bool:
        """Whether it is these that it trains."""
        return self.network is network and self.optimizer is optimizer

    def minimize(self, loss: Loss) -> None:
        """Another loss from here on, such as with the class weights of a round."""
        self.loss = loss

    def renew(self, fresh: nn.Module) -> bool:  # noqa: ARG002
        """Whether it took over the weights of a fresh network, and begins its optimizer anew."""
        return False


class Recorder:
    """Records a step, which does not take it, and says how to take it again.

    Args:
        device: a CUDA GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.stream = torch.cuda.Stream(device)
        self.forget()

    def forget(self) -> None:
        """Begin anew, once all graphs so far are given up.

        Graphs of one training never run at once, and what they return is copied: they share their memory.
        Gradients stay in that of graphs that are gone, and PyTorch records nothing there any more.
        """
        self.pool = torch.cuda.graph_pool_handle()

    def rehearse(self, step: Callable[[], Tensor]) -> Tensor:
        """Take the step beside the main stream, where libraries set up what a recording may not."""
        current = torch.cuda.current_stream(self.stream.device)
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            loss = step()
        current.wait_stream(self.stream)
        loss.record_stream(current)
        return loss

    def record(self, step: Callable[[], Tensor]) -> tuple[Replay, Tensor]:
        """What takes the step, and the tensor in which its loss then is."""
        graph = torch.cuda.CUDAGraph()
        # The outer one goes back to the main stream where the recording does not even begin.
        with (
            torch.cuda.stream(self.stream),
            torch.cuda.graph(graph, pool=self.pool, stream=self.stream),
        ):
            loss = step()
        return graph.replay, loss


class Captured(Step):
    """A step as a CUDA graph for each shape of batches and each learning rate.

    What occurs first is taken eagerly, what recurs is recorded. So a batch size of a single epoch costs no
    recording. Graphs address weights and optimizer state by their place: `renew` keeps both where they are.
    What cannot be recorded is taken eagerly, with the same numbers, and says so once.

    Args:
        recorder: None = that of the machine's device.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss: Loss,
        machine: Machine,
        recorder: Recorder | None = None,
    ) -> None:
        super().__init__(network, optimizer, loss, machine)
        self.recorder = recorder or Recorder(machine.device)
        self.graphs: dict[Hashable, tuple[Tensor, Tensor, Replay, Tensor]] = {}
        self.seen: set[Hashable] = set()
        self.why_not = "" if is_recordable(optimizer) else "the optimizer is not fused (optimizer.algorithm)"
        self.has_said = False

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """Take it, by a graph where there is one or can be."""
        if self.why_not:
            return self._eager_instead(images, targets)
        key = (_kind(images), _kind(targets), *(group["lr"] for group in self.optimizer.param_groups))
        if key not in self.seen:
            self.seen.add(key)
            return self.recorder.rehearse(lambda: self.eager(images, targets))
        if key not in self.graphs:
            try:
                self.graphs[key] = self._recorded(images.clone(), targets.clone())
            except RuntimeError as error:
                self.why_not = " ".join(str(error).split())
                return self._eager_instead(images, targets)
        own_images, own_targets, replay, loss = self.graphs[key]
        own_images.copy_(images)
        own_targets.copy_(targets)
        replay()
        return loss.clone()

    def _recorded(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Replay, Tensor]:
        groups = [group for group in self.optimizer.param_groups if "capturable" in group]
        for group in groups:  # a fused optimizer computes the same either way, and only asks
            group["capturable"] = True
        try:
            replay, loss = self.recorder.record(lambda: self.eager(images, targets))
        finally:
            for group in groups:
                group["capturable"] = False
        return images, targets, replay, loss

    def _eager_instead(self, images: Tensor, targets: Tensor) -> Tensor:
        if not self.has_said:
            self.has_said = True
            words = "a training step cannot be a CUDA graph, and is taken without (the numbers are the same)"
            print(f"al-run: {words}: {self.why_not}", file=sys.stderr)
        return self.eager(images, targets)

    def minimize(self, loss: Loss) -> None:
        """Graphs know one loss: with another they are recorded anew."""
        if loss != self.loss and self.graphs:
            self.graphs.clear()
            self.recorder.forget()
        super().minimize(loss)

    def renew(self, fresh: nn.Module) -> bool:
        """Copy the values of a fresh network to where graphs look for them, if it is of the same shape."""
        own, new = _tensors(self.network), _tensors(fresh)
        if [(name, _kind(each)) for name, each in own] != [(name, _kind(each)) for name, each in new]:
            return False
        with torch.no_grad():
            for (_, place), (_, value) in zip(own, new, strict=True):
                place.copy_(value)
        for state in self.optimizer.state.values():
            for each in state.values():
                each.zero_()  # what a recordable optimizer begins with
        return True


def is_recordable(optimizer: torch.optim.Optimizer) -> bool:
    """Whether its step is one kernel whose state begins with zeros, and stays on the device."""
    kinds = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD)
    return isinstance(optimizer, kinds) and all(
        group.get("fused") and not group.get("dampening") for group in optimizer.param_groups
    )


def _kind(tensor: Tensor) -> Hashable:
    return tuple(tensor.shape), tensor.dtype, tensor.stride()


def _tensors(network: nn.Module) -> list[tuple[str, Tensor]]:
    return [*network.named_parameters(), *network.named_buffers()]


def step_of(
    network: nn.Module, optimizer: torch.optim.Optimizer, loss: Loss, machine: Machine, last: Step | None
) -> Step:
    """What trains a network, the same as the last one where it still can: it may have graphs.

    Args:
        last: what trained the round before.
    """
    if last is not None and last.trains(network, optimizer) and last.machine == machine:
        last.minimize(loss)
        return last
    return (Captured if machine.graphs else Step)(network, optimizer, loss, machine)
