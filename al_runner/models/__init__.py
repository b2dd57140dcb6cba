"""Network builders: `build(in_channels, n_outputs, image_size, **options)` → `nn.Module`.

`image_size` is (height, width) or (depth, height, width). What a YAML file in `conf/model` names as its
`_target_` is called so, with the file's other keys as options.

Imports `errors`, and `saliency` what a data set calls black and white. Imported by `learning` and `runs`.
"""

from collections.abc import Callable

from torch import nn

NetworkBuilder = Callable[[int, int, tuple[int, ...]], nn.Module]
