"""How collections lie on a disk, and the data sets they make: folders of classes, tables, pairs of images and
masks, volumes on one grid.

Imports `formats` and the modules of `data`; imported by `sets`.
"""
