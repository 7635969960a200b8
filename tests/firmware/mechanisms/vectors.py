"""Where the test vectors of each mechanism are, and where they come from.

A row names a test of this folder, the origin of what it compares with, and the mechanisms that it
has to have used by its end (conftest.py watches). `NEGATIVE` has what must be refused: signatures,
codes and ciphertexts with a tag that were spoilt, bad padding, public values that are none. So
`test_vectors.py` can tell which mechanism has none.
"""

from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.directory import FAMILIES
from ghostcard.firmware.mechanisms.hashes import HASHES, SIGNATURE_HASHES, Hash
from ghostcard.firmware.mechanisms.mechanism import Mechanism
from ghostcard.firmware.mechanisms.prehash import PREHASHES


class Row(NamedTuple):
    """A test of the file `test_<file>.py`."""

    file: str
    test: str
    origin: str
    mechanisms: tuple[int, ...]


def of(which: tuple[Hash, ...], *fields: str) -> tuple[int, ...]:
    """The mechanisms of hashes, by the names of their fields."""
    return tuple(getattr(each, field) for each in which for field in fields)


_SHA2, _TRUNCATED, _SHA3 = HASHES[:5], HASHES[5:7], HASHES[7:11]  # SHA-1 is with SHA-2
_BLAKE2B = HASHES[11:]
_NIST = (*_SHA2, *_TRUNCATED, *_SHA3)
_OTHER_HMACS = (*_TRUNCATED, *_SHA3, *_BLAKE2B)
_DSA = tuple(range(ck.CKM_DSA_SHA1, ck.CKM_DSA_SHA512 + 1))
_DSA_SHA3 = tuple(range(ck.CKM_DSA_SHA3_224, ck.CKM_DSA_SHA3_512 + 1))
_HASH_ML_DSA = tuple(each.ml_dsa for each in PREHASHES if each.ml_dsa is not None)
_HASH_SLH_DSA = tuple(each.slh_dsa for each in PREHASHES if each.slh_dsa is not None)
_CODES = (
    *(ck.CKM_AES_CMAC, ck.CKM_AES_CMAC_GENERAL, ck.CKM_DES3_CMAC, ck.CKM_DES3_CMAC_GENERAL),
    *(ck.CKM_AES_MAC, ck.CKM_AES_MAC_GENERAL, ck.CKM_DES3_MAC, ck.CKM_DES3_MAC_GENERAL),
    *(ck.CKM_DES_MAC, ck.CKM_DES_MAC_GENERAL, ck.CKM_AES_XCBC_MAC, ck.CKM_AES_XCBC_MAC_96),
    *(ck.CKM_AES_GMAC, ck.CKM_POLY1305),
)
_KEY_WRAPS = FAMILIES["aes-keywrap"]
_SPOILT = "the vectors of the same mechanism, spoilt"

