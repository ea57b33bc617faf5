"""The actions of a screen as entries of the command palette."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.app import SystemCommand

from tui.screens.mode_screen import ModeScreen


def screen_commands(screen: ModeScreen) -> Iterator[SystemCommand]:
    """One entry per action of the screen, with its key; a disabled one shows its reason instead."""
    seen: set[str] = set()
    for node, binding, *_ in screen.active_bindings.values():
        if node is not screen or not binding.description or binding.action in seen:
            continue
        seen.add(binding.action)
        title = binding.tooltip or binding.description
        if reason := screen.disabled_reason(binding.action):
            yield SystemCommand(title, reason, partial(screen.show_notice, reason, "warning"))
        else:
            key = screen.app.get_key_display(binding)
            yield SystemCommand(title, f"Key {key}", partial(screen.run_action, binding.action))
