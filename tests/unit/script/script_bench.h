// script_bench.h: a host of scripts whose commands are a handful of fakes; replies come back as
// wire text.
//
// Memory:  bench_close checks that every byte of the heap was given back
// Where an error says which script it was, " script: 000..., on @user_script:1." becomes " @1" (and
// " script: name, on @user_function:2." becomes " @name:2").
#pragma once
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/base/fiber.h"
#include "dataplane/script/script_host.h"

enum { BENCH_WIRE_BYTES = 1 << 20, BENCH_LOG_BYTES = 4096 };

struct bench {
    struct heap heap;
    struct heap_piece_source source;
    struct outq out;
    struct reply reply;
    struct script_host *host;
    enum script_end end;    // of the last run
    uint32_t commands;      // that were called
    uint32_t polls;         // that were asked
    uint32_t polls_allowed; // after so many the script is killed
    unsigned repl;          // mask of redis.set_repl
    uint32_t released;      // values of REF that were let go
    bool is_running_seen;
    struct fiber *fiber; // set: every operation leaves the stack for a while
    char log[BENCH_LOG_BYTES];
    char *wire;
};

// Raw replies as they are; REF answers by reference to this text.
static const char bench_blob[] = "a value by reference";

static void bench_release(void *value) { ++*(uint32_t *)value; }

static inline void bench_command(void *context, const struct bytes *argv, uint32_t argc,
                                 struct reply *reply)
{
    struct bench *b = context;
    b->commands++;
    if (b->fiber) fiber_yield(b->fiber);
    b->is_running_seen |= script_host_is_running(b->host);
    if (bytes_is_word(argv[0], "echo") && argc == 2) {
        reply_bulk(reply, argv[1]);
    } else if (bytes_is_word(argv[0], "raw") && argc == 2) {
        reply_raw(reply, argv[1]);
    } else if (bytes_is_word(argv[0], "set")) {
        reply_ok(reply);
    } else if (bytes_is_word(argv[0], "version")) {
        reply_int(reply, reply->version);
    } else if (bytes_is_word(argv[0], "many")) {
        struct reply_later later = reply_later_begin(reply);
        for (int i = 0; i < 10000; i++) reply_bulk_int(reply, i);
        reply_later_array(reply, later, 10000);
    } else if (bytes_is_word(argv[0], "ref")) {
        char head[32];
        int size = snprintf(head, sizeof head, "$%zu\r\n", sizeof bench_blob - 1);
        reply_raw(reply, bytes_make(head, (size_t)size));
        outq_append_ref(reply->out, bytes_make(bench_blob, sizeof bench_blob - 1), bench_release,
                        &b->released);
        reply_raw(reply, BYTES_LITERAL("\r\n"));
    } else {
        reply_error(reply, "WRONGTYPE no such fake");
    }
}

static inline const char *bench_poll(void *context)
{
    struct bench *b = context;
    if (b->fiber) fiber_yield(b->fiber);
    if (b->polls++ < b->polls_allowed) return NULL;
    return "ERR Script killed by user with SCRIPT KILL...";
}

static inline void bench_log(void *context, enum script_log_level level, struct bytes text)
{
    struct bench *b = context;
    size_t used = strlen(b->log);
    snprintf(b->log + used, sizeof b->log - used, "%d:%.*s;", (int)level, (int)text.size,
             (const char *)text.data);
}

// The length is enough to tell texts apart, and tests want to read it.
static inline void bench_sha1hex(void *context, struct bytes data, char hex[SCRIPT_SHA_CHARS])
{
    char text[SCRIPT_SHA_CHARS + 1];
    uint64_t sum = data.size;
    for (size_t i = 0; i < data.size; i++) sum = sum * 31 + data.data[i];
    snprintf(text, sizeof text, "%040llx", (unsigned long long)sum);
    memcpy(hex, text, SCRIPT_SHA_CHARS);
}

static inline enum script_acl bench_acl(void *context, const struct bytes *argv, uint32_t argc)
{
    if (bytes_is_word(argv[0], "yes")) return SCRIPT_ACL_ALLOWED;
    return bytes_is_word(argv[0], "no") ? SCRIPT_ACL_DENIED : SCRIPT_ACL_UNKNOWN_COMMAND;
}

