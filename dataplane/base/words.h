// words.h: splits a line into words the way redis-cli, inline requests and redis.conf write them.
//
// Source:  Redis 7.2 sdssplitargs: words between blanks; "..." with \n \r \t \b \a \xHH and \" ;
// '...' with \' Thread:  any Memory:  works in place: words are views of the line, which is changed
// (unescaping never makes it
//          longer)
#pragma once
#include "dataplane/base/bytes.h"

struct words {
    uint8_t *text; // the line; borrowed
    size_t size;
    size_t in, out; // read and written up to here
};

enum words_result {
    WORDS_ONE,        // *word is filled; it may be empty ("")
    WORDS_END,        // no more
    WORDS_UNBALANCED, // a quote is not closed, or its end is not a word's end
};

enum words_result words_next(struct words *w, struct bytes *word);
