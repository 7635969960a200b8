/* The conventions for pointers and lengths, the same for every function (PKCS #11 3.2, 5.2). */
#include <limits.h>

#include "library.h"

/* Whether `length` bytes can be read at `data`, as far as one can tell; NULL is good for no bytes. */
int is_input(const void *data, CK_ULONG length)
{
    return (data || !length) && length <= INPUT_MAX;
}

char *input(void *data)
{
    static char nothing[1];
    return data ? data : nothing;
}

/* What fits into the caller's buffer; -1 if there is none, because only the length is asked for. */
long capacity(const void *out, const CK_ULONG *length)
{
    if (!out) return -1;
    return *length > LONG_MAX ? LONG_MAX : (long)*length;
}

CK_RV outcome(long answer)
{
    return answer < 0 ? (CK_RV)-answer : CKR_OK;
}

/* The one place for lengths: *length becomes what there is or would be, also when it does not fit. */
CK_RV settle(long answer, const void *out, CK_ULONG *length)
{
    CK_ULONG room = *length;
    if (answer < 0) return (CK_RV)-answer;
    *length = (CK_ULONG)answer;
    return out && *length > room ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

/* The same for bytes. Whoever asks how many there would be is told at least 1, which may be more than there are (5.2):
 * a program that takes 0 and makes a buffer of it may have NULL for that (an empty std::vector has), so that its next
 * call would ask again and do nothing. */
CK_RV settle_bytes(long answer, const void *out, CK_ULONG *length)
{
    CK_RV rv = settle(answer, out, length);
    if (!rv && !out && !*length) *length = 1;
    return rv;
}

/* An answer that is a handle. */
CK_RV take(long answer, CK_ULONG *handle)
{
    if (answer < 0) return (CK_RV)-answer;
    *handle = (CK_ULONG)answer;
    return CKR_OK;
}
