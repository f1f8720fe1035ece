// rdb_format.h: the numbers of Redis's snapshot format.
//
// Source:  spec/rdb.md, sections 1, 2 and 5: RDB versions 1..12
#pragma once

#define RDB_MAGIC "REDIS" // then the version, four digits
enum {
    RDB_VERSION_WRITTEN = 10,   // what Redis 7.0 reads, unless the data needs more
    RDB_VERSION_STREAMS_3 = 11, // RDB_STREAM_3
    RDB_VERSION_DEADLINES = 12, // RDB_HASH_DEADLINES, RDB_HASH_PACK_DEADLINES
    RDB_VERSION_READ_MAX = 12,
    RDB_FOOTER_BYTES = 10, // of a DUMP payload: le16 version, le64 CRC64 of all before
};

enum rdb_type {
    RDB_STRING = 0,
    RDB_LIST = 1,
    RDB_SET = 2,
    RDB_ZSET = 3,
    RDB_HASH = 4,
    RDB_ZSET_2 = 5,
    RDB_HASH_ZIPMAP = 9,
    RDB_LIST_ZIPLIST = 10,
    RDB_SET_INTSET = 11,
    RDB_ZSET_ZIPLIST = 12,
    RDB_HASH_ZIPLIST = 13,
    RDB_LIST_QUICKLIST = 14,
    RDB_STREAM = 15,
    RDB_HASH_LISTPACK = 16,
    RDB_ZSET_LISTPACK = 17,
    RDB_LIST_QUICKLIST_2 = 18,
    RDB_STREAM_2 = 19,
    RDB_SET_LISTPACK = 20,
    RDB_STREAM_3 = 21,
    RDB_HASH_DEADLINES_EARLY = 22,      // of 7.4's release candidates
    RDB_HASH_PACK_DEADLINES_EARLY = 23, // so too
    RDB_HASH_DEADLINES = 24,
    RDB_HASH_PACK_DEADLINES = 25,
};
enum rdb_opcode { // where a key's type could be
    RDB_OPCODE_SLOT_INFO = 244,
    RDB_OPCODE_FUNCTION = 245,
    RDB_OPCODE_FUNCTION_EARLY = 246, // of 7.0's release candidates
    RDB_OPCODE_MODULE_AUX = 247,
    RDB_OPCODE_IDLE = 248,
    RDB_OPCODE_FREQUENCY = 249,
    RDB_OPCODE_AUX = 250,
    RDB_OPCODE_RESIZE = 251,
    RDB_OPCODE_DEADLINE_MS = 252,
    RDB_OPCODE_DEADLINE_S = 253,
    RDB_OPCODE_DATABASE = 254,
    RDB_OPCODE_END = 255,
};
enum rdb_container {
    RDB_CONTAINER_PLAIN = 1,
    RDB_CONTAINER_LISTPACK = 2
}; // of RDB_LIST_QUICKLIST_2

#define RDB_DEADLINE_MS_MAX ((1ull << 48) - 1) // of a hash field
#define RDB_NEVER_ACTIVE UINT64_MAX            // a stream's consumer; entries-read: unknown
