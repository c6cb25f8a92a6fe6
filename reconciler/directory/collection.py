"""Hold Python's cyclic garbage collector while many small values are made; never leaves it other than it was."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collection() -> Iterator[None]:
    """Run the block without the collector: decoding makes no cycles, so every pass over the new values finds nothing.

    Nor would a later one: what is there at the end is left out of all of them, and goes when nothing refers to it any more.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.enable()
