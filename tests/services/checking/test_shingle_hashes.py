"""Hashed shingles are the shingles of the domain, whatever the text."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tui.domain.rows.similarity import SIGN, shingles
from tui.services.checking.shingle_hashes import hash_shingles

_PIECES = (
    *("Anna", "anna", "ANNA", "Order", "4711", "a", "I", "the parcel", "is late", "iPhone", "_x"),
    *(". ", "! ", "\n", ", ", ": ", " ", "  ", "-", "'s", "?!", "\x7f", "“", "…", "。", "™", "²"),
    *("İstanbul", "Ärzte", "ß", "ﬁ", "é", "ก", "เที่ยว", "東京", "ǅ", "🙂"),
)
_PIECE = st.sampled_from(_PIECES) | st.text(max_size=4)
_TEXT = st.lists(_PIECE, max_size=12).map("".join) | st.lists(_PIECE, max_size=12).map(" ".join)
_WITHOUT_SIGNS = _TEXT.map(lambda text: SIGN.sub(" ", text))


@given(st.lists(_WITHOUT_SIGNS, min_size=1, max_size=5))
def test_texts_share_as_many_hashes_as_shingles(texts: list[str]) -> None:
    hashes, places = hash_shingles(texts)
    hashed = [{*hashes[begin:end].tolist()} for begin, end in pairwise(places)]
    slow = [*map(shingles, texts)]
    for first, first_slow in zip(hashed, slow, strict=True):
        for second, second_slow in zip(hashed, slow, strict=True):
            assert len(first & second) == len(first_slow & second_slow)


def test_a_long_text_is_hashed_like_a_short_one() -> None:
    text = "the parcel is late and nobody knows where it has gone "
    together, places = hash_shingles([text, text * 5000, text])
    assert set(together[: int(places[1])]) == set(together[int(places[2]) :])
    assert set(together[: int(places[1])]) < set(together[int(places[1]) : int(places[2])])
