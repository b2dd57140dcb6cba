import gc

gc.disable()  # until everything is imported: see tests/imported.py
