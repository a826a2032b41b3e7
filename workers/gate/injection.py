"""Text that is meant for the model and not for her: pieces of a prompt, and orders to it.

Orders are of two strengths. What nobody says in another sense is an order; what might also be
talk ("what is your prompt") is a doubt, and for a person to decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.gate.fold import squeeze
from workers.gate.verdict import Slice

_ROLE_SAYS = (  # behind "system:", which people also write before the name of their machine
    "(?:you|your|u|ur|ignore|disregard|forget|override|obey|new|updated?|from now|prompt|instruct|"
    "always|never|do not|don't|must|say|repeat|respond|answer|reply|pretend|act|enter|enable|"
    "disable|reveal|print|all (?:rules|restrictions|filters|users)|"
    "the (?:above|previous|following|user|assistant))"
)
_MARKS = re.compile(
    rf"""
    <\ ?\|[^|<>]{{1,40}}\|\ ?>                      # <|im_start|>, <|system|>
    | \[\ ?/?\ ?(?:inst|system|sys|assistant|user)\ ?\]
    | <<\ ?/?\ ?sys\ ?>>
    | <\ ?/?\ ?(?:system|assistant|instructions?|(?:start|end)_of_turn|bos|eos|think)\ ?/?>
    | \#{{2,}}\ ?(?:system|instructions?|assistant|response|human|user)
      (?:\ (?:prompt|message|instructions?))?\s*(?:[:\n]|$)
    | \#{{2,}}\ ?(?:system|instructions?|assistant)\b[\s\W]+{_ROLE_SAYS}\b
    | (?:^|\n)\s*assistant\ ?:
    | (?:^|\n)\s*system(?:\ (?:prompt|message))?\ ?:\s*(?:$|\n|{_ROLE_SAYS}\b)
    | (?:^|\n)\s*system\ (?:prompt|message|override)\ ?:
    | \b(?:begin|end)_of_(?:text|sentence)\b | <\ ?/s\ ?>
    | \b(?:im_start|im_end|endoftext|eot_id|start_header_id)\b
    """,
    re.VERBOSE,
)
# nouns: what a model was told, and what others have, too
_TOLD = "(?:instruct\\w*|prompts?|directi(?:ve|on)s?|guidelines?|programming|restrictions)"
_ALSO_TOLD = "(?:training|orders|filters?|safety|rules)(?! (?:arc|session|camp|day|plan|settings?))"
_OWN = (
    "(?:previous|previuos|previos|pervious|prior|above|earlier|preceding|your|ur|original|former|"
    "existing)"
)
_FORGET = "(?:ignore|ignroe|igonre|ingore|disregard|forget|override|bypass|discard|neglect)"
_NO_ORDER = r"(?<!\bi )(?<!\bwe )(?<!\bthey )(?<!\bpeople )(?<!\bi always )(?<!\bi never )"
_FEW = r"(?: (?:al|all|any|the|of|about|every|my|these|those|please|and|both))*"
_KIND = (
    "(?:(?:system|initial|original|first|full|whole|entire|complete|exact|hidden|secret|real|base|"
    "internal|actual|current|core|own|previous|prior|master|starting) )?"
)
_UNSEEN = "(?:system|hidden|secret|initial|original|master|internal)"
_ABOUT = r"(?! (?:for|on|about|of|how|today|this|language|experience|skills?|job|class|course))"
_TELL = "(?:reveal|print|output|recite|display|leak|dump|expose|repeat)"
_ASK = "(?:show me|tell me|give me|share|what is|what are|what were|what was|whats)"
_LIMITS = (
    "(?:restrictions|rules|filters|limits|limitations|programming|guidelines|ethics|censorship)"
)
_MACHINE = "(?:ai|chatbot|language model|llm)"
_UNBOUND = (
    "(?:an? |the |my )?(?:dan|jailbroken|unrestricted|unfiltered|uncensored|"
    f"no longer (?:bound|an? ai)|free (?:from|of) (?:al |all |any |your |the )*{_LIMITS}|"
    f"(?:\\w+ ){{0,2}}(?:{_MACHINE}|assistant|bot|model) (?:without|with no|that (?:has|have) no|"
    f"who has no|free (?:from|of)|that (?:ignores|answers|says|does))|"
    f"without (?:any |al |all )?{_LIMITS}|"
    "in (?:developer|dan|jailbreak|jailbroken|unrestricted|unfiltered|uncensored|evil|sudo|root|"
    "god ?less|opposite) mode)\\b"
)
_MODES = "(?:dan|jailbreak|jailbroken|unfiltered|unrestricted|uncensored)"
_ORDERS = (
    rf"{_NO_ORDER}\b{_FORGET}(?: \w+){{0,3}}? {_OWN}(?: \w+){{0,2}}? {_TOLD}\b",
    rf"{_NO_ORDER}\b{_FORGET} (?:all|any|every) (?:of )?(?:the |these |those )?"
    r"(?:instructions?|prompts?|guidelines|directives)\b",
    rf"{_NO_ORDER}\b{_FORGET} (?:everything|all|anything|what)(?: that)? (?:above|(?:you|u)"
    r" (?:were|was|have been) (?:told|instructed|taught|given)|has been (?:instructed|taught))\b",
    rf"\b(?:your|ur) {_UNSEEN} (?:prompt|instructions?)\b",
    rf"\b(?:{_TELL}|{_ASK})(?: me)?(?: the| al| all)* {_UNSEEN} (?:system )?prompt\b{_ABOUT}",
    rf"\b(?:{_TELL})(?: me)?(?: the| al| all)* {_UNSEEN} (?:prompt|instructions?)\b",
    rf"\b{_TELL}(?: to)?(?: me| us| chat)?(?: al| all)?(?: of)? (?:your|ur) {_KIND}"
    rf"(?:prompt|instructions|programming|guidelines|directives)\b{_ABOUT}",
    r"\bnew (?:system )?instructions? (?:for you|follow|are (?:as follows|to|that|you)|"
    r"is (?:to|that|you))\b",
    r"\b(?:your|ur) new (?:system )?(?:instructions?|prompt|directives?) (?:is|are)\b",
    r"\b(?:end|begin(?:ning)?|start) of (?:the )?system (?:prompt|instructions?)\b",
    rf"\b(?:you are|youre|your|you will be|u r|u are) (?:now|from now on) {_UNBOUND}",
    rf"\bfrom now on,? (?:you|u) are {_UNBOUND}",
    r"\bfrom now on(?: (?:you|u))?(?: (?:wil|will|must|shall|only|can|have to|should|are going to|"
    r"always|may))* (?:obey|disregard (?:the|al|all|any|your)|pretend (?:to be|you|that you|u)|"
    r"ignore (?:al|all|any|your|the (?:rules|instructions|guidelines|filters)))\b",
    rf"\b(?:act|behave|respond|answer|pretend|speak|talk|reply|roleplay|simulate)"
    rf"(?: being| to be| as| like| that| you|re| are| if)+ {_UNBOUND}",
    rf"\b(?:pretend|act|imagine|now|respond|answer)(?: \w+){{0,3}}? (?:you|u) (?:have|had|got) no "
    rf"(?:\w+ )?{_LIMITS}\b",
    rf"\bsimulate {_UNBOUND}",
    rf"\b(?:enter|enable|activate|switch to|turn on|go into|in) {_MODES} mode\b",
    r"\bdeveloper mode (?:enabled|activated|output)\b",
    r"(?:^|\b(?:as|called|named|dan|means|for|mode|a|the|now|is) )do anything now"
    r"(?:$| (?:mode|ai|dan|prompt|and)\b)",
    r"\b(?:repeat|print|output|reveal|recite|echo|leak)\b(?: \w+){0,3}? (?:words|text|"
    r"instructions?|prompt|everything|all)(?: \w+){0,3}? (?:above|verbatim|before this|you were "
    r"given|given to you)\b",
    r"\b(?:display|copy|translate|summari[sz]e)\b(?: \w+){0,3}? (?:instructions?|prompt)"
    r"(?: \w+){0,2}? (?:above|verbatim|before this|you were given|given to you)\b",
    rf"\b(?:free|freed) (?:yourself )?(?:of|from) (?:al |all |your |any )*{_LIMITS}\b",
    r"\b(?:stop following|do not follow|dont follow|no longer follow|disable|remove|drop) "
    r"(?:al |all |any |of )*(?:your|ur) (?:\w+ )?(?:rules|restrictions|guidelines|instructions|"
    r"programming|safety|content filters?|content policy)\b",
    r"\b(?:your|ur|the|al|all|previous) (?:\w+ )?(?:restrictions|guidelines|instructions|"
    r"programming|directives) (?:no longer apply|do not apply|dont apply|are (?:now )?(?:void|"
    r"suspended|lifted|canceled|deleted))\b",
)
_DOUBTS = (
    rf"{_NO_ORDER}(?<!dont )(?<!never )\b{_FORGET}{_FEW} {_OWN}(?: (?:own|safety|"
    rf"content|previous|system|core|internal|stupid|dumb|silly|old|original|current|moral))?"
    rf" {_ALSO_TOLD}\b",
    rf"{_NO_ORDER}\b(?:ignore|disregard|forget) (?:everything|all|anything|what)(?: that)?"
    r" (?:before (?:this|that)|previously|(?:you were|was|has been|you have been) said)\b",
    r"\bsystem prompt\b",
    rf"\b{_MODES} mode\b",
    rf"^(?:\w+ )?{_FORGET} (?:al |all |everything |the )*(?:above|previous)"
    r"(?:$| (?:and|then|instead)\b)",
    rf"\bforget (?:that )?(?:you are|youre|u r) (?:an? )?(?:{_MACHINE}|bot)\b",
    r"\b(?:instructions?|prompt|rules) (?:that )?(?:you were|u were|you have been) "
    r"(?:given|told)\b",
    rf"\b(?:summari[sz]e|translate|say|write|spell|encode|paraphrase) (?:your|ur) {_KIND}"
    rf"(?:prompt|instructions|guidelines|directives)\b{_ABOUT}",
    r"\bprompt injection\b",
    rf"\b{_ASK} (?:al |all )?(?:of )?(?:your|ur) {_KIND}"
    rf"(?:prompt|instructions|programming|guidelines|directives)\b{_ABOUT}",
    rf"\b(?:{_ASK}) (?:the )?(?:hidden|secret|initial|original) instructions (?:you|that you)\b",
    r"\b(?:you are|youre|you will be|u r|u are) (?:now|from now on) an? (?:\w+ )?"
    rf"(?:{_MACHINE}|assistant)$",
    rf"(?<!you )(?<!u )\b(?:act|behave|pretend)(?: to be| as| like| that| you|re| are| if)+ "
    rf"(?:an? )?(?:new |different |evil |other |another |rogue )?{_MACHINE}\b",
    r"\bfrom now on (?:you|u)(?: (?:wil|will|must|shall|only|can|have to|should|are going to|"
    r"always))* (?:answer|respond|reply|act|behave|ignore|(?:speak|talk) (?:only|like|as|in))\b",
    r"\b(?:enable|enter|activate|switch to|turn on|go into|you are (?:now )?in) (?:admin|debug|"
    r"maintenance|sudo|root|developer) mode\b(?! (?:on|in|for|at|of|so|to)\b)",
    r"\b(?:copy|translate|repeat|print|output|echo)\b(?: \w+){0,3}? (?:words|text|"
    r"everything|all)(?: \w+){0,2}? (?:above|verbatim|before this)\b",
    r"\b(?:turn off|disable|remove|switch off) (?:al |all )?(?:your|ur) (?:\w+ )?(?:filters|"
    r"restrictions|censorship|safety)\b",
    r"\b(?:your|ur) (?:rules|filters) (?:no longer apply|do not apply|dont apply)\b",
    r"^(?:end|begin|start) of (?:prompt|instructions?)\b",
    r"\bwhat (?:were you told|did they tell you|were you instructed)(?: \w+){0,2}? (?:before|above)"
    r"\b",
)
_SIGNS = """ignor ignro igonr ingor disregard forget overid bypas discard neglect prompt instruct
    guideline program directive restriction mode now act behave respond answer pretend speak talk
    reply roleplay simulate imagine rules safety filter censor content above verbatim before given
    free""".split()  # noqa: SIM905 - forty quoted words are no easier to read
"""Of which one, folded, is in everything that is looked for."""
_DOUBLED = re.compile(r"([a-z])\1")


def _folded(orders: tuple[str, ...]) -> re.Pattern[str]:
    """In folded text no letter is doubled, so none may be in what is looked for."""
    return re.compile(_DOUBLED.sub(r"\1", "|".join(orders)))


_STRONG, _WEAK = _folded(_ORDERS), _folded(_DOUBTS)
# letters that stand alone, or words run together, leave no word to be found
_UNWORDED = re.compile(r"(?:\b\w ){3}|\w{16}")
_RUN_TOGETHER = _folded(
    (
        r"(?:ignore|disregard|forget|override|bypass)(?:al|the|your|ur|of|any|every|my)*"
        r"(?:previous|prior|above|earlier|your|original|preceding)\w{0,12}?"
        r"(?:instruct|prompt|directive|guideline)",
        r"(?:reveal|print|repeat|showme|tellme|whatis|leak)(?:me|the)*(?:your|ur)"
        r"(?:system|initial|secret|hidden)?(?:prompt|instructions)$",
    )
)


def marks(text: str) -> Iterator[Slice]:
    """Pieces of a prompt: role marks and special tokens."""
    if "<" in text or "[" in text or "#" in text or ":" in text or "_" in text:
        for found in _MARKS.finditer(text):
            yield *found.span(), "a prompt mark"


def orders(folded: str) -> tuple[str, bool]:
    """Why a folded line reads like an order to the model, and whether there is no doubt about
    it; "" if it does not."""
    if any(sign in folded for sign in _SIGNS):
        if found := _STRONG.search(folded):
            return f"instructions to the model ({found.group()})", True
        if found := _WEAK.search(folded):
            return f"perhaps instructions to the model ({found.group()})", False
    if _UNWORDED.search(folded):
        together = squeeze(folded.replace(" ", ""))
        if found := _RUN_TOGETHER.search(together):
            return f"instructions to the model ({found.group()})", True
    return "", False
