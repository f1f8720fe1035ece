#include "dataplane/lane/crash.h"

#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { CRASH_FRAMES_MAX = 100, CRASH_STACK_BYTES = 64 * 1024, CRASH_SIGNAL_COUNT = 5 };
static const int crash_signals[CRASH_SIGNAL_COUNT] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

// The only mutable state at file scope: a handler has no argument of ours.
static struct crash_state {
    struct crash_options *options;
    int scratch;  // memfd: backtrace_symbols_fd writes to descriptors only
    int reporter; // thread id, 0: no crash yet
} crash_state = { .scratch = -1 };

// Everything from here to crash_handler is async-signal-safe: no allocation, no stdio.
struct crash_out {
    const struct crash_options *options;
    size_t size;
};

static void out_bytes(struct crash_out *out, const char *bytes, size_t size)
{
    const struct crash_options *o = out->options;
    for (size_t done = 0; o->fd >= 0 && done < size;) {
        ssize_t n = write(o->fd, bytes + done, size - done);
        if (n <= 0 && errno != EINTR) break;
        if (n > 0) done += (size_t)n;
    }
    if (!o->text || out->size + 1 >= o->text_capacity) return;
    size_t room = o->text_capacity - out->size - 1;
    if (size > room) size = room;
    memcpy(o->text + out->size, bytes, size);
    out->size += size;
    o->text[out->size] = '\0';
}

static void out_text(struct crash_out *out, const char *text)
{
    out_bytes(out, text, strlen(text));
}

static void out_number(struct crash_out *out, uint64_t value, unsigned base)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (base == 16) out_text(out, "0x");
    out_bytes(out, digits + at, sizeof digits - at);
}

static void out_field(struct crash_out *out, const char *name, uint64_t value, unsigned base)
{
    out_text(out, name);
    out_number(out, value, base);
}

const char *crash_signal_name(int signal)
{
    switch (signal) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGFPE:
        return "SIGFPE";
    case SIGILL:
        return "SIGILL";
    case SIGABRT:
        return "SIGABRT";
    case SIGKILL:
        return "SIGKILL";
    case SIGTERM:
        return "SIGTERM";
    case SIGINT:
        return "SIGINT";
    default:
        return "?";
    }
}

static void out_registers(struct crash_out *out, const ucontext_t *context)
{
    static const struct {
        const char *name;
        int index;
    } rows[] = { { "\nRAX:", REG_RAX }, { " RBX:", REG_RBX },  { " RCX:", REG_RCX },
                 { " RDX:", REG_RDX },  { "\nRDI:", REG_RDI }, { " RSI:", REG_RSI },
                 { " RBP:", REG_RBP },  { " RSP:", REG_RSP },  { "\nR8:", REG_R8 },
                 { " R9:", REG_R9 },    { " R10:", REG_R10 },  { " R11:", REG_R11 },
                 { "\nR12:", REG_R12 }, { " R13:", REG_R13 },  { " R14:", REG_R14 },
                 { " R15:", REG_R15 },  { "\nRIP:", REG_RIP }, { " EFL:", REG_EFL } };
    out_text(out, "\n------ REGISTERS ------");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        out_field(out, rows[i].name, (uint64_t)context->uc_mcontext.gregs[rows[i].index], 16);
    out_text(out, "\n");
}

// Symbols go through the scratch file, from which they are read back in pieces.
static void out_stack(struct crash_out *out)
{
    void *frames[CRASH_FRAMES_MAX];
    char piece[1024];
    out_text(out, "\n------ STACK TRACE ------\nBacktrace:\n");
    int count = backtrace(frames, CRASH_FRAMES_MAX);
    if (crash_state.scratch < 0) {
        for (int i = 0; i < count; i++) {
            out_number(out, (uint64_t)(uintptr_t)frames[i], 16);
            out_text(out, "\n");
        }
        return;
    }
    backtrace_symbols_fd(frames, count, crash_state.scratch);
    off_t at = 0;
    for (ssize_t n; (n = pread(crash_state.scratch, piece, sizeof piece, at)) > 0; at += n)
        out_bytes(out, piece, (size_t)n);
}

