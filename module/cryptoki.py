"""Cryptoki in plain Python: one method per C_ function, snake case without the prefix.

Handles are ints, templates sequences of (type, value bytes as the C structure holds them), a
mechanism is the ``id u32, parameters`` of `docs/design.md`; ``None`` in its place cancels the
active operation (PKCS #11 3.2, 5.8.1). Functions with output take ``capacity`` (None: the caller
asks for the length) and return the bytes, or as an ``int`` the length needed, and then the
operation stays active. Those that do everything at once also take long data as a view of the
caller's memory, with ``out``, ``capacity`` bytes of it elsewhere: what they write there they answer
with its length. Nothing keeps a view. Errors are CryptokiError and nothing else.
"""

from ghostcard.module.functions.authenticated import Authenticated
from ghostcard.module.functions.dual import Dual
from ghostcard.module.functions.key_management import KeyManagement
from ghostcard.module.functions.message_ciphers import MessageCiphers
from ghostcard.module.functions.message_signing import MessageSigning
from ghostcard.module.functions.objects import Objects
from ghostcard.module.functions.randomness import Randomness
from ghostcard.module.functions.recovery import Recovery
from ghostcard.module.functions.sessions import Sessions
from ghostcard.module.functions.signatures import Signatures
from ghostcard.module.functions.slots import Slots
from ghostcard.module.functions.states import States
from ghostcard.module.functions.waiting import Waiting


class Cryptoki(
    Slots,
    Sessions,
    States,
    Objects,
    Dual,
    MessageCiphers,
    MessageSigning,
    Recovery,
    Signatures,
    KeyManagement,
    Authenticated,
    Waiting,
    Randomness,
):
    """One library instance; threads may call it at the same time. The chapters are its base
    classes.
    """
