"""The list of providers with their status, missing features and models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from tui.dialogs.dialog import Dialog
from tui.domain.providers.kinds import LOCAL, sends_in_the_clear
from tui.domain.providers.probe import REACH_LABELS, ProviderProbe
from tui.domain.text import number
from tui.services.providers.probing import Probing
from tui.services.providers.providers import Providers
from tui.widgets.line_table import Cell, Column, LineTable
from tui.widgets.provider_view import ProviderView

_COLUMNS = [
    Column("state", 16),
    Column("name"),
    Column("server", 12),
    Column("key", 24, from_width=92),
    Column("latency", 8, right=True),
    Column("models", 6, right=True),
    Column("missing", 7, right=True),
]
_KEYS = "↑↓ select  tab models  r refresh  esc close"


class ProviderList(Dialog[None]):
    """A table of the providers, probed concurrently, and details of the one under the cursor.

    Probing creates nothing at a provider and costs nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,P,q", "dismiss", "Close", id="providers.close"),
        Binding("r", "ask", "Refresh", id="providers.refresh"),
        Binding("tab", "app.focus_next", show=False, id="providers.next_pane"),
    ]
    DEFAULT_CSS = """
    ProviderList LineTable { height: auto; max-height: 8; }
    ProviderList ProviderView { height: 1fr; margin-top: 1; }
    """

    @dataclass
    class Probed(Message):
        """A provider was probed."""

        probe: ProviderProbe

    def __init__(self, providers: Providers, probing: Probing, today: date | None = None) -> None:
        """Create the dialog.

        Args:
            providers: the servers.
            probing: probes them; its earlier results show at once.
            today: for the shutdown dates of models.
        """
        super().__init__()
        self._providers = providers
        self._probing = probing
        self._names = providers.names
        self._today = today or date.today()
        self._pending = set(self._names)

    def compose(self) -> ComposeResult:
        """The table, the details, the keys."""
        with Vertical(classes="dialog -large"):
            yield Static("Providers", classes="dialog--title", markup=False)
            yield LineTable(_COLUMNS, self._cells)
            yield ProviderView(self._today)
            yield Static(_KEYS, classes="dialog--hint", markup=False)

    def on_mount(self) -> None:
        """Start probing."""
        table = self.query_one(LineTable)
        table.styles.height = min(8, len(self._names) + 1)
        table.set_row_count(len(self._names))
        table.focus()
        self._probe()

    def action_ask(self) -> None:
        """Probe again; the keyring is read again too, as a key may have been added."""
        self._providers.keys.forget()
        self._probe()

    @work(exclusive=True, group="probe", exit_on_error=False)
    async def _probe(self) -> None:
        self._pending = set(self._names)
        self.query_one(LineTable).rows_changed()
        async for probe in self._probing.probe_all(self._names):
            self.post_message(self.Probed(probe))

    def on_provider_list_probed(self, message: Probed) -> None:
        """Show the result."""
        self._pending.discard(message.probe.provider)
        self.query_one(LineTable).rows_changed([self._names.index(message.probe.provider)])
        self._show()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Stop waiting after a failure."""
        if event.state is WorkerState.ERROR:
            self._pending.clear()
            self.query_one(LineTable).rows_changed()

    @on(LineTable.RowHighlighted)
    def _show(self) -> None:
        name = self._names[self.query_one(LineTable).cursor]
        notes = [self._providers.server(name).before_use]
        if name != LOCAL and sends_in_the_clear(self._providers.profile(name).base_url):
            notes.append("Keys and data are sent unencrypted: its base_url is not https.")
        self.query_one(ProviderView).show(self._probing.last(name), [*filter(None, notes)])

    def _cells(self, row: int) -> Sequence[Cell]:
        name = self._names[row]
        kind = self._providers.server(name).brief
        probe = self._probing.last(name)
        if name in self._pending or probe is None:
            return ["… probing" if name in self._pending else "? not probed", name, kind, *[""] * 4]
        ready = probe.reach == "ready"
        return [
            REACH_LABELS[probe.reach],
            name,
            kind,
            probe.key,
            probe.latency_label,
            number(len(probe.models)) if ready else "–",
            number(len(probe.missing)) if ready else "–",
        ]
