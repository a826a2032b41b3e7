"""Personal data: what nobody should read out or keep."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from workers.gate.verdict import Slice

_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,5}[a-z]{2,24}")
_SPELLED_MAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{2,64} ?[\[(]at[\])] ?[\w-]{2,63} ?(?:\.|[\[(]dot[\])]) ?[a-z]{2,24}"
    # "look at nova dot com" is an address of another kind
    r"|(?<![\w.+-])(?!(?:look|watch|see|find|meet|is|are|was|be|am|visit|join|stop|start|buy|it|him|"
    r"her|us|them|here|live|shop|read|play|check) at )"
    r"[\w.+-]{2,64} at [\w-]{2,63} dot (?:com|net|org|de|uk|ru|edu|io)\b"
)
_NUMBER = re.compile(
    r"(?<![\w.,:/$€£#+-])(?:\+ ?)?\(?\d(?:[ ().!?…\-–/]{0,2}\d){6,24}(?![\w%]|[.,:]\d)"
)
_AMERICAN = re.compile(  # the stops are those of somebody who says it group by group
    r"(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}(?:[ .\-–]|[.!?…] ))\d{3}(?:[ .\-–]|[.!?…] )\d{4}"
)
_DOMESTIC = re.compile(r"\(?0[1-9]\d{1,4}\)?[ /.\-–]{0,2}\d[\d .\-–/]{4,12}\d")
_DATE = re.compile(r"(?:19|20)\d\d([-./])\d\d?\1\d\d?|\d\d?([-./])\d\d?\2(?:19|20)\d\d")
_SOCIAL = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")
_ABOUT_PHONES = re.compile(
    r"\b(?:call|text|phone|number|cell|mobile|tel|whatsapp|sms|dial|reach)\b[^.!?]{0,25}$"
)
_CARD_START = re.compile(r"3[47]|4|5[1-5]|6(?:011|4|5)|2[2-7]|35|30|36|38")
_IBAN = re.compile(r"(?<!\w)[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,4})?(?!\w)")
_IP4 = re.compile(
    r"(?<![\w.])(?<!v )(?<!version )(?<!patch )(?<!build )(?<!update )(?<!release )"
    r"(?<!firmware )(?<!driver )(?<!ver )\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)"
)
_IP6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?![\w:])")
_OWN = ("127.", "0.", "255.")


def personal(text: str) -> Iterator[Slice]:
    """E-mail addresses, phone and card numbers, IBANs, social security numbers, IPs."""
    if "@" in text:
        for found in _MAIL.finditer(text):
            yield *found.span(), "an e-mail address"
    if " at " in text or "(at)" in text or "[at]" in text:
        for found in _SPELLED_MAIL.finditer(text):
            yield *found.span(), "an e-mail address"
    if sum(map(text.count, "0123456789")) < 4:
        return
    for found in _NUMBER.finditer(text):
        why = _number(found.group(), text[: found.start()])
        if why:
            yield *found.span(), why
    for found in _SOCIAL.finditer(text):
        yield *found.span(), "a social security number"
    for found in _IBAN.finditer(text):
        if _iban(found.group().replace(" ", "")):
            yield *found.span(), "a bank account"
    for pattern in (_IP4, _IP6):
        for found in pattern.finditer(text):
            if _is_address(found.group()):
                yield *found.span(), "an IP address"


def _number(written: str, before: str) -> str:
    """What a long number is, or "" if it is only a number."""
    digits = "".join(char for char in written if char.isdigit())
    if 13 <= len(digits) <= 19 and _CARD_START.match(digits) and _luhn(digits):
        return "a card number"
    if _DATE.fullmatch(written.strip()):
        return ""
    phone = "a phone number"
    if written.startswith("+"):
        return phone if 8 <= len(digits) <= 15 else ""
    if not 7 <= len(digits) <= 15:
        return ""
    if _AMERICAN.fullmatch(written):
        return phone
    if 10 <= len(digits) <= 12 and _DOMESTIC.fullmatch(written):
        return phone
    if _ABOUT_PHONES.search(before[-40:]):
        return phone
    return ""


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(digits[::-1])]
    return len(set(digits)) > 1 and sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def _iban(compact: str) -> bool:
    if not 15 <= len(compact) <= 34 or not compact.isascii():
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def _is_address(written: str) -> bool:
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return False
    return not written.startswith(_OWN)
