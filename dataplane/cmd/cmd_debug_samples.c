// cmd_debug_samples.c: DEBUG PROTOCOL: a sample of each kind of reply, for authors of client
// libraries.
#include "dataplane/cmd/cmd_debug.h"

static void sample_array(struct call *call)
{
    reply_array(call->reply, 3);
    for (int64_t i = 0; i < 3; i++) reply_int(call->reply, i);
}

static void sample_set(struct call *call)
{
    reply_set(call->reply, 3);
    for (int64_t i = 0; i < 3; i++) reply_int(call->reply, i);
}

static void sample_map(struct call *call)
{
    reply_map(call->reply, 3);
    for (int64_t i = 0; i < 3; i++) {
        reply_int(call->reply, i);
        reply_bool(call->reply, i == 1);
    }
}

static void sample_attribute(struct call *call)
{
    if (call->reply->version >= 3) {
        reply_attribute(call->reply, 1);
        reply_bulk_text(call->reply, "key-popularity");
        reply_array(call->reply, 2);
        reply_bulk_text(call->reply, "key:123");
        reply_int(call->reply, 90);
    }
    reply_bulk_text(call->reply, "Some real reply following the attribute");
}

static void sample_push(struct call *call)
{
    if (call->reply->version < 3) {
        reply_error(call->reply, "ERR RESP2 is not supported by this command");
        return;
    }
    reply_push(call->reply, 2);
    reply_bulk_text(call->reply, "server-cpu-usage");
    reply_int(call->reply, 42);
    reply_bulk_text(call->reply, "Some real reply following the push reply");
}

static void sample_string(struct call *call) { reply_bulk_text(call->reply, "Hello World"); }
static void sample_integer(struct call *call) { reply_int(call->reply, 12345); }
static void sample_double(struct call *call) { reply_double(call->reply, 3.141); }
static void sample_null(struct call *call) { reply_null(call->reply); }
static void sample_true(struct call *call) { reply_bool(call->reply, true); }
static void sample_false(struct call *call) { reply_bool(call->reply, false); }
static void sample_bignum(struct call *call)
{
    reply_big_number(call->reply, BYTES_LITERAL("1234567999999999999999999999999999999"));
}
static void sample_verbatim(struct call *call)
{
    reply_verbatim(call->reply, "txt", BYTES_LITERAL("This is a verbatim\nstring"));
}

void debug_protocol(struct call *call)
{
    static const struct {
        const char *name;
        void (*body)(struct call *call);
    } samples[] = {
        { "string", sample_string },     { "integer", sample_integer },
        { "double", sample_double },     { "null", sample_null },
        { "array", sample_array },       { "set", sample_set },
        { "map", sample_map },           { "attrib", sample_attribute },
        { "push", sample_push },         { "true", sample_true },
        { "false", sample_false },       { "bignum", sample_bignum },
        { "verbatim", sample_verbatim },
    };
    for (uint32_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        if (!bytes_is_option(call->argv[2], samples[i].name)) continue;
        samples[i].body(call);
        return;
    }
    reply_error(call->reply,
                "ERR Wrong protocol type name. Please use one of the following: "
                "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
}
