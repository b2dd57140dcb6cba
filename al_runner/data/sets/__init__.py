"""The data sets of `conf/dataset`, one a module: `load` returns a `Dataset`.

Imports `layouts`, `formats` and the modules of `data`. Nothing imports a data set by name but YAML.
"""
