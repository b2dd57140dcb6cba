"""From a checked config to a run folder: `build` makes the parts, `run` restores and runs them, `journal` and
`record` keep every round, `review` what people look at, `display` what they see meanwhile.

Imports every package but `report`. `report` imports `record` to read folders; `cli` starts `sweeps`.
"""
