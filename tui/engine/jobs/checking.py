"""Checks a job's files before it may train: `python -m tui.engine.jobs.checking FOLDER`.

A process of its own, for a large file must not hold up the server; it loads no torch.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from pydantic import BaseModel

from tui.domain.rows.formats import Format
from tui.domain.rules.structure import MIN_EXAMPLES, check_line
from tui.engine.home import JobFolder
from tui.engine.jobs.spec import JobSpec
from tui.engine.jobs.worker_reports import JobError


class FileVerdict(BaseModel):
    """What was found in one file."""

    rows: int = 0
    valid: int = 0
    invalid: int = 0
    warned: int = 0
    first_error: str | None = None
    """Line, problem and fix of the first error."""
    sha256: str = ""
    """Of what was read, in hexadecimal."""


class Verdict(BaseModel):
    """Whether the job may train, and what was found."""

    error: JobError | None = None
    training: FileVerdict
    validation: FileVerdict | None = None


def check_file(path: Path, kind: Format = Format.CHAT) -> FileVerdict:
    """Run the rules over every line of a file of that format.

    Raises:
        OSError: it cannot be read.
    """
    found, digest = FileVerdict(), hashlib.sha256()
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            digest.update(raw)
            if not raw.strip():
                continue
            found.rows += 1
            _, problems = check_line(raw.rstrip(b"\r\n"), number, kind)
            errors = [problem for problem in problems if problem.severity == "error"]
            found.valid += not errors
            found.invalid += bool(errors)
            found.warned += bool(problems) and not errors
            if errors and found.first_error is None:
                found.first_error = f"Line {number}: {errors[0].message} {errors[0].fix}"
    found.sha256 = digest.hexdigest()
    return found


def judge(found: FileVerdict, param: str, fewest: int, uploaded: str | None) -> JobError | None:
    """Why a file cannot be used; None where it can.

    Args:
        found: what was found in it.
        param: the parameter that names it.
        fewest: how many examples it must have.
        uploaded: SHA-256 of what was uploaded, where it is known.
    """
    code = f"invalid_{param}"
    name = param.replace("_", " ")
    if uploaded not in (None, found.sha256):
        message = f"The {name} was damaged on the engine's disk after its upload. Upload it again."
        return JobError(code="file_damaged", message=message, param=param)
    if found.first_error is not None:
        message = found.first_error
        if found.invalid > 1:
            message += f" (and {found.invalid - 1} more lines of the {name} with errors)"
        return JobError(code=code, message=message, param=param)
    if found.valid < fewest:
        message = (
            f"The {name} has {found.valid} {'example' if found.valid == 1 else 'examples'}; "
            f"at least {fewest} are needed. Add more examples."
        )
        return JobError(code=code, message=message, param=param)
    return None


def check_job(folder: JobFolder, spec: JobSpec) -> Verdict:
    """Check the files of a job.

    Raises:
        OSError: a file cannot be read.
    """
    kind = Format.PREFERENCE if spec.method == "dpo" else Format.CHAT
    training = check_file(folder.training_file, kind)
    uploaded = spec.uploaded.get(spec.training_file)
    error = judge(training, "training_file", MIN_EXAMPLES, uploaded)
    if spec.validation_file is None:
        return Verdict(error=error, training=training)
    validation = check_file(folder.validation_file, kind)
    uploaded = spec.uploaded.get(spec.validation_file)
    error = error or judge(validation, "validation_file", 1, uploaded)
    return Verdict(error=error, training=training, validation=validation)


def main() -> None:
    """Check the job in the folder that is named on the command line."""
    folder = JobFolder(Path(sys.argv[1]))
    spec = JobSpec.model_validate_json(folder.spec.read_bytes())
    verdict = check_job(folder, spec)
    part = folder.verdict.with_suffix(".part")
    part.write_text(verdict.model_dump_json())
    part.replace(folder.verdict)


if __name__ == "__main__":
    main()
