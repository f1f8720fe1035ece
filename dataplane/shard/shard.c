#include "dataplane/shard/shard.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "dataplane/cmd/acl_load.h"
#include "dataplane/cmd/aof_wait.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/errand.h"
#include "dataplane/cmd/hash_expiry.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/memory.h"
#include "dataplane/cmd/pause.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/cmd/script_cache.h"
#include "dataplane/cmd/tracking.h"
#include "dataplane/cmd/rename.h"
#include "dataplane/shard/far.h"
#include "dataplane/shard/keeper.h"
#include "dataplane/shard/late.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/mover.h"
#include "dataplane/shard/shard_net.h"
#include "dataplane/shard/spread.h"
#include "dataplane/shard/shard_tls.h"

enum {
    REPLY_BLOCK_BYTES = 16 * 1024,
    NIC_IDLE_NS = 10 * 1000,    // without busy-poll a NIC shard naps after this long without work
    NIC_NAP_NS_MIN = 30 * 1000, // a nap lasts an eighth of the idle time so far, within these
    NIC_NAP_NS_MAX = 1000 * 1000,
    GATHER_COMMANDS_MAX = 128, // per wake-up, beyond which its cost no longer matters
    EXPECT_US = 50,
    OTHERS_NS = 1000 * 1000,
    STOP_FLUSH_NS = 1000 * 1000 * 1000, // how long replies may take to leave at shutdown
};
#define STOP_LOG_NS (60ull * 1000 * 1000 * 1000) // and the log to get to a slow disk

void shard_log(struct shard *s, int level, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (level < s->settings->loglevel) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    region_log_write(s->server.region_shard, s->bell, level, clock_wall_us(), "%s", text);
}

// ---- opening and closing

static enum status shard_open_keyspace(struct shard *s)
{
    struct keyspace_config config = { .database_count = (uint32_t)s->settings->databases };
    int64_t policy = s->settings->maxmemory_policy;
    config.lfu = policy == EVICT_ALLKEYS_LFU || policy == EVICT_VOLATILE_LFU;
    if (s->mesh.hub)
        config.hash_key = s->mesh.hub->node.hash_key;
    else
        rng_entropy(&config.hash_key, sizeof config.hash_key);
    return keyspace_open(&s->keyspace, &s->heap, &config, s->server.tally, s->server.now_ms);
}

static enum status shard_open_renames(struct shard *s, char *error, uint32_t error_bytes)
{
    char why[RENAME_ERROR_MAX], *lines = malloc(SETTING_TEXT_MAX + 1);
    if (!lines) return ERR_NO_SPACE;
    const struct setting_row *row = setting_find(bytes_text("rename-command"));
    lines[setting_text(s->settings, row, lines, SETTING_TEXT_MAX)] = '\0';
    enum status status = renames_open(&s->server, lines, why);
    if (status != OK) snprintf(error, error_bytes, "%s", why);
    free(lines);
    return status;
}

static enum status shard_open_sock(struct shard *s)
{
    int64_t clients = s->settings->maxclients + s->settings->admin_reserved_clients;
    if (clients < SHARD_CLIENT_PLACES_MIN) clients = SHARD_CLIENT_PLACES_MIN;
    s->maxclients_max = clients - s->settings->admin_reserved_clients;
    struct sock_config config = {
        .connection_count_max = (uint32_t)clients + SHARD_REFUSAL_PLACES,
        .receive_buffer_count = 512,
        .receive_buffer_bytes = 16 * 1024,
        .keepalive_s = (uint32_t)s->settings->tcp_keepalive,
    };
    return sock_open(&s->sock, &config, &s->heap, &s->app);
}

