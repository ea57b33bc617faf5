"""The diff view: marks, changes within a line, long lines, hostile text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Region

from tui.domain.rows.diff import DiffLine, row_diff
from tui.domain.text import has_unsafe, scrub
from tui.widgets.diff_view import DiffView
from tui.widgets.scroll_mark import MARK

lines = st.builds(DiffLine, st.sampled_from(["same", "removed", "added"]), st.text(max_size=200))


class DiffApp(App[None]):
    """An app with one diff."""

    def compose(self) -> ComposeResult:
        yield DiffView()

    @property
    def view(self) -> DiffView:
        return self.query_one(DiffView)


def laid_out(diff: list[DiffLine], width: int) -> list[str]:
    view = DiffView()
    view._diff = diff
    return [line.plain for line in view.lay_out(width)]


def changed(view: DiffView) -> list[str]:
    """The marked differences, one for each line that has one."""
    return [
        line.plain[span.start : span.end]
        for line in view.lines
        for span in line.spans
        if span.style == "reverse"
    ]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_differences_within_a_line_are_marked(size: tuple[int, int]) -> None:
    app = DiffApp()
    async with app.run_test(size=size) as pilot:
        app.view.show(
            row_diff('{"a": " cafÃ© ", "b": 1}'.encode(), '{"a": "café", "b": 1}'.encode())
        )
        await pilot.pause()
        lines = [line.plain for line in app.view.lines]
        assert '-   "a": " cafÃ© ",' in lines
        assert '+   "a": "café",' in lines
        assert '    "b": 1' in lines
        assert changed(app.view) == [" cafÃ© ", "café"]


async def test_removed_white_space_is_marked() -> None:
    app = DiffApp()
    async with app.run_test() as pilot:
        app.view.show([DiffLine("removed", '"x "'), DiffLine("added", '"x"')])
        await pilot.pause()
        assert changed(app.view) == [" "]


async def test_words_between_two_changes_are_not_marked() -> None:
    app = DiffApp()
    async with app.run_test() as pilot:
        app.view.show(row_diff(b'{"a": 1, "score": NaN}', b'{"b": 1, "score": null}'))
        await pilot.pause()
        assert changed(app.view) == ["a", "NaN", "b", "null"]


async def test_lines_that_are_only_added_have_no_marked_words() -> None:
    app = DiffApp()
    async with app.run_test() as pilot:
        app.view.show([DiffLine("removed", "a"), DiffLine("added", "b"), DiffLine("added", "c")])
        await pilot.pause()
        assert changed(app.view) == []


@given(st.lists(lines, max_size=30), st.integers(10, 120))
@settings(max_examples=60)
def test_every_line_fits_and_nothing_is_lost(diff: list[DiffLine], width: int) -> None:
    drawn_lines = laid_out(diff, width)
    assert all(cell_len(line) <= width for line in drawn_lines)
    assert not any(map(has_unsafe, drawn_lines))
    assert "".join(line[2:] for line in drawn_lines) == "".join(scrub(line.text) for line in diff)


async def test_scrolling_repaints_only_what_differs() -> None:
    """Unchanged lines send no bytes."""
    app = DiffApp()
    async with app.run_test(size=(120, 40)) as pilot:
        app.view.show([DiffLine("same", f"line {n // 20} " + "x" * 90) for n in range(180)])
        await pilot.pause()
        repainted: list[Region] = []
        refresh = app.view.refresh

        def record_refresh(*regions: Region, **more: bool) -> DiffView:
            repainted.extend(regions)
            return refresh(*regions, **more)

        app.view.refresh = record_refresh  # type: ignore[method-assign]
        await pilot.press("down")
        assert app.view.scroll_offset.y == 20
        assert {(region.width, region.height) for region in repainted} == {(1, 1)}
        lines, mark = 40, 2
        assert len(repainted) == lines + mark


async def test_the_keys_scroll_and_end_at_the_edges() -> None:
    app = DiffApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.view
        view.show([DiffLine("same", str(n)) for n in range(100)])
        await pilot.pause()
        for keys, top in [
            (("down", "j"), 24),
            (("up", "k", "k"), 0),
            (("pagedown", "space"), 46),
            (("pageup",), 23),
            (("G",), 76),
            (("down",), 76),
            (("g",), 0),
            (("end",), 76),
            (("home",), 0),
        ]:
            await pilot.press(*keys)
            assert view.scroll_offset.y == top
            assert view.render_line(0).text.rstrip(f" {MARK}").strip() == str(top)
        view.show([DiffLine("same", "another")])
        await pilot.pause()
        assert view.render_line(0).text.strip() == "another"
        assert view.render_line(1).text.strip() == ""
