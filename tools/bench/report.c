#include "tools/bench/report.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

double report_rate(const struct load_result *r)
{
    return r->measured_ns ? (double)r->requests * 1e9 / (double)r->measured_ns : 0;
}

double report_server_us(const struct run_report *r)
{
    return r->load.requests ? (double)r->server.cpu_ns / 1e3 / (double)r->load.requests : 0;
}

bool report_is_good(const struct load_result *r) { return r->errors == 0; }

static double us(uint64_t ns) { return (double)ns / 1e3; }

static void latency_text(FILE *out, const char *name, const struct histogram *h)
{
    if (h->count == 0) return;
    fprintf(out, "  %-8s p50 %9.1f  p90 %9.1f  p99 %9.1f  p99.9 %9.1f  max %9.1f  mean %9.1f us\n",
            name, us(histogram_quantile(h, 0.5)), us(histogram_quantile(h, 0.9)),
            us(histogram_quantile(h, 0.99)), us(histogram_quantile(h, 0.999)), us(h->max),
            us(h->sum) / (double)h->count);
}

static void load_text(FILE *out, const struct options *o)
{
    fprintf(out,
            "%lu connections, pipeline %lu, %lu keys of %lu B (%s), values of %s B, %.0f %% GET",
            (unsigned long)o->connections, (unsigned long)o->pipeline, (unsigned long)o->keys,
            (unsigned long)o->key_bytes, o->keys_text, o->sizes_text, o->read_ratio * 100);
    if (o->command) fprintf(out, ", only %s", o->command);
    if (o->steer) fprintf(out, ", steered to %lu shards", (unsigned long)o->steer);
    if (o->rate > 0)
        fprintf(out, ", open loop at %.0f req/s (%s%s)\n", o->rate, o->arrivals,
                o->tick_us ? ", asleep between ticks" : "");
    else
        fprintf(out, ", closed loop\n");
}

void report_text(FILE *out, const struct options *o, const struct run_report *r)
{
    const struct load_result *l = &r->load;
    fprintf(out, "%s: ", r->transport);
    load_text(out, o);
    if (l->filled)
        fprintf(out, "  fill     %lu keys in %.2f s, %.0f per second\n", (unsigned long)l->filled,
                (double)l->fill_ns / 1e9, (double)l->filled * 1e9 / (double)l->fill_ns);
    if (l->measured_ns)
        fprintf(out, "  rate     %.0f req/s (%lu requests in %.2f s; %lu hits, %lu misses)\n",
                report_rate(l), (unsigned long)l->requests, (double)l->measured_ns / 1e9,
                (unsigned long)l->hits, (unsigned long)l->misses);
    latency_text(out, "latency", &l->latency);
    if (l->gets && l->sets) {
        latency_text(out, "GET", &l->get_latency);
        latency_text(out, "SET", &l->set_latency);
    }
    latency_text(out, "sent late", &l->send_delay);
    if (l->measured_ns)
        fprintf(
            out,
            "  generator %.0f %% of a core, %.0f %% of it idle polls, %lu involuntary switches\n",
            usage_share(&r->generator) * 100, r->idle_share * 100,
            (unsigned long)r->generator.involuntary_switches);
    if (r->has_server)
        fprintf(out, "  server   %.3f us of CPU per request, %.0f %% of a core\n",
                report_server_us(r), usage_share(&r->server) * 100);
    if (l->unsent)
        fprintf(out, "  %lu requests were due and never sent: more than the server takes\n",
                (unsigned long)l->unsent);
    if (l->errors)
        fprintf(out, "  %lu ERRORS, the first: %s\n", (unsigned long)l->errors, l->first_error);
}

void report_json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (*p < 0x20 || *p > 0x7e)
            fprintf(out, "\\u%04x", *p);
        else
            fputc(*p, out);
    }
    fputc('"', out);
}

static void latency_json(FILE *out, const char *name, const struct histogram *h)
{
    fprintf(out,
            ",\n  \"%s\": {\"count\": %lu, \"mean_us\": %.2f, \"p50_us\": %.2f, \"p90_us\": %.2f, "
            "\"p99_us\": %.2f, \"p999_us\": %.2f, \"max_us\": %.2f}",
            name, (unsigned long)h->count, h->count ? us(h->sum) / (double)h->count : 0,
            us(histogram_quantile(h, 0.5)), us(histogram_quantile(h, 0.9)),
            us(histogram_quantile(h, 0.99)), us(histogram_quantile(h, 0.999)), us(h->max));
}

