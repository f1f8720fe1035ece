#include "dataplane/cmd/config_rewrite.h"
#include "dataplane/cmd/errand.h"

static void reply_rewritten(struct call *call, enum errand_outcome outcome, struct bytes text)
{
    if (outcome == ERRAND_DONE || outcome == ERRAND_UNWAITED)
        reply_ok(call->reply);
    else
        reply_errorf(call->reply, "ERR Rewriting config file: %.*s", (int)text.size,
                     (const char *)text.data);
}

void config_rewrite(struct call *call, bool writes_all)
{
    struct server *s = call->server;
    if (!s->region || s->region->control->config_file[0] == '\0') {
        reply_error(call->reply, "ERR The server is running without a config file");
        return;
    }
    char *text = heap_take(s->heap, REGION_SETTINGS_BYTES, HEAP_OTHER);
    size_t size = settings_write(s->settings, text, REGION_SETTINGS_BYTES);
    if (size == 0)
        reply_error(call->reply, "ERR Rewriting config file: the settings are too long");
    else
        errand_start(call, writes_all ? ERRAND_CONFIG_WRITE_ALL : ERRAND_CONFIG_REWRITE,
                     bytes_make(text, size), reply_rewritten);
    heap_give(s->heap, text, REGION_SETTINGS_BYTES, HEAP_OTHER);
}
