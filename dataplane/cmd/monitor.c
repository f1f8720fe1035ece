#include "dataplane/cmd/monitor.h"
#include <stdio.h>
#include "dataplane/cmd/push.h"
#include "dataplane/cmd/redact.h"
#include "dataplane/cmd/script_run.h"

enum { HEAD_MAX = 256 };

struct monitor {
    struct list_node link;
    struct client *client;
};

void monitors_open(struct server *s) { list_init(&s->monitors); }

void monitor_add(struct server *s, struct client *c)
{
    struct monitor *m = heap_take_zeroed(s->heap, sizeof *m, HEAP_SESSION);
    m->client = c;
    list_append(&s->monitors, &m->link);
    c->monitor = m;
    c->flags |= CLIENT_MONITOR;
}

void monitor_forget_client(struct server *s, struct client *c)
{
    if (!c->monitor) return;
    list_remove(&s->monitors, &c->monitor->link);
    heap_give(s->heap, c->monitor, sizeof *c->monitor, HEAP_SESSION);
    c->monitor = NULL;
    c->flags &= ~(uint32_t)CLIENT_MONITOR;
}

// ---- a line

// Redis's: what a C string literal would say, other bytes as \xhh.
static uint32_t quote(uint8_t byte, char out[4])
{
    static const char digits[] = "0123456789abcdef";
    static const char escaped[] = { ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['\a'] = 'a',
                                    ['\b'] = 'b', ['"'] = '"',  ['\\'] = '\\' };
    if (byte < sizeof escaped && escaped[byte]) {
        out[0] = '\\';
        out[1] = escaped[byte];
        return 2;
    }
    if (byte >= ' ' && byte <= '~') {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = digits[byte >> 4];
    out[3] = digits[byte & 15];
    return 4;
}

static size_t quoted_size(struct bytes text)
{
    char ignored[4];
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) size += quote(text.data[i], ignored);
    return size;
}

static size_t put_argument(uint8_t *to, struct bytes text)
{
    size_t at = 0;
    to[at++] = ' ';
    to[at++] = '"';
    for (size_t i = 0; i < text.size; i++) at += quote(text.data[i], (char *)to + at);
    to[at++] = '"';
    return at;
}

static uint32_t put_head(const struct call *call, char out[HEAD_MAX])
{
    const struct client *c = call->client;
    const char *path = call->server->settings->unixsocket;
    uint64_t now_us = clock_wall_us();
    char from[128];
    if (!c->stream)
        snprintf(from, sizeof from, "lua");
    else if (c->flags & CLIENT_UNIX_SOCKET)
        snprintf(from, sizeof from, "unix:%.120s", path ? path : "");
    else
        client_address_text(c, false, path, from);
    return (uint32_t)snprintf(out, HEAD_MAX, "+%lu.%06lu [%u %s]",
                              (unsigned long)(now_us / 1000000), (unsigned long)(now_us % 1000000),
                              c->db, from);
}

static struct blob *make_line(const struct call *call)
{
    char head[HEAD_MAX];
    uint32_t head_size = put_head(call, head);
    size_t room = head_size + 2;
    for (uint32_t i = 0; i < call->argc; i++)
        room += 3 + quoted_size(redact_argument(call->command, call->argv, call->argc, i));
    struct blob *line = blob_new(call->server->heap, room, HEAP_CLIENT_OUT);
    memcpy(line->data, head, head_size);
    line->size = head_size;
    for (uint32_t i = 0; i < call->argc; i++)
        line->size += put_argument(line->data + line->size,
                                   redact_argument(call->command, call->argv, call->argc, i));
    line->data[line->size++] = '\r';
    line->data[line->size++] = '\n';
    return line;
}

static void feed(const struct call *call)
{
    struct server *s = call->server;
    struct blob *line = make_line(call);
    for (struct list_node *n = list_first(&s->monitors); n; n = list_next(&s->monitors, n))
        client_push(s, LIST_OWNER(n, struct monitor, link)->client, line);
    blob_release(line);
}

void monitor_before(const struct call *call)
{
    if (command_runs_script(call->command) && !call->is_retry) feed(call);
}

void monitor_after(const struct call *call)
{
    if (!(call->command->flags & (CMD_SKIP_MONITOR | CMD_ADMIN)) && !call->is_retry) feed(call);
}
