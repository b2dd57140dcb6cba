"""Encoders: images → features, independent of labels.

An encoder is learned from the images of the training split (`simclr`, `barlow_twins`, `dino`, `mae`), was
learned elsewhere (`pretrained`), or is a file of features (`given`). What takes time is kept (`kept`): once
for a data set and the encoder's options, for all runs.

Imports `learning`, `models`, `data`, `tasks`, `loop`, `files` and `errors`. Imported by `runs` alone;
learners get features and network builders, and know no encoder.
"""
