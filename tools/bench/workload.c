#include "tools/bench/workload.h"
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/num.h"

enum {
    PATTERN_STARTS = 4096,
    EXPIRE_MS_DIGITS = 13,
    EXPIRE_BYTES = 4 + 6 + 5 + EXPIRE_MS_DIGITS + 2, // "$4", "PXAT", "$13" and the deadline
};

// A head whose key is all zeros, and where its last digits digits are.
static uint32_t make_head(const struct workload *w, uint8_t *out, const char *before,
                          uint32_t *digits_at)
{
    uint32_t bytes = w->config.key_bytes, prefix = bytes - w->digits < 4 ? bytes - w->digits : 4;
    int size = snprintf((char *)out, WORKLOAD_HEAD_MAX, "%s$%u\r\n%.*s%0*d\r\n", before, bytes,
                        (int)prefix, "key:", (int)(bytes - prefix), 0);
    *digits_at = (uint32_t)size - 2 - w->digits;
    return (uint32_t)size;
}

static bool make_pattern(struct workload *w)
{
    struct rng rng;
    size_t size = (size_t)w->config.sizes.max + PATTERN_STARTS;
    w->pattern = malloc(size);
    if (!w->pattern) return false;
    rng_seed(&rng, 1); // the same in every run: one run may check what another one has set
    for (size_t i = 0; i < size; i++) w->pattern[i] = (uint8_t)('A' + rng_next(&rng) % 26);
    return true;
}

// ---- a command of the user's

#define RANDOM_WORD "__rand_int__"
#define DATA_WORD "__data__"
enum { RANDOM_DIGITS = 12, COMMAND_WORDS_MAX = 128 };

static size_t put_bulk(struct workload *w, uint8_t *out, const char *word)
{
    bool is_data = strcmp(word, DATA_WORD) == 0;
    size_t bytes = is_data ? w->config.sizes.max : strlen(word);
    size_t size = (size_t)sprintf((char *)out, "$%zu\r\n", bytes);
    memcpy(out + size, is_data ? (const char *)w->pattern : word, bytes);
    memcpy(out + size + bytes, "\r\n", 2);
    return size + bytes + 2;
}

static bool find_random(struct workload *w)
{
    const uint8_t *at = w->command, *end = w->command + w->command_bytes;
    while ((at = memmem(at, (size_t)(end - at), RANDOM_WORD, RANDOM_DIGITS)) != NULL) {
        if (w->random_count == WORKLOAD_RANDOM_MAX) return false;
        w->random_at[w->random_count++] = (uint32_t)(at - w->command);
        at += RANDOM_DIGITS;
    }
    return true;
}

