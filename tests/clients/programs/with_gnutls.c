/* GnuTLS with mutex callbacks of its own: two threads sign with keys of the token, GnuTLS verifies. */
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/pkcs11.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURES 50

static int locks, unlocks;

static int mutex_init(void **mutex)
{
    *mutex = malloc(sizeof(pthread_mutex_t));
    return *mutex ? pthread_mutex_init(*mutex, NULL) : ENOMEM;
}

static int mutex_deinit(void **mutex)
{
    int failed = pthread_mutex_destroy(*mutex);
    free(*mutex);
    return failed;
}

static int mutex_lock(void **mutex)
{
    __atomic_add_fetch(&locks, 1, __ATOMIC_RELAXED);
    return pthread_mutex_lock(*mutex);
}

static int mutex_unlock(void **mutex)
{
    __atomic_add_fetch(&unlocks, 1, __ATOMIC_RELAXED);
    return pthread_mutex_unlock(*mutex);
}

static void must(const char *what, int code)
{
    if (code >= 0) return;
    fprintf(stderr, "%s: %s\n", what, gnutls_strerror(code));
    exit(1);
}

static int give_pin(void *pin, int attempt, const char *url, const char *label, unsigned flags, char *to, size_t room)
{
    (void)url, (void)label, (void)flags;
    if (attempt) return GNUTLS_E_PKCS11_PIN_ERROR;
    snprintf(to, room, "%s", (const char *)pin);
    return 0;
}

static void *sign(void *url)
{
    gnutls_privkey_t key;
    gnutls_pubkey_t public;
    gnutls_datum_t text = {(unsigned char *)"what is to be signed", 20};
    must("privkey_init", gnutls_privkey_init(&key));
    must("privkey_import_url", gnutls_privkey_import_url(key, url, 0));
    must("pubkey_init", gnutls_pubkey_init(&public));
    must("pubkey_import_privkey", gnutls_pubkey_import_privkey(public, key, 0, 0));
    for (int i = 0; i < SIGNATURES; i++) {
        gnutls_datum_t signature;
        int algorithm = gnutls_pk_to_sign(gnutls_pubkey_get_pk_algorithm(public, NULL), GNUTLS_DIG_SHA256);
        must("sign", gnutls_privkey_sign_data(key, GNUTLS_DIG_SHA256, 0, &text, &signature));
        must("verify", gnutls_pubkey_verify_data2(public, algorithm, 0, &text, &signature));
        gnutls_free(signature.data);
    }
    gnutls_pubkey_deinit(public);
    gnutls_privkey_deinit(key);
    return NULL;
}

int main(int argc, char **argv) /* library, PIN, URL of a key, URL of another */
{
    pthread_t threads[2];
    if (argc != 5) return 2;
    gnutls_global_set_mutex(mutex_init, mutex_deinit, mutex_lock, mutex_unlock);
    must("global_init", gnutls_global_init());
    must("pkcs11_init", gnutls_pkcs11_init(GNUTLS_PKCS11_FLAG_MANUAL, NULL));
    must("add_provider", gnutls_pkcs11_add_provider(argv[1], NULL));
    gnutls_pkcs11_set_pin_function(give_pin, argv[2]);
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, sign, argv[3 + i])) return 2;
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    gnutls_pkcs11_deinit();
    gnutls_global_deinit();
    if (locks != unlocks) return 3;
    printf("%d signatures\n", 2 * SIGNATURES);
    return 0;
}
