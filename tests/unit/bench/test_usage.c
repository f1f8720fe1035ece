#include "tools/bench/usage.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void burn_cpu_ms(uint64_t ms)
{
    struct usage begin, now;
    usage_of_this_thread(&begin);
    do usage_of_this_thread(&now);
    while (now.cpu_ns - begin.cpu_ns < ms * 1000000);
}

Test(usage, counts_what_this_thread_burns)
{
    struct usage a, b;
    usage_of_this_thread(&a);
    burn_cpu_ms(20);
    usage_of_this_thread(&b);
    struct usage between = usage_between(&a, &b);
    cr_expect_geq(between.cpu_ns, 19000000);
    cr_expect_geq(between.wall_ns, between.cpu_ns / 2);
}

Test(usage, counts_descendants_of_descendants)
{
    int ready[2];
    char byte;
    struct usage before, after;
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0) {
            burn_cpu_ms(30);
            (void)!write(ready[1], "x", 1);
            pause();
            _exit(0);
        }
        (void)!write(ready[1], "p", 1);
        (void)!write(ready[1], &grandchild, sizeof grandchild);
        pause();
        _exit(0);
    }
    pid_t grandchild = 0, pids[8];
    for (int seen = 0; seen < 2; seen++) {
        cr_assert_eq(read(ready[0], &byte, 1), 1);
        if (byte == 'p')
            cr_assert_eq(read(ready[0], &grandchild, sizeof grandchild), sizeof grandchild);
    }
    cr_assert_eq(usage_of_tree(child, &before), OK);
    cr_expect_geq(before.cpu_ns, 25000000);
    cr_expect_eq(usage_tree(child, pids, 8), 2);
    cr_expect_eq(pids[0], child);
    cr_expect_eq(pids[1], grandchild);
    cr_expect_eq(usage_tree(child, pids, 1), 1);
    kill(grandchild, SIGKILL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    cr_expect_eq(usage_of_tree(child, &after), ERR_IO);
}
