#include <string.h>
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_index.h"

_Static_assert((int)COMMAND_COUNT <= (int)COMMAND_TALLY_MAX,
               "a command without a place in the tally");

const char *const acl_category_names[ACL_CATEGORY_COUNT] = {
    "keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
    "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
    "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting",
};

const char *const command_flag_names[COMMAND_FLAG_COUNT] = {
    "write",         "readonly",
    "denyoom",       "admin",
    "pubsub",        "noscript",
    "blocking",      "loading",
    "stale",         "skip_monitor",
    "skip_slowlog",  "asking",
    "fast",          "no_auth",
    "may_replicate", "no_mandatory_keys",
    "protected",     "no_async_loading",
    "no_multi",      "allow_busy",
    "movablekeys",   "touches_arbitrary_keys",
    "sentinel",
};

// Eight letters at once: sets 0x20 in the bytes that are 'A'..'Z'. A byte's top bit is kept out of
// the sums, so no byte carries into its neighbour, and bytes >= 0x80 are never letters.
static inline uint64_t fold_case(uint64_t x)
{
    uint64_t low = x & 0x7f7f7f7f7f7f7f7full;
    uint64_t from_a = low + 0x3f3f3f3f3f3f3f3full;  // top bit: >= 'A'
    uint64_t after_z = low + 0x2525252525252525ull; // top bit: > 'Z'
    return x | (((from_a ^ after_z) & ~x & 0x8080808080808080ull) >> 2);
}

// Up to 8 bytes as a little-endian word, zero beyond the end, without reading past it. Overlapping
// reads agree on the bytes they share, so OR joins them.
static inline uint64_t load_short(const uint8_t *p, size_t size)
{
    if (size >= 8) return load_le64(p);
    if (size >= 4) return load_le32(p) | (uint64_t)load_le32(p + size - 4) << ((size - 4) * 8);
    if (size == 0) return 0;
    size_t middle = size / 2;
    return p[0] | (uint64_t)p[middle] << (middle * 8) | (uint64_t)p[size - 1] << ((size - 1) * 8);
}

static inline struct command_words name_words(struct bytes name)
{
    struct command_words w = { fold_case(load_short(name.data, name.size)), 0, name.size };
    if (name.size > 8) w.tail = fold_case(load_le64(name.data + name.size - 8));
    return w;
}

// Up to 16 bytes the two words are the whole name; beyond, the middle is compared too.
static inline bool words_match(const struct command_words *a, const struct command_words *b,
                               struct bytes name, uint32_t id)
{
    if (a->head != b->head || a->tail != b->tail || a->size != b->size) return false;
    return a->size <= 16 || bytes_equal_nocase(name, bytes_text(command_rows[id]->name));
}

const struct command *command_find(struct bytes name)
{
    struct command_words w = name_words(name);
    uint64_t mixed = w.head ^ (w.tail * COMMAND_TAIL_MULTIPLIER);
    uint64_t slot = (mixed * COMMAND_MULTIPLIER) >> (64 - COMMAND_SLOT_BITS);
    for (uint32_t i = 0; i < COMMAND_PROBE_MAX; i++) {
        uint32_t id = command_slots[(slot + i) & ((1u << COMMAND_SLOT_BITS) - 1)];
        if (id >= COMMAND_TOP_COUNT) return NULL;
        if (LIKELY(words_match(&command_words[id], &w, name, id))) return command_rows[id];
    }
    return NULL;
}

const struct command *command_find_sub(const struct command *container, struct bytes name)
{
    for (uint32_t i = 0; i < container->subcommand_count; i++) {
        const struct command *sub = &container->subcommands[i];
        if (bytes_is_word(name, sub->name)) return sub;
    }
    return NULL;
}

const struct command *command_by_id(uint16_t id)
{
    return id < COMMAND_COUNT ? command_rows[id] : NULL;
}

uint32_t command_count(void) { return COMMAND_COUNT; }

uint32_t command_top_count(void) { return COMMAND_TOP_COUNT; }