static void shard_init_server(struct shard *s, const struct shard_config *config)
{
    struct server *server = &s->server;
    uint64_t seed;
    rng_entropy(&seed, sizeof seed);
    server->ops = &shard_server_ops;
    server->shard = s;
    server->settings = s->settings;
    server->heap = &s->heap;
    server->region = config->region;
    server->region_shard = region_shard(config->region, config->index);
    server->tally = &server->region_shard->tally;
    server->bell = config->bell;
    server->clock = config->clock;
    server->persist = config->persist;
    server->shard_index = config->index;
    server->shard_count = config->count;
    server->node = config->hub ? &config->hub->node : NULL;
    server->meter = (struct cycle_meter){ .cycles = server->tally->cycles,
                                          .since = clock_tsc(),
                                          .open = CYCLES_LOOP };
    memset(server->tally, 0, sizeof *server->tally);
    rng_seed(&server->rng, seed);
    s->settled_tsc = clock_tsc();
    s->settled_cpu_ns = clock_thread_cpu_ns();
    client_table_init(&server->clients);
    client_table_number(&server->clients, config->index, config->count);
    s->job_slice_cycles = server->clock->tsc_hz / 1000000 * JOB_SLICE_US;
    server->tally->slice_step_cycles = server->clock->tsc_hz / 1000000 * SLICE_STEP_US;
}

// The wall clock is followed by the TSC between two looks at it (shard_cron takes one each time).
void shard_read_clocks(struct shard *s)
{
    s->server.now_ns = clock_now_ns(s->server.clock);
    s->server.now_us = s->wall_us + (s->server.now_ns - s->wall_read_ns) / 1000;
    s->server.now_ms = s->server.now_us / 1000;
}

void shard_read_wall_clock(struct shard *s)
{
    s->wall_read_ns = clock_now_ns(s->server.clock);
    s->wall_us = clock_wall_us();
}

enum status shard_open(struct shard **out, const struct shard_config *config, char *error,
                       uint32_t error_bytes)
{
    struct shard *s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);
    *out = NULL;
    if (!s) return ERR_NO_SPACE;
    memset(s, 0, sizeof *s);
    s->settings = config->settings;
    s->bell = config->bell;
    list_init(&s->dirty);
    list_init(&s->rotation);
    list_init(&s->resting);
    list_init(&s->resumed);
    list_init(&s->rendezvous);
    far_open(s);
    s->app = (struct stream_app){
        s, shard_on_open, session_on_data, session_on_end, session_on_drained, session_on_closed
    };
    snprintf(error, error_bytes, "out of memory");
    if (heap_open(&s->heap) != OK) {
        shard_close(s);
        return ERR_NO_SPACE;
    }
    shard_init_server(s, config);
    if (config->hub) mesh_open(s, config->hub);
    shard_read_wall_clock(s);
    shard_read_clocks(s);
    s->server.started_wall_ms = s->server.now_ms;
    heap_piece_source_init(&s->overflow, &s->heap, REPLY_BLOCK_BYTES);
    if (shard_open_keyspace(s) != OK) goto fail;
    s->server.keyspace = s->keyspace;
    server_open_parts(&s->server);
    saver_open(s, config->saving);
    s->keeper = config->keeper;
    s->waker = config->hub ? &config->hub->wakers[config->index] : config->waker;
    appender_open(s);
    if (shard_open_renames(s, error, error_bytes) != OK) goto fail;
    shard_apply_thresholds(s);
    keyspace_set_lfu(s->keyspace, (uint32_t)s->settings->lfu_log_factor,
                     (uint32_t)s->settings->lfu_decay_time);
    if (acl_load_at_start(&s->server, error, error_bytes) != OK) goto fail;
    if (shard_tls_open(s, error, error_bytes) != OK) goto fail;
    snprintf(error, error_bytes, "io_uring is not available: the socket transport needs it");
    if (shard_open_sock(s) != OK) goto fail;
    shard_tls_watch(s);
    if (spread_open(s) != OK) goto fail;
    if (config->nic) ferry_open(s, config->nic);
    if (config->nic && shard_net_open(s, error, error_bytes) != OK) goto fail;
    if (shard_listen(s, error, error_bytes) != OK) goto fail;
    s->server.startup_memory_bytes = s->heap.bytes_total;
    if (config->hub) config->hub->node.servers[config->index] = &s->server;
    s->running = true;
    *out = s;
    return OK;
fail:
    shard_close(s);
    return ERR_IO;
}

void shard_end_scripts(struct shard *s) { scripts_stop(&s->server); }

