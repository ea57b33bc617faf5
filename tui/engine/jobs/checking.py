"""Validates a job's files before training: `python -m tui.engine.jobs.checking FOLDER`.

Runs in its own process, so that a large file does not block the server; loads no torch.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from pydantic import BaseModel

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.formats import Format
from tui.domain.rules.structure import MIN_EXAMPLES, check_line
from tui.engine.home import JobFolder
from tui.engine.jobs.spec import JobSpec
from tui.engine.jobs.worker_reports import JobError

_RULES = CheckOptions(rules_of="local")


class FileVerdict(BaseModel):
    """The findings in one file."""

    rows: int = 0
    valid: int = 0
    invalid: int = 0
    warned: int = 0
    first_error: str | None = None
    """Line, message and fix of the first error."""
    sha256: str = ""
    """SHA-256 of the file's content, hexadecimal."""


class Verdict(BaseModel):
    """The findings in a job's files, and the error that keeps it from training, if any."""

    error: JobError | None = None
    training: FileVerdict
    validation: FileVerdict | None = None


def check_file(path: Path, file_format: Format = Format.CHAT) -> FileVerdict:
    """Run the rules over every line of a file.

    Raises:
        OSError: it cannot be read.
    """
    verdict, digest = FileVerdict(), hashlib.sha256()
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            digest.update(raw)
            if not raw.strip():
                continue
            verdict.rows += 1
            _, problems = check_line(raw.rstrip(b"\r\n"), number, file_format, _RULES)
            errors = [problem for problem in problems if problem.severity == "error"]
            verdict.valid += not errors
            verdict.invalid += bool(errors)
            verdict.warned += bool(problems) and not errors
            if errors and verdict.first_error is None:
                verdict.first_error = f"Line {number}: {errors[0].message} {errors[0].fix}"
    verdict.sha256 = digest.hexdigest()
    return verdict


def file_error(
    verdict: FileVerdict, param: str, minimum: int, uploaded: str | None
) -> JobError | None:
    """Why a file cannot be used; None where it can.

    Args:
        verdict: the findings in it.
        param: request parameter that names it.
        minimum: number of examples it must have.
        uploaded: SHA-256 of the upload; None where it is not known.
    """
    code = f"invalid_{param}"
    name = param.replace("_", " ")
    if uploaded not in (None, verdict.sha256):
        message = f"The {name} was damaged on the engine's disk after its upload. Upload it again."
        return JobError(code="file_damaged", message=message, param=param)
    if verdict.first_error is not None:
        message = verdict.first_error
        if verdict.invalid > 1:
            message += f" (and {verdict.invalid - 1} more lines of the {name} with errors)"
        return JobError(code=code, message=message, param=param)
    if verdict.valid < minimum:
        message = (
            f"The {name} has {verdict.valid} {'example' if verdict.valid == 1 else 'examples'}; "
            f"at least {minimum} are needed. Add more examples."
        )
        return JobError(code=code, message=message, param=param)
    return None


def check_job(folder: JobFolder, spec: JobSpec) -> Verdict:
    """Validate the files of a job.

    Raises:
        OSError: a file cannot be read.
    """
    file_format = Format.PREFERENCE if spec.method == "dpo" else Format.CHAT
    training = check_file(folder.training_file, file_format)
    uploaded = spec.uploaded.get(spec.training_file)
    error = file_error(training, "training_file", MIN_EXAMPLES, uploaded)
    if spec.validation_file is None:
        return Verdict(error=error, training=training)
    validation = check_file(folder.validation_file, file_format)
    uploaded = spec.uploaded.get(spec.validation_file)
    error = error or file_error(validation, "validation_file", 1, uploaded)
    return Verdict(error=error, training=training, validation=validation)


def main() -> None:
    """Validate the files of the job whose folder is given on the command line."""
    folder = JobFolder(Path(sys.argv[1]))
    spec = JobSpec.model_validate_json(folder.spec.read_bytes())
    verdict = check_job(folder, spec)
    part = folder.verdict.with_suffix(".part")
    part.write_text(verdict.model_dump_json())
    part.replace(folder.verdict)


if __name__ == "__main__":
    main()
