#include "dataplane/cmd/sort_lookup.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/types/hash_value.h"

void sort_pattern_init(struct sort_pattern *p, const struct call *call, uint32_t argument)
{
    struct bytes text = call->argv[argument];
    const uint8_t *nul = text.size ? memchr(text.data, 0, text.size) : NULL;
    size_t searched = nul ? (size_t)(nul - text.data) : text.size;
    *p = (struct sort_pattern){ .argument = argument, .name_end = (uint32_t)text.size };
    if (searched == 1 && text.data[0] == '#') p->kind = SORT_ELEMENT;
    const uint8_t *star = searched ? memchr(text.data, '*', searched) : NULL;
    if (!star) return;
    p->kind = SORT_STRING;
    p->star = (uint32_t)(star - text.data);
    const uint8_t *behind = star + 1;
    const uint8_t *arrow = memmem(behind, searched - p->star - 1, "->", 2);
    if (!arrow) return;
    size_t at = (size_t)(arrow - text.data);
    if (at + 2 == text.size || text.data[at + 2] == 0) return; // no name behind it
    p->kind = SORT_FIELD;
    p->name_end = (uint32_t)at;
}

static uint8_t *name_room(struct sort_lookup *l, struct heap *heap, size_t size)
{
    if (size <= sizeof l->few) return l->few;
    if (size > l->room) {
        l->name = heap_resize(heap, l->name, l->room, 2 * size, HEAP_OTHER);
        l->room = 2 * size;
    }
    return l->name;
}

static struct bytes name_for(struct sort_lookup *l, struct heap *heap, const struct sort_pattern *p,
                             struct bytes pattern, struct bytes element)
{
    size_t postfix = p->name_end - p->star - 1, size = p->star + element.size + postfix;
    uint8_t *name = name_room(l, heap, size), *at = name + p->star;
    if (p->star) memcpy(name, pattern.data, p->star);
    if (element.size) memcpy(at, element.data, element.size);
    if (postfix) memcpy(at + element.size, pattern.data + p->star + 1, postfix);
    return bytes_make(name, size);
}

// ---- values as they were

struct sort_kept {
    uint64_t hash;
    uint32_t argument, name_size;
    size_t value_size;
    bool is_there;
    uint8_t bytes[]; // name, value
};
struct wanted {
    uint32_t argument;
    struct bytes name;
};

static uint64_t hash_of_kept(const void *context, const void *item)
{
    (void)context;
    return ((const struct sort_kept *)item)->hash;
}

static bool is_wanted(const void *item, const void *key)
{
    const struct sort_kept *kept = item;
    const struct wanted *w = key;
    return kept->argument == w->argument &&
           bytes_equal(bytes_make(kept->bytes, kept->name_size), w->name);
}

static size_t homes_bytes(const struct sort_lookup *l)
{
    return l->home_count * sizeof l->homes[0];
}

void sort_lookup_open(struct sort_lookup *l, const struct call *call)
{
    l->db = call->client->db;
    l->moment_ms = call->now_ms;
    l->homes = &l->one;
    l->home_count = 1;
    l->one.heap = call->server->heap;
    if (call_is_joint(call)) {
        l->home_count = server_peer_count(call->server);
        l->homes = heap_take(call->server->heap, homes_bytes(l), HEAP_OTHER);
    }
    for (uint32_t i = 0; i < l->home_count; i++) {
        struct sort_home *h = &l->homes[i];
        if (h != &l->one) h->heap = server_peer(call->server, i)->heap;
        index_init(&h->kept, h->heap, hash_of_kept, NULL);
    }
}

static struct sort_home *home_at(const struct sort_lookup *l, const struct server *home)
{
    return &l->homes[l->home_count > 1 ? home->shard_index : 0];
}

static const struct sort_kept *find_kept(const struct sort_home *h, const struct sort_pattern *p,
                                         const struct key *key)
{
    struct wanted w = { p->argument, key->name };
    if (LIKELY(h->kept.count == 0)) return NULL;
    return index_find(&h->kept, key->hash, is_wanted, &w);
}

