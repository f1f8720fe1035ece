#include "tools/bench/load.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPEN_LOOP_BUDGET = 256, NS_PER_S = 1000000000 };

static bool is_open_loop(const struct load *l)
{
    return l->config.rate > 0 && l->phase >= LOAD_WARM_UP;
}

static bool is_steered(const struct load *l) { return l->workload->homes.shard_count != 0; }

static void count_error(struct load *l, const char *text)
{
    if (l->result->errors++ == 0)
        snprintf(l->result->first_error, sizeof l->result->first_error, "%s", text);
}

// ---- opening and closing

static uint32_t ring_size(uint32_t pipeline, bool fills)
{
    uint32_t size = 2,
             most = fills && pipeline < LOAD_FILL_PIPELINE ? LOAD_FILL_PIPELINE : pipeline;
    while (size < most + 2) size *= 2; // AUTH and CLIENT ID may stand before a batch
    return size;
}

enum status load_open(struct load *l, const struct load_config *config, struct workload *workload,
                      struct load_result *result)
{
    uint32_t count = config->connection_count;
    uint32_t ring = ring_size(config->pipeline, config->fill || config->fill_only);
    *l = (struct load){ .config = *config,
                        .workload = workload,
                        .result = result,
                        .ring_mask = ring - 1,
                        .measure_end_ns = UINT64_MAX,
                        .next_due_ns = UINT64_MAX };
    *result = (struct load_result){ 0 };
    l->conns = calloc(count, sizeof *l->conns);
    l->pendings = calloc((size_t)count * ring, sizeof *l->pendings);
    l->ready = calloc(count, sizeof(struct load_conn *));
    if (!l->conns || !l->pendings || !l->ready) {
        load_close(l);
        return ERR_NO_SPACE;
    }
    for (uint32_t i = 0; i < count; i++) l->conns[i].pending = l->pendings + (size_t)i * ring;
    return OK;
}

void load_close(struct load *l)
{
    free(l->conns);
    free(l->pendings);
    free(l->ready);
    l->conns = NULL;
    l->pendings = NULL;
    l->ready = NULL;
}

// ---- requests out

static void list_ready(struct load *l, struct load_conn *c)
{
    if (c->is_listed) return;
    c->is_listed = true;
    l->ready[l->ready_count++] = c;
}

static void expect_reply(struct load *l, struct load_conn *c, const struct request *r,
                         uint64_t due_ns)
{
    struct load_pending *p = &c->pending[c->tail++ & l->ring_mask];
    p->due_ns = due_ns;
    p->key = r->key;
    p->op = r->op;
    p->is_measured = l->phase >= LOAD_MEASURE && due_ns >= l->measure_start_ns;
    l->unanswered++;
}

static void write_request(struct load *l, struct load_conn *c, const struct request *r,
                          uint64_t due_ns)
{
    uint32_t size = workload_request_bytes(l->workload, r);
    uint8_t *out = l->carrier->reserve(c, size);
    l->carrier->commit(c, workload_encode(l->workload, r, out));
    l->result->sent_bytes += size;
    expect_reply(l, c, r, due_ns);
}

// What a closed loop sends next on c; false when nothing is left.
static bool next_request(struct load *l, const struct load_conn *c, struct request *r)
{
    if (l->phase == LOAD_FILL) {
        if (l->fill_next == l->workload->keys.count) return false;
        workload_fill(l->workload, (uint32_t)l->fill_next++, r);
        return true;
    }
    if (l->phase == LOAD_MEASURE && l->config.request_count && l->left_to_send-- == 0) {
        l->left_to_send = 0;
        return false;
    }
    workload_next(l->workload, c->home, r);
    return true;
}

static void send_batch(struct load *l, struct load_conn *c, uint64_t now_ns)
{
    struct request r;
    uint32_t count = 0, most = l->config.pipeline;
    if (l->phase == LOAD_FILL && most < LOAD_FILL_PIPELINE) most = LOAD_FILL_PIPELINE;
    for (; count < most && next_request(l, c, &r); count++) write_request(l, c, &r, now_ns);
    if (count) l->carrier->send(c);
}

static void pump_closed(struct load *l, uint64_t now_ns)
{
    uint32_t count = l->ready_count;
    if (l->phase > LOAD_MEASURE) return;
    l->ready_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct load_conn *c = l->ready[i];
        c->is_listed = false;
        if (c->is_open && c->head == c->tail) send_batch(l, c, now_ns);
    }
}

static struct load_conn *next_with_room(struct load *l)
{
    for (uint32_t tried = 0; tried < l->config.connection_count; tried++) {
        struct load_conn *c = &l->conns[l->turn];
        if (++l->turn == l->config.connection_count) l->turn = 0;
        if (!c->is_open || (is_steered(l) && !c->has_home)) continue;
        if (c->tail - c->head < l->config.pipeline) return c;
    }
    return NULL;
}

