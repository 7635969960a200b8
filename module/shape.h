/* The shapes that the cryptographic functions have: what is checked, crossed and answered is the same in each. */
#pragma once
#include "library.h"

/* C_EncryptInit and its kind; a NULL mechanism cancels the operation (PKCS #11 3.2, 5.8.1). */
typedef long cross_init_t(CK_ULONG session, char *mechanism, long length, CK_ULONG key);
CK_RV shape_init(cross_init_t *cross, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);

/* Of the operations that are named by CKF_*, a call whose pointers or lengths are no good is the end, as it is of any
 * error but CKR_BUFFER_TOO_SMALL (5.8.2): CKR_ARGUMENTS_BAD. */
CK_RV shape_refuse(CK_SESSION_HANDLE session, CK_FLAGS operations);

/* C_Encrypt, C_EncryptUpdate and their kind: data in, data out. */
typedef long cross_transform_t(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity);
CK_RV shape_transform(cross_transform_t *cross, CK_FLAGS operations, CK_SESSION_HANDLE session, CK_BYTE *data,
                      CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length);

/* C_EncryptFinal and its kind: data out. */
typedef long cross_final_t(CK_ULONG session, char *out, long capacity);
CK_RV shape_final(cross_final_t *cross, CK_FLAGS operations, CK_SESSION_HANDLE session, CK_BYTE *out,
                  CK_ULONG *length);

/* C_VerifySignatureFinal and its kind: only the session. */
typedef long cross_end_t(CK_ULONG session);
CK_RV shape_end(cross_end_t *cross, CK_SESSION_HANDLE session);

/* C_DigestUpdate, C_VerifyFinal and their kind: data in. */
typedef long cross_feed_t(CK_ULONG session, char *data, CK_ULONG length);
CK_RV shape_feed(cross_feed_t *cross, CK_FLAGS operations, CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length);
