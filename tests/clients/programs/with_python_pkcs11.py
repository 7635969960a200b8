"""python-pkcs11 as a client: arguments are the library, the token's label and the user's PIN."""

import sys
from hashlib import sha256
from pathlib import Path

import pkcs11
from pkcs11.util.ec import (
    encode_ec_public_key,
    encode_ecdsa_signature,
    encode_named_curve_parameters,
)
from pkcs11.util.rsa import encode_rsa_public_key

TEXT = b"what is to be signed\n"


def write(name: str, content: bytes) -> None:
    Path(name).write_bytes(content)


def main(library: str, label: str, pin: str) -> None:
    token = pkcs11.lib(library).get_token(token_label=label)
    with token.open(rw=True, user_pin=pin) as session:
        rsa_public, rsa_private = session.generate_keypair(
            pkcs11.KeyType.RSA, 2048, store=True, label="rsa"
        )
        write("rsa.pkcs1.der", encode_rsa_public_key(rsa_public))
        signature = rsa_private.sign(TEXT, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS)
        assert rsa_public.verify(TEXT, signature, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS)
        assert not rsa_public.verify(b"?", signature, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS)
        write("rsa.signature", signature)
        assert rsa_private.decrypt(rsa_public.encrypt(TEXT)) == TEXT

        parameters = encode_named_curve_parameters("secp256r1")
        domain = session.create_domain_parameters(
            pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: parameters}, local=True
        )
        ec_public, ec_private = domain.generate_keypair(store=True, label="ec")
        write("ec.der", encode_ec_public_key(ec_public))
        signature = ec_private.sign(sha256(TEXT).digest(), mechanism=pkcs11.Mechanism.ECDSA)
        write("ec.signature", encode_ecdsa_signature(signature))

        key = session.generate_key(
            pkcs11.KeyType.AES,
            256,
            template={pkcs11.Attribute.SENSITIVE: False, pkcs11.Attribute.EXTRACTABLE: True},
        )
        iv = session.generate_random(128)
        write("aes.iv", iv)
        write("aes.key", key[pkcs11.Attribute.VALUE])
        write("aes.sealed", key.encrypt(TEXT, mechanism_param=iv))
        assert key.decrypt(key.encrypt(TEXT, mechanism_param=iv), mechanism_param=iv) == TEXT

        other_public, other_private = domain.generate_keypair(
            mechanism_param=None, capabilities=pkcs11.MechanismFlag.DERIVE
        )
        mine_public, mine_private = domain.generate_keypair(
            capabilities=pkcs11.MechanismFlag.DERIVE
        )
        secrets = [
            private.derive_key(
                pkcs11.KeyType.AES,
                256,
                mechanism_param=(pkcs11.KDF.NULL, None, public[pkcs11.Attribute.EC_POINT]),
                template={pkcs11.Attribute.SENSITIVE: False, pkcs11.Attribute.EXTRACTABLE: True},
            )[pkcs11.Attribute.VALUE]
            for private, public in ((mine_private, other_public), (other_private, mine_public))
        ]
        assert secrets[0] == secrets[1]
        assert len(secrets[0]) == 32
        found = session.get_objects({pkcs11.Attribute.LABEL: "ec"})
        assert sorted(each.object_class.name for each in found) == ["PRIVATE_KEY", "PUBLIC_KEY"]
    print("done")


main(*sys.argv[1:])
