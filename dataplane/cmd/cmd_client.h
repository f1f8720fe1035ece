// cmd_client.h: what HELLO and CLIENT have in common: names, and the line that shows a client.
//
// Source:  Redis 7.2 CLIENT SETNAME, CLIENT LIST
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
                     const struct client *c); // without newline

// As many characters as a C string of these bytes has, for %.*s in errors.
static inline int text_chars(struct bytes b)
{
    size_t size = b.size < 1024 ? b.size : 1024;
    return size ? (int)strnlen((const char *)b.data, size) : 0;
}
