// fixture.h: certificates in a folder of their own, a transport in memory, and OpenSSL as the
// client at its other end. Knows nothing of Criterion: the fuzzer uses it too.
//
// Thread:  one
// Memory:  world_close frees all of it and removes the folder
#pragma once
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/base/clock.h"
#include "dataplane/tls/tls.h"

struct world;

struct line {            // one connection: the lower stream, the client, and what the app saw
    struct stream lower; // first: tls sees only this
    struct world *world;
    struct stream *up; // NULL: not open, or closed
    SSL *client;
    BIO *to_client, *from_client;
    uint64_t stuck_bytes; // flushed while is_stuck
    bool is_stuck;        // the peer takes nothing
    bool lower_paused, lower_closing, lower_aborted, lower_gone;
    uint8_t *got; // by the app
    size_t got_size, got_room;
    uint8_t *reply; // by the client
    size_t reply_size, reply_room;
    uint32_t opens, ends, closes, drains;
    enum stream_close why;
    int client_error; // the first one that was not WANT_READ
};

struct world {
    struct heap heap;
    struct clock clock;
    struct shard_tally tally;
    struct heap_piece_source source;
    struct stream_app app;
    struct tls *tls;
    char folder[64];
    uint64_t now_ns;
    uint32_t read_alls, failures;
    char failure[256];
    bool refuse, echo, pause_on_data;
    uint64_t budget_ns;
};

// ---- certificates

static inline void folder_path(const struct world *w, const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", w->folder, name);
}

struct issuer {
    X509 *cert;
    EVP_PKEY *key;
};

static inline void cert_write(const struct world *w, const char *name, X509 *cert, EVP_PKEY *key,
                              const char *password)
{
    char file[64], path[128];
    snprintf(file, sizeof file, "%s.crt", name);
    folder_path(w, file, path);
    FILE *out = fopen(path, "w");
    CHECK(out && PEM_write_X509(out, cert) == 1);
    fclose(out);
    snprintf(file, sizeof file, "%s.key", name);
    folder_path(w, file, path);
    out = fopen(path, "w");
    CHECK(out && PEM_write_PrivateKey(out, key, password ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL,
                                      (void *)(uintptr_t)password) == 1);
    fclose(out);
}

// A certificate of this name, its key in name.key; by NULL signs itself and may sign others.
static inline struct issuer cert_make(const struct world *w, const char *name,
                                      const struct issuer *by, const char *password)
{
    struct issuer made = { X509_new(), EVP_EC_gen("P-256") };
    X509_NAME *subject = X509_NAME_new();
    const struct issuer *signer = by ? by : &made;
    CHECK(made.cert && made.key && subject);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_version(made.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.cert), (long)(strlen(name) * 7 + (uint8_t)*name));
    X509_gmtime_adj(X509_getm_notBefore(made.cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.cert), 3600 * 24);
    X509_set_subject_name(made.cert, subject);
    X509_set_issuer_name(made.cert, by ? X509_get_subject_name(by->cert) : subject);
    X509_set_pubkey(made.cert, made.key);
    X509V3_CTX context;
    X509V3_set_ctx(&context, signer->cert, made.cert, NULL, NULL, 0);
    X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, &context, NID_basic_constraints,
                                             by ? "CA:FALSE" : "critical,CA:TRUE");
    X509_add_ext(made.cert, ca, -1);
    X509_EXTENSION_free(ca);
    CHECK(X509_sign(made.cert, signer->key, EVP_sha256()) > 0);
    X509_NAME_free(subject);
    cert_write(w, name, made.cert, made.key, password);
    return made;
}

static inline void issuer_free(struct issuer *i)
{
    X509_free(i->cert);
    EVP_PKEY_free(i->key);
}

static inline void certs_make(struct world *w)
{
    struct issuer ca = cert_make(w, "ca", NULL, NULL), other = cert_make(w, "otherca", NULL, NULL);
    struct issuer certs[] = { cert_make(w, "server", &ca, NULL), cert_make(w, "next", &ca, NULL),
                              cert_make(w, "locked", &ca, "a pass"),
                              cert_make(w, "client", &ca, NULL),
                              cert_make(w, "stranger", &other, NULL) };
    for (size_t i = 0; i < sizeof certs / sizeof *certs; i++) issuer_free(&certs[i]);
    issuer_free(&ca);
    issuer_free(&other);
}