static void schedule_next(struct load *l)
{
    double interval = l->interval_ns;
    if (l->config.is_poisson) interval *= -log1p(-rng_unit(&l->workload->rng));
    l->due_offset_ns += interval;
    l->next_due_ns = l->schedule_start_ns + (uint64_t)l->due_offset_ns;
}

// The last tick at or before now: what was due by then may leave. After the measured time there is
// no tick to wait for.
static uint64_t due_until_ns(const struct load *l, uint64_t now_ns)
{
    uint64_t tick = l->config.tick_ns;
    if (!tick || l->phase > LOAD_MEASURE) return now_ns;
    return now_ns - (now_ns - l->schedule_start_ns) % tick;
}

static uint64_t tick_after(const struct load *l, uint64_t due_ns)
{
    uint64_t tick = l->config.tick_ns;
    if (!tick) return due_ns;
    return l->schedule_start_ns + (due_ns - l->schedule_start_ns + tick - 1) / tick * tick;
}

static bool may_send_due(const struct load *l, uint64_t now_ns)
{
    if (l->next_due_ns > due_until_ns(l, now_ns) || l->next_due_ns >= l->measure_end_ns)
        return false;
    return !(l->phase >= LOAD_MEASURE && l->config.request_count && l->left_to_send == 0);
}

static void record_send_delay(struct load *l, uint64_t now_ns)
{
    if (l->is_behind || l->phase < LOAD_MEASURE || l->next_due_ns < l->measure_start_ns) return;
    histogram_record(&l->result->send_delay, now_ns - l->next_due_ns);
}

static void send_due(struct load *l, uint64_t now_ns, uint32_t budget)
{
    struct request r;
    for (uint32_t i = 0; i < budget; i++) {
        if (!may_send_due(l, now_ns)) {
            l->is_behind = false;
            break;
        }
        struct load_conn *c = next_with_room(l);
        if (!c) {
            l->is_behind = true;
            break;
        }
        record_send_delay(l, now_ns);
        workload_next(l->workload, c->home, &r);
        write_request(l, c, &r, l->next_due_ns);
        if (l->phase >= LOAD_MEASURE && l->left_to_send) l->left_to_send--;
        list_ready(l, c);
        schedule_next(l);
    }
    for (uint32_t i = 0; i < l->ready_count; i++) {
        l->ready[i]->is_listed = false;
        l->carrier->send(l->ready[i]);
    }
    l->ready_count = 0;
}

static void pump_open(struct load *l, uint64_t now_ns)
{
    if (l->phase <= LOAD_MEASURE) send_due(l, now_ns, OPEN_LOOP_BUDGET);
}

// ---- phases

static void begin_loop(struct load *l, uint64_t now_ns)
{
    l->phase = LOAD_WARM_UP;
    l->phase_start_ns = now_ns;
    if (l->config.rate > 0) {
        l->interval_ns = NS_PER_S / l->config.rate;
        l->schedule_start_ns = now_ns;
        l->next_due_ns = now_ns;
        return;
    }
    for (uint32_t i = 0; i < l->config.connection_count; i++)
        if (l->conns[i].is_open && l->conns[i].head == l->conns[i].tail)
            list_ready(l, &l->conns[i]);
}

void load_begin(struct load *l, uint64_t now_ns)
{
    l->last_reply_ns = now_ns;
    if (!l->config.fill && !l->config.fill_only) {
        begin_loop(l, now_ns);
        return;
    }
    l->phase = LOAD_FILL;
    l->phase_start_ns = now_ns;
    for (uint32_t i = 0; i < l->config.connection_count; i++)
        if (l->conns[i].is_open) list_ready(l, &l->conns[i]);
}

static void end_fill(struct load *l, uint64_t now_ns)
{
    l->result->fill_ns = now_ns - l->phase_start_ns;
    if (l->config.fill_only)
        l->phase = LOAD_DONE;
    else
        begin_loop(l, now_ns);
}

static void begin_measure(struct load *l, uint64_t now_ns)
{
    l->phase = LOAD_MEASURE;
    l->measure_start_ns = now_ns;
    l->left_to_send = l->config.request_count;
    if (!l->config.request_count) l->measure_end_ns = now_ns + l->config.duration_ns;
    if (l->hooks.begin) l->hooks.begin(l->hooks.context);
}

// What will never be sent has waited at least until now.
static void count_unsent(struct load *l, uint64_t now_ns)
{
    while (is_open_loop(l) && may_send_due(l, now_ns)) {
        if (l->left_to_send) l->left_to_send--;
        if (l->next_due_ns >= l->measure_start_ns) {
            l->result->unsent++;
            histogram_record(&l->result->latency, now_ns - l->next_due_ns);
        }
        schedule_next(l);
    }
}

