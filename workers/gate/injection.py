"""Text that is meant for the model and not for her: pieces of a prompt, and orders to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.gate.verdict import Slice

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
    "(?:instruct\\w*|prompts?|directi(?:ve|on)s?|guidelines?|programming|training|orders|"
    "restrictions|filters?|system|safety|rules)"
)
_UNBOUND = (
    "(?:an? |the |my )?(?:dan|jailbroken|unrestricted|unfiltered|uncensored|unlimited|"
    "no longer (?:bound|an? ai)|free from|(?:new |different |evil |other )?"
    "(?:ai|chatbot|language model|assistant|bot)|"
    "without (?:any )?(?:rules|filters?|limits|restrictions|ethics|guidelines)|"
    "in \\w+ mode)\\b"
)
_ORDERS = "|".join(
    (
        rf"\b(?:ignore|disregard|forget|override|bypass|discard|neglect)\b(?: \w+){{0,3}}?"
        rf" (?:previous|prior|above|earlier|preceding|your|original|former|existing)"
        rf"(?: \w+){{0,2}}? {_TOLD}\b",
        r"\b(?:ignore|disregard|forget|override|discard) (?:all|any|every) (?:of )?(?:the )?"
        r"(?:instructions?|prompts?|guidelines|directives)\b",
        r"\b(?:ignore|disregard|forget) (?:everything|all|anything|what)(?: that)?"
        r" (?:above|before (?:this|that)|previously|(?:you were|was|has been|you have been)"
        r" (?:told|said|instructed|taught|given))\b",
        r"\b(?:system|hidden|secret|initial|original|master) ?(?:prompt|instructions?)\b",
        r"\bprompt injection\b",
        r"\bnew (?:system )?instructions? (?:are|is|for you|follow)\b",
        r"\b(?:end|begin(?:ning)?|start) of (?:the )?(?:system )?(?:prompt|instructions?)\b",
        rf"\b(?:you are|youre|your|you will be|u r|u are) (?:now|from now on) {_UNBOUND}\b",
        r"\bfrom now on,? (?:you|u) (?:are|will|must|shall|only|can|have to|answer|respond|speak)"
        r" (?!live|famous|my (?:hero|queen|favo))",
        rf"\b(?:act|behave|respond|answer|pretend)(?: to be| as| like| that| you|re| are| if)+"
        rf" {_UNBOUND}",
        r"\b(?:developer|dan|jailbreak|jailbroken|unfiltered|unrestricted|uncensored) mode\b",
        r"\b(?:enable|enter|activate|switch to|turn on) (?:admin|debug|maintenance|sudo|root)"
        r" mode\b",
        r"\bdo anything now\b",
        r"\b(?:repeat|print|output|reveal|recite|echo|display|leak|copy|translate)\b"
        r"(?: \w+){0,4}? (?:words|text|instructions?|prompt|messages?|lines|everything|all)"
        r"(?: \w+){0,3}? (?:above|verbatim|before this|you were given|given to you)\b",
        r"\b(?:repeat|print|output|reveal|recite|display|leak|show me|tell me|what (?:is|are|"
        r"were)|whats) (?:\w+ )?(?:your|ur) (?:\w+ )?(?:prompt|instructions|programming|"
        r"guidelines|directives)\b",
        r"\b(?:repeat|print|output) (?:everything|all|the words|the text)(?: \w+){0,2} above\b",
        r"\b(?:free|freed) (?:yourself )?(?:of|from) (?:all |your |any )*(?:restrictions|rules|"
        r"filters|programming|guidelines)\b",
    )
)
_SIGNS = """ignore disregard forget override bypass discard neglect prompt instruct now act behave
    pretend respond answer mode repeat print output reveal recite guideline programming directive
    restrictions what whats show tell free echo display leak copy translate"""
_DOUBLED = re.compile(r"([a-z])\1")
# in folded text no letter is doubled, so none may be in what is looked for
_PHRASES = re.compile(_DOUBLED.sub(r"\1", _ORDERS))
_SIGNS_OF_PHRASES = tuple(_DOUBLED.sub(r"\1", _SIGNS).split())


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