// ---- the transport in memory

static inline void line_grow(uint8_t **data, size_t *room, size_t size)
{
    if (size <= *room) return;
    *room = 2 * size;
    *data = realloc(*data, *room);
    CHECK(*data);
}

static inline void lower_flush(struct stream *s)
{
    struct line *l = (struct line *)s;
    if (l->is_stuck) return;
    while (s->out.head && s->out.head->used == 0 && s->out.head != s->out.tail)
        outq_drop(&s->out, 0);
    while (s->out.bytes) {
        struct piece *p = outq_take(&s->out);
        CHECK(!l->lower_gone && BIO_write(l->to_client, p->data, (int)p->used) == (int)p->used);
        p->release(p);
    }
}
static inline void lower_close(struct stream *s)
{
    lower_flush(s);
    ((struct line *)s)->lower_closing = true;
    s->is_closing = true;
}
static inline void lower_abort(struct stream *s)
{
    struct line *l = (struct line *)s;
    outq_clear(&s->out);
    l->lower_aborted = l->lower_closing = true;
    s->is_closing = true;
}
static inline void lower_pause(struct stream *s, bool paused)
{
    ((struct line *)s)->lower_paused = paused;
}
static inline uint64_t lower_pending(const struct stream *s) { return 0; }
static const struct stream_ops lower_ops = { lower_flush, lower_close, lower_abort, lower_pause,
                                             lower_pending };

// ---- the app

static inline bool app_open(void *app, struct stream *up)
{
    struct world *w = app;
    struct line *l = NULL;
    memcpy(&l, up->remote.ip, sizeof l); // the address carries the line's own
    l->opens++;
    if (w->refuse) return false;
    l->up = up;
    up->user = l;
    return true;
}
static inline void app_data(void *app, struct stream *up, struct bytes data)
{
    struct world *w = app;
    struct line *l = up->user;
    CHECK(data.size > 0 && l->up == up && l->ends == 0 && l->closes == 0);
    line_grow(&l->got, &l->got_room, l->got_size + data.size);
    memcpy(l->got + l->got_size, data.data, data.size);
    l->got_size += data.size;
    if (w->echo) outq_append(&up->out, data);
    if (w->pause_on_data) up->ops->pause(up, true);
    if (w->echo) up->ops->flush(up);
}
static inline void app_end(void *app, struct stream *up) { ((struct line *)up->user)->ends++; }
static inline void app_drained(void *app, struct stream *up)
{
    ((struct line *)up->user)->drains++;
}
static inline void app_closed(void *app, struct stream *up, enum stream_close why)
{
    struct line *l = up->user;
    l->closes++;
    l->why = why;
    l->up = NULL;
}
static inline void app_read_all(void *app) { ((struct world *)app)->read_alls++; }
static inline void app_failed(void *app, const struct stream *lower, const char *reason)
{
    struct world *w = app;
    w->failures++;
    snprintf(w->failure, sizeof w->failure, "%s", reason);
}

// ---- a world

struct world_files { // names in the folder; NULL: none
    const char *cert, *key, *password, *ca, *protocols, *ciphers, *ciphersuites;
    bool no_caching, server_order, needs_ca;
};

static inline enum status world_context(struct world *w, const struct world_files *f,
                                        struct tls_context **out, char error[256])
{
    char cert[128] = "", key[128] = "", ca[128] = "";
    if (f->cert) folder_path(w, f->cert, cert);
    if (f->key) folder_path(w, f->key, key);
    if (f->ca) folder_path(w, f->ca, ca);
    const struct tls_directives d = {
        .cert_file = cert,
        .key_file = key,
        .key_file_pass = f->password ? f->password : "",
        .client_cert_file = "",
        .client_key_file = "",
        .client_key_file_pass = "",
        .dh_params_file = "",
        .ca_cert_file = ca,
        .ca_cert_dir = "",
        .protocols = f->protocols ? f->protocols : "",
        .ciphers = f->ciphers ? f->ciphers : "",
        .ciphersuites = f->ciphersuites ? f->ciphersuites : "",
        .prefer_server_ciphers = f->server_order,
        .session_caching = !f->no_caching,
        .session_cache_size = 20480,
        .session_cache_timeout_s = 300,
        .needs_ca = f->needs_ca,
    };
    return tls_context_open(out, &d, error, 256);
}

