"""Encoders with the weights of torchvision and timm."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.hub import get_dir

from al_runner.data.dataset import Dataset
from al_runner.errors import InputError, instead
from al_runner.learning.encoders.adapted import Adapted, Seen
from al_runner.learning.encoders.base import needed
from al_runner.learning.encoders.pretrained import Pretrained
from al_runner.learning.encoders.weights import digest_of_file
from al_runner.values import Named


@dataclass(frozen=True, kw_only=True)
class Torchvision(Pretrained):
    """A classifier of torchvision with its default weights; the size and normalization are theirs.

    Args:
        network: its name there, such as `resnet50`.
    """

    network: Named

    name: ClassVar[str] = "torchvision"

    def _weights(self) -> Any:
        from torchvision import models

        known = models.list_models(module=models)
        if self.network not in known:
            raise InputError(
                f"encoder.network={self.network}: {instead(self.network, known, 'see torchvision')}"
            )
        return models.get_model_weights(self.network).DEFAULT

    def source(self) -> str:
        """The name of the weights."""
        return str(self._weights())

    def load(self, dataset: Dataset) -> tuple[nn.Module, Seen]:  # noqa: ARG002
        """The classifier."""
        from torchvision.models import get_model

        weights = self._weights()
        try:
            network = get_model(self.network, weights=weights)
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"encoder=torchvision: cannot load the weights of {self.network} ({_line(error)}); "
                f"download {weights.url} elsewhere and put it into {get_dir()}/checkpoints"
            ) from error
        preset = weights.transforms()
        edge = int(preset.crop_size[0])
        return network, Seen(3, (edge, edge), preset.mean, preset.std)


@dataclass(frozen=True, kw_only=True)
class Timm(Pretrained):
    """A network of timm with its default weights; the size and normalization are theirs.

    Args:
        network: its name there, such as `resnet18.a1_in1k`.
        file: its weights, where they cannot be downloaded; None = they are.
    """

    network: Named
    file: Named | None = None

    name: ClassVar[str] = "timm"

    def source(self) -> str | None:
        """The digest of the file, if there is one."""
        return None if self.file is None else digest_of_file(self.file)

    def load(self, dataset: Dataset) -> tuple[nn.Module, Seen]:  # noqa: ARG002
        """The network without its classifier."""
        timm = needed("timm", "encoder=timm", "encoders")
        if not timm.is_model(self.network):
            known = timm.list_models()
            raise InputError(f"encoder.network={self.network}: {instead(self.network, known, 'see timm')}")
        cfg = timm.get_pretrained_cfg(self.network)
        try:
            network = timm.create_model(
                self.network,
                pretrained=True,
                pretrained_cfg_overlay={}
                if self.file is None
                else {"file": str(Path(self.file).expanduser())},
            )
        except Exception as error:  # of a hub's client, of any kind: nothing else runs here
            raise InputError(
                f"encoder=timm: cannot load the weights of {self.network} ({_line(error)}); "
                f"download {_where(cfg)} elsewhere and name it by encoder.file"
            ) from error
        cfg = network.pretrained_cfg
        channels, *size = cfg["input_size"]
        return network, Seen(channels, tuple(size), cfg["mean"], cfg["std"])

    def features(self, dataset: Dataset) -> tuple[nn.Module, Seen]:
        """What the classifier would see, as timm says."""
        network, seen = self._sees(*self.load(dataset), dataset)
        return Adapted(_Headless(network), seen), seen

    def with_head(self, network: nn.Module, n_outputs: int) -> nn.Module:
        """The network with a fresh classifier, as timm makes it."""
        network.reset_classifier(n_outputs)  # type: ignore[operator]
        return network


class _Headless(nn.Module):
    """A network of timm up to its classifier."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network.forward_head(self.network.forward_features(images), pre_logits=True)


def _where(cfg: Any) -> str:
    """The address of a network's weights."""
    if cfg and cfg.hf_hub_id:
        return f"model.safetensors of https://huggingface.co/{cfg.hf_hub_id}"
    return str(cfg.url) if cfg and cfg.url else "them"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
