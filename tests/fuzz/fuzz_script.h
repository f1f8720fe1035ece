// fuzz_script.h: one script that is run with every input as its arguments, in a host that is opened
// anew from time to time. Whatever the input: one reply comes out, and all memory comes back.
#pragma once
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/resp/resp_write.h"
#include "dataplane/script/script_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_RUNS_PER_HOST = 2000, FUZZ_POLLS_MAX = 100 };

struct fuzz_script {
    struct heap heap;
    struct heap_piece_source source;
    struct script_host *host;
    uint32_t runs, polls;
    bool was_asked; // the script called the fake command that says that it found something wrong
};

// Answers with its argument as it stands: any bytes a command might have replied.
static void fuzz_command(void *context, const struct bytes *argv, uint32_t argc,
                         struct reply *reply)
{
    struct fuzz_script *f = context;
    if (argc == 2 && bytes_is_word(argv[0], "raw"))
        reply_raw(reply, argv[1]);
    else
        f->was_asked = true;
}

static const char *fuzz_poll(void *context)
{
    struct fuzz_script *f = context;
    return ++f->polls > FUZZ_POLLS_MAX ? "ERR too long" : NULL;
}

static void fuzz_log(void *context, enum script_log_level level, struct bytes text) {}

static void fuzz_sha1hex(void *context, struct bytes data, char hex[SCRIPT_SHA_CHARS])
{
    memset(hex, '0', SCRIPT_SHA_CHARS);
}

static enum script_acl fuzz_acl(void *context, const struct bytes *argv, uint32_t argc)
{
    return SCRIPT_ACL_ALLOWED;
}

static void fuzz_set_repl(void *context, unsigned mask) {}

static const struct script_host_ops fuzz_ops = {
    .command = fuzz_command,
    .poll = fuzz_poll,
    .log = fuzz_log,
    .sha1hex = fuzz_sha1hex,
    .acl_check = fuzz_acl,
    .set_repl = fuzz_set_repl,
};

static void fuzz_close(struct fuzz_script *f)
{
    script_host_close(f->host);
    CHECK(f->heap.bytes_total == 0);
    heap_close(&f->heap);
    f->host = NULL;
}

static void fuzz_open(struct fuzz_script *f)
{
    *f = (struct fuzz_script){ 0 };
    CHECK(heap_open(&f->heap) == OK);
    heap_piece_source_init(&f->source, &f->heap, 4096);
    f->host = script_host_open(&f->heap, SCRIPT_KIND_EVAL, &fuzz_ops, f);
}

static void fuzz_run(struct fuzz_script *f, const char *text, const struct bytes *args,
                     uint32_t arg_count)
{
    struct bytes error;
    struct outq out;
    struct reply reply = { .out = &out, .version = (uint8_t)(2 + f->runs % 2) };
    struct script_call call = { .args = args, .arg_count = arg_count, .reply = &reply };
    if (f->host && f->runs >= FUZZ_RUNS_PER_HOST) fuzz_close(f);
    if (!f->host) fuzz_open(f);
    f->runs++;
    f->polls = 0;
    outq_init(&out, &f->source.source);
    struct script *script = script_add(f->host, bytes_text(text), &error);
    CHECK(script);
    script_run(f->host, script, &call);
    CHECK(out.bytes > 0 && !out.broken && out.open_gaps == 0);
    CHECK(!f->was_asked);
    outq_clear(&out);
}
