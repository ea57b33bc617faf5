"""The sample data: inside the installed package, or beside it in the repository."""

from __future__ import annotations

from pathlib import Path

from tui.services.errors import NotFound


def sample_path(name: str) -> Path:
    """The path of a file of the sample data.

    A wheel has the folder `sample_data` inside the package; an editable install reads the one of
    the repository.

    Args:
        name: the file's name, such as `decision_framework.yaml`.

    Raises:
        NotFound: this installation has no such file.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "sample_data", package.parent / "sample_data"):
        path = folder / name
        if path.is_file():
            return path
    raise NotFound(
        f"This installation has no sample file {name}.",
        "Reinstall fine-tui, or use your own file.",
    )
