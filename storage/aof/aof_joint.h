// aof_joint.h: where the logs of one generation end, so that each transaction over several shards
// is whole or is left out: aof_plan.c's part that reads them.
//
// Source:  aof_plan.h
// Thread:  any; state is what is passed. Waits for the disk
// Memory:  a mapped window for each log, 16 bytes for each gap in the transactions' numbers; and
//          once the logs were read up to where they end, 48 bytes for each part behind
//
//   log 0   a....b......c..d.|      All are read side by side. Each goes on to the end of its next
//   log 1   ..a......b....d..|      part, and there it waits until all other parts of that
//   log 2   ......b..|torn          transaction are at hand. So they end as far as replay gets:
//                  ^ ends           0 and 2 have b, and 0 waits at c for good: d is cut, too.
//
// What waits in the end has a part missing, or stands behind one that has; or the logs contradict
// one another (a before b here, b before a there; a number twice): then they are damaged, and
// cutting would drop what is good. To tell these, the rest is read, too.
#pragma once
#include "dataplane/base/file_view.h"
#include "storage/aof/aof_plan.h"
#include "storage/aof/aof_scan.h"
#include "storage/aof/number_runs.h"

struct joint_part {
    uint64_t number; // of the transaction
    uint64_t offset; // of its #TX line
    uint32_t count;  // shards that have part in it
    uint32_t log;    // index in the generation
};

enum joint_result {
    JOINT_PART, // the log's part is at hand, and whole
    JOINT_OVER, // the log has no more
    JOINT_FAILED,
};

struct joint_log {
    struct aof_plan_log *log; // its end and why are what this is about
    struct file_view view;    // by windows
    struct aof_scan scan;
    bool is_over, is_waiting;
    struct joint_part part; // that it waits at
};

struct joint {
    struct aof_plan *plan;
    struct aof_plan_error *error;
    struct joint_log *logs;
    uint32_t count;
    struct number_runs whole; // transactions of which every part was met
};

// Sets end and why of the generation's logs. ERR_IO: *error is filled.
enum status aof_joint_read(struct aof_plan *p, const struct aof_plan_generation *g,
                           struct aof_plan_error *error) MUST_USE;

// ---- within
enum joint_result joint_step(struct joint *j, uint32_t index); // to the log's next part
// All logs that are not over wait: is it because something is missing? Reads them to their ends.
enum status joint_check_rest(struct joint *j) MUST_USE;
// Fills the error: "Bad file format ...: <what>". Returns ERR_IO.
__attribute__((format(printf, 4, 5))) enum status
joint_refuse(const struct joint *j, uint32_t index, uint64_t offset, const char *format, ...);
