// bench.c: penstock-bench: load generator over kernel sockets and over DPDK ports.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/bench/compare.h"
#include "tools/bench/frame_load.h"
#include "tools/bench/noise.h"

enum { ERROR_BYTES = 512 };

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

static void install_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN); // a vhost peer that leaves
}

static int fail(const char *error)
{
    fprintf(stderr, "penstock-bench: %s\n", error);
    return EXIT_NOT_STARTED;
}

static int main_load(const struct options *o, FILE *json)
{
    char error[ERROR_BYTES];
    struct run_report *r = calloc(1, sizeof *r);
    if (!r) return fail("out of memory");
    if (!run_load(o, r, &stop, error, sizeof error)) {
        free(r);
        return fail(error);
    }
    if (json) report_json(json, o, r);
    if (json != stdout) report_text(stdout, o, r);
    bool is_good = report_is_good(&r->load);
    free(r);
    return is_good ? EXIT_GOOD : EXIT_ERRORS;
}

static double us(uint64_t ns) { return (double)ns / 1e3; }

static double rate(uint64_t count, uint64_t ns)
{
    return ns ? (double)count * 1e9 / (double)ns : 0;
}

static void print_frames(const struct options *o, const struct frame_report *r, FILE *json)
{
    const struct histogram *h = &r->round_trip;
    if (json)
        fprintf(
            json,
            "{\"rate\": %.1f, \"frames\": %lu, \"lost\": %lu, \"seconds\": %.4f, \"window\": %lu, "
            "\"p50_us\": %.3f, \"p99_us\": %.3f, \"p999_us\": %.3f, \"max_us\": %.3f, "
            "\"generator_cpu_share\": %.4f, \"generator_involuntary_switches\": %lu}\n",
            rate(r->frames, r->measured_ns), (unsigned long)r->frames, (unsigned long)r->lost,
            (double)r->measured_ns / 1e9, (unsigned long)o->window, us(histogram_quantile(h, 0.5)),
            us(histogram_quantile(h, 0.99)), us(histogram_quantile(h, 0.999)), us(h->max),
            usage_share(&r->generator), (unsigned long)r->generator.involuntary_switches);
    if (json == stdout) return;
    printf("%.0f frames/s there and back (%lu in flight, %lu lost)\n",
           rate(r->frames, r->measured_ns), (unsigned long)o->window, (unsigned long)r->lost);
    printf("  round trip p50 %.2f  p99 %.2f  p99.9 %.2f  max %.2f us\n",
           us(histogram_quantile(h, 0.5)), us(histogram_quantile(h, 0.99)),
           us(histogram_quantile(h, 0.999)), us(h->max));
    printf("  generator %.0f %% of a core, %lu involuntary switches\n",
           usage_share(&r->generator) * 100, (unsigned long)r->generator.involuntary_switches);
}

static int main_frames(const struct options *o, FILE *json)
{
    char error[ERROR_BYTES];
    struct frame_report *r = calloc(1, sizeof *r);
    if (!r) return fail("out of memory");
    if (!frame_load_run(o, r, &stop, error, sizeof error)) {
        free(r);
        return fail(error);
    }
    print_frames(o, r, json);
    int code = r->frames ? EXIT_GOOD : EXIT_ERRORS;
    free(r);
    return code;
}

static int main_echo(const struct options *o)
{
    char error[ERROR_BYTES];
    struct frame_report r;
    if (!frame_echo_run(o, &r, &stop, error, sizeof error)) return fail(error);
    printf("%lu frames sent back, %lu dropped because the port was full\n", (unsigned long)r.frames,
           (unsigned long)r.lost);
    return EXIT_GOOD;
}

static void print_noise(const struct options *o, const struct noise_report *r, FILE *json)
{
    const struct histogram *h = &r->delay;
    if (json)
        fprintf(
            json,
            "{\"seconds\": %.3f, \"p99_us\": %.2f, \"p999_us\": %.2f, \"max_us\": %.2f, "
            "\"over_10_us\": %lu, \"over_100_us\": %lu, \"over_1_ms\": %lu, \"cpu_share\": %.4f, "
            "\"involuntary_switches\": %lu}\n",
            (double)r->measured_ns / 1e9, us(histogram_quantile(h, 0.99)),
            us(histogram_quantile(h, 0.999)), us(r->largest_ns[0]), (unsigned long)r->over_10_us,
            (unsigned long)r->over_100_us, (unsigned long)r->over_1_ms, usage_share(&r->thread),
            (unsigned long)r->thread.involuntary_switches);
    if (json == stdout) return;
    printf("a %s thread, %.1f s: %s over 10 us %lu, over 100 us %lu, over 1 ms %lu\n",
           o->tick_us ? "sleeping" : "spinning", (double)r->measured_ns / 1e9,
           o->tick_us ? "late wakes" : "gaps", (unsigned long)r->over_10_us,
           (unsigned long)r->over_100_us, (unsigned long)r->over_1_ms);
    printf("  the largest:");
    for (uint32_t i = 0; i < NOISE_LARGEST; i++) printf(" %.1f", us(r->largest_ns[i]));
    printf(" us\n  %s: p99 %.1f  p99.9 %.1f  max %.1f us\n",
           o->tick_us ? "how late each tick was met" : "what one arrival per us would wait",
           us(histogram_quantile(h, 0.99)), us(histogram_quantile(h, 0.999)), us(h->max));
    printf("  %.0f %% of a core, %lu involuntary switches\n", usage_share(&r->thread) * 100,
           (unsigned long)r->thread.involuntary_switches);
}

static int main_noise(const struct options *o, FILE *json)
{
    struct noise_report *r = calloc(1, sizeof *r);
    if (!r) return fail("out of memory");
    uint64_t duration_ns = (uint64_t)(o->duration_s * 1e9);
    if (o->tick_us) {
        noise_measure_wakes(r, duration_ns, o->tick_us * 1000, &stop);
    } else if (noise_measure(r, duration_ns, &stop) != OK) {
        free(r);
        return fail("the CPU's time stamp counter is not usable");
    }
    print_noise(o, r, json);
    free(r);
    return EXIT_GOOD;
}

static int run_mode(const struct options *o, FILE *json)
{
    switch (o->mode) {
    case BENCH_ECHO:
        return main_echo(o);
    case BENCH_FRAMES:
        return main_frames(o, json);
    case BENCH_NOISE:
        return main_noise(o, json);
    case BENCH_COMPARE:
        return compare_run(o, json, &stop);
    default:
        return main_load(o, json);
    }
}

int main(int argc, char **argv)
{
    char error[OPTIONS_ERROR_BYTES];
    struct options o;
    FILE *json;
    if (options_parse(&o, argc, argv, error) != OK) {
        fprintf(stderr, "penstock-bench: %s\n", error);
        return EXIT_USAGE;
    }
    if (o.wants_help) {
        options_print_help();
        return EXIT_GOOD;
    }
    install_signals();
    if (o.mode == BENCH_COMPARE && o.core < 0) o.core = o.server_core == 0 ? 1 : 0;
    if (!run_pin(o.core)) return fail("--core: no such core for this process");
    if (!report_open_json(&o, &json)) return EXIT_NOT_STARTED;
    int code = run_mode(&o, json);
    if (!report_close_json(&o, json) && code == EXIT_GOOD) code = EXIT_ERRORS;
    return code;
}