void shard_close(struct shard *s)
{
    if (!s) return;
    tls_close(s->tls);
    if (s->net) net_close(s->net);
    ferry_close(s);
    if (s->sock) sock_close(s->sock);
    meeting_close(s);
    saver_close(s);
    appender_close(s);
    if (s->keyspace) server_close_parts(&s->server);
    loader_close(s);
    far_close(s); // after the blocks, some of which are of its proxies
    if (s->server.joint) keyspace_close(s->server.joint);
    mesh_close(s);
    if (s->keyspace) keyspace_close(s->keyspace);
    heap_close(&s->heap);
    settings_close(s->settings);
    free(s->settings);
    free(s);
}

enum status shard_join(struct shard *s)
{
    struct hub *hub = s->mesh.hub;
    struct keyspace *homes[PLACEMENT_SHARDS_MAX];
    for (uint32_t i = 0; i < hub->shard_count; i++) homes[i] = hub->node.servers[i]->keyspace;
    return keyspace_open_joint(&s->server.joint, &s->heap, &hub->node.placement, homes,
                               s->server.tally);
}

// ---- the loop's stages

void shard_run_readable(struct shard *s)
{
    uint32_t count = s->readable_count;
    enum cycle_account before = s->server.meter.open;
    if (count == 0 && s->batch.call_count == 0) return;
    cycle_meter_switch(&s->server.meter, CYCLES_PARSE);
    s->readable_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct readable *r = &s->readable[i];
        // Heavy or suspended since an earlier piece of this very turn.
        if (UNLIKELY(r->session->deferral.is_heavy || r->session->deferral.head ||
                     session_must_wait(r->session)))
            defer_keep(s, r->session, r->data, r->arrival_tsc);
        else
            session_parse(s, r->session, r->data, r->arrival_tsc);
    }
    batch_run(s);
    cycle_meter_switch(&s->server.meter, before);
}

void shard_flush(struct shard *s)
{
    struct list_node *node;
    if (s->dirty.count == 0) return;
    cycle_meter_switch(&s->server.meter, CYCLES_REPLY);
    while ((node = list_take_first(&s->dirty)) != NULL)
        session_flush(s, LIST_OWNER(node, struct session, dirty));
    cycle_meter_switch(&s->server.meter, CYCLES_LOOP);
}

// Completions are taken in small portions, so that a turn ends by the number of its commands and
// many shallow clients still share one. Deep pipelines are defer.h's.
static uint32_t shard_rx_sock(struct shard *s)
{
    uint64_t before = s->server.tally->commands_processed;
    uint32_t total = 0, count;
    cycle_meter_switch(&s->server.meter, CYCLES_RX);
    do {
        count = sock_poll(s->sock, SHARD_SOCK_PORTION);
        shard_run_readable(s);
        total += count;
    } while (count == SHARD_SOCK_PORTION && total < SHARD_SOCK_BUDGET &&
             shard_has_budget(s, before));
    cycle_meter_switch(&s->server.meter, CYCLES_LOOP);
    return total;
}

// Before anything else, when the replies of the turn before are on their way: who waits for a
// handshake step shall not delay them.
static uint32_t shard_run_tls(struct shard *s)
{
    uint64_t done = s->server.tally->commands_processed;
    uint32_t count = tls_turn(s->tls, s->server.now_ns, done != s->commands_at_tls);
    s->commands_at_tls = done;
    shard_run_readable(s);
    return count;
}

static uint32_t shard_run_deferred(struct shard *s)
{
    if (s->resting.count == 0) return 0;
    cycle_meter_switch(&s->server.meter, CYCLES_PARSE);
    uint32_t count = defer_run(s);
    cycle_meter_switch(&s->server.meter, CYCLES_LOOP);
    return count;
}

static void run_tracking(struct shard *s)
{
    if (UNLIKELY(tracking_has_work(&s->server.tracking)) && tracking_turn(&s->server))
        s->job_ran = true;
}

