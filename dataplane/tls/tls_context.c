#include "dataplane/tls/tls_context.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// The line for the log: what went wrong and OpenSSL's own reason for it.
struct refusal {
    char *text;
    uint32_t bytes;
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct refusal *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->text, r->bytes, format, args);
    va_end(args);
    return false;
}

static const char *reason(char text[256])
{
    ERR_error_string_n(ERR_get_error(), text, 256);
    ERR_clear_error();
    return text;
}

// ---- protocol versions

static const struct {
    const char *name;
    uint64_t refused; // the option that switches it off
    bool normal;
} versions[] = {
    { "TLSv1", SSL_OP_NO_TLSv1, false },
    { "TLSv1.1", SSL_OP_NO_TLSv1_1, false },
    { "TLSv1.2", SSL_OP_NO_TLSv1_2, true },
    { "TLSv1.3", SSL_OP_NO_TLSv1_3, true },
};
enum { VERSIONS = sizeof versions / sizeof *versions };

// The options that refuse what the words do not name. No words: the normal ones are allowed.
static bool versions_parse(const char *words, uint64_t *options)
{
    bool any = false;
    *options = 0;
    for (uint32_t i = 0; i < VERSIONS; i++) *options |= versions[i].refused;
    while (*words) {
        size_t size = strcspn(words, " ");
        uint32_t i = 0;
        if (size > 0) {
            while (i < VERSIONS && (strlen(versions[i].name) != size ||
                                    strncasecmp(versions[i].name, words, size) != 0))
                i++;
            if (i == VERSIONS) return false;
            *options &= ~versions[i].refused;
            any = true;
        }
        words += size + (words[size] == ' ');
    }
    for (uint32_t i = 0; i < VERSIONS && !any; i++)
        if (versions[i].normal) *options &= ~versions[i].refused;
    return true;
}

// ---- files

static int give_password(char *out, int size, int is_writing, void *password)
{
    size_t bytes = strlen(password);
    if (bytes > (size_t)size) return -1;
    memcpy(out, password, bytes);
    return (int)bytes;
}

// The files of one side.
struct identity {
    const char *cert_file, *key_file, *password;
};

static bool load_identity(SSL_CTX *ctx, const struct identity *id, struct refusal *r)
{
    char why[256];
    if (id->password[0]) {
        SSL_CTX_set_default_passwd_cb(ctx, give_password);
        SSL_CTX_set_default_passwd_cb_userdata(ctx, (void *)(uintptr_t)id->password);
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, id->cert_file) <= 0)
        return refuse(r, "Failed to load certificate: %s: %s", id->cert_file, reason(why));
    if (SSL_CTX_use_PrivateKey_file(ctx, id->key_file, SSL_FILETYPE_PEM) <= 0)
        return refuse(r, "Failed to load private key: %s: %s", id->key_file, reason(why));
    // The texts are the caller's: nothing may look for them later.
    SSL_CTX_set_default_passwd_cb(ctx, NULL);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
    return true;
}

static const char *or_null(const char *text) { return text[0] ? text : NULL; }

static bool load_authorities(SSL_CTX *ctx, const struct tls_directives *d, struct refusal *r)
{
    char why[256];
    if (!d->ca_cert_file[0] && !d->ca_cert_dir[0]) return true;
    if (SSL_CTX_load_verify_locations(ctx, or_null(d->ca_cert_file), or_null(d->ca_cert_dir)) > 0)
        return true;
    return refuse(r, "Failed to configure CA certificate(s) file/directory: %s", reason(why));
}

static bool load_dh_params(SSL_CTX *ctx, const char *file, struct refusal *r)
{
    char why[256];
    BIO *in = BIO_new_file(file, "r");
    EVP_PKEY *key = in ? PEM_read_bio_Parameters(in, NULL) : NULL;
    BIO_free(in);
    if (key && SSL_CTX_set0_tmp_dh_pkey(ctx, key) > 0) return true;
    EVP_PKEY_free(key);
    return refuse(r, "Failed to load DH params file: %s: %s", file, reason(why));
}

// ---- contexts