static void load_json(FILE *out, const struct options *o, const char *transport)
{
    fprintf(out, "{\n  \"transport\": ");
    report_json_string(out, transport);
    fprintf(out,
            ",\n  \"connections\": %lu, \"pipeline\": %lu, \"keys\": %lu, \"key_bytes\": %lu, "
            "\"read_ratio\": %.4f, \"asked_rate\": %.1f, \"tick_us\": %lu, \"steer\": %lu",
            (unsigned long)o->connections, (unsigned long)o->pipeline, (unsigned long)o->keys,
            (unsigned long)o->key_bytes, o->read_ratio, o->rate, (unsigned long)o->tick_us,
            (unsigned long)o->steer);
    if (o->command) {
        fprintf(out, ", \"command\": ");
        report_json_string(out, o->command);
    }
    fprintf(out, ", \"values\": ");
    report_json_string(out, o->sizes_text);
    fprintf(out, ", \"distribution\": ");
    report_json_string(out, o->keys_text);
}

void report_json(FILE *out, const struct options *o, const struct run_report *r)
{
    const struct load_result *l = &r->load;
    load_json(out, o, r->transport);
    fprintf(
        out,
        ",\n  \"rate\": %.1f, \"requests\": %lu, \"seconds\": %.4f, \"gets\": %lu, \"sets\": %lu, "
        "\"hits\": %lu, \"misses\": %lu, \"filled\": %lu, \"fill_seconds\": %.4f",
        report_rate(l), (unsigned long)l->requests, (double)l->measured_ns / 1e9,
        (unsigned long)l->gets, (unsigned long)l->sets, (unsigned long)l->hits,
        (unsigned long)l->misses, (unsigned long)l->filled, (double)l->fill_ns / 1e9);
    fprintf(out,
            ",\n  \"sent_bytes\": %lu, \"received_bytes\": %lu, \"unsent\": %lu, \"errors\": %lu, "
            "\"first_error\": ",
            (unsigned long)l->sent_bytes, (unsigned long)l->received_bytes,
            (unsigned long)l->unsent, (unsigned long)l->errors);
    report_json_string(out, l->first_error);
    fprintf(out,
            ",\n  \"generator_cpu_share\": %.4f, \"generator_wait_share\": %.4f, "
            "\"generator_idle_share\": %.4f, \"generator_involuntary_switches\": %lu",
            usage_share(&r->generator), usage_wait_share(&r->generator), r->idle_share,
            (unsigned long)r->generator.involuntary_switches);
    if (r->has_server)
        fprintf(out,
                ",\n  \"cpu_us_per_request\": %.4f, \"server_cpu_share\": %.4f, "
                "\"server_wait_share\": %.4f",
                report_server_us(r), usage_share(&r->server), usage_wait_share(&r->server));
    latency_json(out, "latency", &l->latency);
    latency_json(out, "get_latency", &l->get_latency);
    latency_json(out, "set_latency", &l->set_latency);
    latency_json(out, "send_delay", &l->send_delay);
    fprintf(out, "\n}\n");
}

static bool fail_json(const struct options *o)
{
    fprintf(stderr, "penstock-bench: --json %s: %s\n", o->json_path, strerror(errno));
    return false;
}

bool report_open_json(const struct options *o, FILE **out)
{
    *out = NULL;
    if (!o->json_path) return true;
    if (strcmp(o->json_path, "-") == 0) {
        *out = stdout;
        return true;
    }
    int fd = open(o->json_path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0) return fail_json(o);
    *out = fdopen(fd, "w");
    if (*out) return true;
    close(fd);
    return fail_json(o);
}

bool report_close_json(const struct options *o, FILE *f)
{
    if (!f) return true;
    bool had_failed = ferror(f), written = fflush(f) == 0 && !had_failed;
    if (had_failed) errno = EIO; // which cause it was is forgotten by now
    if (!written) fail_json(o);
    if (f == stdout) return written;
    // Over a longer result of before; a pipe has no length to set.
    off_t size = ftello(f);
    if (written && size > 0 && ftruncate(fileno(f), size) != 0 && errno != EINVAL)
        written = fail_json(o);
    if (fclose(f) != 0 && written) written = fail_json(o);
    return written;
}
