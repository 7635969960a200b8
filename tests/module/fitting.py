"""For every mechanism a key, parameters and a template that fit, so that each can be tried."""

from functools import cache

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms import all_mechanisms
from ghostcard.module.encoding import ulong
from tests.module.program import ED25519, P256, Program, Value, Values, attributes, mechanism

OPEN: Values = {"EXTRACTABLE": True, "SENSITIVE": False}
PUBLIC: Values = {"ENCRYPT": True, "VERIFY": True, "WRAP": True}
PRIVATE: Values = {"DECRYPT": True, "SIGN": True, "UNWRAP": True, "DERIVE": True, **OPEN}
SECRET: Values = {**PUBLIC, **PRIVATE}
X25519 = bytes.fromhex("06032b656e")
ODD = bytes.fromhex("0123456789abcdeffedcba987654321089abcdef01234567")
VALUES = {
    ck.CKK_AES: bytes(range(16)),
    ck.CKK_AES_XTS: bytes(range(32)),
    ck.CKK_CHACHA20: bytes(range(32)),
    ck.CKK_POLY1305: bytes(range(32)),
    ck.CKK_GENERIC_SECRET: b"\3\3" + bytes(46),  # a premaster secret of TLS 1.2, too
    ck.CKK_DES: ODD[:8],
    ck.CKK_DES2: ODD[:16],
    ck.CKK_DES3: ODD,
}
"""Secret keys that are not just any 20 bytes."""

TOKEN = all_mechanisms()
NAMES = {value: name for name, value in vars(ck).items() if name.startswith("CKM_")}
_HASHES = ("SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512", "SHA224", "SHA256", "SHA384", "SHA512")
_KEYGEN: dict[int, tuple[int, str, Value]] = {
    ck.CKK_EC: (ck.CKM_EC_KEY_PAIR_GEN, "EC_PARAMS", P256),
    ck.CKK_EC_EDWARDS: (ck.CKM_EC_EDWARDS_KEY_PAIR_GEN, "EC_PARAMS", ED25519),
    ck.CKK_EC_MONTGOMERY: (ck.CKM_EC_MONTGOMERY_KEY_PAIR_GEN, "EC_PARAMS", X25519),
    ck.CKK_ML_DSA: (ck.CKM_ML_DSA_KEY_PAIR_GEN, "PARAMETER_SET", ck.CKP_ML_DSA_44),
    ck.CKK_ML_KEM: (ck.CKM_ML_KEM_KEY_PAIR_GEN, "PARAMETER_SET", ck.CKP_ML_KEM_768),
    ck.CKK_SLH_DSA: (ck.CKM_SLH_DSA_KEY_PAIR_GEN, "PARAMETER_SET", ck.CKP_SLH_DSA_SHA2_128F),
}
_DOMAINS = {
    ck.CKK_DSA: (ck.CKM_DSA_KEY_PAIR_GEN, ck.CKM_DSA_PARAMETER_GEN),
    ck.CKK_DH: (ck.CKM_DH_PKCS_KEY_PAIR_GEN, ck.CKM_DH_PKCS_PARAMETER_GEN),
    ck.CKK_X9_42_DH: (ck.CKM_X9_42_DH_KEY_PAIR_GEN, ck.CKM_X9_42_DH_PARAMETER_GEN),
}


def counted(data: bytes) -> bytes:
    """A byte string that is not the last of the parameters."""
    return len(data).to_bytes(4, "big") + data


