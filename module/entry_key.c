/* Key management and random number generation functions (PKCS #11 3.2, 5.18 and 5.19). */
#include "shape.h"

/* Here a mechanism must be given; the caller frees both in every case. */
static CK_RV flatten(const CK_MECHANISM *mechanism, mechanism_t *flat, const CK_ATTRIBUTE *attributes, CK_ULONG count,
                     template_t *template)
{
    CK_RV rv = mechanism_flatten(mechanism, flat);
    CK_RV template_rv = template_flatten(attributes, count, template);
    if (!mechanism) return CKR_ARGUMENTS_BAD;
    return rv ? rv : template_rv;
}

CK_RV C_GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *attributes, CK_ULONG count,
                    CK_OBJECT_HANDLE *key)
{
    mechanism_t flat;
    template_t template;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = flatten(mechanism, &flat, attributes, count, &template);
    if (!rv && !key) rv = CKR_ARGUMENTS_BAD;
    if (!rv) rv = take(cross_generate_key(session, flat.bytes, flat.length, template.bytes, template.length), key);
    mechanism_free(&flat);
    template_free(&template);
    library_leave();
    return rv;
}

static CK_RV generate_pair(CK_SESSION_HANDLE session, const mechanism_t *mechanism, const template_t *public,
                           const template_t *private, CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    CK_OBJECT_HANDLE keys[2];
    CK_RV rv = outcome(cross_generate_key_pair(session, mechanism->bytes, mechanism->length, public->bytes,
                                               public->length, private->bytes, private->length, keys));
    if (rv) return rv;
    *public_key = keys[0];
    *private_key = keys[1];
    return CKR_OK;
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_attributes,
                        CK_ULONG public_count, CK_ATTRIBUTE *private_attributes, CK_ULONG private_count,
                        CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    mechanism_t flat;
    template_t public, private;
    CK_RV rv = library_enter(), private_rv;
    if (rv) return rv;
    rv = flatten(mechanism, &flat, public_attributes, public_count, &public);
    private_rv = template_flatten(private_attributes, private_count, &private);
    if (!rv) rv = public_key && private_key ? private_rv : CKR_ARGUMENTS_BAD;
    if (!rv) rv = generate_pair(session, &flat, &public, &private, public_key, private_key);
    mechanism_free(&flat);
    template_free(&public);
    template_free(&private);
    library_leave();
    return rv;
}

CK_RV C_WrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                CK_OBJECT_HANDLE key, CK_BYTE *wrapped, CK_ULONG *length)
{
    mechanism_t flat;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = mechanism_flatten(mechanism, &flat);
    if (!rv && (!mechanism || !length)) rv = CKR_ARGUMENTS_BAD;
    if (!rv)
        rv = settle(cross_wrap_key(session, flat.bytes, flat.length, wrapping_key, key, (char *)wrapped,
                                   capacity(wrapped, length)), wrapped, length);
    mechanism_free(&flat);
    library_leave();
    return rv;
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key,
                  CK_BYTE *wrapped, CK_ULONG length, CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    mechanism_t flat;
    template_t template;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = flatten(mechanism, &flat, attributes, count, &template);
    if (!rv && (!key || !is_input(wrapped, length))) rv = CKR_ARGUMENTS_BAD;
    if (!rv)
        rv = take(cross_unwrap_key(session, flat.bytes, flat.length, unwrapping_key, input(wrapped), length,
                                   template.bytes, template.length), key);
    mechanism_free(&flat);
    template_free(&template);
    library_leave();
    return rv;
}

CK_RV C_DeriveKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
                  CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    mechanism_t flat;
    template_t template;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = flatten(mechanism, &flat, attributes, count, &template);
    if (!rv)
        rv = outcome(cross_derive_key(session, flat.bytes, flat.length, base_key, template.bytes, template.length, key));
    mechanism_free(&flat);
    template_free(&template);
    library_leave();
    return rv;
}

CK_RV C_EncapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE public_key,
                       CK_ATTRIBUTE *attributes, CK_ULONG count, CK_BYTE *ciphertext, CK_ULONG *length,
                       CK_OBJECT_HANDLE *key)
{
    mechanism_t flat;
    template_t template;
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = flatten(mechanism, &flat, attributes, count, &template);
    if (!rv && (!length || (ciphertext && !key))) rv = CKR_ARGUMENTS_BAD;
    if (!rv)
        rv = settle(cross_encapsulate_key(session, flat.bytes, flat.length, public_key, template.bytes, template.length,
                                          (char *)ciphertext, capacity(ciphertext, length), &made), ciphertext, length);
    if (!rv && made) *key = made;
    mechanism_free(&flat);
    template_free(&template);
    library_leave();
    return rv;
}

CK_RV C_DecapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE private_key,
                       CK_ATTRIBUTE *attributes, CK_ULONG count, CK_BYTE *ciphertext, CK_ULONG length,
                       CK_OBJECT_HANDLE *key)
{
    mechanism_t flat;
    template_t template;
    CK_RV rv = library_enter();
    if (rv) return rv;
    rv = flatten(mechanism, &flat, attributes, count, &template);
    if (!rv && (!key || !is_input(ciphertext, length))) rv = CKR_ARGUMENTS_BAD;
    if (!rv)
        rv = take(cross_decapsulate_key(session, flat.bytes, flat.length, private_key, template.bytes, template.length,
                                        input(ciphertext), length), key);
    mechanism_free(&flat);
    template_free(&template);
    library_leave();
    return rv;
}

CK_RV C_SeedRandom(CK_SESSION_HANDLE session, CK_BYTE *seed, CK_ULONG length)
{
    return shape_feed(cross_seed_random, 0, session, seed, length);
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG length)
{
    CK_RV rv = library_enter();
    if (rv) return rv;
    if (is_input(out, length)) rv = outcome(cross_generate_random(session, input(out), (long)length));
    else rv = CKR_ARGUMENTS_BAD;
    library_leave();
    return rv;
}
