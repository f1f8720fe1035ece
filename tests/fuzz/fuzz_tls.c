// TLS, fed hostile bytes: in place of a handshake, as records behind an honest one, or as changes
// to honest records. Nothing may crash, the app must hear of each stream in order, it may only get
// what the client sent, and all memory must come back.
#include "dataplane/tls/tls_priv.h"
#include "tests/unit/tls/fixture.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SETTING_BYTES = 4 }; // how the rest is used
enum {
    USE_CLIENT = 1,  // an honest handshake first
    USE_TLS_1_2 = 2, // of the client
    USE_ECHO = 4,    // the app answers
    USE_PAUSE = 8,   // the app pauses at all it gets
    USE_AUTH = 16,   // certificates are asked for
    USE_FORGED = 32, // bytes are records, else they are what the client says
    USE_WORKER = 64, // handshake steps on a thread
    USE_END = 128,   // the peer's end follows
};

static struct world *worlds[2];

static void close_worlds(void)
{
    world_close(worlds[0]);
    world_close(worlds[1]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    worlds[0] = world_make(0, false);
    worlds[1] = world_make(0, true);
    atexit(close_worlds);
    return 0;
}

// Until the thread has nothing of it.
static void turn(struct line *l)
{
    const struct tls_conn *c;
    do {
        world_turn(l->world, false);
    } while ((c = l->lower.user) && c->step.is_running);
}

static void unpause(struct line *l)
{
    for (int i = 0; i < 200 && l->up && l->lower_paused; i++) {
        l->up->ops->pause(l->up, false);
        turn(l);
    }
}

static void give_pieces(struct line *l, const uint8_t *data, size_t size, size_t step)
{
    for (size_t at = 0; at < size && !l->lower_closing; at += step) {
        size_t part = size - at < step ? size - at : step;
        uint8_t *piece = malloc(part); // so that a sanitizer sees its end
        memcpy(piece, data + at, part);
        line_give(l, piece, part);
        free(piece);
        turn(l);
        unpause(l);
    }
}

static void shake_hands(struct line *l)
{
    for (int i = 0; i < 6 && !l->lower_closing; i++) {
        line_client(l);
        line_move(l, 0);
        turn(l);
    }
    line_client(l);
}

// The client's own records, one byte of them changed when the setting names one.
static void say(struct line *l, const uint8_t *data, size_t size, const uint8_t *setting)
{
    char *wire;
    if (size == 0 || !SSL_is_init_finished(l->client)) return;
    (void)SSL_write(l->client, data, (int)size);
    long bytes = BIO_get_mem_data(l->from_client, &wire);
    if (bytes <= 0) return;
    uint8_t *copy = malloc((size_t)bytes);
    memcpy(copy, wire, (size_t)bytes);
    (void)BIO_reset(l->from_client);
    if (setting[2]) copy[(size_t)setting[2] * setting[3] % (size_t)bytes] ^= setting[2];
    give_pieces(l, copy, (size_t)bytes, 1u + setting[1] * 7u);
    free(copy);
    // Changed or not: nothing but what was said may come out.
    CHECK(l->got_size <= size);
    CHECK(l->got_size == 0 || memcmp(l->got, data, l->got_size) == 0);
    if (!setting[2]) CHECK(l->got_size == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < SETTING_BYTES) return 0;
    uint8_t use = data[0];
    struct world *w = worlds[(use & USE_WORKER) != 0];
    uint64_t before = w->heap.bytes_total;
    SSL_CTX *ctx = NULL;
    w->echo = use & USE_ECHO;
    w->pause_on_data = use & USE_PAUSE;
    tls_set_auth(w->tls, use & USE_AUTH ? TLS_AUTH_OPTIONAL : TLS_AUTH_NO);
    if (use & USE_CLIENT) {
        ctx = client_context(w, use & USE_AUTH ? "client" : NULL);
        if (use & USE_TLS_1_2) SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    }
    struct line *l = line_open(w, ctx);
    if (use & USE_CLIENT) {
        shake_hands(l);
        CHECK(l->opens == 1);
    }
    if (use & USE_CLIENT && !(use & USE_FORGED))
        say(l, data + SETTING_BYTES, size - SETTING_BYTES, data);
    else
        give_pieces(l, data + SETTING_BYTES, size - SETTING_BYTES, 1u + data[1]);
    if (use & USE_END && !l->lower_closing) line_end(l);
    turn(l);
    line_client(l);
    CHECK(l->opens <= 1 && l->ends <= 1 && l->closes <= l->opens);
    line_free(l);
    world_turn(w, false);
    CHECK(tls_opening_count(w->tls) == 0);
    CHECK(w->heap.bytes_total == before);
    return 0;
}