static bool set_ciphers(SSL_CTX *ctx, const struct tls_directives *d, struct refusal *r)
{
    if (d->ciphers[0] && !SSL_CTX_set_cipher_list(ctx, d->ciphers)) {
        ERR_clear_error();
        return refuse(r, "Failed to configure ciphers: %s", d->ciphers);
    }
    if (d->ciphersuites[0] && !SSL_CTX_set_ciphersuites(ctx, d->ciphersuites)) {
        ERR_clear_error();
        return refuse(r, "Failed to configure ciphersuites: %s", d->ciphersuites);
    }
    return true;
}

// What both sides have in common. NULL: refused.
static SSL_CTX *context_new(const struct tls_directives *d, const struct identity *id,
                            uint64_t refused_versions, struct refusal *r)
{
    char why[256];
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    if (!ctx) {
        refuse(r, "Failed to create an SSL_CTX: %s", reason(why));
        return NULL;
    }
    SSL_CTX_set_options(ctx, refused_versions | SSL_OP_NO_SSLv2 | SSL_OP_NO_SSLv3 |
                                 SSL_OP_SINGLE_DH_USE | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    // An idle connection keeps no record buffers (twice 16 KB).
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1); // one call for a record's header and its body
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (load_identity(ctx, id, r) && load_authorities(ctx, d, r) && set_ciphers(ctx, d, r))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

// Without tls-session-caching nothing is resumed, neither by a ticket nor from the cache.
static void set_sessions(SSL_CTX *ctx, const struct tls_directives *d)
{
    if (d->session_caching) {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
        SSL_CTX_sess_set_cache_size(ctx, d->session_cache_size);
        SSL_CTX_set_timeout(ctx, d->session_cache_timeout_s);
        SSL_CTX_set_num_tickets(ctx, 1);
    } else {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(ctx, 0);
    }
}

static bool open_server(struct tls_context *c, const struct tls_directives *d, uint64_t refused,
                        struct refusal *r)
{
    const struct identity id = { d->cert_file, d->key_file, d->key_file_pass };
    c->server = context_new(d, &id, refused, r);
    if (!c->server) return false;
    set_sessions(c->server, d);
    if (d->prefer_server_ciphers) SSL_CTX_set_options(c->server, SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (d->dh_params_file[0]) return load_dh_params(c->server, d->dh_params_file, r);
    SSL_CTX_set_dh_auto(c->server, 1);
    return true;
}

static bool open_client(struct tls_context *c, const struct tls_directives *d, uint64_t refused,
                        struct refusal *r)
{
    const struct identity own = { d->client_cert_file, d->client_key_file,
                                  d->client_key_file_pass };
    if (!own.cert_file[0]) {
        SSL_CTX_up_ref(c->server);
        c->client = c->server;
        return true;
    }
    c->client = context_new(d, &own, refused, r);
    return c->client != NULL;
}

static bool open_both(struct tls_context *c, const struct tls_directives *d, struct refusal *r)
{
    uint64_t refused;
    if (!d->cert_file[0]) return refuse(r, "No tls-cert-file configured!");
    if (!d->key_file[0]) return refuse(r, "No tls-key-file configured!");
    if (d->needs_ca && !d->ca_cert_file[0] && !d->ca_cert_dir[0])
        return refuse(r, "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when "
                         "tls-cluster, tls-replication or tls-auth-clients are enabled!");
    if (!versions_parse(d->protocols, &refused))
        return refuse(r, "Invalid tls-protocols specified. Use a combination of 'TLSv1', "
                         "'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.");
    return open_server(c, d, refused, r) && open_client(c, d, refused, r);
}

enum status tls_context_open(struct tls_context **out, const struct tls_directives *d, char *error,
                             uint32_t error_bytes)
{
    struct refusal r = { error, error_bytes };
    struct tls_context *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c) return ERR_NO_SPACE;
    ERR_clear_error();
    if (!open_both(c, d, &r)) {
        tls_context_close(c);
        return ERR_IO;
    }
    *out = c;
    return OK;
}

void tls_context_close(struct tls_context *c)
{
    if (!c) return;
    SSL_CTX_free(c->server);
    SSL_CTX_free(c->client);
    free(c);
}
