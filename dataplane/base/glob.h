// glob.h: Redis's glob patterns (KEYS, SCAN MATCH, CONFIG GET, PSUBSCRIBE).
//
// Source:  Redis 7.2 stringmatchlen: * ? [abc] [^a] [a-z] and backslash
// Cost:    bounded: a star that fails further right is not retried by stars to its left (no
// exponential patterns)
#pragma once
#include <stdbool.h>
#include "dataplane/base/bytes.h"

bool glob_match(struct bytes pattern, struct bytes text, bool ignore_case);