POSITIVE = (
    # RSA
    Row("rsa_padding", "test_pkcs1_signatures", "RSA Laboratories", (ck.CKM_SHA1_RSA_PKCS,)),
    Row("rsa_padding", "test_pkcs1_encryption", "RSA Laboratories", (ck.CKM_RSA_PKCS,)),
    Row("rsa_padding", "test_pss_signatures", "RSA Laboratories", (ck.CKM_SHA1_RSA_PKCS_PSS,)),
    Row("rsa_padding", "test_oaep_encryption", "RSA Laboratories", (ck.CKM_RSA_PKCS_OAEP,)),
    Row(
        *("rsa_vectors", "test_good_and_bad_signatures_of_the_cavs_files"),
        "NIST CAVP, SigVer15 and SigVerPSS",
        (*of(_SHA2, "rsa_pkcs", "rsa_pss"), ck.CKM_RSA_PKCS_PSS),
    ),
    Row(
        *("rsa_vectors", "test_sha3_by_another_library", "pycryptodome"),
        of(SIGNATURE_HASHES[5:], "rsa_pkcs", "rsa_pss"),
    ),
    Row(
        *("rsa_vectors", "test_the_bare_power_of_the_vectors", "RSA Laboratories"),
        (ck.CKM_RSA_X_509,),
    ),
    Row(
        *("hybrid_wrap", "test_rsa_by_the_library", "each step by cryptography"),
        (ck.CKM_RSA_AES_KEY_WRAP,),
    ),
    # keys that are made
    Row(
        *("key_vectors", "test_rsa_pairs", "pycryptodome; FIPS 186-5, A.1.1"),
        (ck.CKM_RSA_PKCS_KEY_PAIR_GEN,),
    ),
    Row(
        *("key_vectors", "test_pairs_on_prime_curves", "NIST CAVP, ECDSA KeyPair"),
        (ck.CKM_EC_KEY_PAIR_GEN, ck.CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS),
    ),
    Row(
        *("key_vectors", "test_the_public_key_of_a_private_key", "NIST CAVP, ECDSA KeyPair"),
        (ck.CKM_PUB_KEY_FROM_PRIV_KEY,),
    ),
    Row(
        *("key_vectors", "test_pairs_on_edwards_curves", "ed25519.cr.yp.to; RFC 8032"),
        (ck.CKM_EC_EDWARDS_KEY_PAIR_GEN,),
    ),
    Row(
        *("key_vectors", "test_pairs_on_montgomery_curves", "RFC 7748"),
        (ck.CKM_EC_MONTGOMERY_KEY_PAIR_GEN,),
    ),
    Row("key_vectors", "test_dsa_pairs", "NIST CAVP, DSA KeyPair", (ck.CKM_DSA_KEY_PAIR_GEN,)),
    Row(
        *("key_vectors", "test_diffie_hellman_pairs", "RFC 5114; OpenSSL"),
        (ck.CKM_X9_42_DH_KEY_PAIR_GEN, ck.CKM_DH_PKCS_KEY_PAIR_GEN),
    ),
    Row(
        *("key_vectors", "test_domains", "pycryptodome"),
        (ck.CKM_DSA_PARAMETER_GEN, ck.CKM_X9_42_DH_PARAMETER_GEN),
    ),
    Row("key_vectors", "test_groups", "RFC 3526", (ck.CKM_DH_PKCS_PARAMETER_GEN,)),
    Row(
        *("key_vectors", "test_pairs_of_seeds", "NIST ACVP"),
        (ck.CKM_ML_DSA_KEY_PAIR_GEN, ck.CKM_ML_KEM_KEY_PAIR_GEN),
    ),
    Row("key_vectors", "test_slh_dsa_pairs", "slh-dsa", (ck.CKM_SLH_DSA_KEY_PAIR_GEN,)),
    Row(
        *("key_vectors", "test_secrets", "SP 800-133, 6.1: what was drawn"),
        (ck.CKM_GENERIC_SECRET_KEY_GEN, ck.CKM_HKDF_KEY_GEN, ck.CKM_HOTP_KEY_GEN),
    ),
    Row(
        *("ciphers", "test_keys_are_made_of_each_size_and_no_other"),
        "SP 800-133, 6.1: what was drawn, of DES with odd parity (FIPS 46-3)",
        (
            *(ck.CKM_AES_KEY_GEN, ck.CKM_AES_XTS_KEY_GEN, ck.CKM_DES_KEY_GEN, ck.CKM_DES2_KEY_GEN),
            *(ck.CKM_DES3_KEY_GEN, ck.CKM_CHACHA20_KEY_GEN, ck.CKM_POLY1305_KEY_GEN),
        ),
    ),
    Row(
        *("hmac", "test_keys_are_made_for_one_hmac", "SP 800-133, 6.1: what was drawn"),
        of(HASHES, "key_gen"),
    ),
    Row("pbkdf2", "test_rfc_6070", "RFC 6070", (ck.CKM_PKCS5_PBKD2,)),
    # signatures on curves and in finite fields; agreements
    Row(
        *("ec", "test_good_and_bad_signatures_of_the_cavs_file", "NIST CAVP, ECDSA SigVer"),
        of(_SHA2, "ecdsa"),
    ),
    Row(
        *("second_opinions", "test_ecdsa_with_sha3", "pycryptodome"),
        (*of(_SHA3, "ecdsa"), ck.CKM_ECDSA),
    ),
    Row("eddsa", "test_sign_input", "ed25519.cr.yp.to", (ck.CKM_EDDSA,)),
    Row("ec", "test_shared_secrets_of_the_cavs_file", "NIST CAVP, KAS", (ck.CKM_ECDH1_DERIVE,)),
    Row("montgomery", "test_vectors_of_the_rfc", "RFC 7748", (ck.CKM_ECDH1_COFACTOR_DERIVE,)),
    Row(
        *("hybrid_wrap", "test_an_agreement_by_the_library", "each step by cryptography"),
        (ck.CKM_ECDH_AES_KEY_WRAP, ck.CKM_ECDH_COF_AES_KEY_WRAP),
    ),
    Row(
        *("hybrid_wrap", "test_a_montgomery_curve", "each step by cryptography"),
        (ck.CKM_ECDH_X_AES_KEY_WRAP,),
    ),
    Row("dsa", "test_good_and_bad_signatures_of_the_cavs_file", "NIST CAVP, DSA SigVer", _DSA),
    Row("second_opinions", "test_dsa_with_sha3", "pycryptodome", (*_DSA_SHA3, ck.CKM_DSA)),
    Row("second_opinions", "test_diffie_hellman", "Botan", (ck.CKM_DH_PKCS_DERIVE,)),
    Row("dh", "test_x942_with_and_without_a_kdf", "RFC 5114", (ck.CKM_X9_42_DH_DERIVE,)),
    # post-quantum
    Row("mlkem", "test_decapsulation_by_the_full_key", "NIST ACVP", (ck.CKM_ML_KEM,)),
    Row("mldsa", "test_keys_and_signatures_of_the_vectors", "NIST ACVP", (ck.CKM_ML_DSA,)),
    Row("mldsa", "test_a_hashed_message_of_the_vectors", "NIST ACVP", (ck.CKM_HASH_ML_DSA,)),
    Row("mldsa", "test_hashed_messages_against_another_library", "pqcrypto", _HASH_ML_DSA),
    Row(
        *("slhdsa", "test_nists_private_keys_sign_for_nists_public_keys", "NIST ACVP"),
        (ck.CKM_SLH_DSA,),
    ),
    Row("slhdsa", "test_every_hash_against_another_implementation", "slh-dsa", _HASH_SLH_DSA),
    # ciphers
    Row("aes", "test_cavs", "NIST CAVP", (ck.CKM_AES_ECB, ck.CKM_AES_CBC)),
    Row(
        *("second_opinions", "test_cbc_with_padding", "pycryptodome"),
        (ck.CKM_AES_CBC_PAD, ck.CKM_DES_CBC_PAD, ck.CKM_DES3_CBC_PAD),
    ),
    Row("aes", "test_counter_mode_of_rfc_3686", "RFC 3686", (ck.CKM_AES_CTR,)),
    Row("aes_gcm", "test_cavs_encrypt", "NIST CAVP, gcmEncryptExtIV", (ck.CKM_AES_GCM,)),
    Row("aead_vectors", "test_ccm", "NIST CAVP, CCM", (ck.CKM_AES_CCM,)),
    Row(
        *("aead_vectors", "test_chacha20_poly1305", "BoringSSL; OpenSSL"),
        (ck.CKM_CHACHA20_POLY1305,),
    ),
    Row("cipher_vectors", "test_ciphertext_stealing", "RFC 3962", (ck.CKM_AES_CTS,)),
    Row("cipher_vectors", "test_xts", "NIST CAVP, XTSGen", (ck.CKM_AES_XTS,)),
    Row(
        *("cipher_vectors", "test_feedback_of_aes", "NIST CAVP"),
        (ck.CKM_AES_OFB, ck.CKM_AES_CFB8, ck.CKM_AES_CFB128),
    ),
    Row(
        *("cipher_vectors", "test_des_and_triple_des", "NIST CAVP, MMT and SP 800-20"),
        (
            *(ck.CKM_DES_ECB, ck.CKM_DES_CBC, ck.CKM_DES3_ECB, ck.CKM_DES3_CBC),
            *(ck.CKM_DES_OFB64, ck.CKM_DES_CFB64, ck.CKM_DES_CFB8),
        ),
    ),
    Row("cipher_vectors", "test_chacha20", "RFC 7539", (ck.CKM_CHACHA20,)),
    Row(
        *("aes_keywrap", "test_wrapping", "NIST CAVP, KW and KWP"),
        (ck.CKM_AES_KEY_WRAP, ck.CKM_AES_KEY_WRAP_KWP),
    ),
    Row(
        *("aes_keywrap", "test_pkcs7_is_padding_and_then_key_wrap"),
        "RFC 5652, 6.3, and then AES key wrap, which has NIST's",
        (ck.CKM_AES_KEY_WRAP_PAD, ck.CKM_AES_KEY_WRAP_PKCS7),
    ),
    # hashes and codes
    Row("digest", "test_cavs", "NIST CAVP", of(_NIST, "digest")),
    Row(
        *("digest", "test_blake2b_of_every_size_is_that_of_the_coreutils", "GNU coreutils"),
        of(_BLAKE2B, "digest"),
    ),
    Row("hmac", "test_rfc_cases", "RFC 2202, RFC 4231", of(_SHA2, "hmac")),
    Row(
        *("second_opinions", "test_hmacs_of_the_rfcs_cut", "RFC 2202, RFC 4231"),
        of(_SHA2, "hmac_general"),
    ),
    Row(
        *("second_opinions", "test_hmac", "pycryptodome"),
        of(_OTHER_HMACS, "hmac", "hmac_general"),
    ),
    Row("mac_vectors", "test_cmac_of_aes", "NIST SP 800-38B", (ck.CKM_AES_CMAC,)),
    Row("mac_vectors", "test_cmac_of_triple_des", "NIST SP 800-38B", (ck.CKM_DES3_CMAC,)),
    Row("second_opinions", "test_cmac_cut", "NIST SP 800-38B", (ck.CKM_AES_CMAC_GENERAL,)),
    Row(
        *("second_opinions", "test_cmac_of_triple_des_cut", "NIST SP 800-38B"),
        (ck.CKM_DES3_CMAC_GENERAL,),
    ),
    Row(
        *("mac_vectors", "test_xcbc", "RFC 3566"),
        (ck.CKM_AES_XCBC_MAC, ck.CKM_AES_XCBC_MAC_96),
    ),
    Row(
        *("mac_vectors", "test_cbc_mac", "FIPS 113, by cryptography's CBC"),
        FAMILIES["cbc-mac"],
    ),
    Row("mac_vectors", "test_gmac", "NIST CAVP, gcmEncryptExtIV", (ck.CKM_AES_GMAC,)),
    Row("mac_vectors", "test_poly1305", "RFC 7539", (ck.CKM_POLY1305,)),
    Row("hotp", "test_rfc_4226", "RFC 4226", (ck.CKM_HOTP,)),
    # derivations
    Row(
        *("second_opinions", "test_keys_that_are_hashes", "NIST CAVP; pycryptodome"),
        of(HASHES, "derivation"),
    ),
    Row(
        *("second_opinions", "test_keys_that_are_output_of_shake", "NIST CAVP, SHAKE"),
        (ck.CKM_SHAKE_128_KEY_DERIVATION, ck.CKM_SHAKE_256_KEY_DERIVATION),
    ),
    Row(
        *("second_opinions", "test_keys_that_are_encrypted_data", "NIST CAVP, MMT"),
        FAMILIES["cipher-derivation"],
    ),
    Row(
        *("derivations", "test_joined_and_combined", "PKCS #11 3.2, 6.43, written out"),
        (
            *(ck.CKM_CONCATENATE_BASE_AND_DATA, ck.CKM_CONCATENATE_DATA_AND_BASE),
            ck.CKM_XOR_BASE_AND_DATA,
        ),
    ),
    Row(
        *("derivations", "test_two_keys_joined", "PKCS #11 3.2, 6.43, written out"),
        (ck.CKM_CONCATENATE_BASE_AND_KEY,),
    ),
    Row(
        *("derivations", "test_bits_cut_out", "PKCS #11 3.2, 6.43, written out"),
        (ck.CKM_EXTRACT_KEY_FROM_KEY,),
    ),
    Row("hkdf", "test_rfc_5869", "RFC 5869", (ck.CKM_HKDF_DERIVE,)),
    Row("hkdf", "test_data", "RFC 5869", (ck.CKM_HKDF_DATA,)),
    Row(
        *("kbkdf", "test_nists_vectors_of_the_counter_mode", "NIST CAVP, KBKDF"),
        (ck.CKM_SP800_108_COUNTER_KDF,),
    ),
    Row(
        *("kbkdf", "test_the_feedback_mode_is_hkdfs_expansion", "RFC 5869, 2.3"),
        (ck.CKM_SP800_108_FEEDBACK_KDF,),
    ),
    Row(
        *("kbkdf", "test_the_double_pipeline", "RFC 5246, 5: P_hash"),
        (ck.CKM_SP800_108_DOUBLE_PIPELINE_KDF,),
    ),
    Row(
        *("tls12", "test_master_secret", "RFC 5246, by a PRF with published vectors"),
        (ck.CKM_TLS12_MASTER_KEY_DERIVE, ck.CKM_TLS12_MASTER_KEY_DERIVE_DH),
    ),
    Row(
        *("tls12", "test_extended_master_secret", "RFC 7627, by that PRF"),
        (ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH),
    ),
    Row(
        *("tls12", "test_key_material", "RFC 5246, 6.3, by that PRF"),
        (ck.CKM_TLS12_KEY_AND_MAC_DERIVE, ck.CKM_TLS12_KEY_SAFE_DERIVE),
    ),
    Row(
        *("tls12", "test_keys_for_the_application", "RFC 5705, by that PRF"),
        (ck.CKM_TLS12_KDF, ck.CKM_TLS_KDF),
    ),
    Row(
        *("tls12", "test_finished", "RFC 5246, 7.4.9, by that PRF"),
        (ck.CKM_TLS12_MAC, ck.CKM_TLS_MAC),
    ),
)

