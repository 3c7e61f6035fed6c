/*
 * certificate.h - certificates for tests, made while they run: nothing that expires or looks like a secret is
 * kept.
 *
 *   certificate_make(dir, "ca", NULL, NULL)            DIR/ca.pem, DIR/ca.key: an authority
 *   certificate_make(dir, "db", "ca", "IP:127.0.0.1")  DIR/db.pem, DIR/db.key: issued by it, for that name
 */
#ifndef POINTSMAN_TESTS_CERTIFICATE_H
#define POINTSMAN_TESTS_CERTIFICATE_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>

enum { CERTIFICATE_DAY = 86400 };

static inline FILE *certificate_file(const char *directory, const char *name, const char *suffix,
                                     const char *mode)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.%s", directory, name, suffix);
    return fopen(path, mode);
}

static inline bool certificate_extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static inline bool certificate_issuer(const char *directory, const char *name, X509 **ret_issuer,
                                      EVP_PKEY **ret_key)
{
    FILE *pem = certificate_file(directory, name, "pem", "re"),
         *key = certificate_file(directory, name, "key", "re");
    if (pem && key) {
        *ret_issuer = PEM_read_X509(pem, NULL, NULL, NULL);
        *ret_key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
    }
    if (pem)
        fclose(pem);
    if (key)
        fclose(key);
    return *ret_issuer && *ret_key;
}

static inline bool certificate_fill(X509 *certificate, EVP_PKEY *key, const char *name, X509 *issuer)
{
    uint32_t serial;
    X509_NAME *subject = X509_get_subject_name(certificate);
    return RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
           X509_set_version(certificate, X509_VERSION_3) &&
           ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial >> 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -CERTIFICATE_DAY) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), 30 * CERTIFICATE_DAY) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) ==
               1 &&
           X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject) == 1 &&
           X509_set_pubkey(certificate, key) == 1;
}

static inline bool certificate_write(const char *directory, const char *name, X509 *certificate,
                                     EVP_PKEY *key)
{
    FILE *pem = certificate_file(directory, name, "pem", "we"),
         *secret = certificate_file(directory, name, "key", "we");
    bool written = pem && secret && PEM_write_X509(pem, certificate) == 1 &&
                   PEM_write_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1;
    if (pem)
        written &= fclose(pem) == 0;
    if (secret)
        written &= fclose(secret) == 0;
    return written;
}

/* issuer NULL: signed by itself, an authority; names NULL: none but the common name, as servers make theirs.
 * RSA, as most certificates are. False: it could not be made. */
static inline bool certificate_make(const char *directory, const char *name, const char *issuer,
                                    const char *names)
{
    X509 *certificate = X509_new(), *authority = NULL;
    EVP_PKEY *key = EVP_RSA_gen(2048), *signer = NULL;
    bool made = certificate && key &&
                (!issuer || certificate_issuer(directory, issuer, &authority, &signer)) &&
                certificate_fill(certificate, key, name, authority) &&
                (issuer ||
                 certificate_extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE")) &&
                (!names || certificate_extend(certificate, authority, NID_subject_alt_name, names)) &&
                X509_sign(certificate, signer ? signer : key, EVP_sha256()) > 0 &&
                certificate_write(directory, name, certificate, key);
    X509_free(certificate);
    X509_free(authority);
    EVP_PKEY_free(key);
    EVP_PKEY_free(signer);
    return made;
}

#endif
