"""Texts of a chat: the status of an answer, the settings."""

from __future__ import annotations

from tui.domain.chat.conversation import Answer, ChatSettings, Ended
from tui.domain.text import number, plural, preview
from tui.domain.tone import Tone

_SHOW_WAIT_AFTER = 1.0
"""Seconds after which the seconds of a wait are shown."""

_ENDS: dict[Ended, tuple[str, Tone]] = {
    Ended.COMPLETE: ("✓", Tone.GOOD),
    Ended.LENGTH: ("! limit,", Tone.WARNED),
    Ended.STOPPED: ("■ stopped,", Tone.WARNED),
    Ended.CUT: ("✗ broke off,", Tone.BAD),
    Ended.FAILED: ("✗ no answer", Tone.BAD),
}


def answer_status(answer: Answer | None, now: float, *, loads: bool) -> tuple[str, Tone]:
    """The status of an answer: `✓ 42 tokens  18.3 tok/s  first 0.41 s`.

    Args:
        answer: None before the first message.
        now: seconds of the answer's timer.
        loads: whether the model may have to be loaded first.
    """
    if answer is None:
        return "", Tone.NONE
    if answer.ending is None and answer.first_at is None:
        return _waiting_status(answer.waited(now), loads=loads), Tone.BUSY
    ended = answer.ending.ended if answer.ending else None
    glyph, tone = _ENDS[ended] if ended else ("▶", Tone.BUSY)
    if answer.first_at is None:
        return (glyph if ended is Ended.FAILED else glyph.rstrip(",")), tone
    # A server counts tokens at the end, if at all; until then pieces are counted.
    is_counted = answer.ending and answer.ending.tokens is not None
    parts = [f"{glyph} {'' if is_counted else '~'}{plural(answer.tokens, 'token')}"]
    if (rate := answer.rate(now)) is not None:
        parts.append(f"{_format_rate(rate)} tok/s")
    return "  ".join([*parts, f"first {answer.waited(now):.2f} s"]), tone


def _waiting_status(seconds: float, *, loads: bool) -> str:
    activity = "loading the model" if loads else "waiting"
    return f"▶ {activity} … {seconds:.0f} s" if seconds >= _SHOW_WAIT_AFTER else "▶ sent …"


def _format_rate(rate: float) -> str:
    return f"{rate:.1f}" if rate < 100 else number(rate)


def settings_line(settings: ChatSettings) -> str:
    """The settings: `temperature 0 · max 256 tokens · seed 7 · system: You …`."""
    seed = "no seed" if settings.seed is None else f"seed {settings.seed}"
    system = f"system: {preview(settings.system)}" if settings.system else "no system prompt"
    limit = f"max {plural(settings.max_tokens, 'token')}"
    return f"temperature {settings.temperature:g} · {limit} · {seed} · {system}"
