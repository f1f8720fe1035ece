// child.h: a server started for a measurement, and its end.
//
// Thread:  main
// Memory:  none; the child's output goes to a file in its directory
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CHILD_ARGUMENTS_MAX = 64, CHILD_READY_MS = 20000, CHILD_STOP_MS = 8000 };

struct child {
    pid_t pid; // 0: none
    uint16_t port;
    char directory[64]; // its own, removed at the end
    char words_text[2048];
    char *words[CHILD_ARGUMENTS_MAX + 1];
    uint32_t word_count, text_bytes;
    bool is_full;
};

// A directory and a free TCP port on 127.0.0.1. False: neither could be had.
bool child_init(struct child *c);
void child_add(struct child *c, const char *word);        // one argument, as it is
void child_add_words(struct child *c, const char *words); // separated by spaces; '' is an empty one
// Starts it on core (-1: any). It is told to stop when this process dies.
bool child_start(struct child *c, int64_t core);
// Waits until it answers PING.
bool child_wait_ready(struct child *c, const volatile sig_atomic_t *stop);
// SIGTERM, then SIGKILL to it and its descendants, each by its id. Removes the directory.
void child_stop(struct child *c);
