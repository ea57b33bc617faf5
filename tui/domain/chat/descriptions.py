"""A chat in words: how an answer stands, and how the models are asked."""

from __future__ import annotations

from tui.domain.chat.conversation import Answer, ChatSettings, Ended
from tui.domain.loop import Tone
from tui.domain.text import number, plural, preview

_PATIENCE = 1.0
"""Seconds after which a wait is counted aloud."""

_ENDS: dict[Ended, tuple[str, Tone]] = {
    Ended.COMPLETE: ("✓", Tone.GOOD),
    Ended.LENGTH: ("! limit,", Tone.WARNED),
    Ended.STOPPED: ("■ stopped,", Tone.WARNED),
    Ended.CUT: ("✗ broke off,", Tone.BAD),
    Ended.FAILED: ("✗ no answer", Tone.BAD),
}


def answer_words(answer: Answer | None, now: float, *, loads: bool) -> tuple[str, Tone]:
    """One line about an answer: `✓ 42 tokens  18.3 tok/s  first 0.41 s`.

    Args:
        answer: None before anything was asked.
        now: seconds of the answer's timer.
        loads: whether the model may have to be loaded first.
    """
    if answer is None:
        return "", Tone.NONE
    if answer.ending is None and answer.first_at is None:
        return _waiting_words(answer.waited(now), loads=loads), Tone.BUSY
    ended = answer.ending.ended if answer.ending else None
    glyph, tone = _ENDS[ended] if ended else ("▶", Tone.BUSY)
    if answer.first_at is None:
        return (glyph if ended is Ended.FAILED else glyph.rstrip(",")), tone
    # A server that counts says so at the end; before, and without it, pieces are counted.
    counted = answer.ending and answer.ending.tokens is not None
    parts = [f"{glyph} {'' if counted else '~'}{plural(answer.tokens, 'token')}"]
    if (rate := answer.rate(now)) is not None:
        parts.append(f"{_rate(rate)} tok/s")
    return "  ".join([*parts, f"first {answer.waited(now):.2f} s"]), tone


def _waiting_words(seconds: float, *, loads: bool) -> str:
    doing = "loading the model" if loads else "waiting"
    return f"▶ {doing} … {seconds:.0f} s" if seconds >= _PATIENCE else "▶ asked …"


def _rate(rate: float) -> str:
    return f"{rate:.1f}" if rate < 100 else number(rate)


def settings_line(settings: ChatSettings) -> str:
    """How the models are asked: `temperature 0 · at most 256 tokens · seed 7 · system: You …`."""
    seed = "no seed" if settings.seed is None else f"seed {settings.seed}"
    system = f"system: {preview(settings.system)}" if settings.system else "no system prompt"
    limit = f"at most {plural(settings.max_tokens, 'token')}"
    return f"temperature {settings.temperature:g} · {limit} · {seed} · {system}"
