"""Encoders: images → features, independent of labels.

An encoder is learned from the images of the training split (`simclr`, `barlow_twins`, `dino`, `mae`), was
learned elsewhere (`pretrained`), or is a file of features (`given`). What takes time is kept (`kept`): once
for a data set and the encoder's options, for all runs.

Imports what `learning` imports, and of `learning` itself what stands beside it: states, machine. Imported by
`runs` alone; learners get features and network builders, and know no encoder.
"""
