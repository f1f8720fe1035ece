#include "dataplane/cmd/monitor.h"
#include <stdio.h>
#include "dataplane/cmd/push.h"
#include "dataplane/cmd/redact.h"
#include "dataplane/cmd/script_run.h"

enum { HEAD_MAX = 256 };

struct monitor {
    struct list_node link;
    struct client *client;
    uint64_t since; // of several shards: lines of earlier posts are not for it
};

void monitors_open(struct server *s) { list_init(&s->monitors); }

void monitor_add(struct server *s, struct client *c)
{
    struct monitor *m = heap_take_zeroed(s->heap, sizeof *m, HEAP_SESSION);
    m->client = c;
    if (server_is_one_of_many(s)) {
        m->since = __atomic_load_n(&s->node->mail[0].next_ticket, __ATOMIC_ACQUIRE);
        posted_mark(s, &s->node->monitoring, true);
    }
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
    if (server_is_one_of_many(s) && !s->monitors.count) posted_mark(s, &s->node->monitoring, false);
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

static void show(struct server *s, struct blob *line, uint64_t ticket)
{
    for (struct list_node *n = list_first(&s->monitors); n; n = list_next(&s->monitors, n)) {
        struct monitor *m = LIST_OWNER(n, struct monitor, link);
        if (m->since <= ticket) client_push(s, m->client, line);
    }
}

// ---- several shards

static void show_posted(struct server *s, const struct posted *p)
{
    if (!s->monitors.count) return;
    struct blob *line = blob_new(s->heap, p->texts[0].size, HEAP_CLIENT_OUT);
    memcpy(line->data, p->texts[0].data, p->texts[0].size);
    line->size = p->texts[0].size;
    show(s, line, p->numbers[0]);
    blob_release(line);
}

// On shard 0: lines arrive in the order in which the commands ran.
static void hand_on(struct server *s, const struct posted *p)
{
    struct posted line = { .numbers = { p->ticket }, .texts = { p->texts[0] } };
    uint64_t shards = __atomic_load_n(&s->node->monitoring, __ATOMIC_ACQUIRE);
    post_to_all(s, shards, POSTED_LINE, show_posted, &line);
}

static void send(struct server *s, const struct blob *line)
{
    struct posted p = { .texts = { blob_bytes(line) } };
    if (LIKELY(post_fits(s, 0))) {
        post(s, 0, POSTED_COMMAND, hand_on, &p);
        return;
    }
    // Shard 0 is behind: those who would miss this line shall know.
    uint64_t shards = __atomic_load_n(&s->node->monitoring, __ATOMIC_ACQUIRE);
    for (; shards; shards = shard_set_rest(shards))
        post_lose(s, shard_set_first(shards), POSTED_LINE);
}

static void feed(const struct call *call)
{
    struct server *s = call->server;
    struct blob *line = make_line(call);
    if (LIKELY(!server_is_one_of_many(s)))
        show(s, line, 0);
    else
        send(s, line);
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
