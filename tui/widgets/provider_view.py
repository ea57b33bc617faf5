"""The probe of one provider as lines of text: its state, missing features, models."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import date

from textual.content import Content

from tui.domain.providers.probe import REACH_LABELS, ProviderProbe
from tui.domain.providers.served_models import ServedModel
from tui.domain.text import plural, scrub
from tui.domain.tone import Tone
from tui.widgets.line_pane import LinePane
from tui.widgets.line_table import fit
from tui.widgets.tones import TONE_COLOURS


class ProviderView(LinePane):
    """One provider; its models, those that retire first on top."""

    def __init__(self, today: date, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._today = today
        self._probe: ProviderProbe | None = None
        self._notes: Sequence[str] = ()

    def show(self, probe: ProviderProbe | None, notes: Sequence[str] = ()) -> None:
        """Show a probe.

        Args:
            probe: the result; None while it is running.
            notes: sentences that hold for this kind of provider.
        """
        if (probe, notes) != (self._probe, self._notes):
            self._probe, self._notes = probe, notes
            self.relayout()

    def lay_out(self, width: int) -> Sequence[Content]:
        """All lines for a width."""
        probe = self._probe
        if probe is None:
            return [Content.styled("Probing …", "$text-muted")]
        lines = _wrapped(f"{probe.address} · key: {probe.key}", Tone.NONE, width)
        if probe.problem:
            lines += _wrapped(probe.problem, REACH_LABELS[probe.reach][1], width)
        if probe.missing:
            lines += _wrapped(f"– cannot {probe.missing_text}", Tone.WARNED, width)
        for note in self._notes:
            lines += _wrapped(note, Tone.NONE, width)
        return [*lines, *self._models(probe, width)]

    def _models(self, probe: ProviderProbe, width: int) -> Iterator[Content]:
        if probe.reach != "ready":
            return
        tunable = sum(model.tunable is True for model in probe.models)
        suffix = f", {tunable} tunable" if tunable else ""
        yield Content.styled(f"{plural(len(probe.models), 'model')}{suffix}", "bold")
        end_room = max((len(end[0]) for end in map(self._end, probe.models) if end), default=0)
        room = max(12, width - (end_room + 2 if end_room else 0) - (9 if tunable else 0))
        for model in probe.ending_first:
            text, tone = self._end(model) or ("", Tone.NONE)
            yield Content.assemble(
                fit(model.id, room),
                (f"  {text:<{end_room}}" if end_room else "", TONE_COLOURS[tone]),
                "  tunable" if model.tunable else "",
            )

    def _end(self, model: ServedModel) -> tuple[str, Tone] | None:
        return model.end_label(self._today)


def _wrapped(text: str, tone: Tone, width: int) -> list[Content]:
    lines = textwrap.wrap(scrub(text), max(20, width))
    return [Content.styled(line, TONE_COLOURS[tone]) for line in lines]
