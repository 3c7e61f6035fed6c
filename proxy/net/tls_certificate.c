/*
 * tls_certificate.c - a certificate of our own making, as servers make one at their first start.
 *
 *   P-256 key ──> certificate, signed by itself ──> the context's; neither is ever written to a file
 *
 * It keeps out who only listens. Who pretends to be the proxy is kept out by a certificate that clients can
 * verify, which has to be configured. An elliptic curve: signing by it is many times cheaper than by RSA, and
 * most client libraries make a full handshake for each connection.
 */
#include "tls_certificate.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

enum { SECONDS_A_DAY = 86400, DAYS = 3650 };

static const char name[] = "Pointsman_Auto_Generated_Server_Certificate";

static bool number(X509 *certificate)
{
    uint64_t serial;
    return RAND_bytes((uint8_t *)&serial, sizeof serial) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1;
}

static bool name_it(X509 *certificate)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, subject) == 1;
}

/* It begins yesterday: the clients' clocks needn't agree with ours. */
static bool date(X509 *certificate)
{
    return X509_gmtime_adj(X509_getm_notBefore(certificate), -SECONDS_A_DAY) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), (long)DAYS * SECONDS_A_DAY);
}

static bool fill(X509 *certificate, EVP_PKEY *key)
{
    return X509_set_version(certificate, X509_VERSION_3) == 1 && number(certificate) &&
           name_it(certificate) && date(certificate) && X509_set_pubkey(certificate, key) == 1 &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

bool tls_certificate_make(SSL_CTX *context)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    bool made = key && certificate && fill(certificate, key) &&
                SSL_CTX_use_certificate(context, certificate) == 1 &&
                SSL_CTX_use_PrivateKey(context, key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    return made;
}
