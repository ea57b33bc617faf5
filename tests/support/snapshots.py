"""Screens as SVG files that are kept in the repository and compared cell by cell.

A deliberate change of a screen: look at the new picture, then run pytest with `--snapshot-update`.
"""

from __future__ import annotations

import re
from typing import Any

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

_UNIQUE_ID = re.compile(r"terminal-\d+-")
"""Rich names the styles of each picture by a hash of its own."""
_TIME = re.compile(r"\d{4}-\d\d-\d\d(&#160;|\s)\d\d:\d\d")


class SvgSnapshot(SingleFileSnapshotExtension):
    """One file for each picture, beside the test."""

    _write_mode = WriteMode.TEXT
    file_extension = "svg"

    def serialize(self, data: Any, **_: Any) -> str:
        """The picture without what differs from run to run."""
        return _TIME.sub(r"2026-01-01\g<1>00:00", _UNIQUE_ID.sub("terminal-", str(data)))
