#include "dataplane/cmd/config_rewrite.h"
#include "dataplane/cmd/acl_load.h"
#include "dataplane/cmd/errand.h"

static void reply_rewritten(struct call *call, enum errand_outcome outcome, struct bytes text)
{
    if (outcome == ERRAND_DONE || outcome == ERRAND_UNWAITED)
        reply_ok(call->reply);
    else
        reply_errorf(call->reply, "ERR Rewriting config file: %.*s", (int)text.size,
                     (const char *)text.data);
}

// Behind a NUL the lines of users; an aclfile has them, if there is one.
static void send_off(struct call *call, struct bytes settings, bool writes_all)
{
    struct server *s = call->server;
    struct text users;
    text_open(&users, s->heap);
    if (!acl_has_file(s)) acl_add_lines(&users, s);
    size_t size = settings.size + 1 + users.size;
    uint8_t *payload = heap_take(s->heap, size, HEAP_OTHER);
    memcpy(payload, settings.data, settings.size);
    payload[settings.size] = 0;
    if (users.size) memcpy(payload + settings.size + 1, users.data, users.size);
    errand_start(call, writes_all ? ERRAND_CONFIG_WRITE_ALL : ERRAND_CONFIG_REWRITE,
                 bytes_make(payload, size), reply_rewritten);
    heap_give(s->heap, payload, size, HEAP_OTHER);
    text_close(&users);
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
        send_off(call, bytes_make(text, size), writes_all);
    heap_give(s->heap, text, REGION_SETTINGS_BYTES, HEAP_OTHER);
}