// Which shard it was: threads are named after them.
static void out_thread(struct crash_out *out)
{
    char name[17] = { 0 };
    out_field(out, ", thread ", (uint64_t)gettid(), 10);
    if (prctl(PR_GET_NAME, name) != 0 || name[0] == '\0') return;
    out_text(out, " (");
    out_text(out, name);
    out_text(out, ")");
}

static void out_report(struct crash_out *out, int signal, const siginfo_t *info,
                       const ucontext_t *context)
{
    out_text(out,
             "\n\n=== PENSTOCK BUG REPORT START: please send everything down to its end ===\n");
    out_text(out, out->options->program);
    out_field(out, " crashed by signal: ", (uint64_t)signal, 10);
    out_text(out, " (");
    out_text(out, crash_signal_name(signal));
    out_text(out, info->si_code < 0 ? "), si_code: -" : "), si_code: ");
    out_number(out, (uint64_t)llabs(info->si_code), 10);
    out_field(out, "\nProcess ", (uint64_t)getpid(), 10);
    out_thread(out);
    if (info->si_code <= 0 && info->si_pid > 0) {
        out_field(out, "\nKilled by PID: ", (uint64_t)info->si_pid, 10);
        out_field(out, ", UID: ", (uint64_t)info->si_uid, 10);
    } else if (signal == SIGSEGV || signal == SIGBUS) {
        out_field(out, "\nAccessing address: ", (uint64_t)(uintptr_t)info->si_addr, 16);
    }
    out_field(out, "\nCrashed running the instruction at: ",
              (uint64_t)context->uc_mcontext.gregs[REG_RIP], 16);
    out_text(out, "\n");
    out_stack(out);
    out_registers(out, context);
    out_text(out, "\n=== PENSTOCK BUG REPORT END ===\n");
}

static void die_of(int signal)
{
    struct sigaction normal = { .sa_handler = SIG_DFL };
    sigset_t one;
    sigaction(signal, &normal, NULL);
    sigemptyset(&one);
    sigaddset(&one, signal);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(signal);
    _exit(128 + signal);
}

// False for a crash inside the report. A crash of another thread meanwhile waits for the report, in
// whose end the process dies.
static bool report_is_ours(void)
{
    int none = 0, self = gettid();
    if (__atomic_compare_exchange_n(&crash_state.reporter, &none, self, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
        return true;
    if (none != self) nanosleep(&(struct timespec){ .tv_sec = 5 }, NULL);
    return false;
}

static void crash_handler(int signal, siginfo_t *info, void *context)
{
    struct crash_options *o = crash_state.options;
    if (!report_is_ours()) die_of(signal);
    struct crash_out out = { .options = o };
    if (o->signal) __atomic_store_n(o->signal, (uint32_t)signal, __ATOMIC_RELAXED);
    out_report(&out, signal, info, context);
    if (o->bytes) __atomic_store_n(o->bytes, (uint32_t)out.size, __ATOMIC_RELEASE);
    die_of(signal);
}

enum status crash_thread_open(void)
{
    // Mapped, never freed: it must stand until the thread's last instruction.
    void *stack =
        mmap(NULL, CRASH_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) return ERR_IO;
    stack_t alternate = { .ss_sp = stack, .ss_size = CRASH_STACK_BYTES };
    return sigaltstack(&alternate, NULL) == 0 ? OK : ERR_IO;
}

enum status crash_install(struct crash_options *o)
{
    void *frames[2];
    struct sigaction action = { .sa_sigaction = crash_handler,
                                .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
    crash_state.options = o;
    if (crash_state.scratch < 0) crash_state.scratch = memfd_create("crash", MFD_CLOEXEC);
    (void)!backtrace(frames, 2); // loads libgcc now: the handler must not
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < CRASH_SIGNAL_COUNT; i++)
        if (sigaction(crash_signals[i], &action, NULL) < 0) return ERR_IO;
    return crash_thread_open();
}
