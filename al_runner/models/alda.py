"""The convolutional network of "Active Learning with Data Augmentation for Organ Classification"."""

from torch import nn

from al_runner.errors import InputError
from al_runner.values import Count

KERNEL, STRIDE, BLOCKS = 2, 3, 3


def alda_cnn(
    in_channels: int, n_outputs: int, image_size: tuple[int, ...], width: Count = 16
) -> nn.Sequential:
    """Three blocks of twice (3×3 convolution → ReLU → batch norm), then three linear layers (section 4.2).

    Channels are f, 2f, 4f for `width` f; 2×2 max-pooling with stride 3 stands between the blocks
    (28 → 9 → 3 pixels); the linear layers have 8f, 2f and `n_outputs` outputs. Works in 2D and 3D.

    Raises:
        InputError: an image too small for two poolings.
    """
    conv, norm, pool = (
        (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d)
        if len(image_size) == 2
        else (nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d)
    )
    layers: list[nn.Module] = []
    channels, sites = in_channels, image_size
    for block in range(BLOCKS):
        if block:
            layers.append(pool(KERNEL, STRIDE))
            sites = tuple((edge - KERNEL) // STRIDE + 1 for edge in sites)
        for _ in range(2):
            out = width * 2**block
            layers += [conv(channels, out, 3, padding=1), nn.ReLU(inplace=True), norm(out)]
            channels = out
    if min(sites) < 1:
        raise InputError(f"model=alda_cnn needs images of at least 5 pixels an edge, not {image_size}")
    features = channels
    for edge in sites:
        features *= edge
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(features, 8 * width),
        nn.ReLU(inplace=True),
        nn.Linear(8 * width, 2 * width),
        nn.ReLU(inplace=True),
        nn.Linear(2 * width, n_outputs),
    )
