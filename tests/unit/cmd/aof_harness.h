// aof_harness.h: a server that thinks it has an append-only log. None is written: its positions are
// set by hand.
//
// Memory:  static; aof_harness_close checks the heap
#pragma once
#include <errno.h>
#include "dataplane/cmd/aof_wait.h"
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/persist.h"
#include "tests/unit/cmd/admin.h"
#include "tests/unit/cmd/node_harness.h"

static struct harness *h;
static struct admin admin;
static struct persist persist;
static struct server_ops ops;
static uint32_t log_on_count;
static bool refuses_log;

static struct aof *const aof = &persist.aof;

static inline bool note_log_on(struct server *s)
{
    cr_expect(eq(u32, s->shard_index, 0));
    log_on_count++;
    return !refuses_log;
}

static inline void aof_harness_open(void)
{
    h = admin_open(&admin);
    ops = admin_ops;
    ops.log_on = note_log_on;
    h->server.ops = &ops;
    log_on_count = 0;
    refuses_log = false;
    persist_open(&persist, 1, HARNESS_START_MS);
    h->server.persist = &persist;
}
static inline void aof_harness_close(void) { admin_close(h); }

// On, with so many bytes logged, and so many of them durable.
static inline void log_stands_at(uint64_t appended, uint64_t durable)
{
    h->settings.appendonly = true;
    aof->state = AOF_ON;
    aof->shards[0].appended = appended;
    aof->shards[0].durable = durable;
}