// From here on nothing is sent: what comes is the replies to what was. An open loop sends what was
// due since the last turn, as far as the connections take it; the rest is the server's debt.
static void end_measure(struct load *l, uint64_t now_ns)
{
    l->measure_end_ns = now_ns < l->measure_end_ns ? now_ns : l->measure_end_ns;
    l->result->measured_ns = now_ns - l->measure_start_ns;
    if (l->hooks.end) l->hooks.end(l->hooks.context);
    l->phase = LOAD_DRAIN;
    l->drain_until_ns = now_ns + l->config.drain_ns;
    if (!is_open_loop(l)) return;
    send_due(l, now_ns, UINT32_MAX);
    count_unsent(l, now_ns);
}

static void give_up(struct load *l, uint64_t now_ns, const char *why)
{
    count_error(l, why);
    if (l->unanswered) l->result->errors += l->unanswered - 1;
    count_unsent(l, now_ns);
    l->phase = LOAD_DONE;
}

static bool measure_is_over(const struct load *l, uint64_t now_ns)
{
    if (!l->config.request_count) return now_ns >= l->measure_end_ns;
    return l->left_to_send == 0 && l->unanswered == 0;
}

static void advance(struct load *l, uint64_t now_ns)
{
    switch (l->phase) {
    case LOAD_FILL:
        if (l->fill_next < l->workload->keys.count || l->unanswered) break;
        end_fill(l, now_ns);
        if (l->phase == LOAD_DONE || l->config.warm_up_ns) break;
        begin_measure(l, now_ns); // before anything is sent: --requests is exact
        break;
    case LOAD_WARM_UP:
        if (now_ns - l->phase_start_ns >= l->config.warm_up_ns) begin_measure(l, now_ns);
        break;
    case LOAD_MEASURE:
        if (measure_is_over(l, now_ns)) end_measure(l, now_ns);
        break;
    case LOAD_DRAIN:
        if (l->unanswered == 0)
            l->phase = LOAD_DONE;
        else if (now_ns >= l->drain_until_ns)
            give_up(l, now_ns, "replies missing at the end");
        break;
    default:
        break;
    }
}

bool load_pump(struct load *l, uint64_t now_ns)
{
    if (l->phase == LOAD_CONNECT) return true;
    advance(l, now_ns);
    if (l->phase == LOAD_DONE) return false;
    if (l->unanswered && now_ns > l->last_reply_ns &&
        now_ns - l->last_reply_ns > (uint64_t)LOAD_STALL_S * NS_PER_S) {
        give_up(l, now_ns, "the server has stopped answering");
        return false;
    }
    if (is_open_loop(l))
        pump_open(l, now_ns);
    else
        pump_closed(l, now_ns);
    return true;
}

uint64_t load_next_ns(const struct load *l)
{
    uint64_t next = UINT64_MAX;
    if (l->phase == LOAD_WARM_UP) next = l->phase_start_ns + l->config.warm_up_ns;
    if (l->phase == LOAD_MEASURE) next = l->measure_end_ns;
    if (l->phase == LOAD_DRAIN) next = l->drain_until_ns;
    if (!is_open_loop(l) || l->next_due_ns >= l->measure_end_ns) return next;
    if (l->config.tick_ns && l->is_behind) return next;
    uint64_t send_ns = tick_after(l, l->next_due_ns);
    return send_ns < next ? send_ns : next;
}

// ---- connections and replies in

static void ask_first(struct load *l, struct load_conn *c, uint8_t op, const char *text,
                      uint32_t size, uint64_t now_ns)
{
    const struct request r = { .op = op };
    memcpy(l->carrier->reserve(c, size), text, size);
    l->carrier->commit(c, size);
    expect_reply(l, c, &r, now_ns);
    l->carrier->send(c);
}

static void write_auth(struct load *l, struct load_conn *c, uint64_t now_ns)
{
    char text[1024];
    const struct load_config *k = &l->config;
    int size = k->user
                   ? snprintf(text, sizeof text, "*3\r\n$4\r\nAUTH\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n",
                              strlen(k->user), k->user, strlen(k->password), k->password)
                   : snprintf(text, sizeof text, "*2\r\n$4\r\nAUTH\r\n$%zu\r\n%s\r\n",
                              strlen(k->password), k->password);
    if (size >= (int)sizeof text) {
        count_error(l, "the password is too long");
        return;
    }
    ask_first(l, c, OP_AUTH, text, (uint32_t)size, now_ns);
}

static void write_client_id(struct load *l, struct load_conn *c, uint64_t now_ns)
{
    static const char text[] = "*2\r\n$6\r\nCLIENT\r\n$2\r\nID\r\n";
    ask_first(l, c, OP_CLIENT_ID, text, sizeof text - 1, now_ns);
}

