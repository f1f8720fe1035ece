#include "dataplane/types/stream_id.h"
#include <errno.h>
#include <stdlib.h>
#include "dataplane/base/num.h"

enum { TEXT_READ_MAX = 127 }; // longer texts are no IDs

bool stream_id_increment(struct stream_id *id)
{
    if (id->seq != UINT64_MAX) {
        id->seq++;
        return true;
    }
    if (id->ms == UINT64_MAX) return false;
    *id = (struct stream_id){ id->ms + 1, 0 };
    return true;
}

bool stream_id_decrement(struct stream_id *id)
{
    if (id->seq != 0) {
        id->seq--;
        return true;
    }
    if (id->ms == 0) return false;
    *id = (struct stream_id){ id->ms - 1, UINT64_MAX };
    return true;
}

uint32_t stream_id_format(char out[STREAM_ID_TEXT_MAX], struct stream_id id)
{
    uint32_t size = num_format_uint(out, id.ms);
    out[size++] = '-';
    return size + num_format_uint(out + size, id.seq);
}

// What strtoull makes of a text counts as a number for Redis, unless it is a negative one in plain
// form: leading zeros and spaces, "+1", even "-0".
static bool parse_number(const char *text, uint64_t *out)
{
    int64_t plain;
    char *end;
    if (num_parse_int(bytes_text(text), &plain)) {
        *out = (uint64_t)plain;
        return plain >= 0;
    }
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *text != '\0' && *end == '\0';
}

bool stream_id_parse(struct bytes text, uint64_t missing_seq, struct stream_id *id, bool *any_seq)
{
    char buffer[TEXT_READ_MAX + 1]; // a NUL within ends it, as there
    if (text.size > TEXT_READ_MAX) return false;
    if (text.size) memcpy(buffer, text.data, text.size);
    buffer[text.size] = '\0';
    if (any_seq) *any_seq = false;
    char *dash = strchr(buffer, '-');
    if (dash) *dash = '\0';
    if (!parse_number(buffer, &id->ms)) return false;
    id->seq = missing_seq;
    if (!dash) return true;
    if (any_seq && dash[1] == '*' && dash[2] == '\0') {
        *any_seq = true;
        id->seq = 0;
        return true;
    }
    return parse_number(dash + 1, &id->seq);
}

bool stream_id_parse_bound(struct bytes text, uint64_t missing_seq, struct stream_id *id,
                           bool *is_excluded)
{
    *is_excluded = text.size > 1 && text.data[0] == '(';
    if (*is_excluded)
        return stream_id_parse(bytes_make(text.data + 1, text.size - 1), missing_seq, id, NULL);
    char first = text.size ? (char)text.data[0] : '\0';
    bool is_alone = text.size == 1 || (text.size > 1 && text.data[1] == '\0');
    if ((first == '-' || first == '+') && is_alone && text.size <= TEXT_READ_MAX) {
        *id = first == '-' ? STREAM_ID_ZERO : STREAM_ID_MAX;
        return true;
    }
    return stream_id_parse(text, missing_seq, id, NULL);
}
