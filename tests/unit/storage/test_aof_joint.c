// Logs that go away under who reads them: aof_joint.h, base/file_view.h.
#include "storage/aof/aof_joint.h"
#include "tests/unit/storage/aof_log.h"

enum { COMMANDS = 1000 };

static struct world w;
static struct joint_log logs[2];
static struct joint j;

// Both logs have a transaction, many commands, and another transaction; the first is cut.
static void open_logs(void)
{
    static char text[COMMANDS * sizeof SET + 256];
    char *at = text + sprintf(text, TX("1 2"));
    for (int i = 0; i < COMMANDS; i++) at += sprintf(at, SET);
    sprintf(at, TX("2 2"));
    add_incr(&w, 0, text);
    add_incr(&w, 1, text);
    cr_assert_eq(make_plan(&w, true), OK, "%s", w.error.line);
    j = (struct joint){ .plan = &w.plan, .error = &w.error, .logs = logs, .count = 2 };
    for (uint32_t i = 0; i < 2; i++) {
        char path[AOF_PATH_MAX];
        logs[i].log = &w.plan.logs[i];
        cr_assert(file_view_open(&logs[i].view, AT_FDCWD, incr_path(path, i + 1)));
        aof_scan_init(&logs[i].scan, &w.folder.heap, logs[i].log->bytes, 0);
        cr_assert_eq(joint_step(&j, i), JOINT_PART);
    }
}
static void setup(void)
{
    w = (struct world){ .folder.d.lock_fd = -1 };
    world_make(&w);
    open_logs();
}
static void teardown(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        aof_scan_close(&logs[i].scan);
        file_view_close(&logs[i].view);
    }
    aof_plan_close(&w.plan);
    world_close(&w);
}
TestSuite(aof_joint, .init = setup, .fini = teardown, .timeout = 60);

static void expect_gone(uint64_t size, uint64_t offset)
{
    char path[AOF_PATH_MAX], line[AOF_PLAN_ERROR_MAX];
    cr_assert_eq(truncate(incr_path(path, 1), (off_t)size), 0);
    snprintf(line, sizeof line,
             "Can't read the append only file %s at offset %llu: it has become shorter meanwhile",
             path, (unsigned long long)offset);
    cr_expect_eq(joint_step(&j, 0), JOINT_FAILED);
    cr_expect_str_eq(w.error.line, line, "%s", w.error.line);
    cr_expect_not(w.error.is_torn);
    cr_expect_eq(joint_step(&j, 1), JOINT_PART, "the other is read on");
}

// Its first page stays, with zeros behind the end: no format error is told.
Test(aof_joint, tells_a_log_that_was_cut_within_a_page)
{
    uint64_t first = strlen(TX("1 2"));
    expect_gone(first, first);
}

Test(aof_joint, tells_a_log_that_is_gone) { expect_gone(0, strlen(TX("1 2"))); }

// A command lies across its end: what is looked at first behind that is an argument's CR.
Test(aof_joint, tells_a_log_that_was_cut_at_a_page) { expect_gone(4096, 4099); }