static bool make_command(struct workload *w)
{
    char *words[COMMAND_WORDS_MAX], *rest = NULL, *copy = strdup(w->config.command);
    uint32_t count = 0;
    if (!copy) return false;
    for (char *word = strtok_r(copy, " ", &rest); word && count < COMMAND_WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    size_t room = 32 + strlen(w->config.command);
    for (uint32_t i = 0; i < count; i++)
        room += 32 + (strcmp(words[i], DATA_WORD) == 0 ? w->config.sizes.max : 0);
    w->command = malloc(room);
    if (w->command && count) {
        size_t size = (size_t)sprintf((char *)w->command, "*%u\r\n", count);
        for (uint32_t i = 0; i < count; i++) size += put_bulk(w, w->command + size, words[i]);
        w->command_bytes = (uint32_t)size;
    }
    free(copy);
    return w->command_bytes && find_random(w);
}

static uint32_t encode_command(const struct workload *w, const struct request *r, uint8_t *out)
{
    uint64_t number = r->key;
    memcpy(out, w->command, w->command_bytes);
    for (uint32_t i = 0; i < w->random_count; i++) {
        keys_format(out + w->random_at[i], RANDOM_DIGITS, (uint32_t)number);
        number = (number * 2654435761u + 1) % w->config.key_count; // another for each place
    }
    return w->command_bytes;
}

// A key's name is in the head of its GET.
static bool make_homes(struct workload *w)
{
    if (!w->config.steer_shards) return true;
    if (homes_open(&w->homes, w->config.steer_shards, w->keys.count) != OK) return false;
    uint8_t *digits = w->get + w->get_digits_at;
    struct bytes name = bytes_make(digits + w->digits - w->config.key_bytes, w->config.key_bytes);
    for (uint32_t key = 0; key < w->keys.count; key++) {
        keys_format(digits, w->digits, key);
        homes_add(&w->homes, key, name);
    }
    return homes_are_all_used(&w->homes);
}

enum status workload_open(struct workload *w, const struct workload_config *config)
{
    *w = (struct workload){ .config = *config };
    if (keys_init(&w->keys, config->key_count, config->zipf_theta) != OK) return ERR_NO_SPACE;
    w->digits = keys_digits(config->key_count);
    if (config->key_bytes < w->digits || config->key_bytes > KEY_BYTES_MAX) return ERR_NO_SPACE;
    if (!(config->read_ratio >= 0 && config->read_ratio <= 1)) return ERR_NO_SPACE;
    w->read_below = (uint64_t)(config->read_ratio * 0x1p32);
    w->get_bytes = make_head(w, w->get, "*2\r\n$3\r\nGET\r\n", &w->get_digits_at);
    w->set_bytes =
        make_head(w, w->set, config->expire_at_ms ? "*5\r\n$3\r\nSET\r\n" : "*3\r\n$3\r\nSET\r\n",
                  &w->set_digits_at);
    rng_seed(&w->rng, config->seed);
    if (!make_pattern(w) || !make_homes(w)) return ERR_NO_SPACE;
    return !config->command || make_command(w) ? OK : ERR_NO_SPACE;
}

void workload_close(struct workload *w)
{
    free(w->pattern);
    free(w->command);
    homes_close(&w->homes);
    w->pattern = w->command = NULL;
}

uint32_t workload_request_bytes(const struct workload *w, const struct request *r)
{
    if (r->op == OP_GET) return w->get_bytes;
    if (r->op == OP_COMMAND) return w->command_bytes;
    uint32_t size = w->set_bytes + 1 + num_int_digits(r->value_bytes) + 2 + r->value_bytes + 2;
    return w->config.expire_at_ms ? size + EXPIRE_BYTES : size;
}

void workload_next(struct workload *w, uint32_t home, struct request *out)
{
    bool is_get = (rng_next(&w->rng) >> 32) < w->read_below;
    do out->key = keys_next(&w->keys, &w->rng);
    while (w->homes.shard_count && !homes_is_at(&w->homes, out->key, home));
    out->op = w->config.command ? OP_COMMAND : is_get ? OP_GET : OP_SET;
    out->value_bytes = is_get ? 0 : sizes_next(&w->config.sizes, &w->rng);
}

void workload_fill(struct workload *w, uint32_t key, struct request *out)
{
    *out = (struct request){ key, sizes_next(&w->config.sizes, &w->rng), OP_SET };
}

static const uint8_t *value_of(const struct workload *w, uint32_t key)
{
    return w->pattern + (key * 2654435761u >> 20); // 12 bits: below PATTERN_STARTS
}

static uint32_t encode_deadline(const struct workload *w, uint32_t key, uint8_t *out)
{
    uint32_t spread = w->config.expire_spread_ms;
    uint64_t at = w->config.expire_at_ms + (spread ? key % spread : 0);
    return (uint32_t)sprintf((char *)out, "$4\r\nPXAT\r\n$%d\r\n%0*llu\r\n", EXPIRE_MS_DIGITS,
                             EXPIRE_MS_DIGITS, (unsigned long long)at);
}

uint32_t workload_encode(const struct workload *w, const struct request *r, uint8_t *out)
{
    if (r->op == OP_COMMAND) return encode_command(w, r, out);
    if (r->op == OP_GET) {
        memcpy(out, w->get, w->get_bytes);
        keys_format(out + w->get_digits_at, w->digits, r->key);
        return w->get_bytes;
    }
    uint32_t size = w->set_bytes;
    memcpy(out, w->set, size);
    keys_format(out + w->set_digits_at, w->digits, r->key);
    out[size++] = '$';
    size += num_format_uint((char *)out + size, r->value_bytes);
    memcpy(out + size, "\r\n", 2);
    size += 2;
    memcpy(out + size, value_of(w, r->key), r->value_bytes);
    size += r->value_bytes;
    memcpy(out + size, "\r\n", 2);
    size += 2;
    return w->config.expire_at_ms ? size + encode_deadline(w, r->key, out + size) : size;
}

bool workload_matches(const struct workload *w, uint32_t key, uint64_t offset, struct bytes piece)
{
    uint64_t max = w->config.sizes.max;
    if (piece.size > max || offset > max - piece.size) return false;
    return memcmp(value_of(w, key) + offset, piece.data, piece.size) == 0;
}
