// num.h: numbers to text and back, exactly as Redis does it.
//
// Source:  Redis 7.2 util.c behaviour (string2ll, ld2string), checked against a real server by the
// oracle Thread:  any
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"

enum { NUM_INT_MAX = 21, NUM_DOUBLE_SHORT_MAX = 32, NUM_DOUBLE_MAX = 5 * 1024 }; // characters

// Strict: optional '-', no leading zero (but "0"), no '+', no spaces, no "-0", within int64.
bool num_parse_int(struct bytes text, int64_t *out);
bool num_parse_uint(struct bytes text, uint64_t *out);
// As Redis reads a float argument: strtold over the whole text (hexadecimal too), no space, no NaN;
// "inf" and "infinity" with a sign or without; false when out of range, but a denormal is fine. The
// text needs no terminator. Long doubles of up to 5119 characters, as Redis; doubles up to 1 MiB.
bool num_parse_long_double(struct bytes text, long double *out);
bool num_parse_double(struct bytes text, double *out);
// "1gb", "10mb", "512k", "1b", plain; case folded. Redis's memtoull: k 1000, kb 1024. false when
// malformed.
bool num_parse_memory(struct bytes text, uint64_t *out);
uint32_t num_format_int(char *out, int64_t value); // no terminator; returns length, <= NUM_INT_MAX
uint32_t num_format_uint(char *out, uint64_t value);
uint32_t num_int_digits(int64_t value);
// RESP3 doubles and ZSCORE: the shortest text that reads back, laid out as Redis 7.2 does (whole
// numbers up to 2^62 and those with at most 7 zeros behind their digits plainly, small ones with up
// to 6 decimals, the rest as 1.5e+20 or 5e-324), "inf", "-inf", "nan", "-0". At most
// NUM_DOUBLE_SHORT_MAX characters. Redis 7.0 writes %.17g instead.
uint32_t num_format_double(char *out, double value);
// INCRBYFLOAT's form: %.17Lf with trailing zeros cut (LD_STR_HUMAN). out holds NUM_DOUBLE_MAX
// bytes.
uint32_t num_format_long_double(char *out, long double value);
uint32_t num_format_memory(char *out, uint64_t bytes); // used_memory_human: "1.00M"
