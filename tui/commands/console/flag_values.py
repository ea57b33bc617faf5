"""Values of flags that several commands take."""

from __future__ import annotations

import argparse


def share(text: str) -> float:
    """A number from 0 up to 1.

    Raises:
        argparse.ArgumentTypeError: it is no number, or another one.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a share: use at least 0 and less than 1")
    return value