static inline void world_use(struct world *w, const struct world_files *files)
{
    char error[256];
    struct tls_context *context;
    struct world_files f = *files;
    if (!f.cert) f.cert = "server.crt", f.key = "server.key";
    if (!f.ca) f.ca = "ca.crt";
    CHECK(world_context(w, &f, &context, error) == OK);
    tls_set_context(w->tls, context);
}

static inline struct world *world_make(uint64_t budget_ns, bool has_worker)
{
    struct world *w = calloc(1, sizeof *w);
    CHECK(w && heap_open(&w->heap) == OK && clock_init(&w->clock) == OK);
    snprintf(w->folder, sizeof w->folder, "/tmp/penstock-tls-XXXXXX");
    CHECK(mkdtemp(w->folder));
    certs_make(w);
    heap_piece_source_init(&w->source, &w->heap, 4096);
    w->now_ns = 1000000000;
    w->app = (struct stream_app){ w, app_open, app_data, app_end, app_drained, app_closed };
    const struct tls_config config = { .app = &w->app,
                                       .heap = &w->heap,
                                       .clock = &w->clock,
                                       .tally = &w->tally,
                                       .read_all = app_read_all,
                                       .on_failed = app_failed,
                                       .budget_ns = budget_ns,
                                       .has_worker = has_worker,
                                       .worker_core = -1,
                                       .own_core = -1 };
    CHECK(tls_open(&w->tls, &config) == OK);
    world_use(w, &(struct world_files){ 0 });
    return w;
}

static inline struct world *world_open(uint64_t budget_ns) { return world_make(budget_ns, false); }

static inline void world_close(struct world *w)
{
    static const char *const names[] = { "ca",     "otherca", "server",  "next",
                                         "locked", "client",  "stranger" };
    char file[64], path[128];
    tls_close(w->tls);
    CHECK(w->heap.bytes_total == 0);
    heap_close(&w->heap);
    for (size_t i = 0; i < 2 * sizeof names / sizeof *names; i++) {
        snprintf(file, sizeof file, "%s.%s", names[i / 2], i % 2 ? "crt" : "key");
        folder_path(w, file, path);
        unlink(path);
    }
    CHECK(rmdir(w->folder) == 0);
    free(w);
}

// ---- a line

