// shard_tls.h: TLS in a shard: its context from the directives, and who gets a new connection.
//
// Thread:  the shard
// Memory:  s->tls is the shard's
#pragma once
#include "dataplane/shard/shard.h"

// Needs s->heap, s->settings and s->server. error: one line for the operator, as Redis's.
enum status shard_tls_open(struct shard *s, char *error, uint32_t error_bytes) MUST_USE;
// Needs s->sock: what the handshake thread has done ends the shard's sleep.
void shard_tls_watch(struct shard *s);
// The transports' on_open: TLS first where the listener wants it, else a session.
bool shard_on_open(void *app, struct stream *stream);
// CONFIG SET: the context that these rows of next ask for. *changed: false when none is needed;
// else *out is to be put in place with shard_tls_use. ERR_IO: error says it in Redis's words, and
// the log why.
enum status shard_tls_prepare(struct shard *s, const struct settings *next,
                              const struct setting_row *const *rows, uint32_t row_count,
                              struct tls_context **out, bool *changed,
                              char error[SETTING_ERROR_MAX]) MUST_USE;
void shard_tls_use(struct shard *s, struct tls_context *context); // given
// Now and then: tells the log of failed handshakes that were not named in it.
void shard_tls_cron(struct shard *s);
