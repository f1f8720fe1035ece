#include "dataplane/tls/tls_priv.h"

enum { TLS_BIO_TYPE = BIO_TYPE_SOURCE_SINK | 0x7e }; // one that OpenSSL does not use

static int bio_read(BIO *bio, char *out, size_t size, size_t *done)
{
    struct tls_conn *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *done = 0;
    if (c->in.size == 0) {
        if (c->has_ended) return 0;
        BIO_set_retry_read(bio);
        return -1;
    }
    if (size > c->in.size) size = c->in.size;
    memcpy(out, c->in.data, size);
    c->in.data += size;
    c->in.size -= size;
    *done = size;
    return 1;
}

// Never refuses: what OpenSSL writes at once is bounded, a broken queue is looked at afterwards.
static int bio_write(BIO *bio, const char *data, size_t size, size_t *done)
{
    struct tls_conn *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    outq_append(&c->lower->out, bytes_make(data, size));
    c->has_written = true;
    *done = size;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    struct tls_conn *c = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return c->has_ended && c->in.size == 0;
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

bool tls_bio_attach(struct tls_conn *c)
{
    BIO *bio = BIO_new(c->tls->method);
    if (!bio) return false;
    BIO_set_data(bio, c);
    BIO_set_init(bio, 1);
    SSL_set_bio(c->ssl, bio, bio);
    return true;
}
