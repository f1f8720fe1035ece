// penstockctl_import_target.h: the server that keys are brought into: requests without waiting for
// each reply, and errors told with what they are about.
//
// Source:  RESP2
// Thread:  one
// Memory:  a buffer, and what is known of each request under way: both of fixed size, whatever a
//          value takes. Arguments are copied, and sent in pieces, before a call returns
//
//     if (target_begin(t, &about, 2)) {
//         target_put(t, BYTES_LITERAL("DEL"));
//         target_put(t, name);
//     }
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "tools/penstockctl_client.h"
#include "tools/penstockctl_import_progress.h"

enum {
    TARGET_OUT_BYTES = 256 * 1024,
    TARGET_IN_BYTES = 64 * 1024,
    TARGET_LINE_BYTES = 512, // of an error, as far as it is told
    TARGET_NAME_BYTES = 80,  // of a key's name, so too
    TARGET_VERB_BYTES = 24,
    TARGET_TOLD_MAX = 10,    // errors, when the first one ends the run
    TARGET_DATABASES = 1024, // of which it is remembered whether they are there
    TARGET_PIPELINE_MAX = 100000,
    TARGET_PATIENCE_S = 120, // without any progress
};

enum target_kind { TARGET_KEY, TARGET_FUNCTION, TARGET_COMMAND, TARGET_OTHER, TARGET_KIND_COUNT };
struct target_request {
    enum target_kind kind;
    const char *source; // where it comes from; borrowed until it is answered
    uint64_t offset;    // in there
    uint64_t database;
    char verb[TARGET_VERB_BYTES];
    char name[TARGET_NAME_BYTES]; // its first bytes
    size_t name_bytes;            // of all of it
};
void target_request_name(struct target_request *r, struct bytes name);
void target_request_verb(struct target_request *r, struct bytes verb);

struct target {
    bool keeps_going;                     // after a reply that is an error
    uint64_t answered[TARGET_KIND_COUNT]; // without an error
    uint64_t refused;                     // replies with one, and what was not even sent for one
    bool is_lost;                         // the connection, or the source
    bool is_source_lost;
    // Asked before what was put, all of it copied, is sent. False ends the run, and was told. NULL:
    // nobody is.
    bool (*is_source_good)(void *source);
    void *source; // borrowed
    // For penstockctl_import_target.c:
    struct progress *progress; // borrowed
    struct client client, probe;
    char *out, *in;
    size_t out_bytes;
    struct target_request *requests; // a ring: sent, not yet answered
    uint32_t first, count, room;
    uint64_t database; // that is selected
    int8_t databases[TARGET_DATABASES];
    struct {
        char line[TARGET_LINE_BYTES];
        size_t line_bytes;
        uint64_t skip, left, items; // bytes of a text; values to come; of an array, at the top
        bool has_error;
    } reply;
};

// pipeline: requests under way at once, 1..TARGET_PIPELINE_MAX. Complains by itself. CTL_OK, or
// nothing has to be closed.
enum ctl_exit target_open(struct target *t, const struct ctl_options *o, struct progress *progress,
                          uint32_t pipeline);
void target_close(struct target *t);

bool target_may_go_on(const struct target *t);
// What is_source_good says.
bool target_has_good_source(struct target *t);
// False: nothing more can be sent.
bool target_begin(struct target *t, const struct target_request *about, uint32_t word_count);
void target_put(struct target *t, struct bytes word);
void target_put_pieces(struct target *t, const struct bytes *pieces, uint32_t count); // one word
// From now on in this database. False: the target has none such, which was told.
bool target_select(struct target *t, uint64_t database);
void target_drain(struct target *t); // until all is answered
// An error that is not a reply's.
__attribute__((format(printf, 2, 3))) void target_refuse(struct target *t, const char *format, ...);
// Has it keys, in any database?
bool target_has_keys(struct target *t);
// A name for people, in quotes, without what would steer a terminal. out: 4 * TARGET_NAME_BYTES + 8
char *target_show(char *out, const char *name, size_t name_bytes);
