"""The pages of the documentation site that are made from the code, the configs and the commands.

`site` says which there are; `docs_hook.py` hands them to MkDocs. Nothing here needs MkDocs.
"""