static inline void bench_set_repl(void *context, unsigned mask)
{
    ((struct bench *)context)->repl = mask;
}

static const struct script_host_ops bench_ops = {
    .command = bench_command,
    .poll = bench_poll,
    .log = bench_log,
    .sha1hex = bench_sha1hex,
    .acl_check = bench_acl,
    .set_repl = bench_set_repl,
};

static inline void bench_open(struct bench *b, enum script_kind kind)
{
    memset(b, 0, sizeof *b);
    cr_assert(eq(int, heap_open(&b->heap), OK));
    heap_piece_source_init(&b->source, &b->heap, 4096);
    outq_init(&b->out, &b->source.source);
    b->reply = (struct reply){ .out = &b->out, .version = 2 };
    b->wire = malloc(BENCH_WIRE_BYTES);
    b->polls_allowed = 20000;
    b->host = script_host_open(&b->heap, kind, &bench_ops, b);
}

static inline void bench_close(struct bench *b)
{
    script_host_close(b->host);
    outq_clear(&b->out);
    cr_expect(eq(u64, b->heap.bytes_total, 0));
    heap_close(&b->heap);
    free(b->wire);
}

// Places become short, see above.
static inline void bench_shorten(char *text)
{
    char *at = strstr(text, " script: "), name[64], rest[8];
    int line, used = 0;
    if (!at) return;
    if (sscanf(at, " script: %63[^,], on @user_script:%d%7[.]%n", name, &line, rest, &used) == 3) {
        int size = sprintf(at, " @%d", line);
        memmove(at + size, at + used, strlen(at + used) + 1);
    } else if (sscanf(at, " script: %63[^,], on @user_function:%d%7[.]%n", name, &line, rest,
                      &used) == 3) {
        int size = sprintf(at, " @%s:%d", name, line);
        memmove(at + size, at + used, strlen(at + used) + 1);
    }
}

// The reply since the last call; bytes of zero show as '0'.
static inline char *bench_wire(struct bench *b)
{
    size_t size = 0;
    struct piece *p;
    while ((p = outq_take(&b->out))) {
        cr_assert(lt(sz, size + p->used, BENCH_WIRE_BYTES));
        memcpy(b->wire + size, p->data, p->used);
        size += p->used;
        p->release(p);
    }
    for (size_t i = 0; i < size; i++)
        if (!b->wire[i]) b->wire[i] = '0';
    b->wire[size] = '\0';
    bench_shorten(b->wire);
    return b->wire;
}

static inline char *bench_eval_with(struct bench *b, const char *text, const struct bytes *keys,
                                    uint32_t key_count, const struct bytes *args,
                                    uint32_t arg_count)
{
    struct bytes error;
    struct script *script = script_add(b->host, bytes_text(text), &error);
    struct script_call call = { .keys = keys,
                                .key_count = key_count,
                                .args = args,
                                .arg_count = arg_count,
                                .reply = &b->reply };
    if (script)
        b->end = script_run(b->host, script, &call);
    else
        reply_error_bytes(&b->reply, error);
    return bench_wire(b);
}

static inline char *bench_eval(struct bench *b, const char *text)
{
    return bench_eval_with(b, text, NULL, 0, NULL, 0);
}

struct bench_row {
    const char *script, *wire;
};

// Every row in one host, one after the other, in RESP2 or 3.
static inline void bench_rows(const struct bench_row *rows, size_t count, uint8_t version)
{
    struct bench b;
    bench_open(&b, SCRIPT_KIND_EVAL);
    b.reply.version = version;
    for (size_t i = 0; i < count; i++) {
        char *wire = bench_eval(&b, rows[i].script);
        cr_expect(strcmp(wire, rows[i].wire) == 0, "%s\n  got      %s\n  expected %s",
                  rows[i].script, wire, rows[i].wire);
    }
    bench_close(&b);
}
#define BENCH_ROWS(rows, version) bench_rows(rows, sizeof(rows) / sizeof *(rows), version)