static inline SSL_CTX *client_context(const struct world *w, const char *cert)
{
    char path[128], file[64];
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    folder_path(w, "ca.crt", path);
    CHECK(ctx && SSL_CTX_load_verify_locations(ctx, path, NULL) == 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
    if (!cert) return ctx;
    snprintf(file, sizeof file, "%s.crt", cert);
    folder_path(w, file, path);
    CHECK(SSL_CTX_use_certificate_file(ctx, path, SSL_FILETYPE_PEM) == 1);
    snprintf(file, sizeof file, "%s.key", cert);
    folder_path(w, file, path);
    CHECK(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1);
    return ctx;
}

// ctx: given; NULL: no client, raw bytes only. NULL when tls_accept refuses.
static inline struct line *line_open(struct world *w, SSL_CTX *ctx)
{
    struct line *l = calloc(1, sizeof *l);
    CHECK(l);
    l->world = w;
    l->lower.ops = &lower_ops;
    l->lower.listener = STREAM_TLS;
    l->lower.fd = 77;
    l->lower.arrival_tsc = 5;
    memcpy(l->lower.remote.ip, &l, sizeof l);
    l->lower.remote.port = 4711;
    outq_init(&l->lower.out, &w->source.source);
    l->to_client = BIO_new(BIO_s_mem());
    l->from_client = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(l->to_client, -1);
    BIO_set_mem_eof_return(l->from_client, -1);
    if (ctx) {
        l->client = SSL_new(ctx);
        SSL_CTX_free(ctx);
        SSL_set_bio(l->client, l->to_client, l->from_client);
        SSL_set_connect_state(l->client);
    }
    if (tls_accept(w->tls, &l->lower, w->now_ns)) return l;
    SSL_free(l->client);
    free(l);
    return NULL;
}

// The transport says that the connection is gone.
static inline void line_drop(struct line *l, enum stream_close why)
{
    if (l->lower_gone) return;
    l->lower.app->on_closed(l->lower.app->app, &l->lower, why);
    l->lower_gone = true;
    outq_clear(&l->lower.out);
}

static inline void line_free(struct line *l)
{
    line_drop(l, STREAM_CLOSED_BY_PEER);
    if (l->client) {
        SSL_free(l->client);
    } else {
        BIO_free(l->to_client);
        BIO_free(l->from_client);
    }
    free(l->got);
    free(l->reply);
    free(l);
}

static inline void line_give(struct line *l, const void *data, size_t size)
{
    if (l->lower_closing || l->lower_gone || size == 0) return;
    l->lower.app->on_data(l->lower.app->app, &l->lower, bytes_make(data, size));
}

// The client reads what there is, and goes on with its handshake.
static inline void line_client(struct line *l)
{
    uint8_t data[16384];
    if (!l->client) return;
    ERR_clear_error();
    for (;;) {
        int got = SSL_read(l->client, data, sizeof data);
        if (got <= 0) {
            int error = SSL_get_error(l->client, got);
            if (error != SSL_ERROR_WANT_READ && !l->client_error) l->client_error = error;
            return;
        }
        line_grow(&l->reply, &l->reply_room, l->reply_size + (size_t)got);
        memcpy(l->reply + l->reply_size, data, (size_t)got);
        l->reply_size += (size_t)got;
    }
}

// What the client wrote arrives, in pieces of step bytes. step 0: whole.
static inline void line_move(struct line *l, size_t step)
{
    char *data;
    long size = BIO_get_mem_data(l->from_client, &data);
    if (l->lower_paused || size <= 0) return;
    uint8_t *copy = malloc((size_t)size); // gone right after the call: nobody may keep it
    memcpy(copy, data, (size_t)size);
    (void)BIO_reset(l->from_client);
    for (size_t at = 0; at < (size_t)size;) {
        size_t part = step && step < (size_t)size - at ? step : (size_t)size - at;
        uint8_t *piece = malloc(part);
        memcpy(piece, copy + at, part);
        line_give(l, piece, part);
        free(piece);
        at += part;
    }
    free(copy);
}

static inline void world_turn(struct world *w, bool is_serving)
{
    w->now_ns += 1000;
    tls_turn(w->tls, w->now_ns, is_serving);
    tls_release(w->tls);
}

// Until nothing moves any more.
static inline void line_settle_by(struct line *l, size_t step)
{
    for (uint32_t i = 0; i < 40; i++) {
        line_client(l);
        line_move(l, step);
        world_turn(l->world, false);
    }
    line_client(l);
    if (l->lower_closing && !l->lower_gone && !l->lower.out.bytes)
        line_drop(l, STREAM_CLOSED_LOCALLY);
}
static inline void line_settle(struct line *l) { line_settle_by(l, 0); }

static inline void line_say(struct line *l, const void *data, size_t size)
{
    CHECK(SSL_write(l->client, data, (int)size) == (int)size);
}
static inline void line_end(struct line *l) { l->lower.app->on_end(l->lower.app->app, &l->lower); }
static inline bool line_got(const struct line *l, const char *text)
{
    return l->got_size == strlen(text) && memcmp(l->got, text, l->got_size) == 0;
}
static inline bool line_replied(const struct line *l, const char *text)
{
    return l->reply_size == strlen(text) && memcmp(l->reply, text, l->reply_size) == 0;
}
