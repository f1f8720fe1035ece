// tls_context.h: certificates, keys and rules of TLS, read from files into OpenSSL's contexts.
//
// Source:  tls-* directives of redis.conf 7.2 (meanings, refusals); SSL_CTX_new(3) and its family
// Thread:  the one that opens it; connections made from it may outlive it (OpenSSL counts)
// Memory:  OpenSSL's own (malloc), freed when the last connection made from it is
// Opening reads files, so it blocks: at start and for CONFIG SET, never on a connection's account.
// Certificates that changed on disk are read again when an operator says CONFIG SET tls-cert-file
// (or any tls- directive) once more, as in Redis. Nothing watches the files: a half-written
// certificate is then never picked up by chance, and no core blocks unasked.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/status.h"

enum tls_auth { TLS_AUTH_NO, TLS_AUTH_YES, TLS_AUTH_OPTIONAL }; // tls-auth-clients

// The directives. Texts are borrowed for the call; "" is not given.
struct tls_directives {
    const char *cert_file, *key_file, *key_file_pass;
    const char *client_cert_file, *client_key_file, *client_key_file_pass;
    const char *dh_params_file, *ca_cert_file, *ca_cert_dir;
    const char *protocols, *ciphers, *ciphersuites;
    bool prefer_server_ciphers, session_caching;
    int64_t session_cache_size, session_cache_timeout_s;
    bool needs_ca; // tls-auth-clients other than no, tls-replication or tls-cluster
};

struct tls_context {
    struct ssl_ctx_st *server; // for connections that come in
    struct ssl_ctx_st *client; // for those that we make: the client certificate, else the server's
};

// ERR_IO: error holds the line for the log; *out is NULL.
enum status tls_context_open(struct tls_context **out, const struct tls_directives *d, char *error,
                             uint32_t error_bytes) MUST_USE;
void tls_context_close(struct tls_context *c); // NULL is tolerated
