#include <string.h>
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/rename.h"

static command_body latency_doctor_body, latency_graph_body, latency_help, latency_histogram,
    latency_history, latency_latest, latency_reset_body;

enum { LATENCY_OPERATOR = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE };

// clang-format off
const struct command cmd_latency_subs[] = {
    // id, container, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(LATENCY_DOCTOR, "latency", "doctor", latency_doctor_body, 2, 0, 0, 0, LATENCY_OPERATOR, 0),
    SUBCOMMAND(LATENCY_GRAPH, "latency", "graph", latency_graph_body, 3, 0, 0, 0, LATENCY_OPERATOR, 0),
    SUBCOMMAND(LATENCY_HELP, "latency", "help", latency_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE, 0),
    SUBCOMMAND(LATENCY_HISTOGRAM, "latency", "histogram", latency_histogram, -2, 0, 0, 0, LATENCY_OPERATOR, 0),
    SUBCOMMAND(LATENCY_HISTORY, "latency", "history", latency_history, 3, 0, 0, 0, LATENCY_OPERATOR, 0),
    SUBCOMMAND(LATENCY_LATEST, "latency", "latest", latency_latest, 2, 0, 0, 0, LATENCY_OPERATOR, 0),
    SUBCOMMAND(LATENCY_RESET, "latency", "reset", latency_reset_body, -2, 0, 0, 0, LATENCY_OPERATOR, 0),
};
const struct command cmd_latency[] = {
    // id, name, body, arity, flags, categories, subcommands
    CONTAINER(LATENCY, "latency", NULL, -2, 0, 0, cmd_latency_subs),
};
// clang-format on

// ---- the monitor

static bool series_of(struct call *call, uint32_t index, struct latency_series *out)
{
    enum latency_event event;
    *out = (struct latency_series){ 0 };
    return latency_find(call->argv[index], &event) && latency_merge(call->server, event, out);
}

static void latency_latest(struct call *call)
{
    struct reply_later array = reply_later_begin(call->reply);
    uint64_t count = 0;
    for (uint32_t i = 0; i < LATENCY_EVENT_COUNT; i++) {
        struct latency_series series;
        if (!latency_merge(call->server, (enum latency_event)i, &series)) continue;
        const struct latency_sample *last = latency_at(&series, series.count - 1);
        reply_array(call->reply, 4);
        reply_bulk_text(call->reply, latency_event_names[i]);
        reply_int(call->reply, last->time_s);
        reply_int(call->reply, last->latency_ms);
        reply_int(call->reply, series.max_ms);
        count++;
    }
    reply_later_array(call->reply, array, count);
}

static void latency_history(struct call *call)
{
    struct latency_series series;
    series_of(call, 2, &series);
    reply_array(call->reply, series.count);
    for (uint32_t i = 0; i < series.count; i++) {
        const struct latency_sample *sample = latency_at(&series, i);
        reply_array(call->reply, 2);
        reply_int(call->reply, sample->time_s);
        reply_int(call->reply, sample->latency_ms);
    }
}

// An event counts once, however many shards have seen it.
static bool reset_event(struct server *s, enum latency_event event)
{
    bool was_there = false;
    for (uint32_t i = 0; i < server_peer_count(s); i++)
        if (latency_reset(server_peer(s, i), event)) was_there = true;
    return was_there;
}

static void latency_reset_body(struct call *call)
{
    int64_t count = 0;
    enum latency_event event;
    if (call->argc == 2)
        for (uint32_t i = 0; i < LATENCY_EVENT_COUNT; i++)
            count += reset_event(call->server, (enum latency_event)i);
    for (uint32_t i = 2; i < call->argc; i++)
        if (latency_find(call->argv[i], &event)) count += reset_event(call->server, event);
    reply_int(call->reply, count);
}

static void reply_report(struct call *call, struct text *t)
{
    reply_verbatim(call->reply, "txt", text_bytes(t));
    text_close(t);
}

static void latency_graph_body(struct call *call)
{
    struct text t;
    enum latency_event event;
    struct latency_series series;
    if (!series_of(call, 2, &series)) {
        reply_errorf(call->reply, "ERR No samples available for event '%.*s'",
                     text_chars(call->argv[2]), (const char *)call->argv[2].data);
        return;
    }
    (void)latency_find(call->argv[2], &event);
    text_open(&t, call->server->heap);
    latency_draw(&t, latency_event_names[event], &series, (uint32_t)(call->now_ms / 1000));
    reply_report(call, &t);
}

