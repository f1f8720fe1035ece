#include "dataplane/cmd/server.h"
#include "dataplane/cmd/acl_change.h"
#include "dataplane/cmd/aof_wait.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/errand.h"
#include "dataplane/cmd/hash_expiry.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/log_wait.h"
#include "dataplane/cmd/memory.h"
#include "dataplane/cmd/monitor.h"
#include "dataplane/cmd/notify.h"
#include "dataplane/cmd/pause.h"
#include "dataplane/cmd/posted.h"
#include "dataplane/cmd/push.h"
#include "dataplane/cmd/rename.h"
#include "dataplane/cmd/script_run.h"
#include "dataplane/cmd/tracking.h"
#include "dataplane/cmd/transaction.h"

void server_open_parts(struct server *s)
{
    acl_open(s);
    blocks_open(s);
    jobs_open(s);
    errands_open(s);
    effects_init(&s->effects, s->heap);
    memory_hook_keyspace(s);
    hash_expiry_open(s);
    watches_open(s);
    scripts_open(s);
    pubsub_open(s);
    tracking_open(s);
    pause_open(s);
    log_waits_open(s);
    aof_waits_open(s);
    monitors_open(s);
    posted_open(s);
    slowlog_open(s);
    server_settings_changed(s);
}

void server_settings_changed(struct server *s)
{
    acl_settings_changed(s);
    notify_configure(s);
    slow_configure(s);
}

void server_close_parts(struct server *s)
{
    renames_close(s);
    errands_close(s);
    jobs_close(s);
    scripts_close(s);
    blocks_close(s);
    effects_close(&s->effects);
    watches_close(s);
    pubsub_close(s);
    tracking_close(s);
    posted_close(s);
    pause_close(s);
    slowlog_close(s);
    defrag_close(s);
    latency_close(s);
    command_latency_reset(s);
    acl_close(s);
}

void server_forget_client(struct server *s, struct client *c)
{
    transaction_discard(s, c);
    pubsub_forget_client(s, c);
    tracking_forget_client(s, c);
    pause_forget_client(s, c);
    monitor_forget_client(s, c);
    client_forget_pushes(s, c);
}
