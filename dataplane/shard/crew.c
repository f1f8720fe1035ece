#include "dataplane/shard/crew.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include "dataplane/lane/crash.h"
#include "dataplane/types/digest.h"

struct member {
    struct crew *crew;
    pthread_t thread;
    struct shard_config config;
    struct shard *shard;
    enum status status;
    char error[512];
};

struct crew {
    uint32_t count; // of members: shards 1 and up
    pthread_barrier_t opened, joined, stopped;
    struct member members[PLACEMENT_SHARDS_MAX];
};

enum status crew_pin(int64_t core, uint32_t index)
{
    cpu_set_t cores;
    if (core < 0) return OK;
    CPU_ZERO(&cores);
    CPU_SET((size_t)core + index, &cores);
    return sched_setaffinity(0, sizeof cores, &cores) == 0 ? OK : ERR_IO;
}

static enum status open_shard(struct member *m)
{
    struct shard_config *c = &m->config;
    char name[16];
    snprintf(name, sizeof name, "shard-%u", c->index);
    prctl(PR_SET_NAME, name);
    snprintf(m->error, sizeof m->error, "shard %u: core, timer slack or signal stack refused",
             c->index);
    if (crash_thread_open() != OK || prctl(PR_SET_TIMERSLACK, 1000ul) != 0 ||
        crew_pin(c->settings->core, c->index) != OK)
        return ERR_IO;
    return shard_open(&m->shard, c, m->error, sizeof m->error);
}

static void *run_member(void *context)
{
    struct member *m = context;
    m->status = open_shard(m);
    pthread_barrier_wait(&m->crew->opened);
    if (m->status != OK) return NULL; // the process ends
    pthread_barrier_wait(&m->crew->opened);
    m->status = shard_join(m->shard);
    pthread_barrier_wait(&m->crew->joined);
    if (m->status != OK) return NULL;
    shard_run(m->shard);
    pthread_barrier_wait(&m->crew->stopped);
    shard_end_scripts(m->shard);
    pthread_barrier_wait(&m->crew->stopped);
    shard_close(m->shard);
    // OpenSSL would do it so late that ThreadSanitizer has forgotten the thread.
    digest_end_thread();
    return NULL;
}

static enum status start_member(struct crew *crew, const struct shard_config *first, uint32_t index)
{
    struct member *m = &crew->members[index - 1];
    m->crew = crew;
    m->config = *first;
    m->config.index = index;
    m->config.settings = malloc(sizeof *m->config.settings);
    if (!m->config.settings) return ERR_NO_SPACE;
    settings_copy(m->config.settings, first->settings);
    return pthread_create(&m->thread, NULL, run_member, m) == 0 ? OK : ERR_NO_SPACE;
}

enum status crew_open(struct crew **out, const struct shard_config *first, char *error,
                      uint32_t error_bytes)
{
    struct crew *crew = calloc(1, sizeof *crew);
    snprintf(error, error_bytes, "no memory for the shards' threads");
    if (!crew) return ERR_NO_SPACE;
    *out = crew;
    crew->count = first->count - 1;
    pthread_barrier_init(&crew->opened, NULL, crew->count + 1);
    pthread_barrier_init(&crew->joined, NULL, crew->count + 1);
    pthread_barrier_init(&crew->stopped, NULL, crew->count + 1);
    for (uint32_t i = 1; i < first->count; i++)
        if (start_member(crew, first, i) != OK) return ERR_NO_SPACE;
    pthread_barrier_wait(&crew->opened);
    for (uint32_t i = 0; i < crew->count; i++) {
        if (crew->members[i].status == OK) continue;
        snprintf(error, error_bytes, "%s", crew->members[i].error);
        return ERR_IO;
    }
    return OK;
}

enum status crew_begin(struct crew *crew, struct shard *first)
{
    pthread_barrier_wait(&crew->opened);
    enum status status = shard_join(first);
    pthread_barrier_wait(&crew->joined);
    for (uint32_t i = 0; i < crew->count && status == OK; i++) status = crew->members[i].status;
    return status;
}

// What one shard closes may be lent to another (a far call, its reply): nobody turns any more, and
// nobody looks at what others lent while it closes.
void crew_close(struct crew *crew, struct shard *first)
{
    pthread_barrier_wait(&crew->stopped);
    shard_end_scripts(first);
    pthread_barrier_wait(&crew->stopped);
    for (uint32_t i = 0; i < crew->count; i++) pthread_join(crew->members[i].thread, NULL);
    shard_close(first);
    pthread_barrier_destroy(&crew->opened);
    pthread_barrier_destroy(&crew->joined);
    pthread_barrier_destroy(&crew->stopped);
    free(crew);
}