static void latency_doctor_body(struct call *call)
{
    struct text t;
    text_open(&t, call->server->heap);
    latency_report(&t, call->server);
    reply_report(call, &t);
}

// ---- histograms

// Redis's steps double from 1.024 us on. A step holds what is within its histogram's precision of
// 1/128 above it, and is named by its whole microseconds: 1, 2, 4, 8, 16, 33, ...
static uint64_t step_ns(uint32_t step)
{
    uint64_t ns = 1024ull << step;
    return ns + ns / 128 - 1;
}

// Up to each step, how many calls there were; steps that add none are left out.
static void reply_steps(struct call *call, const struct command_latency *h, uint64_t calls)
{
    enum { STEPS_MAX = 30 };
    struct reply_later map = reply_later_begin(call->reply);
    const struct clock *clock = call->server->clock;
    uint64_t count = 0, below = 0;
    for (uint32_t i = 0; i < STEPS_MAX && below < calls; i++) {
        unsigned __int128 cycles = (unsigned __int128)step_ns(i) * clock->tsc_hz / 1000000000u;
        bool is_last = i == STEPS_MAX - 1;
        uint64_t now_below = is_last ? calls : command_latency_below(h, (uint64_t)cycles);
        if (now_below == below) continue;
        below = now_below;
        reply_int(call->reply, (int64_t)(step_ns(i) / 1000));
        reply_int(call->reply, (int64_t)below);
        count++;
    }
    reply_later_map(call->reply, map, count);
}

static uint32_t reply_histogram(struct call *call, const struct command *row)
{
    struct command_latency sum, *h = &sum;
    if (!call->server->clock || !command_latency_sum(call->server, row->id, h)) return 0;
    uint64_t calls = command_latency_count(h);
    reply_bulk_text(call->reply, row->full_name);
    reply_map(call->reply, 2);
    reply_bulk_text(call->reply, "calls");
    reply_int(call->reply, (int64_t)calls);
    reply_bulk_text(call->reply, "histogram_usec");
    reply_steps(call, h, calls);
    return 1;
}

// A container stands for its subcommands. "config|set" names one of them.
static uint32_t reply_histograms_of(struct call *call, struct bytes name)
{
    const uint8_t *bar = name.size ? memchr(name.data, '|', name.size) : NULL;
    size_t size = bar ? (size_t)(bar - name.data) : name.size;
    const struct command *row = server_find_command(call->server, bytes_make(name.data, size));
    uint32_t count = 0;
    if (row && bar) {
        struct bytes sub = bytes_make(bar + 1, name.size - size - 1);
        row = row->subcommand_count ? command_find_sub(row, sub) : NULL;
    }
    if (!row) return 0;
    count += reply_histogram(call, row);
    for (uint32_t i = 0; i < row->subcommand_count; i++)
        count += reply_histogram(call, &row->subcommands[i]);
    return count;
}

static void latency_histogram(struct call *call)
{
    struct reply_later map = reply_later_begin(call->reply);
    uint32_t count = 0;
    if (call->argc == 2)
        for (uint32_t id = 0; id < command_count(); id++)
            count += reply_histogram(call, command_by_id((uint16_t)id));
    for (uint32_t i = 2; i < call->argc; i++) count += reply_histograms_of(call, call->argv[i]);
    reply_later_map(call->reply, map, count);
}

static void latency_help(struct call *call)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    Return a human readable latency analysis report.",
        "GRAPH <event>",
        "    Return an ASCII latency graph for the <event> class.",
        "HISTORY <event>",
        "    Return time-latency samples for the <event> class.",
        "LATEST",
        "    Return the latest latency samples for all events.",
        "RESET [<event> ...]",
        "    Reset latency data of one or more <event> classes.",
        "    (default: reset all data for all event classes)",
        "HISTOGRAM [COMMAND ...]",
        "    Return a cumulative distribution of latencies in the format of a histogram for the "
        "specified command names.",
        "    If no commands are specified then all histograms are replied.",
        NULL,
    };
    call_reply_help(call, lines);
}
