#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "dataplane/base/num.h"
#include "tools/penstockctl_import_target_priv.h"

static const struct target_request about_select = { .kind = TARGET_OTHER,
                                                    .source = "target",
                                                    .verb = "SELECT" };

// ---- what is known of a request

void target_request_name(struct target_request *r, struct bytes name)
{
    size_t kept = name.size < TARGET_NAME_BYTES ? name.size : TARGET_NAME_BYTES;
    if (kept) memcpy(r->name, name.data, kept);
    r->name_bytes = name.size;
}

void target_request_verb(struct target_request *r, struct bytes verb)
{
    char shown[4 * TARGET_NAME_BYTES + 8];
    size_t size = verb.size < TARGET_NAME_BYTES ? verb.size : TARGET_NAME_BYTES;
    target_show(shown, (const char *)verb.data, size);
    snprintf(r->verb, sizeof r->verb, "%.*s", (int)strlen(shown) - 2, shown + 1);
}

// ---- the connection

// The first request without an answer is where a server stumbled that closed the connection.
static void lose(struct target *t, const char *why)
{
    if (t->is_lost) return;
    t->is_lost = true;
    if (t->count) target_tell(t, &t->requests[t->first], "it was not answered");
    progress_hide(t->progress);
    ctl_complain("the target: %s; %u requests were not answered", why, t->count);
}

static void receive(struct target *t)
{
    ssize_t size = recv(t->client.fd, t->in, TARGET_IN_BYTES, MSG_DONTWAIT);
    if (size > 0 && !target_take_replies(t, t->in, (size_t)size))
        lose(t, "what it answers is not RESP");
    else if (size == 0)
        lose(t, "it closed the connection");
    else if (size < 0 && errno != EAGAIN && errno != EINTR)
        lose(t, strerror(errno));
}

// Until something can be done; replies are read on the way.
static void wait_for(struct target *t, short events)
{
    struct pollfd p = { .fd = t->client.fd, .events = events };
    int ready = poll(&p, 1, TARGET_PATIENCE_S * 1000);
    if (ready == 0) lose(t, "it does not answer");
    if (ready < 0 && errno != EINTR) lose(t, strerror(errno));
    if (ready > 0 && (p.revents & ~POLLOUT)) receive(t);
}

static void send_bytes(struct target *t, const char *data, size_t size)
{
    while (size > 0 && !t->is_lost) {
        ssize_t sent = send(t->client.fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            data += sent;
            size -= (size_t)sent;
        } else if (errno == EAGAIN || errno == EINTR) {
            wait_for(t, POLLIN | POLLOUT);
        } else {
            int error = errno;
            receive(t); // it may have said why
            lose(t, strerror(error));
        }
    }
}

bool target_has_good_source(struct target *t)
{
    if (t->is_source_lost) return false;
    t->is_source_lost = t->is_source_good && !t->is_source_good(t->source);
    t->is_lost |= t->is_source_lost;
    return !t->is_source_lost;
}

static void flush_out(struct target *t)
{
    if (target_has_good_source(t)) send_bytes(t, t->out, t->out_bytes);
    t->out_bytes = 0;
}

static void put_raw(struct target *t, const void *data, size_t size)
{
    const char *rest = data;
    while (size) { // each turn copies something
        if (t->out_bytes == TARGET_OUT_BYTES) flush_out(t);
        size_t room = TARGET_OUT_BYTES - t->out_bytes, now = size < room ? size : room;
        memcpy(t->out + t->out_bytes, rest, now);
        t->out_bytes += now;
        rest += now;
        size -= now;
    }
}

static void put_head(struct target *t, char kind, uint64_t number)
{
    char head[NUM_INT_MAX + 3] = { kind };
    uint32_t size = 1 + num_format_uint(head + 1, number);
    memcpy(head + size, "\r\n", 2);
    put_raw(t, head, size + 2);
}

// ---- requests

bool target_may_go_on(const struct target *t)
{
    return !t->is_lost && (t->keeps_going || t->refused == 0);
}

bool target_begin(struct target *t, const struct target_request *about, uint32_t word_count)
{
    if (t->count == t->room) flush_out(t);
    while (t->count == t->room && !t->is_lost) wait_for(t, POLLIN);
    if (!target_may_go_on(t)) return false;
    t->requests[(t->first + t->count) % t->room] = *about;
    t->count++;
    put_head(t, '*', word_count);
    return true;
}

