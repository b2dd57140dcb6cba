"""What knows Hydra and the values of `conf/`: the schema checks every value, `identity` says what a run is
apart from where it runs, `parts` builds the nodes that have a `_target_`, `help` prints the groups and keys,
`suggestions`, `keys`, `targets` and `annotations` name what was meant by a word that is none of those there
are, `commands` is what all commands have in common.

Imports `loop` (for the schedule's own classes), `files`, `moved` and `errors`; imported by `runs` and
`cli`. Nothing here imports torch before a part is built, for `al-run --help` answers at once.
"""
