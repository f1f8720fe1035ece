#include "dataplane/base/check.h"
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Test(check, a_true_condition_passes_and_is_evaluated_once)
{
    int evaluated = 0;
    CHECK(++evaluated == 1);
    cr_assert_eq(evaluated, 1);
}

// Runs check_failed in a child and returns what it wrote to stderr; it must have aborted.
static size_t failed_output(const char *text, char *out, size_t out_size)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        check_failed("some/file.c", 42, text);
    }
    close(ends[1]);
    size_t size = 0;
    ssize_t got;
    while ((got = read(ends[0], out + size, out_size - 1 - size)) > 0) size += (size_t)got;
    out[size] = '\0';
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    return size;
}

Test(check, a_failed_check_says_where_and_aborts)
{
    char out[2048];
    failed_output("left == right", out, sizeof(out));
    cr_assert_str_eq(out, "some/file.c:42: check failed: left == right\n");
}

Test(check, a_long_text_is_cut_not_overrun)
{
    char text[1500], out[2048];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    cr_assert_leq(failed_output(text, out, sizeof(out)), 512);
    cr_assert(strstr(out, "check failed: xxxx"));
}
