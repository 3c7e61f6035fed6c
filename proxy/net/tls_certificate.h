/* tls_certificate.h - a certificate of our own making, for those who configure none (private to proxy/net).
 */
#ifndef PROXY_NET_TLS_CERTIFICATE_H
#define PROXY_NET_TLS_CERTIFICATE_H

#include <openssl/types.h>
#include <stdbool.h>

/* Gives the context a key and a certificate that nobody else has. False: OpenSSL can't; its queue says why.
 */
bool tls_certificate_make(SSL_CTX *context);

#endif