// What other shards want of this one, and what it wants of them.
static uint32_t shard_run_mesh(struct shard *s)
{
    if (LIKELY(!s->mesh.hub)) return 0;
    cycle_meter_switch(&s->server.meter, CYCLES_EXECUTE);
    uint32_t count = mesh_poll(s, SHARD_MESH_BUDGET);
    if (meeting_is_wanted(s)) meeting_stand(s);
    mover_turn(s);
    count += meeting_run(s, SHARD_MESH_BUDGET);
    count += far_settle(s); // proxies that waited for a rendezvous
    if (s->server.blocks.ready.count && !s->server.busy_script) blocks_serve(&s->server);
    // What is broadcast of changed keys leaves with the replies to those who changed them.
    run_tracking(s);
    mesh_flush(s);
    cycle_meter_switch(&s->server.meter, CYCLES_LOOP);
    return count;
}

// Commands that came a moment ago have others behind them, which wait until a slice of long work is
// over.
static bool shard_has_others(struct shard *s, bool has_work)
{
    if (has_work) s->others_until_ns = s->server.now_ns + OTHERS_NS;
    return s->server.now_ns < s->others_until_ns;
}

// Who was suspended goes on, and one long command gets its slice: a short one while others ask.
static uint32_t shard_run_long(struct shard *s, bool others_work)
{
    uint32_t count = 0;
    s->job_ran = false;
    bool pause_is_over = pause_next_ns(&s->server) <= s->server.now_ns;
    if (LIKELY(s->resumed.count == 0 && s->server.jobs.list.count == 0 && !pause_is_over &&
               s->proxies_resumed.count == 0))
        return 0;
    cycle_meter_switch(&s->server.meter, CYCLES_EXECUTE);
    if (pause_is_over) count += pause_run(&s->server, SHARD_RESUME_BUDGET);
    count += resume_run(s, SHARD_RESUME_BUDGET);
    count += far_settle(s);
    uint64_t slice = s->job_slice_cycles;
    if (others_work) slice = slice * JOB_SLICE_SHARED_US / JOB_SLICE_US;
    s->job_ran = jobs_run(&s->server, slice);
    count += s->job_ran;
    cycle_meter_switch(&s->server.meter, CYCLES_LOOP);
    return count;
}

// What the disk has done, and a slice of a snapshot.
static uint32_t shard_run_storage(struct shard *s, bool others_work)
{
    const struct appender *a = &s->appender;
    bool is_keeping = s->server.shard_index == 0 && !keeper_is_idle(s->keeper);
    bool is_idle = s->saver.phase == SAVER_IDLE && !is_keeping;
    if (LIKELY(!a->file && !a->older && is_idle)) return 0;
    uint32_t count = flush_poll(s->saver.port);
    return count + saver_turn(s, others_work) + keeper_turn(s);
}

// Behind the commands of the turn, before their replies.
static uint32_t shard_run_log(struct shard *s, bool has_others)
{
    uint32_t count = appender_turn(s, has_others);
    aof_waits_run(&s->server);
    if (LIKELY(s->saver.port != NULL)) flush_flush(s->saver.port);
    return count;
}

