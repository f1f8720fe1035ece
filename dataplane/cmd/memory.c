#include "dataplane/cmd/memory.h"
#include "dataplane/base/check.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/job.h"
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

bool memory_make_room(struct server *s)
{
    struct evict_rule rule;
    if (!rule_of(s->settings, &rule)) return false;
    uint64_t start = clock_tsc(), slice = s->clock->tsc_hz / 1000000 * MEMORY_SLICE_US;
    bool done = true;
    for (uint32_t i = 0; memory_is_over(s); i++) {
        // What was evicted before may still lie with the reaper: it is freed before more goes.
        if (keyspace_reap_pending(s->keyspace)) {
            keyspace_reap_step(s->keyspace, REAP_PER_KEY);
        } else if (!keyspace_evict(s->keyspace, &rule, s->now_ms)) {
            done = false;
            break;
        }
        if (i % KEYS_PER_LOOK == 0 && clock_tsc() - start > slice) break; // goes on next time
    }
    tally_slice(s->tally, clock_tsc() - start);
    return done;
}

// ---- clients

static uint64_t clients_limit(const struct settings *settings)
{
    int64_t limit = settings->maxmemory_clients;
    if (limit >= 0) return (uint64_t)limit;
    return settings->maxmemory / 100 * (uint64_t)-limit;
}

uint64_t memory_of_client(const struct client *c)
{
    uint64_t output = c->stream ? c->stream->out.bytes + c->stream->ops->pending(c->stream) : 0;
    return sizeof *c + c->query_buffer_bytes + c->arguments_bytes + output;
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
    effects_add(&s->effects, db, argv, 2);
    if (!s->in_command) effects_end_unit(&s->effects);
    if (s->on_changed) s->on_changed(s, db, key, (uint32_t) class, event);
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
