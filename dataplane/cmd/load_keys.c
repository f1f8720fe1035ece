// Keys: each is read with its value and waits, then some are put together. Where a key goes in a
// large keyspace is a line that no cache has, in a page whose address is not known either: asked
// for one behind the other these waits overlap, among what reading a key is they do not.
#include "dataplane/cmd/load_priv.h"
#include "dataplane/cmd/node.h"

enum {
    STEP_ELEMENTS = 64,
    EMPTY_KEYS_SHOWN = 10,
    TEXT_BYTES_MAX = 512 << 20,
};

static struct keyspace *keyspace_of(const struct load *l) { return l->config.server->keyspace; }

// ---- putting

static void close_key(struct load_key *k)
{
    if (k->is_open) value_restore_end(&k->value);
    k->is_open = false;
}

void load_keys_close(struct load *l)
{
    for (uint32_t i = 0; i < LOAD_KEYS; i++) close_key(&l->keys[i]);
}

static bool make_room(struct load *l, const struct load_key *k)
{
    struct entry *e = keyspace_peek(keyspace_of(l), l->db, &k->key);
    if (!e) return true;
    if (!(l->config.flags & LOAD_MERGE)) return false;
    keyspace_drop_entry(keyspace_of(l), l->db, e);
    return true;
}

static void put_value(struct load *l, struct load_key *k)
{
    struct entry *e = value_restore_put(&k->value, l->db, &k->key, l->now_ms);
    if (!e) { // a hash whose fields have all expired
        l->keys_expired++;
        return;
    }
    l->keys_loaded++;
    entry_set_access(keyspace_of(l), e, k->idle_s, k->frequency, l->now_ms);
    if (k->deadline_ms) keyspace_set_deadline(keyspace_of(l), l->db, e, k->deadline_ms);
}

static enum load_result refuse_duplicate(struct load *l, const struct load_key *k)
{
    struct bytes name = k->key.name;
    load_set_line(l, "RDB has duplicated key '%.*s' in DB %u", load_shown(name), load_chars(name),
                  l->db);
    return load_fail(l, k->offset, "a key that was there already");
}

enum load_result load_keys_put(struct load *l)
{
    uint32_t count = l->key_count;
    l->key_count = 0;
    for (uint32_t i = 0; i < count; i++)
        keyspace_prefetch_put(keyspace_of(l), l->db, &l->keys[i].key);
    for (uint32_t i = 0; i < count; i++) {
        struct load_key *k = &l->keys[i];
        if (!make_room(l, k)) return refuse_duplicate(l, k);
        put_value(l, k);
        close_key(k);
    }
    return LOAD_MORE;
}

// ---- reading

static bool is_mine(const struct load *l, struct bytes name)
{
    const struct server *s = l->config.server;
    return !s->node || placement_shard(&s->node->placement, name) == s->shard_index;
}

// The checksum of a long value is computed in slices, too.
void load_after_value(struct load *l)
{
    bool is_long = l->file.sums && l->file.offset - l->file.summed > LOAD_SUM_BYTES;
    l->phase = is_long ? LOAD_SUM : LOAD_ITEM;
}

static struct bytes keep_name(const struct load *l, struct load_key *k, struct bytes name)
{
    uintptr_t at = (uintptr_t)name.data - (uintptr_t)l->config.file.data;
    k->is_kept = at < l->config.file.size || name.size <= LOAD_NAME_BYTES;
    if (at < l->config.file.size || !k->is_kept) return name;
    memcpy(k->name, name.data, name.size);
    return bytes_make(k->name, name.size);
}

enum load_result load_key_begin(struct load *l)
{
    const struct rdb_key *from = &l->item.key;
    struct server *s = l->config.server;
    uint64_t text_bytes_max = (uint64_t)s->settings->proto_max_bulk_len;
    l->phase = LOAD_PASS_OVER;
    l->keys_left--;
    if (!is_mine(l, from->name)) return LOAD_MORE;
    if (from->deadline_ms && from->deadline_ms < l->now_ms && !(l->config.flags & LOAD_EXPIRED)) {
        l->keys_expired++;
        return LOAD_MORE;
    }
    l->phase = LOAD_VALUE;
    struct load_key *k = &l->keys[l->key_count];
    k->key = key_make(s->keyspace, keep_name(l, k, from->name));
    k->offset = l->item.offset;
    k->deadline_ms = from->deadline_ms;
    k->idle_s = from->idle_s;
    k->frequency = from->frequency;
    if (text_bytes_max < TEXT_BYTES_MAX) text_bytes_max = TEXT_BYTES_MAX;
    k->is_open = value_restore_begin(&k->value, s->keyspace, &s->thresholds, from->rdb_type,
                                     from->value, text_bytes_max);
    if (k->is_open || load_keys_put(l) == LOAD_FAILED) return k->is_open ? LOAD_MORE : LOAD_FAILED;
    return load_fail(l, k->offset, "a value of an unknown type");
}

static void leave_out_empty(struct load *l, const struct load_key *k)
{
    struct bytes name = k->key.name;
    if (l->keys_empty++ < EMPTY_KEYS_SHOWN)
        load_say(l, LOG_NOTICE, "rdbLoadObject skipping empty key: %.*s", load_shown(name),
                 load_chars(name));
}

// Whether its lengths at least make sense tells a file that is cut off from a value that is wrong.
static enum load_result refuse_value(struct load *l, const struct load_key *k)
{
    struct bytes name = k->key.name, rest = value_restore_rest(&k->value);
    uint64_t offset = rdb_file_offset(&l->file, rest.size);
    l->error.is_short = !rdb_file_skip_value(&l->file);
    return load_fail(l, offset, "the value of key '%.*s' in database %u, of type %u, is %s",
                     load_shown(name), load_chars(name), l->db, l->item.key.rdb_type,
                     l->error.is_short ? "cut off or damaged" : "damaged");
}

enum load_result load_key_step(struct load *l)
{
    struct load_key *k = &l->keys[l->key_count];
    enum value_restore_result result = value_restore_step(&k->value, STEP_ELEMENTS);
    if (result == VALUE_RESTORE_MORE) return LOAD_MORE;
    if (result != VALUE_RESTORE_DONE && load_keys_put(l) == LOAD_FAILED) return LOAD_FAILED;
    if (result == VALUE_RESTORE_BROKEN) return refuse_value(l, k);
    rdb_file_after_value(&l->file, value_restore_rest(&k->value).size);
    load_after_value(l);
    if (result == VALUE_RESTORE_EMPTY) {
        leave_out_empty(l, k);
        close_key(k);
        return LOAD_MORE;
    }
    l->key_count++;
    return l->key_count == LOAD_KEYS || !k->is_kept ? load_keys_put(l) : LOAD_MORE;
}
