// resp_write.h: replies in RESP2 and RESP3, written straight into the connection's output queue.
//
// Source:  RESP specification; reply choices of Redis 7.2 (which differ between RESP2 and RESP3)
// Thread:  the shard that owns the session
// Memory:  none of its own; writes into struct outq
// Every error text that more than one command uses lives here.
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/blob.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/outq.h"

struct reply {
    struct outq *out;     // borrowed
    struct heap *heap;    // blobs of others are copied; NULL: all may be referred to
    uint8_t version;      // 2 or 3
    bool muted;           // CLIENT REPLY OFF/SKIP, or a replayed effect: everything is dropped
    uint32_t error_count; // errors written since the caller last cleared it
    char error_code[24];  // of the last one: "ERR", "WRONGTYPE", ... for errorstats
    char *error_text;     // REPLY_ERROR_TEXT_MAX bytes for the last one's text; NULL: not wanted
};
enum { REPLY_ERROR_TEXT_MAX = 256 };

void reply_status(struct reply *r, const char *text); // +text
void reply_ok(struct reply *r);
void reply_error(struct reply *r, const char *text); // "ERR ..." or "CODE ..." ; no leading '-'
// Up to 4095 bytes. As Redis does, errors are counted also while the reply is muted.
void reply_errorf(struct reply *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void reply_error_bytes(struct reply *r, struct bytes text); // CR and LF become spaces
void reply_int(struct reply *r, int64_t value);
void reply_bulk(struct reply *r, struct bytes value);
void reply_bulk_text(struct reply *r, const char *text);
void reply_bulk_int(struct reply *r, int64_t value); // the number's digits as a bulk string
void reply_blob(struct reply *r, struct blob *blob,
                struct bytes part);     // part of blob, by reference when large
void reply_null(struct reply *r);       // $-1 or _
void reply_null_array(struct reply *r); // *-1 or _
void reply_array(struct reply *r, uint64_t count);
void reply_map(struct reply *r, uint64_t pair_count); // RESP2: array of twice as many
void reply_set(struct reply *r, uint64_t count);      // RESP2: array
void reply_attribute(struct reply *r,
                     uint64_t pair_count);        // RESP3 only; the caller checks the version
void reply_push(struct reply *r, uint64_t count); // RESP2: array
void reply_bool(struct reply *r, bool value);     // RESP2: :1 / :0
void reply_double(struct reply *r, double value); // RESP2: bulk string
void reply_long_double_text(struct reply *r,
                            long double value); // bulk string, human form (INCRBYFLOAT)
void reply_verbatim(struct reply *r, const char kind[3], struct bytes text); // RESP2: bulk
void reply_big_number(struct reply *r, struct bytes digits);                 // RESP2: bulk
void reply_raw(struct reply *r, struct bytes wire); // bytes that are RESP already

// The same for who makes wire of his own, once for many receivers: they write at to, where there is
// room for RESP_HEAD_MAX or RESP_HEAD_MAX + text.size + 2 bytes, and return how many they wrote.
enum { RESP_HEAD_MAX = 1 + 20 + 2 };                           // kind, number, CRLF
size_t resp_put_head(uint8_t *to, char kind, uint64_t number); // "*3", "$10", ">2", ":7", ...
size_t resp_put_bulk(uint8_t *to, struct bytes text);

// An aggregate whose length is known only at its end.
struct reply_later {
    struct piece *gap;
};
struct reply_later reply_later_begin(struct reply *r);
void reply_later_array(struct reply *r, struct reply_later l, uint64_t count);
void reply_later_map(struct reply *r, struct reply_later l, uint64_t pair_count);
void reply_later_set(struct reply *r, struct reply_later l, uint64_t count);

// Texts of Redis that many commands share.
extern const char
    *const reply_text_wrong_type; // "WRONGTYPE Operation against a key holding the wrong kind..."
extern const char *const reply_text_syntax;       // "ERR syntax error"
extern const char *const reply_text_not_integer;  // "ERR value is not an integer or out of range"
extern const char *const reply_text_not_float;    // "ERR value is not a valid float"
extern const char *const reply_text_no_key;       // "ERR no such key"
extern const char *const reply_text_out_of_range; // "ERR index out of range"
extern const char
    *const reply_text_oom; // "OOM command not allowed when used memory > 'maxmemory'."
extern const char *const reply_text_no_auth; // "NOAUTH Authentication required."
extern const char
    *const reply_text_wrong_pass; // "WRONGPASS invalid username-password pair or user is disabled."
void reply_error_arity(struct reply *r, const char *full_command_name);
void reply_error_unknown_command(struct reply *r, const struct bytes *argv, uint32_t argc);
// "ERR unknown subcommand 'foo'. Try CONFIG HELP."; command in any case, as the client sent it.
void reply_error_unknown_subcommand(struct reply *r, struct bytes command, struct bytes subcommand);