class Fitting:
    """Keys, made when they are first wanted, and what goes with them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.keys = cache(self._keys)
        self.domain = cache(self._domain)

    def _keys(self, key_type: int) -> tuple[int, int]:
        """A pair with all rights, twice the same key if it is secret."""
        if key_type in _KEYGEN or key_type in _DOMAINS or key_type == ck.CKK_RSA:
            return self.pair(key_type)
        is_otp = key_type == ck.CKK_HOTP
        object_class = ck.CKO_OTP_KEY if is_otp else ck.CKO_SECRET_KEY
        value = VALUES.get(key_type, bytes(range(20)))
        given: Values = {"CLASS": object_class, "KEY_TYPE": key_type, "VALUE": value}
        handle = self.program.create(**given, **({} if is_otp else SECRET))
        return handle, handle

    def pair(self, key_type: int) -> tuple[int, int]:
        """C_GenerateKeyPair."""
        number, public = self.pair_template(key_type)
        private: Values = dict(PRIVATE)
        if key_type == ck.CKK_RSA:
            every = b"".join(map(ulong, TOKEN.numbers()))  # CKM_RSA_X_509 wants to be named
            for values in (public, private):
                values["ALLOWED_MECHANISMS"] = every
            public["VERIFY_RECOVER"] = private["SIGN_RECOVER"] = True
        if key_type == ck.CKK_ML_KEM:
            public["ENCAPSULATE"] = private["DECAPSULATE"] = True
        return self.program.library.generate_key_pair(
            self.program.session, mechanism(number), attributes(**public), attributes(**private)
        )

    def pair_template(self, key_type: int) -> tuple[int, Values]:
        """The mechanism, and what the public key needs."""
        if key_type == ck.CKK_RSA:
            return ck.CKM_RSA_PKCS_KEY_PAIR_GEN, {"MODULUS_BITS": 1024, **PUBLIC}
        if key_type in _DOMAINS:
            return _DOMAINS[key_type][0], self.domain(key_type) | PUBLIC
        number, name, value = _KEYGEN[key_type]
        return number, {**PUBLIC, name: value}

    def _domain(self, key_type: int) -> Values:
        number = _DOMAINS[key_type][1]
        made = self.program.library.generate_key(
            self.program.session, mechanism(number), attributes(**domain_template(number))
        )
        names = ("PRIME", "BASE") if key_type == ck.CKK_DH else ("PRIME", "BASE", "SUBPRIME")
        domain: Values = {name: self.program.one(made, name) for name in names}
        return domain

    def how(self, number: int, key_type: int | None = None, data: int = 32) -> bytes:
        """The mechanism with parameters, for so many bytes of plaintext."""
        family = wire.FAMILIES.get(number)
        if number == ck.CKM_DH_PKCS_DERIVE:
            return mechanism(number, self._peer(ck.CKK_DH))
        if family is None or number in wire.OPTIONAL:
            return mechanism(number)
        if family is wire.Ccm:
            return mechanism(number, data, 16, counted(bytes(12)))
        if number == ck.CKM_SP800_108_COUNTER_KDF:  # a counter of 8 bits
            return mechanism(number, ck.CKM_SHA256_HMAC, 0, _ITERATION, counted(bytes(7) + b"\x08"))
        if family is wire.Pss:
            return mechanism(number, *_pss(number), 20)
        if family in (wire.Ecdh, wire.X942Dh):
            assert key_type is not None
            return mechanism(number, ck.CKD_NULL, counted(b""), self._peer(key_type))
        if family is wire.OtherKey:
            other, _ = self.keys(ck.CKK_GENERIC_SECRET)
            return mechanism(number, other.to_bytes(8, "big"))
        return mechanism(number, *_PARAMETERS[family])

    def _peer(self, key_type: int) -> bytes:
        public, _ = self.keys(key_type)
        if key_type in (ck.CKK_EC, ck.CKK_EC_MONTGOMERY):
            return self.program.one(public, "EC_POINT")[2:]  # without the head of its OCTET STRING
        return self.program.one(public, "VALUE")


def domain_template(number: int) -> Values:
    """What a domain of DSA or Diffie-Hellman is asked for by."""
    bits: Values = {"PRIME_BITS": 1024}
    return bits if number == ck.CKM_DH_PKCS_PARAMETER_GEN else {**bits, "SUBPRIME_BITS": 160}


def _pss(number: int) -> tuple[int, int]:
    """Hash and mask generation of the mechanism; of the one without a hash SHA-1's."""
    name = next((each for each in _HASHES if f"CKM_{each}_" in NAMES[number]), "SHA1")
    hash = ck.CKM_SHA_1 if name == "SHA1" else getattr(ck, f"CKM_{name}")
    return hash, getattr(ck, f"CKG_MGF1_{name}")


_OAEP = (ck.CKM_SHA256, ck.CKG_MGF1_SHA256, ck.CKZ_DATA_SPECIFIED)
_ITERATION = ck.CK_SP800_108_ITERATION_VARIABLE.to_bytes(4, "big")
_RANDOMS = (counted(bytes(range(32))), bytes(range(32)))
Parts = tuple[bytes | int, ...]
_PARAMETERS: dict[type[wire.Parameters], Parts] = {
    wire.Iv: (bytes(16),),
    wire.DesIv: (bytes(8),),
    wire.Ctr: (128, bytes(16)),
    wire.Gcm: (128, counted(bytes(12))),
    wire.ChaCha20: (counted(bytes(4)), bytes(12)),
    wire.ChaCha20Poly1305: (counted(bytes(12)),),
    wire.Oaep: _OAEP,
    wire.RsaAes: (256, *_OAEP),
    wire.EcdhAes: (256, ck.CKD_SHA256_KDF),
    wire.MacLength: (4,),
    wire.StringData: (bytes(range(16)),),
    wire.BitIndex: (3,),
    wire.CbcData: (bytes(16), bytes(range(16))),
    wire.DesCbcData: (bytes(8), bytes(range(16))),
    wire.Hkdf: (1, 1, ck.CKM_SHA256, ck.CKF_HKDF_SALT_NULL, counted(b""), counted(b"")),
    wire.Kbkdf: (ck.CKM_SHA256_HMAC, 0, _ITERATION, 0),
    wire.TlsMaster: (ck.CKM_SHA256, *_RANDOMS),
    wire.TlsSession: (ck.CKM_SHA256, bytes(32)),
    wire.TlsKeys: (ck.CKM_SHA256, 0, 128, 32, *_RANDOMS),
    wire.TlsKdf: (ck.CKM_SHA256, counted(b"label"), _RANDOMS[0], _RANDOMS[0], b""),
    wire.TlsMac: (ck.CKM_SHA256, 12, 1),
    wire.Pbkdf2: (
        *(ck.CKZ_SALT_SPECIFIED, 2, ck.CKP_PKCS5_PBKD2_HMAC_SHA256),
        *(counted(b"salt"), counted(b""), b"password"),
    ),
    wire.HashSignContext: (ck.CKH_HEDGE_PREFERRED, ck.CKM_SHA256),
    wire.Hotp: (),
}