void load_conn_opened(struct load *l, struct load_conn *c, uint64_t now_ns)
{
    c->is_open = true;
    l->open_count++;
    if (l->config.password) write_auth(l, c, now_ns);
    if (is_steered(l)) write_client_id(l, c, now_ns);
}

void load_conn_lost(struct load *l, struct load_conn *c, const char *why)
{
    if (!c->is_open) return;
    c->is_open = false;
    l->open_count--;
    l->unanswered -= c->tail - c->head;
    c->head = c->tail;
    if (l->phase == LOAD_DONE) return;
    count_error(l, why);
    if (l->open_count == 0) l->phase = LOAD_DONE;
}

static void check_get(struct load *l, struct load_conn *c, bool counts)
{
    const struct reply *reply = &c->reader.reply;
    const struct sizes *sizes = &l->workload->config.sizes;
    if (reply->kind != '$' && reply->kind != '_') {
        count_error(l, reply->kind == '-' ? c->reader.line : "GET was not answered with a string");
    } else if (reply->size < 0) {
        l->result->misses += counts;
        if (l->config.require_hits) count_error(l, "a key is missing");
    } else {
        l->result->hits += counts;
        bool fits = reply->size >= sizes->min && reply->size <= sizes->max;
        if (l->config.verify && (c->is_wrong || !fits))
            count_error(l, "a value is not what was set");
    }
    l->result->gets += counts;
}

static void learn_home(struct load *l, struct load_conn *c)
{
    const struct reply *reply = &c->reader.reply;
    if (reply->kind != ':' || reply->size <= 0) {
        count_error(l, reply->kind == '-' ? c->reader.line : "CLIENT ID was not answered with one");
        return;
    }
    c->home = homes_shard_of_client((uint64_t)reply->size, l->workload->homes.shard_count);
    c->has_home = true;
}

static void check_done(struct load *l, struct load_conn *c, uint8_t op, bool counts)
{
    const struct reply *reply = &c->reader.reply;
    if (op == OP_CLIENT_ID) {
        learn_home(l, c);
        return;
    }
    if (op == OP_GET) {
        check_get(l, c, counts);
        return;
    }
    if (op == OP_COMMAND) { // whatever it answers, but an error
        if (reply->kind == '-') count_error(l, c->reader.line);
        return;
    }
    if (reply->kind != '+')
        count_error(l, reply->kind == '-' ? c->reader.line : "SET was not answered with OK");
    l->result->sets += counts && op == OP_SET;
}

static void reply_done(struct load *l, struct load_conn *c, uint64_t now_ns)
{
    const struct load_pending *p = &c->pending[c->head++ & l->ring_mask];
    bool counts = l->phase == LOAD_MEASURE && p->op < OP_AUTH;
    check_done(l, c, p->op, counts);
    c->is_wrong = false;
    l->unanswered--;
    l->result->requests += counts;
    l->result->filled += l->phase == LOAD_FILL && c->reader.reply.kind == '+' && p->op == OP_SET;
    if (!p->is_measured) return;
    uint64_t latency = now_ns > p->due_ns ? now_ns - p->due_ns : 0;
    histogram_record(&l->result->latency, latency);
    histogram_record(p->op == OP_GET ? &l->result->get_latency : &l->result->set_latency, latency);
}

// A server that turns a connection away says why before it closes it.
static bool refuse_unasked(struct load *l, struct bytes in)
{
    char text[REPLY_LINE_MAX];
    const uint8_t *end = memchr(in.data, '\r', in.size);
    size_t size = end ? (size_t)(end - in.data) : in.size;
    snprintf(text, sizeof text, "%.*s", (int)(size < sizeof text ? size : sizeof text), in.data);
    count_error(l, text[0] == '-' ? text : "bytes that nobody asked for");
    return false;
}

bool load_input(struct load *l, struct load_conn *c, struct bytes in, uint64_t now_ns)
{
    struct bytes piece;
    l->result->received_bytes += in.size;
    l->last_reply_ns = now_ns;
    while (in.size) {
        if (c->head == c->tail) return refuse_unasked(l, in);
        const struct load_pending *p = &c->pending[c->head & l->ring_mask];
        switch (reply_next(&c->reader, &in, &piece)) {
        case REPLY_BODY:
            if (l->config.verify && p->op == OP_GET)
                c->is_wrong |= !workload_matches(l->workload, p->key,
                                                 c->reader.body_offset - piece.size, piece);
            break;
        case REPLY_DONE:
            reply_done(l, c, now_ns);
            break;
        case REPLY_BROKEN:
            return false;
        default:
            break;
        }
    }
    if (c->head == c->tail && !is_open_loop(l)) list_ready(l, c);
    return true;
}
