"""The footer: the keys that work now, in one line, as many as fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import ActiveBinding, Binding
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tui.domain.text import cell_width
from tui.widgets.changed_cells import changed_span

_MARGIN = 1
_GAP = 2
_MORE = "…"
"""In place of the keys that do not fit; the help lists all of them."""


@dataclass(frozen=True)
class FooterKey:
    """A key and what it does; nothing happens on a click where `key` is empty."""

    key: str
    display: str
    description: str = ""
    enabled: bool = True

    @property
    def text(self) -> str:
        """The key and its description as the footer shows them."""
        return f"{self.display} {self.description}".rstrip()

    @property
    def width(self) -> int:
        """Cells of the text."""
        return cell_width(self.text)


def fitting_keys(
    keys: Sequence[FooterKey], lasting: Sequence[FooterKey], width: int
) -> list[FooterKey]:
    """As many of the keys as fit, before those that are always shown.

    Where not all of them fit, the disabled ones are left out, then the last ones.

    Args:
        keys: the most important first.
        lasting: shown at the end, whatever is left out.
        width: cells of the footer.
    """
    if _line_width([*keys, *lasting]) <= width:
        return [*keys, *lasting]
    shown = [key for key in keys if key.enabled]
    end = [FooterKey("", _MORE), *lasting]
    while shown and _line_width([*shown, *end]) > width:
        shown.pop()
    return [*shown, *end]


def _declared(node: type[object]) -> Iterator[Binding]:
    """The bindings of a widget's class, those of its base classes first."""
    for base in reversed(node.__mro__):
        for binding in vars(base).get("BINDINGS", ()):
            if isinstance(binding, Binding):
                yield binding


def _line_width(keys: Sequence[FooterKey]) -> int:
    return 2 * _MARGIN + sum(key.width for key in keys) + _GAP * (len(keys) - 1)


class KeyFooter(Widget):
    """The shown bindings of the focused widget, the screen and the app; a click presses a key.

    One widget that draws a line: a widget per key costs more than the rest of a screen.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-footer--key"}
    DEFAULT_CSS = """
    KeyFooter {
        dock: bottom; height: 1; background: $panel; color: $footer-foreground;
        .key-footer--key { color: $footer-key-foreground; text-style: bold; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[FooterKey] = []
        self._strip = Strip([])

    @property
    def keys(self) -> list[FooterKey]:
        """The keys that fit into the line."""
        return self._keys

    @property
    def text(self) -> str:
        """The line as it is shown."""
        return self._strip.text

    def on_mount(self) -> None:
        """Follow the bindings of the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._follow)
        self._draw()

    def on_resize(self) -> None:
        """Fit the keys to the new width."""
        self._draw()

    def notify_style_update(self) -> None:
        """Draw with the colours of a new theme."""
        super().notify_style_update()
        self._draw()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press the key under the mouse."""
        starts = accumulate((key.width + _GAP for key in self._keys), initial=_MARGIN)
        for start, key in zip(starts, self._keys, strict=False):
            if key.key and start <= event.x < start + key.width:
                self.app.simulate_key(key.key)

    def render_line(self, y: int) -> Strip:
        """The keys in their colours."""
        return self._strip

    def _follow(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self._draw()

    def _draw(self) -> None:
        width = self.size.width
        if not width:
            return
        self._keys = fitting_keys(*self._active_keys(), width)
        before, self._strip = self._strip, self._line(width)
        begin, end = changed_span(before, self._strip)
        if begin < end:
            self.refresh(Region(begin, 0, end - begin, 1))

    def _active_keys(self) -> tuple[list[FooterKey], list[FooterKey]]:
        """The keys of the screen, and those of the app."""
        keys: dict[str, FooterKey] = {}
        lasting: dict[str, FooterKey] = {}
        for node, binding, enabled, _ in self._in_declared_order():
            display = self.app.get_key_display(binding)
            if binding.show and not self._is_typed(binding.key, display):
                shown = FooterKey(binding.key, display, binding.description, enabled)
                (lasting if node is self.app else keys).setdefault(binding.action, shown)
        return list(keys.values()), list(lasting.values())

    def _in_declared_order(self) -> list[ActiveBinding]:
        """The active bindings; a key from the settings stands where the default stood."""
        active = list(self.screen.active_bindings.values())
        nodes = list(dict.fromkeys(binding.node for binding in active))
        declared = {node: [binding.id for binding in _declared(type(node))] for node in nodes}

        def place(binding: ActiveBinding) -> tuple[int, int]:
            ids, own = declared[binding.node], binding.binding.id
            return nodes.index(binding.node), ids.index(own) if own in ids else len(ids)

        return sorted(active, key=place)

    def _is_typed(self, key: str, display: str) -> bool:
        """Whether the focused input takes the key as text."""
        focused = self.screen.focused
        return bool(focused and len(display) == 1 and focused.check_consume_key(key, display))

    def _line(self, width: int) -> Strip:
        plain = self.rich_style
        bold = self.get_component_rich_style("key-footer--key")
        dim = Style(dim=True)
        segments = [Segment(" " * _MARGIN, plain)]
        for key in self._keys:
            off = Style() if key.enabled else dim
            segments += [
                Segment(key.display, bold + off),
                Segment(key.text[len(key.display) :], plain + off),
                Segment(" " * _GAP, plain),
            ]
        return Strip(segments).adjust_cell_length(width, plain).simplify()
