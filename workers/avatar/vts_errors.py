"""What the error numbers of VTube Studio mean to a person, and how they are mended.

Source: Files/ErrorID.cs of DenchiSoft/VTubeStudio.
"""

from __future__ import annotations

INTERNAL = 0
API_OFF = 1
NEEDS_AUTHENTICATION = 8
DENIED = 50
POPUP_OPEN = 51
BAD_NAMES = (52, 53, 54)  # of the plugin: asking again with them is of no use
MODEL_LOAD_COOLDOWN = 153
MODEL_LOCKED = 154
QUEUE_FULL = 200
NO_MODEL = 201
HOTKEY_UNKNOWN = 202
HOTKEY_COOLDOWN = 203
BAD_STATE = 205
INJECT_UNKNOWN = 453
INJECT_CONTROLLED = 454
EXPRESSION_NO_MODEL = 652

_OURS = "this is a fault of the show, not yours: please report it"
_CONFIG_WINDOW = "close the configuration windows of VTube Studio"
_CREATE = "in the avatar's list of parameters to create"

ERRORS: dict[int, tuple[str, str]] = {
    0: ("VTube Studio had an internal error", "if it stays, restart VTube Studio"),
    1: (
        "the plugin API of VTube Studio is switched off",
        "turn on 'Allow Plugin API access' in its settings",
    ),
    2: ("VTube Studio could not read a message", _OURS),
    3: ("VTube Studio speaks another API", "is there another program on its port?"),
    4: ("VTube Studio speaks another version of its API", "update the show or VTube Studio"),
    5: ("VTube Studio refuses the number of a message", _OURS),
    6: ("VTube Studio got a message without a type", _OURS),
    7: ("VTube Studio does not know this request", "update VTube Studio"),
    8: ("VTube Studio wants to be asked for access first", "nothing needs to be done"),
    9: ("VTube Studio wants a permission for this", "allow it in the plugin settings there"),
    50: (
        "access to VTube Studio was denied",
        "tell the show to ask again, then click Allow in VTube Studio",
    ),
    51: (
        "VTube Studio is showing a question about access already",
        "answer it in the window of VTube Studio",
    ),
    52: ("VTube Studio refuses the plugin's name", "it must have 3 to 32 characters"),
    53: ("VTube Studio refuses the developer's name", "it must have 3 to 32 characters"),
    54: ("VTube Studio refuses the plugin's picture", "it must be a PNG or JPG of 128x128"),
    100: ("VTube Studio got no token", _OURS),
    101: ("VTube Studio got no plugin name", _OURS),
    102: ("VTube Studio got no developer name", _OURS),
    150: ("no model was named", "name one"),
    151: ("this cannot be the id of a model", "use the name or id of a model in VTube Studio"),
    152: ("VTube Studio has no such model", "check its name in the list of models"),
    153: ("VTube Studio has just changed the model", "wait two seconds"),
    154: ("VTube Studio cannot change the model now", _CONFIG_WINDOW),
    200: ("VTube Studio still has 32 hotkeys to carry out", "use fewer at once"),
    201: ("no model is loaded in VTube Studio", "load one"),
    202: ("the model has no such hotkey", "check its name in the model's hotkey settings"),
    203: ("this hotkey was used a moment ago", "wait a moment"),
    204: ("this hotkey is not set up completely", "set it up in VTube Studio"),
    205: ("VTube Studio cannot carry out hotkeys now", _CONFIG_WINDOW),
    206: ("VTube Studio failed to carry out the hotkey", "try it by hand in VTube Studio"),
    207: ("the item that the hotkey belongs to is not loaded", "load it in VTube Studio"),
    208: ("items cannot do what this hotkey does", "use a hotkey of the model"),
    350: ("VTube Studio refuses the name of a new parameter", f"use 4 to 32 letters, {_CREATE}"),
    351: ("VTube Studio refuses the numbers of a new parameter", f"check them {_CREATE}"),
    352: ("a parameter of this name belongs to another plugin", f"choose another name {_CREATE}"),
    353: (
        "the explanation of a new parameter is too long",
        f"use less than 256 letters, {_CREATE}",
    ),
    354: (
        "VTube Studio has a parameter of this name itself",
        f"take it out or rename it {_CREATE}",
    ),
    355: ("VTube Studio allows a plugin 100 parameters", f"leave some out {_CREATE}"),
    356: ("VTube Studio has 300 custom parameters, its limit", "remove plugins you do not use"),
    450: ("VTube Studio got a frame without a parameter", _OURS),
    451: ("VTube Studio refuses the value of a parameter", _OURS),
    452: ("VTube Studio refuses the weight of a parameter", _OURS),
    453: ("VTube Studio has no parameter of this name", "check the avatar's list of parameters"),
    454: (
        "another plugin controls this parameter",
        "close that plugin, or take the parameter out of the avatar's list",
    ),
    455: ("VTube Studio does not know this way of setting parameters", "update VTube Studio"),
    500: ("VTube Studio has no parameter of this name", "check the avatar's list of parameters"),
    600: ("this cannot be an expression", "its name ends in .exp3.json"),
    601: ("the model has no such expression", "check the files of the model"),
    650: ("this cannot be an expression", "its name ends in .exp3.json"),
    651: ("the model has no such expression", "check the files of the model"),
    652: ("no model is loaded in VTube Studio", "load one"),
    950: ("VTube Studio does not tell of such events", "update VTube Studio"),
}
"""Number to what happened and what to do. Those of requests we never make are not here."""

_EVENT_CONFIG = 100_000  # from here on: settings of an event


def explain(code: int, message: str = "") -> tuple[str, str]:
    """A sentence and its mend. ``message`` is VTube Studio's own, for numbers we do not know."""
    if code in ERRORS:
        return ERRORS[code]
    if code >= _EVENT_CONFIG:
        return f"VTube Studio refuses the settings of an event (error {code})", _OURS
    said = f": {message}" if message else ""
    return f"VTube Studio says no (error {code}){said}", "its log has the details"
