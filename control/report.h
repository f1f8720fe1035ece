// report.h: what the log says about the configuration at start.
//
// Thread:  control's own
#pragma once
#include "control/log.h"
#include "control/options.h"

void report_banner(struct log *l, const struct options *o);
// One line for each directive that was given a value of its own but has no effect in this version.
// Returns how many.
uint32_t report_without_effect(struct log *l, const struct settings *s);
// One line for each directive whose value differs between what was asked for and what a dataplane
// that was taken over runs with. Returns how many.
uint32_t report_differences(struct log *l, const struct settings *asked,
                            const struct settings *running);
