#include "tools/bench/tls_link.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

static void say(char *error, uint32_t error_bytes, const char *what)
{
    char why[160];
    ERR_error_string_n(ERR_get_error(), why, sizeof why);
    snprintf(error, error_bytes, "%s: %s", what, why);
}

SSL_CTX *tls_link_context(const char *ca_file, char *error, uint32_t error_bytes)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context && SSL_CTX_load_verify_locations(context, ca_file, NULL) == 1) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_read_ahead(context, 1);
        SSL_CTX_set_mode(context,
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        return context;
    }
    say(error, error_bytes, ca_file);
    SSL_CTX_free(context);
    return NULL;
}

void tls_link_context_close(SSL_CTX *context) { SSL_CTX_free(context); }

SSL *tls_link_open(SSL_CTX *context, int fd, char *error, uint32_t error_bytes)
{
    SSL *link = SSL_new(context);
    if (link && SSL_set_fd(link, fd) == 1 && SSL_connect(link) == 1) return link;
    say(error, error_bytes, "TLS handshake");
    SSL_free(link);
    return NULL;
}

void tls_link_close(SSL *link) { SSL_free(link); }

// errno of a call that came to nothing, or 0 for the end of the stream.
static int cause(SSL *link, int result)
{
    switch (SSL_get_error(link, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        return errno;
    default:
        return EPROTO;
    }
}

ssize_t tls_link_send(SSL *link, const void *data, size_t size)
{
    size_t done = 0;
    ERR_clear_error();
    if (SSL_write_ex(link, data, size, &done)) return (ssize_t)done;
    errno = cause(link, 0);
    return -1;
}

ssize_t tls_link_receive(SSL *link, void *data, size_t size)
{
    size_t total = 0, got;
    int why = 0;
    ERR_clear_error();
    while (total < size) {
        if (!SSL_read_ex(link, (char *)data + total, size - total, &got)) {
            why = cause(link, 0);
            break;
        }
        total += got;
        if (!SSL_has_pending(link)) break;
    }
    if (total > 0 || why == 0) return (ssize_t)total;
    errno = why;
    return -1;
}