NEGATIVE = (
    Row(
        *("rsa_vectors", "test_good_and_bad_signatures_of_the_cavs_files"),
        "NIST CAVP, SigVer15 and SigVerPSS",
        (*of(_SHA2, "rsa_pkcs", "rsa_pss"), ck.CKM_RSA_PKCS_PSS),
    ),
    Row(
        *("rsa_vectors", "test_sha3_by_another_library", "pycryptodome's, spoilt"),
        of(SIGNATURE_HASHES[5:], "rsa_pkcs", "rsa_pss"),
    ),
    Row(
        "rsa_padding", "test_bad_pkcs1_padding_gives_repeatable_noise", _SPOILT, (ck.CKM_RSA_PKCS,)
    ),
    Row("rsa_padding", "test_oaep_labels_and_masks", _SPOILT, (ck.CKM_RSA_PKCS_OAEP,)),
    Row("rsa_vectors", "test_the_bare_power_of_the_vectors", _SPOILT, (ck.CKM_RSA_X_509,)),
    Row(
        *("ec", "test_good_and_bad_signatures_of_the_cavs_file", "NIST CAVP, ECDSA SigVer"),
        of(_SHA2, "ecdsa"),
    ),
    Row(
        *("second_opinions", "test_ecdsa_with_sha3", "pycryptodome's, spoilt"),
        (*of(_SHA3, "ecdsa"), ck.CKM_ECDSA),
    ),
    Row("eddsa", "test_changed_signatures", _SPOILT, (ck.CKM_EDDSA,)),
    Row("ec", "test_shared_secrets_of_the_cavs_file", "NIST CAVP, KAS", (ck.CKM_ECDH1_DERIVE,)),
    Row(
        *("montgomery", "test_points_that_are_none", "RFC 7748, 6.1"),
        (ck.CKM_ECDH1_DERIVE, ck.CKM_ECDH1_COFACTOR_DERIVE),
    ),
    Row(
        *("hybrid_wrap", "test_every_changed_byte_is_refused", _SPOILT),
        FAMILIES["hybrid-wrap"],
    ),
    Row("dsa", "test_good_and_bad_signatures_of_the_cavs_file", "NIST CAVP, DSA SigVer", _DSA),
    Row(
        *("second_opinions", "test_dsa_with_sha3", "pycryptodome's, spoilt"),
        (*_DSA_SHA3, ck.CKM_DSA),
    ),
    Row(
        *("second_opinions", "test_diffie_hellman", "SP 800-56A, 5.6.2.3"),
        (ck.CKM_DH_PKCS_DERIVE,),
    ),
    Row(
        *("dh", "test_x942_with_and_without_a_kdf", "SP 800-56A, 5.6.2.3"),
        (ck.CKM_X9_42_DH_DERIVE,),
    ),
    Row("mlkem", "test_decapsulation_by_the_full_key", "NIST ACVP: ct_n", (ck.CKM_ML_KEM,)),
    Row("mldsa", "test_keys_and_signatures_of_the_vectors", _SPOILT, (ck.CKM_ML_DSA,)),
    Row("mldsa", "test_a_hashed_message_of_the_vectors", _SPOILT, (ck.CKM_HASH_ML_DSA,)),
    Row("mldsa", "test_hashed_messages_against_another_library", _SPOILT, _HASH_ML_DSA),
    Row(
        *("slhdsa", "test_nists_private_keys_sign_for_nists_public_keys", _SPOILT),
        (ck.CKM_SLH_DSA,),
    ),
    Row("slhdsa", "test_every_hash_against_another_implementation", _SPOILT, _HASH_SLH_DSA),
    Row(
        *("second_opinions", "test_cbc_with_padding", "RFC 5652, 6.3: other paddings"),
        (ck.CKM_AES_CBC_PAD, ck.CKM_DES_CBC_PAD, ck.CKM_DES3_CBC_PAD),
    ),
    Row("aes_gcm", "test_cavs_decrypt", "NIST CAVP, gcmDecrypt", (ck.CKM_AES_GCM,)),
    Row("aead_vectors", "test_ccm", "NIST CAVP, DVPT", (ck.CKM_AES_CCM,)),
    Row(
        *("ciphers", "test_every_changed_byte_is_refused_before_any_plaintext", _SPOILT),
        (ck.CKM_CHACHA20_POLY1305,),
    ),
    Row(
        *("aes_keywrap", "test_unwrapping", "NIST CAVP, KW and KWP"),
        (ck.CKM_AES_KEY_WRAP, ck.CKM_AES_KEY_WRAP_KWP),
    ),
    Row("aes_keywrap", "test_lengths_that_cannot_be_ciphertext", "zeros", _KEY_WRAPS),
    Row(
        *("second_opinions", "test_hmacs_of_the_rfcs_cut", _SPOILT),
        of(_SHA2, "hmac", "hmac_general"),
    ),
    Row("second_opinions", "test_hmac", _SPOILT, of(_OTHER_HMACS, "hmac", "hmac_general")),
    Row("ciphers", "test_a_wrong_code_is_refused_at_every_bit", _SPOILT, _CODES),
    Row("hotp", "test_rfc_4226", _SPOILT, (ck.CKM_HOTP,)),
    Row("tls12", "test_finished", _SPOILT, (ck.CKM_TLS12_MAC, ck.CKM_TLS_MAC)),
)

_AGREEMENTS = (
    *(ck.CKM_ECDH1_DERIVE, ck.CKM_ECDH1_COFACTOR_DERIVE),
    *(ck.CKM_DH_PKCS_DERIVE, ck.CKM_X9_42_DH_DERIVE),
)
_CHECKED_CIPHERS = (
    *(ck.CKM_AES_GCM, ck.CKM_AES_CCM, ck.CKM_CHACHA20_POLY1305, ck.CKM_RSA_PKCS_OAEP),
    *(ck.CKM_AES_CBC_PAD, ck.CKM_DES_CBC_PAD, ck.CKM_DES3_CBC_PAD),
    *(*_KEY_WRAPS, *FAMILIES["hybrid-wrap"]),
)


def can_refuse(mechanism: Mechanism) -> bool:
    """Whether there is anything of the right length that is wrong.

    Not so of a hash, of a cipher without a tag or padding, of a key that is drawn, and of one that
    is derived of nothing but secrets and data.
    """
    judges = mechanism.flags & (ck.CKF_VERIFY | ck.CKF_DECAPSULATE)
    return bool(judges) or mechanism.number in (*_AGREEMENTS, *_CHECKED_CIPHERS)