static bool read_value(const struct sort_lookup *l, struct keyspace *k,
                       const struct sort_pattern *p, struct bytes pattern, const struct entry *e,
                       struct string_view *value)
{
    if (!e) return false;
    if (p->kind == SORT_STRING) {
        if (entry_type(e) != TYPE_STRING) return false;
        string_read(e, value);
        return true;
    }
    if (entry_type(e) != TYPE_HASH) return false;
    struct bytes field = bytes_make(pattern.data + p->name_end + 2, pattern.size - p->name_end - 2);
    return hash_get(k, e, field, l->moment_ms, value->scratch, &value->bytes);
}

// Could the pattern name this key, for some element?
static bool may_name(const struct sort_pattern *p, struct bytes pattern, struct bytes key)
{
    size_t postfix = p->name_end - p->star - 1;
    if (!sort_pattern_looks_up(p) || key.size < p->star + postfix) return false;
    return memcmp(key.data, pattern.data, p->star) == 0 &&
           memcmp(key.data + key.size - postfix, pattern.data + p->star + 1, postfix) == 0;
}

void sort_lookup_keep(struct sort_lookup *l, struct server *server, const struct sort_pattern *p,
                      const struct bytes *patterns, struct bytes name)
{
    struct bytes pattern = patterns[p->argument];
    if (!may_name(p, pattern, name)) return;
    struct key key = key_make(server->keyspace, name);
    struct sort_home *home = home_at(l, server);
    if (find_kept(home, p, &key)) return;
    struct string_view value = { .blob = NULL };
    const struct entry *e = keyspace_peek(server->keyspace, l->db, &key);
    uint64_t deadline_ms = e ? entry_deadline_ms(e) : KEYSPACE_NO_DEADLINE;
    bool was_dead = deadline_ms != KEYSPACE_NO_DEADLINE && deadline_ms <= l->moment_ms;
    bool is_there = !was_dead && read_value(l, server->keyspace, p, pattern, e, &value);
    if (!is_there) value.bytes.size = 0;
    struct sort_kept *kept =
        heap_take(home->heap, sizeof *kept + name.size + value.bytes.size, HEAP_OTHER);
    *kept = (struct sort_kept){ key.hash, p->argument, (uint32_t)name.size, value.bytes.size,
                                is_there };
    if (name.size) memcpy(kept->bytes, name.data, name.size);
    if (value.bytes.size) memcpy(kept->bytes + name.size, value.bytes.data, value.bytes.size);
    index_insert(&home->kept, key.hash, kept);
}

static bool take_kept(struct sort_lookup *l, const struct sort_kept *kept)
{
    l->value.blob = NULL;
    l->value.bytes = bytes_make(kept->bytes + kept->name_size, kept->value_size);
    return kept->is_there;
}

bool sort_lookup_find(struct sort_lookup *l, struct call *call, const struct sort_pattern *p,
                      struct bytes element)
{
    struct bytes pattern = call->argv[p->argument];
    l->value.blob = NULL;
    l->value.bytes = element;
    if (!sort_pattern_looks_up(p)) return p->kind == SORT_ELEMENT;
    struct key key = key_make(call->keyspace, name_for(l, call->server->heap, p, pattern, element));
    const struct sort_home *home = home_at(l, call_home(call, key.name));
    const struct sort_kept *kept = find_kept(home, p, &key);
    if (UNLIKELY(kept != NULL)) return take_kept(l, kept);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!e && (kept = find_kept(home, p, &key)) != NULL)
        return take_kept(l, kept); // its time has passed since: it went just now
    return read_value(l, call->server->keyspace, p, pattern, e, &l->value);
}

static void give_kept(void *heap, void *item)
{
    struct sort_kept *kept = item;
    heap_give(heap, kept, sizeof *kept + kept->name_size + kept->value_size, HEAP_OTHER);
}

bool sort_lookup_forget(struct sort_lookup *l, uint32_t budget)
{
    for (uint32_t i = 0; i < l->home_count; i++) {
        struct sort_home *h = &l->homes[i];
        uint32_t done = index_drain(&h->kept, budget, give_kept, h->heap);
        if (done >= budget) return false;
        budget -= done;
    }
    return true;
}

void sort_lookup_close(struct sort_lookup *l, struct heap *heap)
{
    if (l->name) heap_give(heap, l->name, l->room, HEAP_OTHER);
    while (!sort_lookup_forget(l, UINT32_MAX)) continue;
    if (l->homes != &l->one) heap_give(heap, l->homes, homes_bytes(l), HEAP_OTHER);
}
