// Keys of a snapshot: each is sent as RESTORE takes it, its value as it stands in the file.
//
// Source:  spec/rdb.md sections 5 and 10 (a DUMP payload: type, value, version, CRC64)
#include <stdio.h>
#include "dataplane/base/hash.h"
#include "dataplane/base/num.h"
#include "storage/rdb/rdb_file.h"
#include "storage/rdb/rdb_format.h"
#include "tools/penstockctl_import.h"

typedef unsigned long long number; // what %llu takes

enum { VERSION_EARLY = 9, RESTORE_WORDS_MAX = 8 }; // before 7.0

// The lowest that has the type, so that old targets do not refuse what they could read.
static uint16_t version_of(uint8_t rdb_type)
{
    if (rdb_type >= RDB_HASH_DEADLINES_EARLY) return RDB_VERSION_DEADLINES;
    if (rdb_type >= RDB_SET_LISTPACK) return RDB_VERSION_STREAMS_3;
    return rdb_type >= RDB_HASH_LISTPACK ? RDB_VERSION_WRITTEN : VERSION_EARLY;
}

static const char *open_error(const struct rdb_file *f, enum rdb_file_result result)
{
    switch (result) {
    case RDB_FILE_OPEN:
        return NULL;
    case RDB_FILE_SHORT:
        return "it is too short for a snapshot";
    case RDB_FILE_UNKNOWN:
        return "it is no snapshot: it does not begin with REDIS";
    default:
        return f->version ? "its version is none of those that can be read: 1 to 12"
                          : "its version is no number";
    }
}

// ---- what is wrong with it

static void tell_broken(struct import *im, const struct import_part *p, const struct rdb_item *item,
                        struct bytes key)
{
    char shown[4 * TARGET_NAME_BYTES + 8];
    if (key.data)
        target_refuse(&im->target, "%s, byte %llu: key %s: %s", p->name, (number)item->offset,
                      target_show(shown, (const char *)key.data, key.size), item->broken);
    else
        target_refuse(&im->target, "%s, byte %llu: %s", p->name, (number)item->offset,
                      item->broken);
}

static bool check_items(struct import *im, struct import_part *p, struct rdb_file *f)
{
    struct rdb_item item;
    struct bytes broken_key = { 0 };
    do {
        rdb_file_next(f, &item);
        if (item.kind == RDB_ITEM_KEY && !rdb_file_skip_value(f)) broken_key = item.key.name;
        im->progress.done_bytes = f->offset;
        progress_step(&im->progress);
    } while (item.kind != RDB_ITEM_END && item.kind != RDB_ITEM_BROKEN);
    if (!import_part_is_good(im, p)) return false;
    if (item.kind == RDB_ITEM_BROKEN) {
        tell_broken(im, p, &item, broken_key);
        return false;
    }
    if (item.end.checksum_is_right) return true;
    target_refuse(&im->target, "%s: the checksum is wrong: some of this may be, too", p->name);
    return false;
}

bool import_snapshot_check(struct import *im, struct import_part *p, uint64_t *end)
{
    struct rdb_file f;
    const char *error = open_error(&f, rdb_file_open(&f, &im->heap, p->map));
    *end = p->map.size;
    if (error) {
        if (import_part_is_good(im, p)) target_refuse(&im->target, "%s: %s", p->name, error);
        return false;
    }
    bool fits = check_items(im, p, &f);
    if (fits) *end = f.offset;
    rdb_file_close(&f);
    return fits;
}

// ---- what is sent

static struct bytes put_number(char *digits, uint64_t value)
{
    return bytes_make(digits, num_format_uint(digits, value));
}

static void put_payload(struct target *t, uint8_t rdb_type, struct bytes value)
{
    uint8_t footer[RDB_FOOTER_BYTES];
    uint64_t crc = crc64(crc64(0, &rdb_type, 1), value.data, value.size);
    store_le16(footer, version_of(rdb_type));
    store_le64(footer + 2, crc64(crc, footer, 2));
    struct bytes pieces[] = { bytes_make(&rdb_type, 1), value, bytes_make(footer, sizeof footer) };
    target_put_pieces(t, pieces, 3);
}

