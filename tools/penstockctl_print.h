// penstockctl_print.h: the same facts as lines for people or as one JSON object for programs.
//
// Thread:  one
// Units:   names carry theirs (..._bytes, ..._us); text output adds readable forms
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct print {
    FILE *to;
    bool json, first; // first: no comma yet at this level
    int depth;
};

void print_open(struct print *p, FILE *to, bool json);
void print_close(struct print *p);
void print_group(struct print *p, const char *name); // until print_group_end
void print_group_end(struct print *p);
// JSON alone: a list of objects. Text has tables of its own.
void print_list(struct print *p, const char *name);
void print_list_end(struct print *p);
void print_item(struct print *p); // until print_item_end
void print_item_end(struct print *p);
void print_text(struct print *p, const char *name, const char *value);
void print_number(struct print *p, const char *name, double value, int decimals);
void print_count(struct print *p, const char *name, uint64_t value);
void print_flag(struct print *p, const char *name, bool value);
// Readable: "1.5 MB", "3m 20s". out holds 32 bytes; returned.
char *print_size(char *out, double bytes);
char *print_duration(char *out, double seconds);
