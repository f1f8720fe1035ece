#include "tools/penstockctl_aof_report.h"

#include <inttypes.h>

static const char *verdict_text(const struct aof_file *f)
{
    switch (f->look.verdict) {
    case AOF_VALID:
        return f->look.is_newer ? "valid before that time" : "valid";
    case AOF_EMPTY:
        return "empty";
    case AOF_SNAPSHOT:
        return "a snapshot";
    case AOF_UNFINISHED:
        return f->may_end_early ? "unfinished" : "cut short";
    case AOF_PADDED:
        return "padded";
    case AOF_DOUBTFUL:
        return "doubtful";
    case AOF_DAMAGED:
        return "damaged";
    case AOF_UNREADABLE:
        break;
    }
    return "unreadable";
}

bool aof_is_sound(const struct aof_look *look)
{
    return look->verdict == AOF_VALID || look->verdict == AOF_EMPTY ||
           look->verdict == AOF_SNAPSHOT;
}

bool aof_is_unfinished(const struct aof_look *look)
{
    return look->verdict == AOF_UNFINISHED || look->verdict == AOF_PADDED ||
           look->verdict == AOF_DOUBTFUL;
}

static void say_wrong(const struct aof_file *f)
{
    const struct aof_look *look = &f->look;
    printf("  offset %" PRIu64 " (line %" PRIu64 "): %s\n", look->error_offset, look->error_line,
           look->error);
    if (look->verdict == AOF_PADDED) puts("  from there on it is zeros: what a power loss leaves");
    if (look->verdict == AOF_DOUBTFUL)
        puts("  but whole commands stand inside of what is unfinished: a size may be damaged,\n"
             "  and cutting would lose them (or they are part of a value)");
    if (look->verdict == AOF_DAMAGED)
        printf(
            "  this is damage, not an unfinished end; commands behind it may be good, and --fix\n"
            "  does not cut it. Take a copy; truncate -s %" PRIu64 " FILE gives up the rest\n",
            look->ok_offset);
    if (aof_is_unfinished(look) && !f->may_end_early)
        puts("  other files follow it: it is not cut");
}

static void say_lines(const struct aof_file *f)
{
    const struct aof_look *look = &f->look;
    const char *role = f->role;
    if (look->verdict == AOF_UNREADABLE) {
        printf("%sAOF %s cannot be read", role, f->path);
        if (look->size) printf(" at offset %" PRIu64, look->error_offset);
        printf(": %s\n", look->error);
        return;
    }
    if (look->verdict == AOF_SNAPSHOT) {
        printf("%sAOF %s begins with a snapshot of size=%" PRIu64 " or less: penstockctl check-rdb"
               " checks it\n",
               role, f->name, look->size);
        return;
    }
    if (look->verdict != AOF_EMPTY)
        printf("AOF analyzed: filename=%s, size=%" PRIu64 ", ok_up_to=%" PRIu64
               ", ok_up_to_line=%" PRIu64 ", diff=%" PRIu64 "\n",
               f->name, look->size, look->ok_offset, look->ok_line, look->size - look->ok_offset);
    printf("%sAOF %s is %s%s\n", role, f->name,
           aof_is_sound(look) ? "" : "not valid: ", verdict_text(f));
    if (!aof_is_sound(look)) say_wrong(f);
}

static void say_object(struct print *p, const struct aof_file *f)
{
    const struct aof_look *look = &f->look;
    print_item(p);
    print_text(p, "name", f->name);
    print_text(p, "verdict", verdict_text(f));
    print_flag(p, "sound", aof_is_sound(look));
    print_count(p, "size_bytes", look->size);
    print_count(p, "ok_up_to", look->ok_offset);
    print_count(p, "ok_up_to_line", look->ok_line);
    print_count(p, "commands", look->command_count);
    if (look->error) {
        print_text(p, "error", look->error);
        print_count(p, "error_offset", look->error_offset);
        print_count(p, "error_line", look->error_line);
    }
    print_item_end(p);
}

void aof_say(struct print *p, const struct aof_file *f)
{
    if (p->json)
        say_object(p, f);
    else
        say_lines(f);
}
