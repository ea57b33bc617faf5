"""Which encodings the text of a file that is not UTF-8 may be in.

Each candidate decodes a sample; its score is the mean over the characters beyond ASCII: 1 for a
frequent letter of its languages, less for a rare one, 0 for one that no text has in its place, such
as a capital within a word. General detectors rate the letters of whole documents and are misled by
rows that are mostly ASCII.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from tui.domain.rows.encodings import encoding_flag, encoding_label

SAMPLE = 1 << 14
"""Bytes of a sample from which more adds nothing."""

_RARE = 0.6
"""Score of a letter that is possible but not frequent."""
_FEWEST = 0.55
"""Least score of an encoding that is named."""
_MARGIN = 0.06
"""Scores that differ by less are equal."""
_OLD = 0.9
"""Factor for encodings of systems that few still use."""

_WORD = re.compile(r"[^\W_]+")
_BEYOND = re.compile(r"[^\x00-\x7f]")
_GLUED = re.compile(r"(?<=[^\W\d_])[^\w\s\x00-\x7f’·\xad](?=[^\W\d_])")
_MARKS = frozenset("–—‘’‚“”„†•…‰‹›€™\xa0¡¢£§©«»¬®°±·¶¿×÷№\xad")
_SIGNS = frozenset("ªº¹²³¼½¾µ")
"""Signs that stand at the end of a word or alone."""

_WESTERN = "éèàçêâîôûùëïäößüáíóúñåøæãõœ"
_CENTRAL = "ąćęłńóśźżáčďéěíňřšťúůýžäöüőűăîșțß"
_TURKISH = "ışğüöçiâî"
_RUSSIAN = "оеаинтсрвлкмдпуяыьгзбчйіїє"
_GREEK = "αοιετσνηυρπκμλςίόάέήώύγθδ"
_HEBREW = "יוהלארתבשמנםדקעפחגטסכצןז"
_ARABIC = "اليمنرتوبةعدسفهكقحجأشصىط"
_SIMPLIFIED = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过"
    "发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本"
    "前开但因只从想实日请问怎您何什样"
)
_TRADITIONAL = (
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過"
    "發後作裡用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本"
    "前開但因只從想實日請問怎您何什樣"
)
_KOREAN = (
    "이다는에의을가고하한를지사은기도로아리자어나서시인스대그있보라해정수부일전상들제과여구주장으면"
    "게안니요세습까합입무어디문"
)
_FINALS = frozenset("ךםןףץς")
"""Letters that only end a word."""
_CJK_SIGNS = frozenset("，。、「」『』：；？！（）《》“”‘’…—·ー　")

_Score = Callable[[str], float]


class _Candidate(NamedTuple):
    codec: str
    score: _Score
    weight: float = 1.0


def guess_encodings(sample: bytes) -> tuple[str, ...]:
    """The codecs in which a sample reads as text, those that fit equally well side by side.

    Of codecs that read the sample alike only the most common one is given, and Latin-1 beside
    cp1252.

    Args:
        sample: lines that are not UTF-8.
    """
    return _guess(sample[:SAMPLE])


@lru_cache(maxsize=16)
def _guess(sample: bytes) -> tuple[str, ...]:
    if _is_damaged_utf8(sample):
        return ()
    scores: dict[str, float] = {}
    texts: set[str] = set()
    for candidate in _CANDIDATES:
        text = _decoded(sample, candidate.codec)
        known = text in texts and candidate.codec != "iso8859-1"
        if text is None or known:
            continue
        texts.add(text)
        scores[candidate.codec] = candidate.weight * candidate.score(text)
    best = max(scores.values(), default=0.0)
    least = max(_FEWEST, best - _MARGIN)
    fitting = [codec for codec, score in scores.items() if score >= least]
    return tuple(sorted(fitting, key=lambda codec: -round(scores[codec], 2)))


def describe_guess(codecs: tuple[str, ...]) -> tuple[str, str]:
    """What a file that is not UTF-8 reads as, and what to do, as sentences."""
    if not codecs:
        return (
            "The file is not UTF-8, and its encoding is not recognised.",
            "Export it again as UTF-8, or name its encoding with --encoding.",
        )
    *first, last = map(encoding_label, codecs)
    names = f"{', '.join(first)} or {last}" if first else last
    flag = encoding_flag(codecs[0])
    return (
        f"The file is not UTF-8; it reads as {names}.",
        f"Open it with --encoding {flag}, or with i on the screen.",
    )


def _is_damaged_utf8(sample: bytes) -> bool:
    """Whether most of a sample beyond ASCII is valid UTF-8: then no other encoding is meant."""
    chars = _BEYOND.findall(sample.decode(errors="replace"))
    return 2 * chars.count("\ufffd") < len(chars)


def _decoded(sample: bytes, codec: str) -> str | None:
    """The text of a sample, which may end within a character; None where it has others."""
    try:
        return sample.decode(codec)
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 4 or len(sample) < SAMPLE:
            return None
        return sample[: error.start].decode(codec)


def _alphabet(letters: str, *, latin: bool) -> _Score:
    """The score of a text in an alphabet with the given frequent letters."""
    frequent = frozenset(letters)

    def score(text: str) -> float:
        chars = _BEYOND.findall(text)
        marks = sum(char in _MARKS for char in chars)
        if not latin and 3 * marks > len(chars):
            return 0.0
        words = (word for word in _WORD.findall(text) if not word.isascii())
        letters = sum(_word_score(word, frequent, latin) for word in words)
        return (letters + max(0, marks - len(_GLUED.findall(text)))) / max(1, len(chars))

    return score


def _word_score(word: str, frequent: frozenset[str], latin: bool) -> float:
    """The sum of the scores of the characters of a word beyond ASCII."""
    signs = sum(char in _SIGNS for char in word[-1:])
    word = word[: len(word) - signs]
    if not _is_plausible(word, latin):
        return signs
    letters = (char.lower() for char in word if char.isalpha() and not char.isascii())
    return signs + sum(1.0 if char in frequent else _RARE for char in letters)


def _is_plausible(word: str, latin: bool) -> bool:
    """Whether a word is of one script, with its capitals and final letters in their places."""
    if word not in (word.lower(), word.upper(), word[:1] + word[1:].lower()):
        return False
    if any(_is_latin(char) != latin for char in word if char.isalpha()):
        return False
    beyond = sum(not char.isascii() for char in word)
    return _FINALS.isdisjoint(word[:-1]) and not (latin and beyond > max(2, len(word) * 2 // 3))


@lru_cache(maxsize=1024)
def _is_latin(char: str) -> bool:
    return unicodedata.name(char, "").startswith("LATIN ")


def _characters(frequent: str, level: str, leads: range, *, kana: bool = False) -> _Score:
    """The score of a text in Chinese, Japanese or Korean characters.

    Args:
        frequent: its most frequent characters.
        level: a codec of two bytes per character that orders them by use.
        leads: the first bytes of those in common use.
        kana: whether kana are frequent, and needed.
    """
    known = frozenset(frequent)

    def score(text: str) -> float:
        chars = _BEYOND.findall(text)
        if kana and not any(map(_is_kana, chars)):
            return 0.0
        return sum(map(rate, chars)) / max(1, len(chars))

    @lru_cache(maxsize=4096)
    def rate(char: str) -> float:
        if char in known or (kana and _is_kana(char)):
            return 1.0
        if char in _CJK_SIGNS:
            return 0.8
        raw = char.encode(level, "ignore")
        return _RARE if len(raw) == 2 and raw[0] in leads else 0.0

    return score


def _is_kana(char: str) -> bool:
    return "\u3041" <= char <= "\u30fe"


_CANDIDATES = (
    _Candidate("cp1252", _alphabet(_WESTERN, latin=True)),
    _Candidate("iso8859-1", _alphabet(_WESTERN, latin=True)),
    _Candidate("cp1250", _alphabet(_CENTRAL, latin=True)),
    _Candidate("cp1254", _alphabet(_TURKISH, latin=True)),
    _Candidate("mac-roman", _alphabet(_WESTERN, latin=True), _OLD),
    _Candidate("cp850", _alphabet(_WESTERN, latin=True), _OLD),
    _Candidate("cp1251", _alphabet(_RUSSIAN, latin=False)),
    _Candidate("koi8-r", _alphabet(_RUSSIAN, latin=False), _OLD),
    _Candidate("cp866", _alphabet(_RUSSIAN, latin=False), _OLD),
    _Candidate("cp1253", _alphabet(_GREEK, latin=False)),
    _Candidate("cp1255", _alphabet(_HEBREW, latin=False)),
    _Candidate("cp1256", _alphabet(_ARABIC, latin=False)),
    _Candidate("gbk", _characters(_SIMPLIFIED, "gb2312", range(0xB0, 0xD8))),
    _Candidate("gb18030", _characters(_SIMPLIFIED, "gb2312", range(0xB0, 0xD8))),
    _Candidate("big5", _characters(_TRADITIONAL, "big5", range(0xA4, 0xC7))),
    _Candidate("cp932", _characters("", "euc_jp", range(0xB0, 0xD0), kana=True)),
    _Candidate("euc_jp", _characters("", "euc_jp", range(0xB0, 0xD0), kana=True)),
    _Candidate("cp949", _characters(_KOREAN, "euc_kr", range(0xB0, 0xC9))),
)
"""The encodings that are recognised, the most common of each script first."""
