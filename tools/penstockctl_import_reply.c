// Replies of the target, byte by byte: whether they are errors is all that is kept of them, so that
// one of any size costs nothing.
#include <stdio.h>
#include "dataplane/base/num.h"
#include "tools/penstockctl_import_target_priv.h"

char *target_show(char *out, const char *name, size_t name_bytes)
{
    size_t shown = name_bytes < TARGET_NAME_BYTES ? name_bytes : TARGET_NAME_BYTES;
    char *at = out;
    *at++ = '"';
    for (size_t i = 0; i < shown; i++) {
        uint8_t byte = (uint8_t)name[i];
        if (byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\')
            *at++ = (char)byte;
        else
            at += sprintf(at, "\\x%02x", byte);
    }
    strcpy(at, shown < name_bytes ? "\"..." : "\"");
    return out;
}

void target_tell(struct target *t, const struct target_request *r, const char *error)
{
    char name[4 * TARGET_NAME_BYTES + 8];
    target_show(name, r->name, r->name_bytes);
    progress_hide(t->progress);
    if (r->kind == TARGET_KEY)
        ctl_complain("%s, byte %llu: key %s of database %llu: %s", r->source,
                     (unsigned long long)r->offset, name, (unsigned long long)r->database, error);
    else if (r->name_bytes)
        ctl_complain("%s, byte %llu: %s %s in database %llu: %s", r->source,
                     (unsigned long long)r->offset, r->verb, name, (unsigned long long)r->database,
                     error);
    else
        ctl_complain("%s, byte %llu: %s: %s", r->source, (unsigned long long)r->offset, r->verb,
                     error);
}

// When the first error ends the run, those of what was under way are mostly the same.
static bool is_worth_telling(const struct target *t)
{
    return t->keeps_going || t->refused < TARGET_TOLD_MAX;
}

static void finish_reply(struct target *t)
{
    if (t->reply.has_error)
        t->refused++;
    else
        t->answered[t->requests[t->first].kind]++;
    t->reply.has_error = false;
    t->reply.items = 0;
    t->first = (t->first + 1) % t->room;
    t->count--;
}

// Inside of an array, which EXEC's is, the command's place is said.
static void take_error(struct target *t, uint64_t place)
{
    char text[TARGET_LINE_BYTES + 64];
    if (t->reply.items)
        snprintf(text, sizeof text, "command %llu of this unit: %s", (unsigned long long)place,
                 t->reply.line + 1);
    else
        snprintf(text, sizeof text, "%s", t->reply.line + 1);
    t->reply.has_error = true;
    if (is_worth_telling(t)) target_tell(t, &t->requests[t->first], text);
}

// False: it is no reply.
static bool take_line(struct target *t)
{
    int64_t number = 0;
    char kind = t->reply.line[0];
    if (t->count == 0) return false;
    if (t->reply.left == 0) t->reply.left = 1;
    uint64_t place = t->reply.items - t->reply.left + 1;
    bool counts = kind == ':' || kind == '$' || kind == '*';
    struct bytes digits = bytes_text(t->reply.line + 1);
    if (counts ? !num_parse_int(digits, &number) : kind != '+' && kind != '-') return false;
    t->reply.left--;
    if (kind == '-') take_error(t, place);
    if (kind == '$' && number >= 0) t->reply.skip = (uint64_t)number + 2;
    if (kind == '*' && number > 0) {
        if (t->reply.left == 0) t->reply.items = (uint64_t)number;
        t->reply.left += (uint64_t)number;
    }
    return true;
}

static void keep_byte(struct target *t, char byte)
{
    if (t->reply.line_bytes < TARGET_LINE_BYTES - 1) t->reply.line[t->reply.line_bytes++] = byte;
}

static bool end_line(struct target *t)
{
    size_t size = t->reply.line_bytes;
    if (size && t->reply.line[size - 1] == '\r') size--;
    t->reply.line[size] = '\0';
    t->reply.line_bytes = 0;
    return take_line(t);
}

bool target_take_replies(struct target *t, const char *data, size_t size)
{
    for (size_t i = 0; i < size;) { // each turn eats a byte, or more
        if (t->reply.skip) {
            size_t part = size - i < t->reply.skip ? size - i : (size_t)t->reply.skip;
            t->reply.skip -= part;
            i += part;
        } else if (data[i] != '\n') {
            keep_byte(t, data[i++]);
            continue;
        } else {
            i++;
            if (!end_line(t)) return false;
        }
        if (t->reply.skip == 0 && t->reply.left == 0) finish_reply(t);
    }
    return true;
}
