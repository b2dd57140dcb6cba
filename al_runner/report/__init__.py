"""From run folders to answers: `al-report`.

Imports `runs.record`, `files`, `moved` and `errors`, and nothing that needs PyTorch. Imported by nobody.
"""
