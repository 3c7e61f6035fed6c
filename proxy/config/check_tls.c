/*
 * check_tls.c - whether the files of [tls] are what they should be, said with their lines before anything is
 * started or taken over.
 *
 *   certificate, key ──> read into a context that is thrown away; ca ──> into a store
 *
 * OpenSSL's own words say what is wrong inside of a file, errno why there is none.
 */
#include "load.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

static void blame(struct load *load, const char *option, const char *path)
{
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_reason_error_string(error);
    if (ERR_SYSTEM_ERROR(error))
        reason = strerror(ERR_GET_REASON(error));
    fault(&load->faults, load_line(load, option, 0), "%s = %s: %s", strchr(option, '.') + 1, path,
          reason ? reason : "can't be used");
}

static void check_pair(struct load *load, SSL_CTX *context)
{
    const struct config *config = load->config;

    if (SSL_CTX_use_certificate_chain_file(context, config->tls_certificate) != 1)
        blame(load, "tls.certificate", config->tls_certificate);
    else if (SSL_CTX_use_PrivateKey_file(context, config->tls_key, SSL_FILETYPE_PEM) != 1)
        blame(load, "tls.key", config->tls_key);
    else if (SSL_CTX_check_private_key(context) != 1)
        blame(load, "tls.key", config->tls_key);
}

void check_tls_files(struct load *load)
{
    const struct config *config = load->config;
    SSL_CTX *context = SSL_CTX_new(TLS_method());

    ERR_clear_error();
    if (!context) {
        fault_memory(&load->faults);
        return;
    }
    if (config->tls_certificate && config->tls_key)
        check_pair(load, context);
    ERR_clear_error();
    if (config->tls_ca && SSL_CTX_load_verify_file(context, config->tls_ca) != 1)
        blame(load, "tls.ca", config->tls_ca);
    ERR_clear_error();
    SSL_CTX_free(context);
}
