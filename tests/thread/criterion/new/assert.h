// assert.h: Criterion's comparisons, as far as the tests of several threads use them.
#pragma once
#define eq(type, a, b) ((a) == (b))
#define ne(type, a, b) ((a) != (b))
#define gt(type, a, b) ((a) > (b))
#define lt(type, a, b) ((a) < (b))
#define ge(type, a, b) ((a) >= (b))
#define le(type, a, b) ((a) <= (b))
#define not(condition) (!(condition))
#define zero(type, a) ((a) == 0)
