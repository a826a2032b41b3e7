"""What a character looks like: the table behind ``fold``.

Three sources, none of them a downloaded table. Unicode's own decompositions (full width,
mathematical, circled, accented letters). Unicode's own names ("LATIN SMALL LETTER TURNED E",
"NEGATIVE SQUARED LATIN CAPITAL LETTER B"). And pairs chosen by eye, for scripts whose letters
pass for Latin ones and for the alphabets that fancy-text pages use.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

UNSURE = "ı"
"""A capital I, or what looks like one: an i, or an l."""

_PAIRS = (
    # Cyrillic, as it is read (not as it sounds)
    ("аАӑӒӓᴀ", "a"), ("ВвЬьѢѣБб", "b"), ("СсҪҫ", "c"), ("ԀԁԂԃ", "d"), ("ЕеЁёЄєҼҽҾҿЭэ", "e"),
    ("ғҒ", "f"), ("ԌԍɡᶃႺ", "g"), ("НнҺһҢңӉӊЋћЂђ", "h"), ("іЇї", "i"), ("ІӀ", UNSURE), ("ЈјЃ", "j"),
    ("КкҚқҠҡҞҟҜҝЌќ", "k"), ("ӏⳑԼՒ", "l"), ("МмӍӎ", "m"), ("ПпИиЙйԤԥՈոռ", "n"),
    ("ОоӦӧӨөѲѳ", "o"), ("РрҎҏ", "p"), ("ԚԛԳգզ", "q"), ("ГгЯяѓ", "r"), ("Ѕѕ", "s"),
    ("ТтҬҭ", "t"), ("ЦцՍսЏџ", "u"), ("ѴѵѶѷ", "v"), ("ШшЩщԜԝѠѡѼѽ", "w"), ("ХхҲҳӼӽ", "x"),
    ("УуҮүҰұЎўЧч", "y"), ("ЗзӞӟ", "3"),
    # Greek: capitals and small letters differ
    ("ΑαάɑΆ", "a"), ("Ββϐ", "b"), ("ϹϲϾͼ", "c"), ("ΕεϵέΈ", "e"), ("Ϝϝ", "f"), ("Η", "h"),
    ("ιϊίΐͺΊΪ", "i"), ("Ι", UNSURE), ("ͿϳϏ", "j"), ("Κκϰϗ", "k"), ("Μ", "m"), ("ΝηήϞ", "n"),
    ("ΟοσόΌΘθϴϘϙΦφ", "o"), ("Ρρϱϸ", "p"), ("ςϛ", "s"), ("Ττ", "t"), ("μυύϋΰ", "u"),
    ("νΛ", "v"), ("ωώϖψΨ", "w"), ("Χχ", "x"), ("ΥγΎΫϒ", "y"), ("Ζζ", "z"), ("πΠ", "n"),
    ("δ", "d"), ("λ", "l"),
    # Armenian, Hebrew, Arabic, Georgian
    ("օՕ", "o"), ("հՀ", "h"), ("Տ", "s"), ("ց", "g"), ("յ", "j"), ("աա", "w"), ("ե", "t"),
    ("ւ", "i"), ("ք", "p"), ("ה", "n"), ("וןاﺍ\u05c0\u07ca", UNSURE), ("סهہھ", "o"), ("ץ", "y"),
    ("ק", "p"), ("א", "x"), ("ט", "v"), ("ש", "w"), ("ז", "t"), ("ჿ", "o"), ("ყ", "y"),
    ("Ⴝ", "s"), ("ხ", "b"),
    # Cherokee
    ("ᎪᎯ", "a"), ("ᏏᏴ", "b"), ("ᏟᏣ", "c"), ("ᎠᏧ", "d"), ("ᎬᎨᏋ", "e"), ("ᎦᏐ", "s"),
    ("ᏀᏳᎶᏻ", "g"), ("ᎻᏂ", "h"), ("ᎥᎢ", "i"), ("Ꭻ", "j"), ("Ꮶ", "k"), ("ᏞᏝ", "l"), ("Ꮇ", "m"),
    ("ᏁᏆ", "n"), ("ᎾᎤᏫ", "o"), ("ᏢᎮ", "p"), ("ᎡᏒᏊᖇ", "r"), ("ᏚᏕᎽ", "s"), ("ᎢᏖ", "t"),
    ("ᏌᏬ", "u"), ("ᏙᏤ", "v"), ("ᎳᏔᏇ", "w"), ("Ꭹ", "y"), ("ᎩᏃ", "z"), ("ᎽᎩ", "y"),
    # Coptic, Lisu, Gothic and other old alphabets
    ("ⲀⲁꓮꓯᎪ𐌀𐊠𝈀", "a"), ("Ⲃⲃꓐꓭ𐌁𐊡Ꞵꞵᏼ𐊂", "b"), ("Ⲥⲥꓚꓛ𐌂𐊢𐐕𐐽𝈍", "c"),
    ("ꓓꓒ𐌃", "d"), ("Ⲉⲉꓰꓱ𐌄𐊆𐊤", "e"), ("ꓝꓞ𐌅𐊇𐊥", "f"), ("ꓖ𐌾", "g"), ("Ⲏⲏꓧ𐋏𐌇", "h"),
    ("ⲓ", "i"), ("Ⲓꓲ𐌉𐌠𐌹", UNSURE), ("ꓙ", "j"), ("Ⲕⲕꓗꓘ𐌊𐌺", "k"), ("ꓡ𐑃𐐛𐌋", "l"), ("Ⲙⲙꓟ𐌌𐌑𐊰", "m"),
    ("Ⲛⲛꓠ𐌍", "n"), ("Ⲟⲟꓳ𐌏𐊒𐊫𐐄𐐬𐓂𐓪ⵔⵙ", "o"), ("Ⲣⲣꓑ𐌓𐊕", "p"), ("ꓣꓤ𐌐𐌛", "r"),
    ("Ꮪꓢ𐌔𐊖𐐠𐑈", "s"), ("Ⲧⲧꓔꓕ𐌕𐊗𐊱", "t"), ("ꓴꓵ𐓎𐓶", "u"), ("ꓦꓥⴸ𐌡", "v"), ("ꓪⲰⲱ", "w"),
    ("Ⲭⲭꓫ𐌗𐊐𐊴𐌢ⵝ", "x"), ("Ⲩⲩꓬ𐊲", "y"), ("ꓜⲌⲍ𐋵", "z"),
    # Canadian syllabics
    ("ᗩᗅᗋ", "a"), ("ᗷᖯᑲᏰ", "b"), ("ᑕᑢᑦ", "c"), ("ᗪᗞᑯ", "d"), ("ᙓᗴᕮ", "e"), ("ᖴᖵ", "f"),
    ("ᘜᏩ", "g"), ("ᕼᕻᖺᑋ", "h"), ("ᓰ", "i"), ("ᒍᒎᒙᴶ", "j"), ("ᛕᖽ", "k"), ("ᒪᒫᶫ", "l"),
    ("ᗰᙢᘻ", "m"), ("ᑎᘉᑏ", "n"), ("ᗝᝪ", "o"), ("ᑭᕵ", "p"), ("ᑫᕴ", "q"), ("ᖇᖆ", "r"),
    ("ᔕᔖᑥ", "s"), ("ᑌᑘ", "u"), ("ᐯᐺᐻᏉ", "v"), ("ᗯᙡᏯ", "w"), ("᙭᙮᥊ᚷ", "x"), ("ᖻᎽᘔ", "y"),
    ("ᘔᙆ", "z"), ("ᛁᛌ", UNSURE), ("ᚺ", "h"), ("ᛒ", "b"), ("ᛖᛗ", "m"), ("ᚱ", "r"), ("ᛉᛘ", "y"),
    # alphabets of fancy-text pages: money, Thai, East Asian, upside down
    ("₳", "a"), ("฿", "b"), ("₵¢₡", "c"), ("€₠℮", "e"), ("₣", "f"), ("₲", "g"), ("₭", "k"),
    ("₤£", "l"), ("₥", "m"), ("₦", "n"), ("₱", "p"), ("₴§", "s"), ("₮₸", "t"), ("₩", "w"),
    ("¥Ұ", "y"), ("คд", "a"), ("๒ც", "b"), ("๔ძ", "d"), ("ﻮ", "g"), ("เ", "i"), ("ןɭʅ", "l"),
    ("๓", "m"), ("ภฑ", "n"), ("๏оﻩ໐", "o"), ("ợ", "q"), ("ร", "s"), ("Շէ", "t"), ("ยน", "u"),
    ("ฬฝพ", "w"), ("չ", "z"), ("卂", "a"), ("乃", "b"), ("匚", "c"), ("刀", "d"), ("乇", "e"),
    ("千", "f"), ("卄", "h"), ("丨ㅣ", UNSURE), ("フﾌ", "j"), ("ㄥ", "l"), ("爪", "m"),
    ("几刂", "n"), ("ㄖ口ロ〇ഠዐဝംං", "o"), ("卩", "p"), ("尺", "r"), ("丂", "s"), ("ㄒ", "t"),
    ("ㄩ凵", "u"), ("山", "w"), ("乂メ", "x"), ("ㄚ丫", "y"), ("乙", "z"),
    ("ɔↄ", "c"), ("ɐ", "a"), ("əǝɘɛ", "e"), ("ɯ", "m"), ("ʌ", "v"), ("ʍ", "w"), ("ʎ", "y"),
    ("ĸ", "k"), ("ſ", "s"), ("ßẞ", "ss"), ("æÆǽ", "ae"), ("œŒ", "oe"), ("ƽƼ", "5"),
    # signs
    ("∂", "d"), ("∈∊", "e"), ("∩", "n"), ("∪⋃", "u"), ("∨⋁√", "v"), ("×✕✖✗✘╳⨯", "x"),
    ("∣ǀ│┃￨❘∤｜", "|"), ("¡", "!"), ("†‡", "t"), ("⍺", "a"), ("⍴", "p"), ("⍳", "i"), ("⍵", "w"),
    ("❗❕", "!"), ("💲", "$"), ("➕", "+"), ("🆎", "ab"), ("🆑", "cl"), ("🆔", "id"), ("🆖", "ng"),
    ("🆗", "ok"), ("🆘", "sos"), ("🆚", "vs"),
    ("○●◯◎⭕", "o"), ("⊂⊏", "c"), ("Ω℧", "o"),
    ("ᴉᵎ", "i"), ("’‘ʼʻ`´′ʹ＇", "'"), ("﹒。｡․", "."),
)  # fmt: skip
EMOJI_LETTERS = "🅰🅱🅾🅿🆎🆑❌⭕"
"""Emoji that are written in the place of any letter of a word, whatever they show."""
_BY_EYE = {char: plain for chars, plain in _PAIRS for char in chars}
_SIGNS = frozenset("™℠©®℡")  # they decompose into letters, and mean none
_LATIN = re.compile(
    r"(?:NEGATIVE )?(?:LATIN|REGIONAL INDICATOR SYMBOL|SQUARED|CIRCLED|COMBINING LATIN|MODIFIER)"
    r"(?: [A-Z]+)*? LETTER (?:(?:SMALL CAPITAL|[A-Z]{2,}) )*([A-Z])"
    r"(?: (?:WITH|ROTUNDA|DIGRAPH|BAR)\b.*)?"
)
_LATIN_TWO = re.compile(r"LATIN (?:SMALL|CAPITAL) (?:LETTER|LIGATURE) ([A-Z]{2})(?: WITH .*)?")
_GREEK_NAMED = re.compile(
    r"(?:LATIN|CYRILLIC|COPTIC|GREEK) (?:SMALL |CAPITAL )?LETTER (?:SMALL CAPITAL )?([A-Z]{2,})"
    r"(?: WITH .*)?"
)
_GREEK = {
    "ALPHA": "a", "BETA": "b", "GAMMA": "r", "EPSILON": "e", "IOTA": "i", "IE": "e", "KAPPA": "k",
    "NU": "v", "OMICRON": "o", "RHO": "p", "TAU": "t", "UPSILON": "u", "CHI": "x", "OMEGA": "w",
    "SAN": "m", "YR": "r", "ZETA": "z", "ETA": "n", "MU": "u", "LAMDA": "v", "DELTA": "d",
}  # fmt: skip
_WRITTEN = (  # scripts that chat is written in and of which only some letters are in the table
    "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "THAI", "LAO", "HANGUL", "CJK", "HIRAGANA", "KATAKANA",
    "BOPOMOFO",
)  # fmt: skip
ODD_SIGNS = "\u2200-\u23ff\u27c0-\u27ef\u2980-\u2aff\U0001d200-\U0001d24f\U0001f700-\U0001f77f"
"""Ranges for a pattern: signs of mathematics, music and alchemy, which no chat needs in a word."""
_ODD_SIGN = re.compile(f"[{ODD_SIGNS}]")
_NOT_A_BASE = re.compile(r"ESH|EZH|ETH|THORN|YOGH|WYNN")


def looks_like(char: str) -> str:
    """The plain, lower-case form of one character: ASCII where it passes for ASCII, UNSURE for
    a capital I.

    Empty for what has no width of its own: marks, joiners, direction signs, selectors.
    """
    by_eye = _BY_EYE.get(char)
    if by_eye is not None:
        return by_eye
    if char in _SIGNS:
        return " "
    if char.isspace():
        return " "
    if unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc", "Cs", "Co", "Cn"):
        return ""
    plain = "".join(map(_base, unicodedata.normalize("NFKD", char)))
    # "⒜" is "(a)" and "½" is "1⁄2": only the letter counts for the first
    if len(plain) == 3 and plain[0] == "(" and plain[2] == ")":
        return plain[1]
    return plain


@lru_cache(maxsize=4096)
def odd_letter(char: str) -> bool:
    """Whether this character of a plain text is one that nobody reads as itself among Latin
    letters: there it stands for its looks, whatever they are."""
    if _ODD_SIGN.match(char):
        return True
    return (
        not char.isascii()
        and char.isalpha()
        and char != UNSURE
        and not unicodedata.name(char, "CJK").startswith(_WRITTEN)
    )


def _base(char: str) -> str:
    if char.isascii():
        return UNSURE if char == "I" else char.lower()
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return ""
    by_eye = _BY_EYE.get(char)
    if by_eye is not None:
        return by_eye
    digit = unicodedata.digit(char, -1)
    if digit >= 0:
        return str(digit)
    name = unicodedata.name(char, "")
    if (found := _LATIN.fullmatch(name)) and not _NOT_A_BASE.search(name):
        return found.group(1).lower()
    if found := _LATIN_TWO.fullmatch(name):
        return found.group(1).lower()
    if found := _GREEK_NAMED.fullmatch(name):
        by_name = _GREEK.get(found.group(1))
        if by_name is not None:
            return by_name
    folded = char.casefold()
    return folded if folded == char else "".join(map(_base, folded))
