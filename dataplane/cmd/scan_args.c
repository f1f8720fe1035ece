#include "dataplane/cmd/scan_args.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/base/num.h"

enum { COUNT_DEFAULT = 10 };

// As Redis reads it, with strtoul: a sign is allowed, leading blanks are not, and "" is 0.
bool scan_cursor(struct call *call, uint32_t index, uint64_t *cursor)
{
    char text[32], *end;
    struct bytes in = call->argv[index];
    size_t size = in.size < sizeof text - 1 ? in.size : sizeof text - 1;
    if (size) memcpy(text, in.data, size);
    text[size] = 0;
    errno = 0;
    *cursor = strtoul(text, &end, 10);
    if (size == in.size && !isspace((unsigned char)text[0]) && *end == 0 && errno != ERANGE)
        return true;
    reply_error(call->reply, "ERR invalid cursor");
    return false;
}

static bool refuse(struct call *call)
{
    reply_error(call->reply, reply_text_syntax);
    return false;
}

bool scan_options(struct call *call, uint32_t index, const char *bare, uint32_t flags,
                  struct scan_args *out)
{
    int64_t count = COUNT_DEFAULT;
    *out = (struct scan_args){ 0 };
    for (uint32_t i = index; i < call->argc; i++) {
        struct bytes word = call->argv[i];
        if (bare && bytes_is_option(word, bare)) {
            out->names_only = true;
            continue;
        }
        if (++i == call->argc) return refuse(call);
        if (bytes_is_option(word, "count")) {
            if (!call_int(call, i, &count, NULL)) return false;
            if (count < 1) return refuse(call);
        } else if (bytes_is_option(word, "match")) {
            bool is_all = bytes_equal(call->argv[i], BYTES_LITERAL("*"));
            out->pattern = is_all ? 0 : i;
        } else if ((flags & SCAN_ARGS_TYPE) && bytes_is_option(word, "type")) {
            out->type = i;
        } else {
            return refuse(call);
        }
    }
    out->count = (uint64_t)count;
    return true;
}

void scan_reply_header(struct reply *r, uint64_t cursor, uint64_t count)
{
    char digits[NUM_INT_MAX];
    reply_array(r, 2);
    reply_bulk(r, bytes_make(digits, num_format_uint(digits, cursor)));
    reply_array(r, count);
}
