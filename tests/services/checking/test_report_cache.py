"""Cached reports are found again, never wrong, and never a reason to fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from array import array
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tui.services.checking.report_cache as report_cache
from tui.domain.rows.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.rows.formats import Format
from tui.services.checking.report_cache import (
    REPORT_FILES,
    REPORT_ROOMS,
    CachedReport,
    ReportCache,
    ReportKey,
    code_digest,
    report_key,
)
from tui.services.reading.row_file import RowFile

REPORT = CachedReport(
    {"rows": 3, "codes": {"refusal": 1}}, {"starts": array("Q", [0, 70, 9 << 40])}
)

PACKAGE = Path(report_cache.__file__).parents[2]
UNHASHED = {
    "domain/providers": "model names lead to a tokenizer, whose path is part of the key",
    "domain/submission": "defaults of training: the context length is part of the key",
    "domain/untyped.py": "used for the hyperparameters of jobs",
    "domain/validation.py": "used for the hyperparameters of jobs",
    "services/errors.py": "classes of errors; a failed check leaves no report",
    "services/progress.py": "progress is not part of a report",
    "services/workspace": "reads and writes files, whatever they hold",
}
"""Modules of a check that are not hashed: folder or file -> why they cannot change a report."""
LOADED_BY_A_CHECK = """
import sys
import tui.services.checking.dataset_check, tui.services.checking.findings_cache
import tui.services.checking.passes, tui.services.checking.near_duplicates
import tui.services.checking.report, tui.domain.rows.row_statistics
print(*(
    module.__file__ for name, module in sys.modules.items()
    if name.startswith(("tui.domain.", "tui.services.")) and module.__file__
), sep="\\n")
"""


@pytest.fixture
def cache(tmp_path: Path) -> ReportCache:
    return ReportCache(tmp_path / ".ftui" / "reports")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"messages": []}\n' * 3)
    age(path)
    return path


def age(path: Path, seconds: float = 60) -> None:
    """Set a modification time long ago."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def key_of(path: Path, options: CheckOptions = DEFAULT_OPTIONS, *more: str) -> ReportKey:
    return report_key(path, RowFile(path).stamp, Format.CHAT, options, *more)


def starts(report: CachedReport | None) -> list[int]:
    assert report
    numbers = array("Q")
    numbers.frombytes(report.arrays["starts"])
    return list(numbers)


async def test_a_stored_report_is_loaded_unchanged(cache: ReportCache, source: Path) -> None:
    assert await cache.load(key_of(source)) is None
    assert await cache.save(key_of(source), REPORT)
    result = await cache.load(key_of(source))
    assert result
    assert result.facts == REPORT.facts
    assert starts(result) == [0, 70, 9 << 40]


async def test_an_untouched_file_is_not_read_again(cache: ReportCache, source: Path) -> None:
    key = key_of(source)
    await cache.save(key, REPORT)
    source.unlink()
    assert await cache.load(key)


async def test_the_same_content_under_another_name_has_the_same_report(
    cache: ReportCache, source: Path, tmp_path: Path
) -> None:
    await cache.save(key_of(source), REPORT)
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(source.read_bytes())
    assert await cache.load(key_of(copy))
    copy.write_bytes(source.read_bytes().replace(b"[]", b"{}"))
    assert await cache.load(key_of(copy)) is None


async def test_a_file_changed_within_the_same_tick_of_the_clock_is_read_again(
    cache: ReportCache, source: Path
) -> None:
    os.utime(source)
    key = key_of(source)
    await cache.save(key, REPORT)
    source.write_bytes(source.read_bytes().replace(b"[]", b"{}"))
    os.utime(source, ns=(key.stamp.changed_ns, key.stamp.changed_ns))
    assert key_of(source) == key
    assert await cache.load(key_of(source)) is None


async def test_other_options_have_another_report(cache: ReportCache, source: Path) -> None:
    options = CheckOptions(off=frozenset({"refusal", "placeholder"}))
    await cache.save(key_of(source, options, "o200k_base"), REPORT)
    assert await cache.load(key_of(source)) is None
    assert await cache.load(key_of(source, options, "estimate")) is None
    again = CheckOptions(off=frozenset(["placeholder", "refusal"]))
    assert await cache.load(key_of(source, again, "o200k_base"))


