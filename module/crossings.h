/* The crossings from C to Python: one for each function that needs Python, pointers as plain as can be.
 *
 * Every crossing returns a number of at least 0 (a length, a count, a handle) or minus a CKR code. Input is
 * `char *` with its length and is never NULL; only a PIN may be NULL. A mechanism is the `id u32 parameters`
 * of docs/design.md; its length is -1 where the caller gave NULL. A template is flattened (template.c).
 * Output: `capacity` is -1 where the caller gave NULL; the answer is the length there is or would be, and
 * nothing is written unless it fits. The parameter of a message is the numbers of message.h, with the places of
 * its IV and tag.
 *
 * This text is read twice: by the C compiler, and by cffi (build.py), which knows no preprocessor. */

long cross_initialize(void);
long cross_finalize(void);

long cross_get_info(CK_INFO *info);
long cross_get_slot_list(CK_ULONG token_present, CK_ULONG *slots, long capacity);
long cross_get_slot_info(CK_ULONG slot, CK_SLOT_INFO *info);
long cross_get_token_info(CK_ULONG slot, CK_TOKEN_INFO *info);
long cross_get_mechanism_list(CK_ULONG slot, CK_ULONG *mechanisms, long capacity);
long cross_get_mechanism_info(CK_ULONG slot, CK_ULONG mechanism, CK_MECHANISM_INFO *info);
long cross_init_token(CK_ULONG slot, char *pin, CK_ULONG pin_length, char *label);
long cross_init_pin(CK_ULONG session, char *pin, CK_ULONG pin_length);
long cross_set_pin(CK_ULONG session, char *old, CK_ULONG old_length, char *new, CK_ULONG new_length);
long cross_wait_for_slot_event(CK_ULONG flags);

long cross_open_session(CK_ULONG slot, CK_ULONG flags);
long cross_close_session(CK_ULONG session);
long cross_close_all_sessions(CK_ULONG slot);
long cross_get_session_info(CK_ULONG session, CK_SESSION_INFO *info);
long cross_get_operation_state(CK_ULONG session, char *out, long capacity);
long cross_set_operation_state(CK_ULONG session, char *state, CK_ULONG length, CK_ULONG key1, CK_ULONG key2);
long cross_login(CK_ULONG session, CK_ULONG user, char *pin, CK_ULONG pin_length);
long cross_login_user(CK_ULONG session, CK_ULONG user, char *pin, CK_ULONG pin_length, char *name,
                      CK_ULONG name_length);
long cross_logout(CK_ULONG session);
long cross_session_cancel(CK_ULONG session, CK_ULONG flags);
long cross_refuse(CK_ULONG session, CK_ULONG flags);
long cross_get_session_validation_flags(CK_ULONG session, CK_ULONG type);

long cross_create_object(CK_ULONG session, char *attributes, CK_ULONG length);
long cross_copy_object(CK_ULONG session, CK_ULONG object, char *attributes, CK_ULONG length);
long cross_destroy_object(CK_ULONG session, CK_ULONG object);
long cross_get_object_size(CK_ULONG session, CK_ULONG object);
long cross_get_attribute_value(CK_ULONG session, CK_ULONG object, CK_ATTRIBUTE *attributes, CK_ULONG count);
long cross_set_attribute_value(CK_ULONG session, CK_ULONG object, char *attributes, CK_ULONG length);
long cross_find_objects_init(CK_ULONG session, char *attributes, CK_ULONG length);
long cross_find_objects(CK_ULONG session, CK_ULONG *objects, long capacity);
long cross_find_objects_final(CK_ULONG session);

long cross_encrypt_init(CK_ULONG session, char *mechanism, long length, CK_ULONG key);
long cross_encrypt(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity);
long cross_encrypt_update(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity);
long cross_encrypt_final(CK_ULONG session, char *out, long capacity);
long cross_decrypt_init(CK_ULONG session, char *mechanism, long length, CK_ULONG key);
long cross_decrypt(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity);
long cross_decrypt_update(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity);
long cross_decrypt_final(CK_ULONG session, char *out, long capacity);

long cross_digest_init(CK_ULONG session, char *mechanism, long length);
long cross_digest(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity);
long cross_digest_update(CK_ULONG session, char *data, CK_ULONG length);
long cross_digest_key(CK_ULONG session, CK_ULONG key);
long cross_digest_final(CK_ULONG session, char *out, long capacity);

long cross_sign_init(CK_ULONG session, char *mechanism, long length, CK_ULONG key);
long cross_sign(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity);
long cross_sign_update(CK_ULONG session, char *data, CK_ULONG length);
long cross_sign_final(CK_ULONG session, char *out, long capacity);
long cross_sign_recover_init(CK_ULONG session, char *mechanism, long length, CK_ULONG key);
long cross_sign_recover(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity);
long cross_verify_init(CK_ULONG session, char *mechanism, long length, CK_ULONG key);
long cross_verify(CK_ULONG session, char *data, CK_ULONG length, char *signature, CK_ULONG signature_length);
long cross_verify_update(CK_ULONG session, char *data, CK_ULONG length);
long cross_verify_final(CK_ULONG session, char *signature, CK_ULONG length);
long cross_verify_recover_init(CK_ULONG session, char *mechanism, long length, CK_ULONG key);
long cross_verify_recover(CK_ULONG session, char *signature, CK_ULONG length, char *out, long capacity);

