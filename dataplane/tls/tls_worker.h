// tls_worker.h: a thread that runs jobs one after the other, off the core of the one who gives
// them.
//
// Source:  futex(2), eventfd(2), sched_setaffinity(2)
// Thread:  open, give, take and close: one, the owner's; run is called on the worker's own
// Memory:  two rings of pointers; jobs stay the owner's, and are the worker's from give to take
// Giving costs a system call only when the worker sleeps. It runs at a low priority: what else its
// core is for comes first.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/status.h"

enum { TLS_WORKER_JOBS_MAX = 32 }; // given and not taken back yet

struct tls_worker;
struct tls_worker_config {
    void (*run)(void *job);
    int own_core;   // -1: any but avoid_core
    int avoid_core; // -1: none
};
// ERR_IO: no thread or no descriptor to be had.
enum status tls_worker_open(struct tls_worker **out,
                            const struct tls_worker_config *config) MUST_USE;
// Waits for the job that runs; those given are all to be taken after it, done or not.
void tls_worker_stop(struct tls_worker *w);
void tls_worker_close(struct tls_worker *w); // after stop; NULL is tolerated

bool tls_worker_has_room(const struct tls_worker *w);
void tls_worker_give(struct tls_worker *w, void *job); // has_room was true
void *tls_worker_take(struct tls_worker *w);           // a job that is done; NULL: none
bool tls_worker_has_done(const struct tls_worker *w);
// Readable (an eventfd's counter) after jobs were done.
int tls_worker_bell(const struct tls_worker *w);