async def test_no_report_is_stored_for_a_changed_file(
    cache: ReportCache, source: Path, tmp_path: Path
) -> None:
    key = key_of(source)
    source.write_bytes(b"{}\n")
    assert not await cache.save(key, REPORT)
    assert not list((tmp_path / ".ftui").glob("**/*.report"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
async def test_a_damaged_report_is_not_loaded(
    cache: ReportCache, source: Path, data: st.DataObject
) -> None:
    key = key_of(source)
    await cache.save(key, REPORT)
    (path,) = (source.parent / ".ftui" / "reports").glob("*.report")
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content) - 1))
    flipped = bytearray(content)
    flipped[cut] ^= data.draw(st.integers(1, 255))
    path.write_bytes(data.draw(st.sampled_from([content[:cut], bytes(flipped), content + b"\0"])))
    assert await cache.load(key) is None


@pytest.mark.parametrize(
    "stamps", [b"", b"{", b"[]", b'{"%s": 3}', b'{"%s": "../../../../etc/passwd"}']
)
async def test_with_a_damaged_stamp_index_the_content_decides(
    cache: ReportCache, source: Path, stamps: bytes
) -> None:
    await cache.save(key_of(source), REPORT)
    (path,) = (source.parent / ".ftui" / "reports").glob("stamps.json")
    path.write_bytes(stamps.replace(b"%s", path.read_bytes().split(b'"')[1]))
    assert starts(await cache.load(key_of(source))) == [0, 70, 9 << 40]


async def test_only_the_newest_reports_are_kept(cache: ReportCache, tmp_path: Path) -> None:
    keys: list[ReportKey] = []
    aged: set[Path] = set()
    for n in range(report_cache.KEPT + 3):
        path = tmp_path / f"{n}.jsonl"
        path.write_text(f'{{"n": {n}}}\n')
        keys.append(key_of(path))
        assert await cache.save(keys[-1], REPORT)
        for new in {*(tmp_path / ".ftui" / "reports").glob("*.report")} - aged:
            age(new, 100 - n)
            aged.add(new)
    result = [await cache.load(key) is not None for key in keys]
    assert result == [False] * 3 + [True] * report_cache.KEPT


async def test_a_read_only_workspace_is_no_error(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = ReportCache(tmp_path / "file" / "reports")
    assert not await cache.save(key_of(source), REPORT)
    assert await cache.load(key_of(source)) is None


async def test_an_oversized_report_is_not_stored(
    cache: ReportCache, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_cache, "_LARGEST", 100)
    assert not await cache.save(key_of(source), REPORT)


async def test_file_names_that_are_not_utf8_work(cache: ReportCache, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xff\x1b[31m.jsonl"))
    path.write_bytes(b"{}\n")
    age(path)
    assert await cache.save(key_of(path), REPORT)
    assert await cache.load(key_of(path))


@pytest.mark.parametrize("path", [*REPORT_ROOMS, *REPORT_FILES])
def test_a_change_of_any_code_that_makes_reports_changes_the_digest(
    tmp_path: Path, path: str
) -> None:
    for part in (*REPORT_ROOMS, *REPORT_FILES):
        target = tmp_path / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if (PACKAGE / part).is_dir():
            shutil.copytree(PACKAGE / part, target)
        else:
            shutil.copy(PACKAGE / part, target)
    before = code_digest(tmp_path)
    assert before == code_digest(), "the copy is the same"
    changed = tmp_path / path
    files = sorted(changed.rglob("*.py")) if changed.is_dir() else [changed]
    for file in files:
        code_digest.cache_clear()
        content = file.read_bytes()
        file.write_bytes(content + b"# changed\n")
        assert code_digest(tmp_path) != before, file
        file.write_bytes(content)
    if changed.is_dir():
        code_digest.cache_clear()
        (changed / "deeper").mkdir()
        (changed / "deeper" / "rules.py").write_text("MOST = 1")
        assert code_digest(tmp_path) != before, "files of inner folders count"


def test_every_module_that_a_check_loads_is_hashed_or_cannot_change_a_report() -> None:
    command = [sys.executable, "-c", LOADED_BY_A_CHECK]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    modules = {Path(line).relative_to(PACKAGE).as_posix() for line in output.splitlines()}
    assert {"domain/rules/structure.py", "services/reading/row_file.py"} <= modules
    accounted = (*REPORT_ROOMS, *REPORT_FILES, *UNHASHED)
    unaccounted = {
        module
        for module in modules
        if not any(module == part or module.startswith(f"{part}/") for part in accounted)
        and module not in ("domain/__init__.py", "services/__init__.py")
    }
    assert not unaccounted
