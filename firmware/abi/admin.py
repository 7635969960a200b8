"""Admin (function 41): the command of ours, which changes a figure of the running card's profile.

Three parameters: command u32; key, the figure's dotted name in the profile, in ASCII; value, u64 in
the figure's unit. One in the reply: the value before, u64. Real cards' commands (AP sheet 7.5) are
numbered below 0x100 and signed; a model's own needs no signature and is numbered apart.

A request fetched by a core after this one was is priced by the new value; an engine time that was
stated as a rating is changed as `fixed_ns`. CKR_ATTRIBUTE_TYPE_INVALID: no figure that can change;
CKR_ATTRIBUTE_VALUE_INVALID: a value that it cannot have.
"""

SET_FIGURE = 0x8001
COMMAND_BYTES = 4
VALUE_BYTES = 8
