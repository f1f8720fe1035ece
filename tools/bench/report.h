// report.h: results as text for people and JSON for programs.
//
// Thread:  main
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include "tools/bench/load.h"
#include "tools/bench/options.h"
#include "tools/bench/usage.h"

struct run_report {
    char transport[64]; // "socket", or the DPDK driver's name
    struct load_result load;
    struct usage generator; // over the measured time
    double idle_share; // NIC transport: of the generator's time, waiting for frames; fill included
    bool has_server;
    struct usage server; // its processes together, over the measured time
};

double report_server_us(const struct run_report *r); // processor time per request
double report_rate(const struct load_result *r);     // requests per second
void report_text(FILE *out, const struct options *o, const struct run_report *r);
void report_json(FILE *out, const struct options *o, const struct run_report *r);
// Writes text with JSON's escapes, quotes included.
void report_json_string(FILE *out, const char *text);
// Before the run, so that no result is lost at its end: *out is --json's file, standard output for
// "-", or NULL when not asked for. False when not possible (said). What the file held stays until
// there is a result.
bool report_open_json(const struct options *o, FILE **out) MUST_USE;
// f may be NULL. False when not all could be written (said).
bool report_close_json(const struct options *o, FILE *f) MUST_USE;
// True when a result may count: nothing failed.
bool report_is_good(const struct load_result *r);