// Deadlines have a resolution of 1 ms, and looking for the next one is not free: once a tick, and
// on every turn while more is due than a turn's budget.
static uint32_t shard_expire(struct shard *s)
{
    uint32_t done = 0, fields = 0;
    uint64_t before = s->server.meter.since;
    if (UNLIKELY(s->server.busy_script != NULL)) return 0;   // its moment is not over
    bool is_loading = persist_is_loading(s->server.persist); // nothing goes meanwhile
    if (!is_loading && s->server.now_ms != s->expired_ms &&
        keyspace_next_deadline_ms(s->keyspace) <= s->server.now_ms) {
        cycle_meter_switch(&s->server.meter, CYCLES_EXPIRY);
        done = keyspace_expire_step(s->keyspace, s->server.now_ms, SHARD_EXPIRE_BUDGET);
    }
    if (!is_loading && s->server.now_ms != s->expired_ms &&
        hash_expiry_next_ms(&s->server) <= s->server.now_ms) {
        cycle_meter_switch(&s->server.meter, CYCLES_EXPIRY);
        fields = hash_expiry_step(&s->server, s->server.now_ms, SHARD_EXPIRE_BUDGET);
        done += fields;
    }
    if (done) latency_note(&s->server, LATENCY_EXPIRE_CYCLE, clock_tsc() - before);
    if (!is_loading && done - fields < SHARD_EXPIRE_BUDGET && fields < SHARD_EXPIRE_BUDGET)
        s->expired_ms = s->server.now_ms;
    if (UNLIKELY(memory_is_over(&s->server)) && !is_loading) {
        cycle_meter_switch(&s->server.meter, CYCLES_EVICTION);
        done += memory_make_room(&s->server);
    }
    if (keyspace_reap_pending(s->keyspace)) {
        cycle_meter_switch(&s->server.meter, CYCLES_EVICTION);
        uint32_t freed = keyspace_reap_step(s->keyspace, SHARD_REAP_BUDGET);
        s->server.tally->lazyfreed_objects += freed;
        done += freed;
    }
    if (UNLIKELY(scripts_are_shrinking(&s->server))) {
        cycle_meter_switch(&s->server.meter, CYCLES_EVICTION);
        scripts_shrink(&s->server);
        done++;
    }
    cycle_meter_switch(&s->server.meter, CYCLES_LOOP);
    if (done) tally_slice(s->server.tally, s->server.meter.since - before);
    return done;
}

// Not while a script is in the midst of its moment: it may look at values.
static uint32_t shard_defrag(struct shard *s)
{
    if (LIKELY(!s->server.defrag.is_running) || s->server.busy_script) return 0;
    cycle_meter_switch(&s->server.meter, CYCLES_DEFRAG);
    uint32_t done = defrag_turn(&s->server);
    cycle_meter_switch(&s->server.meter, CYCLES_LOOP);
    return done;
}

// The stack's timers tick in ms too; a stream that goes on after a pause waits for the next one.
static uint32_t shard_timers(struct shard *s)
{
    uint32_t done = 0;
    uint64_t tick = s->server.now_ns / 1000000u;
    bool has_waiting = s->server.blocks.all.count || s->server.blocks.told.count;
    if (UNLIKELY(has_waiting) && tick != s->timers_tick && !s->server.busy_script) {
        cycle_meter_switch(&s->server.meter, CYCLES_TIMERS);
        blocks_expire(&s->server);
    }
    if (s->net && tick != s->timers_tick && net_next_deadline_ns(s->net) <= s->server.now_ns) {
        cycle_meter_switch(&s->server.meter, CYCLES_TIMERS);
        done = net_timers(s->net, s->server.now_ns, SHARD_TIMER_BUDGET);
        shard_run_readable(s);
        cycle_meter_switch(&s->server.meter, CYCLES_LOOP);
    }
    if (done < SHARD_TIMER_BUDGET) s->timers_tick = tick;
    if (s->server.now_ns >= s->next_cron_ns) {
        cycle_meter_switch(&s->server.meter, CYCLES_CONTROL);
        if (LIKELY(!s->server.cron_is_paused))
            shard_cron(s);
        else
            shard_read_wall_clock(s);
        if (UNLIKELY(errands_check(&s->server))) s->job_ran = true;
        s->next_cron_ns = s->server.now_ns + SHARD_CRON_MS * 1000000ull;
        cycle_meter_switch(&s->server.meter, CYCLES_LOOP);
    }
    return done;
}

static void shard_order(struct shard *s, const struct lane_msg *m)
{
    switch ((enum lane_kind)m->kind) {
    case LANE_STOP: // each shard gets it
        if (persist_must_save(&s->server, (uint32_t)m->a))
            persist_ask_stop(s->server.persist, (uint32_t)m->a);
        else
            shard_stop(s, (uint32_t)m->a);
        break;
    case LANE_PING: {
        struct lane_msg answer = { .kind = LANE_PONG, .a = m->a };
        if (lane_send(&s->server.region_shard->events, &answer) == OK) bell_ring(s->bell);
        break;
    }
    case LANE_STATS_RESET:
        tally_reset(s->server.tally);
        break;
    case LANE_ERRAND_DONE:
        if (errands_poll(&s->server)) s->job_ran = true; // before it sleeps
        break;
    default:
        shard_log(s, LOG_WARNING, "Unknown order %u from the control plane", m->kind);
    }
}

