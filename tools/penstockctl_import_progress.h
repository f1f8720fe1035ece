// penstockctl_import_progress.h: how far a long run is: a bar on a terminal, else a line every few
// seconds; both on stderr.
//
// Thread:  one
// Memory:  nothing but the struct
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what;     // is done: "import"; a literal
    uint64_t total_bytes; // 0: not known
    uint64_t done_bytes, items;
    const char *items_name; // "keys"
    // For penstockctl_import_progress.c:
    bool is_terminal, is_shown;
    double began_s, told_s;
};

void progress_begin(struct progress *p, const char *what, const char *items_name,
                    uint64_t total_bytes);
// Cheap: to be called for every item. Tells when it is time.
void progress_step(struct progress *p);
void progress_hide(struct progress *p); // before anything else is written to the terminal
void progress_end(struct progress *p);
double progress_seconds(const struct progress *p); // since it began
