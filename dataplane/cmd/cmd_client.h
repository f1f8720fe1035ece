// cmd_client.h: what HELLO and the files of CLIENT have in common: names, kinds, and the line that
// shows a client.
//
// Source:  Redis 7.2 CLIENT SETNAME, CLIENT LIST, CLIENT KILL
// Thread:  the shard
// Memory:  see client.h
#pragma once
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/text.h"

// Names and library names: printable, no spaces. Empty is valid: it takes the name away.
bool client_text_is_valid(struct bytes text);
extern const char *const client_name_error;
void client_set_text(struct server *s, char **field, struct bytes text);
void client_add_line(struct text *t, const struct server *s,
                     const struct client *c);                     // without newline
uint64_t client_seconds_since(uint64_t now_ms, uint64_t then_ms); // 0 when it is still to come

// TYPE of CLIENT LIST and CLIENT KILL. A MONITOR is a normal one, as in Redis.
enum client_kind {
    CLIENT_KIND_NORMAL,
    CLIENT_KIND_REPLICA,
    CLIENT_KIND_PUBSUB,
    CLIENT_KIND_MASTER,
};
enum client_kind client_kind(const struct client *c);
bool client_parse_kind(struct call *call, struct bytes word, enum client_kind *kind); // replies
// Killed ones are gone for everybody, though their connection closes only at the end of the turn.
static inline bool client_is_gone(const struct client *c) { return c->flags & CLIENT_CLOSE_NOW; }

void client_reply_syntax(struct call *call); // arguments that no form of the subcommand has

// ---- subcommands in files of their own
void client_info(struct call *call);
void client_kill(struct call *call);
void client_list(struct call *call);

// As many characters as a C string of these bytes has, for %.*s in errors.
static inline int text_chars(struct bytes b)
{
    size_t size = b.size < 1024 ? b.size : 1024;
    return size ? (int)strnlen((const char *)b.data, size) : 0;
}
