"""PyKCS11 as a client: arguments are the library, the token's label and the user's PIN."""

import sys
from pathlib import Path

from PyKCS11 import PyKCS11

TEXT = b"what is to be signed\n"


def pair(session: PyKCS11.Session) -> tuple[int, int]:
    """An RSA key pair in the token."""
    public = [
        (PyKCS11.CKA_TOKEN, PyKCS11.CK_TRUE),
        (PyKCS11.CKA_LABEL, "rsa"),
        (PyKCS11.CKA_MODULUS_BITS, 2048),
        (PyKCS11.CKA_PUBLIC_EXPONENT, (1, 0, 1)),
        (PyKCS11.CKA_VERIFY, PyKCS11.CK_TRUE),
    ]
    private = [
        (PyKCS11.CKA_TOKEN, PyKCS11.CK_TRUE),
        (PyKCS11.CKA_PRIVATE, PyKCS11.CK_TRUE),
        (PyKCS11.CKA_LABEL, "rsa"),
        (PyKCS11.CKA_SIGN, PyKCS11.CK_TRUE),
    ]
    handles: tuple[int, int] = session.generateKeyPair(public, private)
    return handles


def main(path: str, label: str, pin: str) -> None:
    library = PyKCS11.PyKCS11Lib()
    library.load(path)
    slots = library.getSlotList(tokenPresent=True)
    slot = next(s for s in slots if library.getTokenInfo(s).label.strip() == label)
    session = library.openSession(slot, PyKCS11.CKF_SERIAL_SESSION | PyKCS11.CKF_RW_SESSION)
    session.login(pin)
    public, private = pair(session)
    mechanism = PyKCS11.Mechanism(PyKCS11.CKM_SHA256_RSA_PKCS, None)
    signature = bytes(session.sign(private, TEXT, mechanism))
    assert session.verify(public, TEXT, signature, mechanism)
    modulus, exponent = session.getAttributeValue(
        public, [PyKCS11.CKA_MODULUS, PyKCS11.CKA_PUBLIC_EXPONENT]
    )
    Path("modulus").write_text(bytes(modulus).hex())
    Path("exponent").write_text(bytes(exponent).hex())
    Path("signature").write_bytes(signature)
    sha256 = PyKCS11.Mechanism(PyKCS11.CKM_SHA256, None)
    Path("digest").write_bytes(bytes(session.digest(TEXT, sha256)))
    assert len(session.findObjects([(PyKCS11.CKA_LABEL, "rsa")])) == 2
    session.destroyObject(private)
    session.destroyObject(public)
    assert session.findObjects([(PyKCS11.CKA_LABEL, "rsa")]) == []
    session.logout()
    session.closeSession()
    print("done")


main(*sys.argv[1:])
