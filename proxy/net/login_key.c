/*
 * login_key.c - see login_key.h.
 *
 * Whoever comes first makes it, under a lock that the others wait for: mostly the thread of the start.
 */
#include "pointsman/net/login_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <string.h>

enum { BITS = 2048 };

static struct {
    pthread_once_t once;
    pthread_t thread;
    bool running;
    EVP_PKEY *key; /* NULL: it could not be made */
    uint8_t pem[AUTH_KEY_MAX];
    size_t length;
} own = {.once = PTHREAD_ONCE_INIT};

static void make(void)
{
    EVP_PKEY *key = EVP_RSA_gen(BITS);
    BIO *bio = BIO_new(BIO_s_mem());
    if (key && bio && PEM_write_bio_PUBKEY(bio, key) == 1) {
        int length = BIO_read(bio, own.pem, sizeof own.pem);
        own.length = length > 0 ? (size_t)length : 0;
    }
    BIO_free(bio);
    ERR_clear_error();
    if (own.length)
        own.key = key;
    else
        EVP_PKEY_free(key);
}

static void *run(void *unused)
{
    (void)unused;
    pthread_once(&own.once, make);
    return NULL;
}

void login_key_start(void)
{
    own.running = pthread_create(&own.thread, NULL, run, NULL) == 0;
}

void login_key_stop(void)
{
    if (own.running)
        pthread_join(own.thread, NULL);
    own.running = false;
}

bool login_key_pem(struct bytes *ret_pem)
{
    pthread_once(&own.once, make);
    if (!own.key)
        return false;
    *ret_pem = (struct bytes){own.pem, own.length};
    return true;
}

bool login_key_decrypt(const void *data, size_t length, const uint8_t scramble[SCRAMBLE_LENGTH],
                       char password[AUTH_PASSWORD_MAX + 1], size_t *ret_length)
{
    pthread_once(&own.once, make);
    return own.key && auth_rsa_decrypt(own.key, data, length, scramble, password, ret_length);
}
