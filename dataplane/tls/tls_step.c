// tls_step.c: one step of a handshake, wherever it runs. It touches a connection's ssl, wire and
// step, and nothing else of it: the rest is the shard's meanwhile.
#include <openssl/err.h>
#include "dataplane/tls/tls_priv.h"

// A session of one way of asking for certificates is none in another: else a client could bring
// back one from before certificates were asked for.
static bool ssl_open(struct tls_conn *c)
{
    static const int modes[] = {
        [TLS_AUTH_NO] = SSL_VERIFY_NONE,
        [TLS_AUTH_YES] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
        [TLS_AUTH_OPTIONAL] = SSL_VERIFY_PEER,
    };
    uint8_t kind[] = { 'p', 's', (uint8_t)c->step.auth };
    c->ssl = SSL_new(c->step.context);
    SSL_CTX_free(c->step.context);
    c->step.context = NULL;
    if (!c->ssl || !tls_bio_attach(c->tls->method, c->ssl, &c->wire)) return false;
    if (!SSL_set_session_id_context(c->ssl, kind, sizeof kind)) return false;
    SSL_set_verify(c->ssl, modes[c->step.auth], NULL);
    SSL_set_accept_state(c->ssl);
    return true;
}

void tls_step_run(void *conn)
{
    struct tls_conn *c = conn;
    ERR_clear_error();
    if (c->step.context && !ssl_open(c)) {
        c->step.error = SSL_ERROR_SSL;
    } else {
        int result = SSL_do_handshake(c->ssl);
        c->step.error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, result);
    }
    c->step.code = ERR_get_error();
}
