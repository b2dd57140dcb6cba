"""What a learner without a network is asked for, and cannot do."""

from torch import Tensor

from al_runner.errors import InputError
from al_runner.learning.inference import Reduce
from al_runner.loop.schedule import Round
from al_runner.models.saliency.base import Saliency


class WithoutNetwork:
    """A learner on features: it has no maps of images, and no epochs."""

    def saliency(self, indices: Tensor, method: Saliency, reduce: Reduce | None = None) -> Tensor:  # noqa: ARG002
        """Refused: there is no network.

        Raises:
            InputError: always.
        """
        raise InputError(
            "head=linear sees features, no images: saliency maps need a network, so head=finetune or "
            "encoder=none"
        )

    def worth(
        self,
        indices: Tensor,  # noqa: ARG002
        labels: Tensor,  # noqa: ARG002
        others: Tensor,  # noqa: ARG002
        other_labels: Tensor,  # noqa: ARG002
        step: Round,  # noqa: ARG002
        epochs: int,  # noqa: ARG002
    ) -> Tensor:
        """Refused: it takes epochs of training.

        Raises:
            InputError: always.
        """
        raise InputError(
            "the strategy trains copies of the network for some epochs, and head=linear has no epochs: "
            "it needs head=finetune or encoder=none"
        )