static uint32_t shard_lanes(struct shard *s)
{
    struct lane_msg m;
    uint32_t count = 0;
    while (count < SHARD_LANE_BUDGET && lane_receive(&s->server.region_shard->orders, &m)) {
        shard_order(s, &m);
        count++;
    }
    return count;
}

// ---- sleeping

static uint64_t shard_next_event_ns(const struct shard *s)
{
    uint64_t next = s->next_cron_ns;
    uint64_t deadline_ms = keyspace_next_deadline_ms(s->keyspace);
    uint64_t field_ms = hash_expiry_next_ms(&s->server);
    if (field_ms < deadline_ms) deadline_ms = field_ms;
    if (deadline_ms != UINT64_MAX) {
        uint64_t left_ms = deadline_ms > s->server.now_ms ? deadline_ms - s->server.now_ms : 0;
        uint64_t at = s->server.now_ns + left_ms * 1000000u;
        if (at < next) next = at;
    }
    uint64_t timeout = blocks_next_deadline_ns(&s->server);
    if (timeout < next) next = timeout;
    uint64_t pause = pause_next_ns(&s->server);
    if (pause < next) next = pause;
    uint64_t defrag = defrag_next_ns(&s->server);
    if (defrag < next) next = defrag;
    uint64_t mover = mover_next_ns(s);
    if (mover < next) next = mover;
    uint64_t late = late_next_ns(s);
    if (late < next) next = late;
    uint64_t saver = saver_next_ns(s);
    if (saver < next) next = saver;
    uint64_t appender = appender_next_ns(s);
    if (appender < next) next = appender;
    uint64_t keeper = keeper_next_ns(s);
    if (keeper < next) next = keeper;
    uint64_t tls = tls_next_ns(s->tls);
    if (tls < next) next = tls;
    if (s->net) {
        uint64_t at = net_next_deadline_ns(s->net);
        if (at < next) next = at;
    }
    return next;
}

// How long the end of this turn may sleep: 0 not at all, else until this moment. The call that
// hands replies to the kernel is also the one that sleeps; it comes back at once when completions
// wait. A NIC has to be polled: without busy-poll its shard naps for NIC_NAP_NS at a time once it
// has been idle for a while.
// It said that it would stand, and will be wanted in a moment.
static bool is_expected(const struct shard *s)
{
    uint64_t window = s->server.clock->tsc_hz / 1000000 * EXPECT_US;
    return s->mesh.hub && clock_tsc() - s->asked_tsc < window;
}

static uint64_t shard_sleep_until_ns(struct shard *s, uint32_t work)
{
    uint64_t now = s->server.now_ns;
    if (s->settings->busy_poll || s->stopping || keyspace_reap_pending(s->keyspace) ||
        scripts_are_shrinking(&s->server) || s->resting.count || s->resumed.count || s->job_ran ||
        s->proxies_resumed.count || s->mesh.waiting || s->ferry.out_waiting ||
        is_expected(s))
        return 0;
    if (work) s->idle_since_ns = now;
    uint64_t idle = now - s->idle_since_ns, nap = idle / 8;
    if (s->net && idle < NIC_IDLE_NS) return 0;
    uint64_t until = shard_next_event_ns(s);
    if (until <= now) return 0;
    if (!s->nic) return until;
    if (nap < NIC_NAP_NS_MIN) nap = NIC_NAP_NS_MIN;
    if (nap > NIC_NAP_NS_MAX) nap = NIC_NAP_NS_MAX;
    return until > now + nap ? now + nap : until;
}

// Gathering trades latency for CPU. It pays where waking is dear beside the work done per wake-up:
// in a shard that is busy (shard_cron says so) with few commands at a time.
static void shard_steer_gather(struct shard *s)
{
    uint64_t done = s->server.tally->commands_processed;
    bool pays = s->is_busy && done - s->commands_at_sleep < GATHER_COMMANDS_MAX;
    s->commands_at_sleep = done;
    sock_set_gather(s->sock, pays ? (uint64_t)s->settings->socket_gather_us * 1000 : 0);
}

