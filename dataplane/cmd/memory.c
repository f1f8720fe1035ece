#include "dataplane/cmd/memory.h"
#include "dataplane/base/check.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/pause.h"
#include "dataplane/cmd/pubsub.h"
#include "dataplane/cmd/tracking.h"
#include "dataplane/cmd/transaction.h"
#include "dataplane/keyspace/evict.h"

enum { REAP_PER_KEY = 64, KEYS_PER_LOOK = 4 };

uint64_t memory_counted_bytes(const struct server *s)
{
    const uint64_t *bytes = s->heap->bytes;
    return s->heap->bytes_total - bytes[HEAP_BACKLOG] - bytes[HEAP_LOG];
}

bool memory_is_over(const struct server *s)
{
    uint64_t limit = s->settings->maxmemory;
    return UNLIKELY(limit) && memory_counted_bytes(s) > limit;
}

void memory_note_level(struct server *s)
{
    bool is_over = memory_is_over(s);
    if (is_over && !s->over_since_ns) s->over_since_ns = s->now_ns;
    if (is_over || !s->over_since_ns) return;
    s->over_ns += s->now_ns - s->over_since_ns;
    s->over_since_ns = 0;
}

uint64_t memory_over_ns(const struct server *s, bool before_too)
{
    uint64_t now = s->over_since_ns ? s->now_ns - s->over_since_ns : 0;
    return before_too ? now + s->over_ns : now;
}

static bool rule_of(const struct settings *settings, struct evict_rule *rule)
{
    static const struct {
        enum evict_by by;
        bool only_with_deadline;
    } rules[] = {
        [EVICT_VOLATILE_LRU] = { EVICT_BY_IDLE, true },
        [EVICT_VOLATILE_LFU] = { EVICT_BY_FREQUENCY, true },
        [EVICT_VOLATILE_RANDOM] = { EVICT_BY_CHANCE, true },
        [EVICT_VOLATILE_TTL] = { EVICT_BY_DEADLINE, true },
        [EVICT_ALLKEYS_LRU] = { EVICT_BY_IDLE, false },
        [EVICT_ALLKEYS_LFU] = { EVICT_BY_FREQUENCY, false },
        [EVICT_ALLKEYS_RANDOM] = { EVICT_BY_CHANCE, false },
    };
    int64_t policy = settings->maxmemory_policy;
    if (policy == EVICT_NOEVICTION) return false;
    CHECK((uint64_t)policy < sizeof rules / sizeof rules[0]);
    *rule = (struct evict_rule){ .by = rules[policy].by,
                                 .only_with_deadline = rules[policy].only_with_deadline,
                                 .samples = (uint32_t)settings->maxmemory_samples };
    return true;
}

static bool evict_one(struct server *s, const struct evict_rule *rule)
{
    uint64_t start = clock_tsc();
    bool done = keyspace_evict(s->keyspace, rule, s->now_ms);
    latency_note(s, LATENCY_EVICTION_DEL, clock_tsc() - start);
    return done;
}

bool memory_make_room(struct server *s)
{
    struct evict_rule rule;
    memory_note_level(s);
    if (UNLIKELY(pause_is_on(s))) return true; // nothing goes meanwhile, nor is refused
    if (!rule_of(s->settings, &rule)) return false;
    uint64_t start = clock_tsc(), slice = s->clock->tsc_hz / 1000000 * MEMORY_SLICE_US;
    bool done = true;
    for (uint32_t i = 0; memory_is_over(s); i++) {
        // What was evicted before may still lie with the reaper: it is freed before more goes.
        if (keyspace_reap_pending(s->keyspace)) {
            s->tally->lazyfreed_objects += keyspace_reap_step(s->keyspace, REAP_PER_KEY);
        } else if (!evict_one(s, &rule)) {
            done = false;
            break;
        }
        if (i % KEYS_PER_LOOK == 0 && clock_tsc() - start > slice) break; // goes on next time
    }
    uint64_t used = clock_tsc() - start;
    tally_slice(s->tally, used);
    latency_note(s, LATENCY_EVICTION_CYCLE, used);
    memory_note_level(s);
    return done;
}

// ---- clients

static uint64_t clients_limit(const struct settings *settings)
{
    int64_t limit = settings->maxmemory_clients;
    if (limit >= 0) return (uint64_t)limit;
    return settings->maxmemory / 100 * (uint64_t)-limit;
}

static uint64_t texts_bytes(const struct client *c)
{
    const char *const texts[] = { c->name, c->lib_name, c->lib_version };
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < 3; i++) bytes += texts[i] ? strlen(texts[i]) + 1 : 0;
    return bytes;
}

uint64_t memory_of_client(const struct client *c)
{
    uint64_t output = c->stream ? c->stream->out.bytes + c->stream->ops->pending(c->stream) : 0;
    return sizeof *c + c->query_buffer_bytes + c->arguments_bytes + output + c->pushes_bytes +
           texts_bytes(c) + transaction_memory(c) + pubsub_memory(c) + tracking_memory(c);
}

void memory_check_clients(struct server *s)
{
    uint64_t limit = clients_limit(s->settings), total = 0, most = 0;
    struct client *largest = NULL;
    if (LIKELY(limit == 0)) return;
    const struct list *all = &s->clients.all;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        struct client *c = LIST_OWNER(n, struct client, all);
        uint64_t bytes = memory_of_client(c);
        total += bytes;
        if (bytes <= most || c->flags & (CLIENT_NO_EVICT | CLIENT_CLOSE_NOW)) continue;
        most = bytes;
        largest = c;
    }
    if (total <= limit || !largest) return;
    s->tally->evicted_clients++;
    s->ops->kill_client(s, largest);
}

// ---- what the keyspace removes by itself

static void propagate_removal(struct server *s, uint32_t db, struct bytes key,
                              enum event_class class, const char *event)
{
    struct bytes argv[] = { BYTES_LITERAL("DEL"), key };
    if (UNLIKELY(s->jobs.watchers.count)) jobs_tell_write(s, key);
    uint64_t start = clock_tsc();
    effects_add(&s->effects, db, argv, 2);
    if (!s->in_command) effects_end_unit(&s->effects);
    if (s->on_changed) s->on_changed(s, db, key, (uint32_t) class, event);
    if (class == EVENT_EXPIRED) latency_note(s, LATENCY_EXPIRE_DEL, clock_tsc() - start);
}

static void on_expired(void *context, uint32_t db, struct bytes key)
{
    propagate_removal(context, db, key, EVENT_EXPIRED, "expired");
}

static void on_evicted(void *context, uint32_t db, struct bytes key)
{
    propagate_removal(context, db, key, EVENT_EVICTED, "evicted");
}

void memory_hook_keyspace(struct server *s)
{
    keyspace_on_expired(s->keyspace, on_expired, s);
    keyspace_on_evicted(s->keyspace, on_evicted, s);
}
