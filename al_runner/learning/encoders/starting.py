"""Networks that begin with trained weights."""

from collections.abc import Mapping

from torch import Tensor, nn

from al_runner.errors import InputError
from al_runner.learning.encoders.weights import listed, renamed
from al_runner.learning.finetuning import of_encoder
from al_runner.models import NetworkBuilder


def beginning(build: NetworkBuilder, weights: Mapping[str, Tensor], encoder: str) -> NetworkBuilder:
    """A builder whose networks begin with some weights; what has no such name stays as it was made.

    Args:
        build: the architecture of the weights.
        weights: by their names, all of which have to be there.
        encoder: its name, for messages.

    Raises (the builder):
        InputError: its network lacks weights of these names and shapes.
    """

    def begin(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
        network = build(in_channels, n_outputs, image_size)
        own = network.state_dict()
        given = renamed(weights, own)
        if other := [name for name in given if name not in own or own[name].shape != given[name].shape]:
            raise InputError(
                f"a network for images of {in_channels} channels and {'×'.join(map(str, image_size))} cannot "
                f"begin with the weights of encoder={encoder}: it has no {listed(other)} of their shape"
            )
        network.load_state_dict({**own, **given})
        return of_encoder(network, given)

    return begin