// Time in a call that may sleep is booked as idle; shard_cron moves what was not sleep to its
// account.
static void shard_submit(struct shard *s, uint32_t work)
{
    uint64_t until = shard_sleep_until_ns(s, work);
    bool is_asleep = until && s->waker && spread_may_sleep(s);
    if (s->waker && !is_asleep) until = 0;
    if (until) shard_steer_gather(s);
    if (until) until = clock_monotonic_ns() + (until - s->server.now_ns);
    cycle_meter_switch(&s->server.meter, until ? CYCLES_IDLE : CYCLES_TX);
    sock_submit(s->sock, until);
    if (UNLIKELY(is_asleep)) spread_end_sleep(s);
    cycle_meter_switch(&s->server.meter, CYCLES_LOOP);
}

uint32_t shard_turn(struct shard *s)
{
    struct shard_tally *tally = s->server.tally;
    uint64_t started = s->server.meter.since;
    uint32_t work = 0;
    shard_read_clocks(s);
    work += shard_run_tls(s);
    work += shard_rx_nic(s);
    work += shard_rx_sock(s);
    if (s->mesh.waiting) mesh_flush(s);
    work += shard_run_deferred(s);
    bool has_others = shard_has_others(s, work != 0);
    work += shard_run_long(s, has_others);
    work += shard_run_storage(s, has_others);
    work += shard_expire(s);
    work += shard_defrag(s);
    work += shard_timers(s);
    work += shard_lanes(s);
    work += shard_run_mesh(s);
    work += loader_turn(s);
    work += shard_rx_ferry(s);
    run_tracking(s);
    work += shard_run_log(s, work != 0);
    shard_flush(s);
    shard_tx_nic(s);
    tls_release(s->tls);
    uint64_t cycles = s->server.meter.since - started;
    tally->turns++;
    if (work) {
        tally->turns_busy++;
        if (cycles > tally->turn_cycles_max) tally->turn_cycles_max = cycles;
        latency_note(&s->server, LATENCY_TURN, cycles);
    }
    shard_submit(s, work);
    return work;
}

// ---- stopping

void shard_stop(struct shard *s, uint32_t flags)
{
    if (s->stopping) return;
    s->stopping = true;
    s->stop_flags = flags;
    s->stop_deadline_ns = s->server.now_ns + STOP_FLUSH_NS;
    if (s->mesh.hub && s->server.shard_index == 0) spread_stop(s, flags);
}

// Replies that are queued may leave; who does not read them within STOP_FLUSH_NS is cut off.
static bool shard_output_is_empty(const struct shard *s)
{
    for (struct list_node *n = list_first(&s->rotation); n; n = list_next(&s->rotation, n)) {
        const struct session *session = LIST_OWNER(n, struct session, rotation);
        const struct stream *stream = session->client.stream;
        if (stream->out.bytes || stream->ops->pending(stream)) return false;
    }
    return true;
}

static void shard_announce_stop(struct shard *s)
{
    shard_stop_listening(s);
    if (s->server.shard_index == 0) s->server.region->dataplane->state = DATAPLANE_STOPPING;
    s->stop_announced = true;
}

// What was logged is with the flusher, which writes it before it closes. A disk that refuses is not
// waited for.
static bool shard_log_is_over(const struct shard *s)
{
    const struct appender *a = &s->appender;
    return appender_is_quiet(a) || a->told->error ||
           s->server.now_ns > s->stop_deadline_ns + STOP_LOG_NS;
}

void shard_run(struct shard *s)
{
    while (s->running) {
        shard_turn(s);
        if (LIKELY(!s->stopping)) continue;
        if (!s->stop_announced) shard_announce_stop(s);
        bool is_over = shard_output_is_empty(s) && ferry_is_over(s);
        if ((is_over || s->server.now_ns > s->stop_deadline_ns) && shard_log_is_over(s))
            s->running = false;
    }
}
