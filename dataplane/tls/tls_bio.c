#include <stdlib.h>
#include "dataplane/tls/tls_priv.h"

enum { TLS_BIO_TYPE = BIO_TYPE_SOURCE_SINK | 0x7e }; // one that OpenSSL does not use

static int bio_read(BIO *bio, char *out, size_t size, size_t *done)
{
    struct tls_wire *w = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *done = 0;
    if (w->in.size == 0) {
        if (w->has_ended) return 0;
        BIO_set_retry_read(bio);
        return -1;
    }
    if (size > w->in.size) size = w->in.size;
    memcpy(out, w->in.data, size);
    w->in.data += size;
    w->in.size -= size;
    *done = size;
    return 1;
}

static void hold(struct tls_wire *w, const char *data, size_t size)
{
    if (size > w->held_room - w->held_size) {
        w->held_room = (uint32_t)(2 * (w->held_size + size));
        w->held = realloc(w->held, w->held_room);
        CHECK(w->held);
    }
    memcpy(w->held + w->held_size, data, size);
    w->held_size += (uint32_t)size;
}

// Never refuses: what OpenSSL writes at once is bounded, a broken queue is looked at afterwards.
static int bio_write(BIO *bio, const char *data, size_t size, size_t *done)
{
    struct tls_wire *w = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (w->out)
        outq_append(w->out, bytes_make(data, size));
    else
        hold(w, data, size);
    w->has_written = true;
    *done = size;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct tls_wire *w = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return w->has_ended && w->in.size == 0;
    default:
        return 0;
    }
}

BIO_METHOD *tls_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(TLS_BIO_TYPE, "penstock stream");
    if (!m) return NULL;
    BIO_meth_set_read_ex(m, bio_read);
    BIO_meth_set_write_ex(m, bio_write);
    BIO_meth_set_ctrl(m, bio_ctrl);
    return m;
}

bool tls_bio_attach(BIO_METHOD *m, SSL *ssl, struct tls_wire *w)
{
    BIO *bio = BIO_new(m);
    if (!bio) return false;
    BIO_set_data(bio, w);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return true;
}
