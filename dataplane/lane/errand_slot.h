// errand_slot.h: where a shard leaves one request for control at a time, with a text, and finds the
// answer: reading and writing files takes as long as a disk takes, which a shard cannot spend.
//
//            shard: ask                control: take             control: finish
//   n-1,DONE ----------> n,ASKED ----------------> n,TAKEN ----------------> n,DONE
//                           '----- shard: withdraw -----'-------> n,WITHDRAWN
//
// Thread:  the shard and control, each through its own functions
// Memory:  lies in the shared region; the ticket decides whose turn it is, and each text has one
//          writer. What the other side wrote is checked for size only: it is text for a parser
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/status.h"

enum { ERRAND_TEXT_BYTES = 2 << 20 };

enum errand_kind {
    ERRAND_NONE,
    // The settings as text (settings_write); then, unless lines "user" are to stay as they are, a
    // NUL and the lines that replace them. Rewrites the configuration file. Answer: nothing, or
    // why not.
    ERRAND_CONFIG_REWRITE,
    ERRAND_CONFIG_WRITE_ALL, // the same, with what has its default
    ERRAND_ACL_LOAD, // no payload. Answer: all of the file that aclfile names, or why not
    ERRAND_ACL_SAVE, // the text that replaces that file; its mode is kept, a new one has 0600
    ERRAND_KIND_COUNT,
};
enum errand_outcome {
    ERRAND_DONE,
    ERRAND_FAILED,    // control said why: the answer's text
    ERRAND_AWAY,      // control did not begin in time, or did not finish: the text says so
    ERRAND_UNWAITED,  // on its way; nobody waits for it (transactions, scripts)
    ERRAND_TOO_LARGE, // or too many at a time: the text says which
};

struct errand_text {
    uint32_t size;
    uint8_t bytes[ERRAND_TEXT_BYTES];
};
struct errand_slot {
    uint64_t ticket;  // number << 8 | state
    uint32_t kind;    // of the request; the shard's
    uint32_t outcome; // of the answer; control's
    struct errand_text request, answer;
};

// ---- the shard
// number ascends from 1; the former one is over. payload.size <= ERRAND_TEXT_BYTES.
void errand_slot_ask(struct errand_slot *s, uint64_t number, enum errand_kind kind,
                     struct bytes payload);
// The answer to number is there: borrowed until the next ask.
bool errand_slot_answered(const struct errand_slot *s, uint64_t number,
                          enum errand_outcome *outcome, struct bytes *text);
bool errand_slot_is_taken(const struct errand_slot *s, uint64_t number); // control has begun
// Nobody wants the answer any more. False: it is there after all.
bool errand_slot_withdraw(struct errand_slot *s, uint64_t number);

// ---- control
// A request that waits: its number (0: none), kind and text (borrowed until finish). One that a
// control that died had taken waits as well: restarted is true until the first call returned 0.
uint64_t errand_slot_take(struct errand_slot *s, bool restarted, enum errand_kind *kind,
                          struct bytes *text);
// text.size beyond ERRAND_TEXT_BYTES: it is answered as failed. No effect when it was withdrawn.
void errand_slot_finish(struct errand_slot *s, uint64_t number, enum errand_outcome outcome,
                        struct bytes text);
