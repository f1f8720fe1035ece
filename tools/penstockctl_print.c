#include "tools/penstockctl_print.h"

void print_open(struct print *p, FILE *to, bool json)
{
    *p = (struct print){ .to = to, .json = json, .first = true, .depth = 1 };
    if (json) fputc('{', to);
}

void print_close(struct print *p)
{
    if (p->json) fputs("\n}\n", p->to);
}

static void print_json_text(struct print *p, const char *text)
{
    fputc('"', p->to);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(p->to, "\\%c", *c);
        else if (*c < 0x20 || *c >= 0x7f) // bytes, not characters: each becomes its own escape
            fprintf(p->to, "\\u%04x", *c);
        else
            fputc(*c, p->to);
    }
    fputc('"', p->to);
}

static void print_name(struct print *p, const char *name)
{
    int indent = 2 * p->depth;
    if (!p->json) {
        fprintf(p->to, "%*s%-*s ", indent - 2, "", 30 - indent, name);
        return;
    }
    fprintf(p->to, "%s\n%*s", p->first ? "" : ",", indent, "");
    p->first = false;
    print_json_text(p, name);
    fputs(": ", p->to);
}

static void print_end(struct print *p)
{
    if (!p->json) fputc('\n', p->to);
}

void print_group(struct print *p, const char *name)
{
    if (p->json) {
        print_name(p, name);
        fputc('{', p->to);
    } else {
        fprintf(p->to, "%*s%s\n", 2 * (p->depth - 1), "", name);
    }
    p->depth++;
    p->first = true;
}

void print_group_end(struct print *p)
{
    p->depth--;
    if (p->json) fprintf(p->to, "\n%*s}", 2 * p->depth, "");
    p->first = false;
}

void print_list(struct print *p, const char *name)
{
    print_name(p, name);
    fputc('[', p->to);
    p->depth++;
    p->first = true;
}

void print_list_end(struct print *p)
{
    p->depth--;
    fprintf(p->to, "\n%*s]", 2 * p->depth, "");
    p->first = false;
}

void print_item(struct print *p)
{
    fprintf(p->to, "%s\n%*s{", p->first ? "" : ",", 2 * p->depth, "");
    p->depth++;
    p->first = true;
}

void print_item_end(struct print *p)
{
    p->depth--;
    fprintf(p->to, "\n%*s}", 2 * p->depth, "");
    p->first = false;
}

void print_text(struct print *p, const char *name, const char *value)
{
    print_name(p, name);
    if (p->json)
        print_json_text(p, value);
    else
        fputs(value, p->to);
    print_end(p);
}

void print_number(struct print *p, const char *name, double value, int decimals)
{
    print_name(p, name);
    fprintf(p->to, "%.*f", decimals, value);
    print_end(p);
}

void print_count(struct print *p, const char *name, uint64_t value)
{
    print_name(p, name);
    fprintf(p->to, "%llu", (unsigned long long)value);
    print_end(p);
}

void print_flag(struct print *p, const char *name, bool value)
{
    print_name(p, name);
    if (p->json)
        fputs(value ? "true" : "false", p->to);
    else
        fputs(value ? "yes" : "no", p->to);
    print_end(p);
}

char *print_size(char *out, double bytes)
{
    static const char *const units[] = { "B", "KB", "MB", "GB", "TB" };
    int unit = 0;
    while (bytes >= 1024 && unit < 4) {
        bytes /= 1024;
        unit++;
    }
    snprintf(out, 32, unit ? "%.2f %s" : "%.0f %s", bytes, units[unit]);
    return out;
}

char *print_duration(char *out, double seconds)
{
    uint64_t s = (uint64_t)(seconds > 0 ? seconds : 0);
    unsigned days = (unsigned)(s / 86400), hours = (unsigned)(s / 3600 % 24);
    unsigned minutes = (unsigned)(s / 60 % 60), rest = (unsigned)(s % 60);
    if (days)
        snprintf(out, 32, "%ud %uh", days, hours);
    else if (hours)
        snprintf(out, 32, "%uh %um", hours, minutes);
    else if (minutes)
        snprintf(out, 32, "%um %us", minutes, rest);
    else
        snprintf(out, 32, "%us", rest);
    return out;
}
