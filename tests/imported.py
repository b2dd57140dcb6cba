"""Imported when everything else is: what libraries define is never garbage, and config files are parsed once.

Searched again and again, it would take a third of the time of a small run.
"""

import atexit
import gc

from tests.composing import composed

composed()
gc.collect()
gc.freeze()  # out of later searches
gc.enable()
atexit.register(gc.unfreeze)  # at the end, Python takes everything down as ever
