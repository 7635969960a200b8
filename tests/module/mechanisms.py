"""Mechanisms the tests of the Cryptoki layer use."""

from ghostcard import pkcs11 as ck
from tests.module.program import mechanism

IV = bytes(range(16))
ECB = mechanism(ck.CKM_AES_ECB)
CBC = mechanism(ck.CKM_AES_CBC, IV)
CBC_PAD = mechanism(ck.CKM_AES_CBC_PAD, IV)
CTR = mechanism(ck.CKM_AES_CTR, 128, IV)
GCM = mechanism(ck.CKM_AES_GCM, 128, 12, IV[:12], b"associated")
SHORT_GCM = mechanism(ck.CKM_AES_GCM, 96, 12, IV[:12])
ECDSA = mechanism(ck.CKM_ECDSA)
EDDSA = mechanism(ck.CKM_EDDSA)
RSA = mechanism(ck.CKM_RSA_PKCS)
OAEP = mechanism(ck.CKM_RSA_PKCS_OAEP, ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 1, b"label")
PSS = mechanism(ck.CKM_SHA256_RSA_PKCS_PSS, ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 32)
SHA256_RSA = mechanism(ck.CKM_SHA256_RSA_PKCS)
SHA256 = mechanism(ck.CKM_SHA256)
HMAC = mechanism(ck.CKM_SHA256_HMAC)
SHORT_HMAC = mechanism(ck.CKM_SHA256_HMAC_GENERAL, 10)
