"""From files to data sets: uint8 tensors that are addressed by index, and what is done to them before and
while a network trains (partition into splits, transforms, noise, the cache of decoded images).

`sets` (the data sets of `conf/dataset`) stand on `layouts` (how collections lie on a disk), these on
`formats` (single files), all on the modules here, and these on `tasks` (what a label means). Imports `loop`,
`files` and `errors`.
"""
