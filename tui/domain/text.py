"""Text for people: untrusted text made safe to show; durations, sizes, numbers and losses."""

from __future__ import annotations

import re
import unicodedata

# C0 and C1 controls, DEL, zero-width and bidi characters, separators that break a line, the BOM,
# interlinear marks, tags and lone surrogates. All of them move the cursor, hide or reorder text.
# The joiner and the variation selectors belong to emoji: they are dropped without a mark.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
_ESCAPE_SEQUENCE = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    "|(?:\x1b[\\]P^_X]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)"  # OSC, DCS, ...
    "|\x1b[ -/]*[0-~]"
)
_UNSAFE_IN_TEXT = re.compile(f"(?![\t\n\r]){_UNSAFE.pattern}")
_COLOUR = re.compile("\x1b\\[[0-9;]*m")
_C1 = re.compile("[\x80-\x9f]")
_LINE_SEPARATOR = re.compile("[\x0b\x0c\u2028\u2029]")
_EMOJI_JOINERS = re.compile("[\u200d\ufe00-\ufe0f]")
_SPACE = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")

UNSAFE_MARK = "�"


def scrub(text: str, *, lines: bool = False) -> str:
    """Make untrusted text safe to show: no control, bidi or zero-width character survives.

    All text from data, models and servers passes through here before it reaches a terminal.
    Escape sequences go as a whole; every other unsafe character becomes `UNSAFE_MARK`, so that
    it stays visible. The data itself does not change.

    Args:
        text: any text.
        lines: keep line breaks (tabs become four spaces); otherwise white space of any kind that
            breaks a line is folded into one space.
    """
    if lines:
        plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
        return "\n".join(_scrub_line(line) for line in plain.split("\n"))
    return _scrub_line(_SPACE.sub(" ", text))


def _scrub_line(line: str) -> str:
    if line.isascii() and line.isprintable():
        return line
    whole = _ESCAPE_SEQUENCE.sub(UNSAFE_MARK, line)
    return _UNSAFE.sub(UNSAFE_MARK, _EMOJI_JOINERS.sub("", whole))


def has_unsafe(text: str) -> bool:
    """Whether the text holds a character other than tab and line break that `scrub` replaces."""
    return any(_UNSAFE.search(line) for line in re.split("[\t\n\r]", text))


def without_unsafe(text: str) -> str:
    """Remove the characters that `has_unsafe` finds, for the data itself.

    Terminal colours go as a whole, line separators become line breaks, and C1 controls become
    the characters that Windows-1252 has in their place, as in web browsers.
    """
    plain = _COLOUR.sub("", text)
    plain = _C1.sub(lambda match: match[0].encode("latin-1").decode("cp1252", "ignore"), plain)
    return _UNSAFE_IN_TEXT.sub("", _LINE_SEPARATOR.sub("\n", plain))


def preview(text: str, limit: int = 200) -> str:
    """The beginning of an untrusted text on one line, scrubbed; cut with an ellipsis.

    Only the beginning is read, so a megabyte costs as little as a word.
    """
    shown = scrub(text[: limit * 2]).strip()
    cut = len(text) > limit * 2 or len(shown) > limit
    return shown[: limit - 1] + "…" if cut else shown


def cell_width(text: str) -> int:
    """Width of scrubbed text in terminal cells, measured as the tables measure it."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """Cut scrubbed text to a width in cells, with an ellipsis where something is left out."""
    if cell_width(text) <= width:
        return text
    mark = "…" if not text.isascii() else "."
    beginning = text[: max(0, width - 1)]
    while cell_width(beginning) > max(0, width - 1):
        beginning = beginning[:-1]
    return beginning + mark


_PLAIN_SIGNS = dict(
    zip(
        "▶✓✗■‖…–·→↓↑●★◆�×‘’“”←≠⏎▲▴▸▼▾◉○✎›¦▔▁░⠀",
        ">+x#=.-|>v^o*^?x''\"\"<!<^^>vv@o~>|--. ",
        strict=True,
    )
)
"""One ASCII character for each of the app's signs."""


def plain_sign(char: str) -> str:
    """ASCII in place of a character that the terminal cannot show, as wide as it."""
    if char in _PLAIN_SIGNS:
        return _PLAIN_SIGNS[char]
    if "\u2500" <= char <= "\u257f":  # box drawing
        name = unicodedata.name(char)
        across = any(word in name for word in ("HORIZONTAL", "LEFT", "RIGHT"))
        along = any(word in name for word in ("VERTICAL", "UP", "DOWN"))
        return "+" if across and along else "-" if across else "|"
    if "\u2580" <= char <= "\u259f":  # blocks
        return "#"
    if "\u2800" <= char <= "\u28ff":  # braille
        return "*"
    return "?" * cell_width(char)


def plain_signs(text: str) -> str:
    """Replace the signs in ftui's own sentences with ASCII."""
    return "".join(_PLAIN_SIGNS.get(char, char) for char in text)


def duration(seconds: float) -> str:
    """A duration as `0:43`, `12:05`, `3:04:05` or `2d 3h`."""
    whole = max(0, round(seconds))
    if whole >= 86_400:
        return f"{whole // 86_400}d {whole % 86_400 // 3600}h"
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def ago(seconds: float) -> str:
    """An age as `now`, `12 s ago`, `5 min ago`, `3 h ago` or `2 d ago`."""
    if seconds < 2:
        return "now"
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{int(seconds)} s ago"


def number(value: float) -> str:
    """A whole number with thousands separators: `14,302`."""
    return f"{value:,.0f}"


def size_of(count: float) -> str:
    """A number of bytes: `812 bytes`, `14.2 kB`, `1.3 MB`, `5.2 GB`."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= 0.9995 * size:
            return f"{count / size:.1f} {unit}"
    return plural(round(count), "byte")


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 row`, `2 rows`; `many` is the plural where it is not formed with an s."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def signed(value: float) -> str:
    """A difference with its sign and two decimals: `+0.97`, `-0.10`, `0.00`."""
    shown = f"{value:+.2f}"
    return "0.00" if shown in ("+0.00", "-0.00") else shown


def loss(value: float | None) -> str:
    """A loss with three significant digits, or a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"