// What stands behind the payload.
static uint32_t options_of(const struct import *im, const struct rdb_key *key, char *digits,
                           struct bytes words[RESTORE_WORDS_MAX])
{
    uint32_t count = 0;
    if (im->replaces) words[count++] = BYTES_LITERAL("REPLACE");
    if (key->deadline_ms) words[count++] = BYTES_LITERAL("ABSTTL");
    if (key->frequency >= 0) {
        words[count++] = BYTES_LITERAL("FREQ");
        words[count++] = put_number(digits, (uint64_t)key->frequency);
    } else if (key->idle_s >= 0) {
        words[count++] = BYTES_LITERAL("IDLETIME");
        words[count++] = put_number(digits, (uint64_t)key->idle_s);
    }
    return count;
}

static bool send_key(struct import *im, const struct import_part *p, const struct rdb_item *item,
                     struct bytes value, uint64_t database)
{
    const struct rdb_key *key = &item->key;
    struct bytes words[RESTORE_WORDS_MAX];
    char deadline[NUM_INT_MAX], digits[NUM_INT_MAX];
    struct target_request about = {
        .kind = TARGET_KEY, .source = p->name, .offset = item->offset, .database = database
    };
    uint32_t count = options_of(im, key, digits, words);
    if (!target_select(&im->target, database)) {
        if (!target_may_go_on(&im->target)) return false;
        im->target.refused++; // that its database is not there was told once
        return true;
    }
    target_request_name(&about, key->name);
    if (!target_begin(&im->target, &about, 4 + count)) return false;
    target_put(&im->target, BYTES_LITERAL("RESTORE"));
    target_put(&im->target, key->name);
    target_put(&im->target, put_number(deadline, key->deadline_ms));
    put_payload(&im->target, key->rdb_type, value);
    for (uint32_t i = 0; i < count; i++) target_put(&im->target, words[i]);
    im->progress.items++;
    return true;
}

static bool send_function(struct import *im, const struct import_part *p,
                          const struct rdb_item *item)
{
    struct target_request about = {
        .kind = TARGET_FUNCTION, .source = p->name, .offset = item->offset, .verb = "FUNCTION LOAD"
    };
    if (!target_begin(&im->target, &about, im->replaces ? 4 : 3)) return false;
    target_put(&im->target, BYTES_LITERAL("FUNCTION"));
    target_put(&im->target, BYTES_LITERAL("LOAD"));
    if (im->replaces) target_put(&im->target, BYTES_LITERAL("REPLACE"));
    target_put(&im->target, item->function);
    return true;
}

// Its value has to be passed over, whether it is sent or not.
static bool take_key(struct import *im, const struct import_part *p, struct rdb_file *f,
                     const struct rdb_item *item, uint64_t database)
{
    const uint8_t *begin = item->key.value.data;
    if (!rdb_file_skip_value(f)) return true;
    struct bytes value = bytes_make(begin, (size_t)(p->map.data + f->offset - begin));
    return !import_wants(im, database) || send_key(im, p, item, value, database);
}

void import_snapshot_send(struct import *im, const struct import_part *p)
{
    struct rdb_file f;
    struct rdb_item item;
    uint64_t database = 0, before = im->progress.done_bytes;
    bool goes_on = true;
    if (rdb_file_open(&f, &im->heap, p->map) != RDB_FILE_OPEN) return;
    rdb_file_ignore_checksum(&f); // it was checked
    do {
        rdb_file_next(&f, &item);
        if (item.kind == RDB_ITEM_DATABASE) database = item.database;
        if (item.kind == RDB_ITEM_FUNCTION) goes_on = send_function(im, p, &item);
        if (item.kind == RDB_ITEM_KEY) goes_on = take_key(im, p, &f, &item, database);
        im->progress.done_bytes = before + f.offset;
        progress_step(&im->progress);
    } while (goes_on && item.kind != RDB_ITEM_END && item.kind != RDB_ITEM_BROKEN);
    rdb_file_close(&f);
}
