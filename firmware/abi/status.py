"""EP11 return codes beyond those of PKCS #11 (AP sheet 7.3)."""

CKR_OK = 0

CKR_IBM_WKID_MISMATCH = 0x80010001
CKR_IBM_INTERNAL_ERROR = 0x80010002
CKR_IBM_TRANSPORT_ERROR = 0x80010003
CKR_IBM_BLOB_ERROR = 0x80010004
CKR_IBM_BLOBKEY_CONFLICT = 0x80010005
CKR_IBM_MODE_CONFLICT = 0x80010006
CKR_IBM_NONCRT_KEY_SIZE = 0x80010008
CKR_IBM_WK_NOT_INITIALIZED = 0x80010009
CKR_IBM_OA_API_ERROR = 0x8001000A
CKR_IBM_REQ_TIMEOUT = 0x8001000B
CKR_IBM_READONLY = 0x8001000C
CKR_IBM_STATIC_POLICY = 0x8001000D
CKR_IBM_TRANSPORT_LIMIT = 0x80010010
CKR_IBM_FCV_NOT_SET = 0x80010011
CKR_IBM_PERF_CATEGORY_INVALID = 0x80010012
CKR_IBM_API_MISMATCH = 0x80010013
CKR_IBM_TARGET_INVALID = 0x80010030
CKR_IBM_PQC_PARAMS_NOT_SUPPORTED = 0x80010031
CKR_IBM_PARAM_NOT_SUPPORTED = 0x80010032
CKR_IBM_SESSION_IMMUTABLE = 0x80010033
CKR_IBM_ERROR_STATE = 0x80010101

SENTENCES: dict[int, str] = {
    CKR_IBM_WKID_MISMATCH: "The blob is wrapped under another wrapping key.",
    CKR_IBM_INTERNAL_ERROR: "The module met an error of its own.",
    CKR_IBM_TRANSPORT_ERROR: "The request or reply could not be transported.",
    CKR_IBM_BLOB_ERROR: "The blob is not authentic or not well formed.",
    CKR_IBM_BLOBKEY_CONFLICT: "The wrapping key does not fit the blob.",
    CKR_IBM_MODE_CONFLICT: "The operating mode forbids this use of the key.",
    CKR_IBM_NONCRT_KEY_SIZE: "An RSA key of this size needs its CRT form.",
    CKR_IBM_WK_NOT_INITIALIZED: "The domain has no wrapping key.",
    CKR_IBM_OA_API_ERROR: "Outbound authentication failed.",
    CKR_IBM_REQ_TIMEOUT: "The request took too long.",
    CKR_IBM_READONLY: "The state is read-only.",
    CKR_IBM_STATIC_POLICY: "A permanent policy of the module forbids the operation.",
    CKR_IBM_TRANSPORT_LIMIT: "The request or its reply is larger than the transport allows.",
    CKR_IBM_FCV_NOT_SET: "The function control vector is not loaded.",
    CKR_IBM_PERF_CATEGORY_INVALID: "The performance category is not valid.",
    CKR_IBM_API_MISMATCH: "The request asks for an API ordinal the module does not have.",
    CKR_IBM_TARGET_INVALID: "The target is not valid.",
    CKR_IBM_PQC_PARAMS_NOT_SUPPORTED: "The post-quantum parameter set is not supported.",
    CKR_IBM_PARAM_NOT_SUPPORTED: "A parameter is not supported.",
    CKR_IBM_SESSION_IMMUTABLE: "The session of the blob cannot be changed.",
    CKR_IBM_ERROR_STATE: "The module failed a self test and refuses to work.",
}