void target_put_pieces(struct target *t, const struct bytes *pieces, uint32_t count)
{
    put_head(t, '$', bytes_sum(pieces, count));
    for (uint32_t i = 0; i < count; i++) put_raw(t, pieces[i].data, pieces[i].size);
    put_raw(t, "\r\n", 2);
}

void target_put(struct target *t, struct bytes word) { target_put_pieces(t, &word, 1); }

void target_drain(struct target *t)
{
    flush_out(t);
    while (t->count > 0 && !t->is_lost) wait_for(t, POLLIN);
}

void target_refuse(struct target *t, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    progress_hide(t->progress);
    ctl_complain("%s", text);
    t->refused++;
}

// ---- databases

// On a connection of its own: a SELECT that fails among other requests would let the next ones
// write to the wrong database.
static bool probe_database(struct target *t, uint64_t database, const char *digits)
{
    const char *words[] = { "SELECT", digits };
    struct reply reply;
    target_drain(t); // a server that is busy with these would answer late
    if (t->is_lost) return false;
    if (client_call(&t->probe, 2, words, &reply) != CTL_OK) {
        lose(t, "it did not answer SELECT");
        return false;
    }
    bool is_there = reply.type == '+';
    if (!is_there)
        target_refuse(t, "the target has no database %llu: %s", (unsigned long long)database,
                      reply.text ? reply.text : "");
    reply_free(&reply);
    return is_there;
}

static bool has_database(struct target *t, uint64_t database, const char *digits)
{
    enum { UNKNOWN, THERE, MISSING };
    if (database >= TARGET_DATABASES) return probe_database(t, database, digits);
    if (t->databases[database] == UNKNOWN)
        t->databases[database] = probe_database(t, database, digits) ? THERE : MISSING;
    return t->databases[database] == THERE;
}

bool target_select(struct target *t, uint64_t database)
{
    char digits[NUM_INT_MAX + 1];
    if (t->database == database) return true;
    digits[num_format_uint(digits, database)] = '\0';
    if (!has_database(t, database, digits) || !target_begin(t, &about_select, 2)) return false;
    target_put(t, BYTES_LITERAL("SELECT"));
    target_put(t, bytes_text(digits));
    t->database = database;
    return true;
}

bool target_has_keys(struct target *t)
{
    const char *words[] = { "INFO", "keyspace" };
    struct reply reply;
    if (client_call(&t->probe, 2, words, &reply) != CTL_OK) {
        lose(t, "it did not answer INFO");
        return false;
    }
    bool has = reply.type == '$' && strstr(reply.text, "\ndb");
    reply_free(&reply);
    return has;
}

// ---- open and close

// Is it ready? One that loads, or wants a password, would refuse every key.
static enum ctl_exit greet(struct client *c)
{
    const char *words[] = { "PING" };
    struct reply reply;
    enum ctl_exit result = client_call(c, 1, words, &reply);
    if (result != CTL_OK) return result;
    if (reply.type == '-' && strncmp(reply.text, "NOPERM", 6) != 0) {
        ctl_complain("the target: %s", reply.text);
        result = CTL_ANSWERED_ERROR;
    }
    reply_free(&reply);
    return result;
}

static enum ctl_exit connect_twice(struct target *t, const struct ctl_options *o)
{
    enum ctl_exit result = client_open(&t->client, o);
    if (result == CTL_ANSWERED_ERROR) ctl_complain("the target refuses the login");
    if (result != CTL_OK) return result;
    result = greet(&t->client);
    if (result == CTL_OK) result = client_open(&t->probe, o);
    if (result != CTL_OK) client_close(&t->client);
    return result;
}

enum ctl_exit target_open(struct target *t, const struct ctl_options *o, struct progress *progress,
                          uint32_t pipeline)
{
    *t = (struct target){ .progress = progress, .room = pipeline };
    enum ctl_exit result = connect_twice(t, o);
    if (result != CTL_OK) return result;
    t->out = malloc(TARGET_OUT_BYTES);
    t->in = malloc(TARGET_IN_BYTES);
    t->requests = calloc(pipeline, sizeof *t->requests);
    if (t->out && t->in && t->requests) return CTL_OK;
    ctl_complain("out of memory");
    target_close(t);
    return CTL_BROKEN;
}

void target_close(struct target *t)
{
    free(t->out);
    free(t->in);
    free(t->requests);
    client_close(&t->probe);
    client_close(&t->client);
}
