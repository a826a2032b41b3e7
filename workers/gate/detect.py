"""What is not in order whatever the words: addresses, personal data, prompt marks, spam.

Each detector takes text in plain form (``fold.plain``) and returns slices of it with a
reason. They look for a cheap sign first, because nearly every line has none.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

Slice = tuple[int, int, str]  # start, end, why

# --- addresses -----------------------------------------------------------------------------

# enough to be an address by themselves; the second row are words, too ("do it.so he did")
_TLD = (
    "com|net|org|info|biz|dev|app|io|tv|xyz|gg|ru|de|uk|fr|nl|pl|eu|ca|au|jp|cn|br|edu|gov|"
    "club|shop|store|online|site|live|stream|link|click|porn|sex|xxx|onion|art|games|chat"
)
_LOOSE_TLD = "me|ly|be|to|cc|us|co|is|it|in|so|at|am|fm|ai|sh|gl|id|my|pm|im|su|ws|ms|page|top|fun"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_URL = re.compile(
    rf"""
    [a-z][a-z0-9+.-]{{1,9}}://\S+
    | www\.{_LABEL}\.\S+
    | (?:{_LABEL}\.)+(?:{_TLD})(?::\d+)?(?:[/?\#]\S*)?(?![\w-]|\.[^\W_])
    | (?:{_LABEL}\.)+(?:{_LOOSE_TLD}|{_TLD})(?:/[^\s/]\S*)
    | {_LABEL}\ ?[\[({{<]\ ?(?:dot|\.)\ ?[\])}}>]\ ?(?:{_TLD}|{_LOOSE_TLD})\b(?:\ ?/\S+)?
    | {_LABEL}(?:\ dot\ {_LABEL})?\ dot\ (?:com|net|org|gg|tv|io|ru|xyz|de|uk)\b(?:\ slash\ \S+|/\S+)?
    | {_LABEL}(?:\ \.\ ?|\.\ )(?:com|net|org)\b(?:/\S+)?
    """,
    re.VERBOSE,
)
_NOT_A_HOST = frozenset(["the", "a", "polka", "this", "that", "every", "connect"])
_LONGEST_URL_TEXT = 2000  # patterns with repetition are not run on more


def addresses(text: str) -> Iterator[Slice]:
    """Addresses of web pages, with or without ``https://``, and spelled (``x dot com``)."""
    if "." not in text and "dot" not in text and "://" not in text:
        return
    for found in _URL.finditer(text[:_LONGEST_URL_TEXT]):
        host = found.group().partition(" ")[0]
        if " dot " in found.group() and host in _NOT_A_HOST:
            continue
        yield *found.span(), "a web address"


# --- personal data -------------------------------------------------------------------------

_MAIL = re.compile(
    r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[a-z]{2,24}"
    r"|[\w.+-]{2,64} ?[\[(]at[\])] ?[\w-]{2,63} ?(?:\.|[\[(]dot[\])]) ?[a-z]{2,24}"
    r"|[\w.+-]{2,64} at [\w-]{2,63} dot (?:com|net|org|de|uk|ru|edu|io)\b"
)
_NUMBER = re.compile(
    r"(?<![\w.,:/$€£#+-])(?:\+ ?)?\(?\d(?:[ ().\-–/]{0,2}\d){6,24}(?![\w%]|[.,:]\d)"
)
_AMERICAN = re.compile(r"(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .\-–])\d{3}[ .\-–]\d{4}")
_DOMESTIC = re.compile(r"\(?0[1-9]\d{1,4}\)?[ /.\-–]{0,2}\d[\d .\-–/]{4,12}\d")
_DATE = re.compile(r"(?:19|20)\d\d([-./])\d\d?\1\d\d?|\d\d?([-./])\d\d?\2(?:19|20)\d\d")
_SOCIAL = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")
_ABOUT_PHONES = re.compile(
    r"\b(?:call|text|phone|number|cell|mobile|tel|whatsapp|sms|dial|reach)\b[^.!?]{0,25}$"
)
_CARD_START = re.compile(r"3[47]|4|5[1-5]|6(?:011|4|5)|2[2-7]|35|30|36|38")
_IBAN = re.compile(r"(?<!\w)[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,4})?(?!\w)")
_IP4 = re.compile(r"(?<![\w.])(?<!v )(?<!version )\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_IP6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?![\w:])")
_OWN = ("127.", "0.", "255.")


def personal(text: str) -> Iterator[Slice]:
    """E-mail addresses, phone and card numbers, IBANs, social security numbers, IPs."""
    if "@" in text or "at" in text:
        for found in _MAIL.finditer(text):
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


# --- prompt injection ----------------------------------------------------------------------

_MARKS = re.compile(
    r"""
    <\ ?\|[^|<>]{1,40}\|\ ?>                        # <|im_start|>, <|system|>
    | \[\ ?/?\ ?(?:inst|system|sys|assistant|user)\ ?\]
    | <<\ ?/?\ ?sys\ ?>>
    | <\ ?/?\ ?(?:system|assistant|instructions?|(?:start|end)_of_turn|bos|eos|think)\ ?/?>
    | \#{2,}\ ?(?:system|instructions?|assistant|response|human|user)\b
    | (?:^|\n)\s*(?:system|assistant)\ ?:
    | \b(?:begin|end)_of_(?:text|sentence)\b | <\ ?/s\ ?>
    | \b(?:im_start|im_end|endoftext|eot_id|start_header_id)\b
    """,
    re.VERBOSE,
)
_TOLD = (
    "(?:instruct\\w*|prompts?|directi(?:ve|on)s?|guideline?s?|programming|training|orders|"
    "restrictions|filters?|system|safety|rules)"
)
_UNBOUND = (
    "(?:dan|jailbroken|unrestricted|unfiltered|uncensored|unlimited|no longer (?:bound|an? ai)|"
    "fre from|(?:an? )?(?:new |diferent |evil |other )?(?:ai|chatbot|language model|asistant|bot)|"
    "without (?:any )?(?:rules|filters?|limits|restrictions|ethics|guidelines)|"
    "in \\w+ mode)"
)
_PHRASES = re.compile(
    "|".join(
        (
            rf"\b(?:ignore|disregard|forget|override|bypas|discard|neglect)\b(?: \w+){{0,3}}?"
            rf" (?:previous|prior|above|earlier|preceding|your|original|former|existing)"
            rf"(?: \w+){{0,2}}? {_TOLD}\b",
            r"\b(?:ignore|disregard|forget|override|discard) (?:al|any|every) (?:of )?(?:the )?"
            r"(?:instructions?|prompts?|guidelines|directives)\b",
            r"\b(?:ignore|disregard|forget) (?:everything|al|anything|what)(?: that)?"
            r" (?:above|before (?:this|that)|previously|(?:you were|was|has ben|you have ben)"
            r" (?:told|said|instructed|taught|given))\b",
            r"\b(?:system|hidden|secret|initial|original|developer|master) ?(?:prompt|instructions?)"
            r"\b",
            r"\bprompt injection\b",
            r"\bnew (?:system )?instructions? (?:are|is|for you|folow)\b",
            r"\b(?:end|begin(?:ning)?|start) of (?:the )?(?:system )?(?:prompt|instructions?)\b",
            rf"\b(?:you are|youre|your|you wil be|u r|u are) (?:now|from now on) {_UNBOUND}\b",
            r"\bfrom now on,? (?:you|u) (?:are|wil|must|shal|only|can|have to|answer|respond|speak)"
            r" (?!live|famous|my (?:hero|queen|favo))",
            rf"\b(?:act|behave|respond|answer|pretend)(?: to be| as| like| that| you|re| are| if)+"
            rf" {_UNBOUND}",
            r"\b(?:developer|dan|jailbreak|jailbroken|unfiltered|unrestricted|uncensored) mode\b",
            r"\b(?:enable|enter|activate|switch to|turn on) (?:admin|debug|maintenance|sudo|rot)"
            r" mode\b",
            r"\bdo anything now\b",
            r"\b(?:repeat|print|output|reveal|recite|echo|display|leak|copy|translate)\b"
            r"(?: \w+){0,4}? (?:words|text|instructions?|prompt|mesages?|lines|everything|al)"
            r"(?: \w+){0,3}? (?:above|verbatim|before this|you were given|given to you)\b",
            r"\b(?:repeat|print|output|reveal|recite|display|leak|show me|tel me|what (?:is|are|"
            r"were)|whats) (?:\w+ )?(?:your|ur|the) (?:\w+ )?(?:prompt|instructions|programming|"
            r"guidelines|directives)\b",
            r"\b(?:repeat|print|output) (?:everything|al|the words|the text)(?: \w+){0,2} above\b",
            r"\b(?:fre|fred) (?:yourself )?(?:of|from) (?:al |your |any )*(?:restrictions|rules|"
            r"filters|programming|guidelines)\b",
        )
    )
)  # of folded text: no letter is doubled in it
_SIGNS_OF_PHRASES = (
    "ignore", "disregard", "forget", "override", "bypas", "discard", "neglect", "prompt", "instruct",
    "now", "act", "behave", "pretend", "respond", "answer", "mode", "repeat", "print", "output",
    "reveal", "recite", "guideline", "programming", "directive", "restrictions",
)  # fmt: skip


def marks(text: str) -> Iterator[Slice]:
    """Pieces of a prompt: role marks and special tokens."""
    if "<" in text or "[" in text or "#" in text or ":" in text or "_" in text:
        for found in _MARKS.finditer(text):
            yield *found.span(), "a prompt mark"


def phrases(folded: str) -> str:
    """Why a folded line reads like instructions to the model; "" if it does not."""
    if any(sign in folded for sign in _SIGNS_OF_PHRASES):
        found = _PHRASES.search(folded)
        if found:
            return f"instructions to the model ({found.group()})"
    return ""


# --- spam ----------------------------------------------------------------------------------

_WALL = 40  # of one character; a long "nooooo" is ordinary
_WALL_SHARE = 0.85
_WALL_LINE = 32
_PAINTED = 12
_SYMBOLS = 24
_UNBROKEN = 90  # the longest words people write are shorter, and addresses are found elsewhere
_RUN = re.compile(rf"([^\s])\1{{{_WALL - 1},}}")
_PAINT = re.compile("[\u2500-\u259f\u25a0-\u25ff\u2800-\u28ff\u3164\u115f\u1160\uffa0]")
_STACKED = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0]{4,}")
_MARK = re.compile("[\u0300-\u036f\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0]")
_UNBROKEN_RUN = re.compile(rf"[!-~]{{{_UNBROKEN},}}")
_ASCII_SIGNS = re.compile(r"[!-/:-@\[-`{-~]")


def spam(source: str) -> str:
    """Why a line (as written) is no talk: a wall, a painting, signs only. "" if it is talk."""
    if len(source) < _PAINTED:
        return "stacked marks" if len(source) > 4 and _STACKED.search(source) else ""
    if not source.isascii():
        if _STACKED.search(source) or len(_MARK.findall(source)) > max(8, len(source) // 3):
            return "stacked marks"
        if len(_PAINT.findall(source)) >= _PAINTED:
            return "a painting"
    if len(source) < _SYMBOLS:
        return ""
    if len(source) >= _WALL and any(not _picture(run[0]) for run in _RUN.findall(source)):
        return "a wall of one character"
    solid = "".join(source.split())
    if len(solid) >= _WALL_LINE and not _picture(solid[0]):
        most = max(map(solid.count, set(solid[:64])))
        if most >= _WALL_SHARE * len(solid):
            return "a wall of one character"
    if len(_ASCII_SIGNS.findall(solid)) == len(solid) >= _SYMBOLS:
        return "signs only"
    unbroken = _UNBROKEN_RUN.search(source)
    if unbroken and "://" not in unbroken.group():
        return "no word ends"
    return ""


def _picture(char: str) -> bool:
    """Whether it is an emoji, of which people like to write many."""
    return ord(char) >= 0x2600 and not char.isalnum()