long cross_verify_signature_init(CK_ULONG session, char *mechanism, long length, CK_ULONG key, char *signature,
                                 CK_ULONG signature_length);
long cross_verify_signature(CK_ULONG session, char *data, CK_ULONG length);
long cross_verify_signature_update(CK_ULONG session, char *data, CK_ULONG length);
long cross_verify_signature_final(CK_ULONG session);

long cross_message_encrypt_init(CK_ULONG session, char *mechanism, long length, CK_ULONG key);
long cross_encrypt_message(CK_ULONG session, CK_ULONG *numbers, char *iv, char *tag, char *aad, CK_ULONG aad_length,
                           char *data, CK_ULONG length, char *out, long capacity);
long cross_encrypt_message_begin(CK_ULONG session, CK_ULONG *numbers, char *iv, char *aad, CK_ULONG aad_length);
long cross_encrypt_message_next(CK_ULONG session, CK_ULONG *numbers, char *tag, char *data, CK_ULONG length, char *out,
                                long capacity, CK_ULONG flags);
long cross_message_encrypt_final(CK_ULONG session);
long cross_message_decrypt_init(CK_ULONG session, char *mechanism, long length, CK_ULONG key);
long cross_decrypt_message(CK_ULONG session, CK_ULONG *numbers, char *iv, char *tag, char *aad, CK_ULONG aad_length,
                           char *data, CK_ULONG length, char *out, long capacity);
long cross_decrypt_message_begin(CK_ULONG session, CK_ULONG *numbers, char *iv, char *aad, CK_ULONG aad_length);
long cross_decrypt_message_next(CK_ULONG session, CK_ULONG *numbers, char *tag, char *data, CK_ULONG length, char *out,
                                long capacity, CK_ULONG flags);
long cross_message_decrypt_final(CK_ULONG session);
long cross_message_sign_init(CK_ULONG session, char *mechanism, long length, CK_ULONG key);
long cross_sign_message(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity);
long cross_sign_message_begin(CK_ULONG session);
long cross_sign_message_next(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity,
                             CK_ULONG is_last);
long cross_message_sign_final(CK_ULONG session);
long cross_message_verify_init(CK_ULONG session, char *mechanism, long length, CK_ULONG key);
long cross_verify_message(CK_ULONG session, char *data, CK_ULONG length, char *signature, CK_ULONG signature_length);
long cross_verify_message_begin(CK_ULONG session);
long cross_verify_message_next(CK_ULONG session, char *data, CK_ULONG length, char *signature,
                               CK_ULONG signature_length, CK_ULONG is_last);
long cross_message_verify_final(CK_ULONG session);

long cross_digest_encrypt_update(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity);
long cross_decrypt_digest_update(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity);
long cross_sign_encrypt_update(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity);
long cross_decrypt_verify_update(CK_ULONG session, char *data, CK_ULONG length, char *out, long capacity);

long cross_generate_key(CK_ULONG session, char *mechanism, long length, char *attributes, CK_ULONG attributes_length);
long cross_generate_key_pair(CK_ULONG session, char *mechanism, long length, char *public_attributes,
                             CK_ULONG public_length, char *private_attributes, CK_ULONG private_length,
                             CK_ULONG *keys);
long cross_wrap_key(CK_ULONG session, char *mechanism, long length, CK_ULONG wrapping_key, CK_ULONG key,
                    char *out, long capacity);
long cross_unwrap_key(CK_ULONG session, char *mechanism, long length, CK_ULONG key, char *wrapped,
                      CK_ULONG wrapped_length, char *attributes, CK_ULONG attributes_length);
long cross_derive_key(CK_ULONG session, char *mechanism, long length, CK_ULONG base_key, char *attributes,
                      CK_ULONG attributes_length, CK_ULONG *key);
long cross_wrap_key_authenticated(CK_ULONG session, CK_ULONG mechanism, CK_ULONG *numbers, char *iv,
                                  CK_ULONG wrapping_key, CK_ULONG key, char *aad, CK_ULONG aad_length, char *out,
                                  long capacity);
long cross_unwrap_key_authenticated(CK_ULONG session, CK_ULONG mechanism, CK_ULONG *numbers, char *iv, CK_ULONG key,
                                    char *wrapped, CK_ULONG wrapped_length, char *attributes,
                                    CK_ULONG attributes_length, char *aad, CK_ULONG aad_length);
long cross_encapsulate_key(CK_ULONG session, char *mechanism, long length, CK_ULONG key, char *attributes,
                           CK_ULONG attributes_length, char *out, long capacity, CK_ULONG *made);
long cross_decapsulate_key(CK_ULONG session, char *mechanism, long length, CK_ULONG key, char *attributes,
                           CK_ULONG attributes_length, char *ciphertext, CK_ULONG ciphertext_length);

long cross_seed_random(CK_ULONG session, char *data, CK_ULONG length);
long cross_generate_random(CK_ULONG session, char *out, long length);

long cross_async_complete(CK_ULONG session, char *function, CK_ULONG length, CK_ASYNC_DATA *result);
long cross_async_get_id(CK_ULONG session, char *function, CK_ULONG length);
long cross_async_join(CK_ULONG session, char *function, CK_ULONG length, CK_ULONG number, char *out, long capacity);

long cross_wait_for_any(CK_ULONG *sessions, long count, CK_ULONG simulated_ns, CK_ULONG milliseconds);
long cross_get_event_fd(CK_ULONG session);

long cross_sleep(CK_ULONG nanoseconds);
