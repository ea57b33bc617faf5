"""The encodings that a sample may be in."""

from __future__ import annotations

import json

import pytest

from tui.domain.rows.encoding_guess import SAMPLE, describe_guess, guess_encodings

TEXTS = {
    "cp1252": "Où est ma commande ? L’avez-vous expédiée – à Besançon, très bientôt ?",
    "mac-roman": "Où est ma commande ? L’avez-vous expédiée – à Besançon, très bientôt ?",
    "cp850": "Où est ma commande ? Elle a été expédiée à Besançon, très bientôt.",
    "cp1250": "Kde je moje zásilka? Příště ji dostanete dřív, děkujeme za trpělivost.",
    "cp1254": "Siparişim nerede? Yarın ulaşacak, beklediğiniz için teşekkür ederiz.",
    "cp1251": "Где мой заказ? Он приедет завтра утром, спасибо за ожидание.",
    "koi8-r": "Где мой заказ? Он приедет завтра утром, спасибо за ожидание.",
    "cp866": "Где мой заказ? Он приедет завтра утром, спасибо за ожидание.",
    "cp1253": "Πού είναι η παραγγελία μου; Θα φτάσει αύριο το πρωί, ευχαριστούμε πολύ.",
    "cp1255": "איפה ההזמנה שלי? היא תגיע מחר בבוקר, תודה על הסבלנות",
    "cp1256": "أين طلبي؟ سيصل غدا صباحا، شكرا على صبركم",
    "gbk": "我的订单在哪里？它明天早上到达，谢谢您的耐心等待。",
    "big5": "我的訂單在哪裡？它明天早上到達，謝謝您的耐心等待。",
    "cp932": "注文はどこですか。明日の朝に届きます。お待ちいただきありがとうございます。",
    "euc_jp": "注文はどこですか。明日の朝に届きます。お待ちいただきありがとうございます。",
    "cp949": "제 주문은 어디에 있나요? 내일 아침에 도착합니다. 기다려 주셔서 감사합니다.",
}


def row(text: str) -> str:
    return json.dumps({"input": text, "ideal_output": "It is here. " * 9}, ensure_ascii=False)


@pytest.mark.parametrize("codec", TEXTS)
def test_the_encoding_of_rows_that_are_mostly_ascii_is_the_only_guess(codec: str) -> None:
    assert guess_encodings(row(TEXTS[codec]).encode(codec)) == (codec,)


@pytest.mark.parametrize("codec", TEXTS)
def test_a_sample_may_end_within_a_character(codec: str) -> None:
    raw = row(TEXTS[codec]).encode(codec) + b"\n"
    raw *= SAMPLE // len(raw) + 2
    assert {guess_encodings(raw[shift:]) for shift in (0, len(raw) // 2 // len(raw))} == {(codec,)}


@pytest.mark.parametrize(
    "text", ["Größe der Straße: äußerst groß", "¿Dónde está mi pedido, señor?"]
)
def test_bytes_that_two_encodings_read_alike_are_told_so(text: str) -> None:
    codecs = guess_encodings(row(text).encode("cp1252"))
    assert codecs == ("cp1252", "iso8859-1")
    message, fix = describe_guess(codecs)
    assert message == "The file is not UTF-8; it reads as cp1252 or Latin-1."
    assert "--encoding cp1252" in fix


def test_one_curly_quote_is_read_as_most_people_would() -> None:
    assert guess_encodings(row("Don’t worry, it’s open – until nine.").encode("cp1252")) == (
        "cp1252",
    )


@pytest.mark.parametrize(
    "raw", [bytes(range(128, 256)), "été gâté".encode() + b"\xff", "привет".encode()[:-1], b""]
)
def test_bytes_of_no_encoding_are_told_so(raw: bytes) -> None:
    assert guess_encodings(raw) == ()
    message, fix = describe_guess(())
    assert "not recognised" in message
    assert "--encoding" in fix
