#include "tools/bench/child.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tools/bench/usage.h"

enum { POLL_MS = 20, TREE_MAX = 64 };

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static uint16_t free_port(void)
{
    struct sockaddr_in a = loopback(0);
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool got = fd >= 0 && bind(fd, (struct sockaddr *)&a, size) == 0 &&
               getsockname(fd, (struct sockaddr *)&a, &size) == 0;
    if (fd >= 0) close(fd);
    return got ? ntohs(a.sin_port) : 0;
}

bool child_init(struct child *c)
{
    *c = (struct child){ .port = free_port() };
    snprintf(c->directory, sizeof c->directory, "/tmp/penstock-bench-XXXXXX");
    if (mkdtemp(c->directory) && c->port) return true;
    c->directory[0] = 0;
    return false;
}

void child_add(struct child *c, const char *word)
{
    size_t size = strlen(word) + 1;
    if (c->word_count == CHILD_ARGUMENTS_MAX || size > sizeof c->words_text - c->text_bytes) {
        c->is_full = true;
        return;
    }
    c->words[c->word_count++] = memcpy(c->words_text + c->text_bytes, word, size);
    c->text_bytes += (uint32_t)size;
}

void child_add_words(struct child *c, const char *words)
{
    char word[512];
    while (*words) {
        words += strspn(words, " \t");
        size_t size = strcspn(words, " \t");
        if (size == 0) return;
        bool is_empty = size == 2 && (memcmp(words, "''", 2) == 0 || memcmp(words, "\"\"", 2) == 0);
        snprintf(word, sizeof word, "%.*s", is_empty ? 0 : (int)size, words);
        child_add(c, word);
        words += size;
    }
}

// Between fork and exec: nothing but system calls.
static void become(struct child *c, int64_t core, int output)
{
    cpu_set_t set;
    sigset_t none;
    CPU_ZERO(&set);
    if (core >= 0) CPU_SET((size_t)core, &set);
    if (core >= 0) (void)sched_setaffinity(0, sizeof set, &set);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)setpgid(0, 0); // ^C is for the generator, which then stops us in order
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    execvp(c->words[0], c->words);
    _exit(127);
}

bool child_start(struct child *c, int64_t core)
{
    char path[128];
    if (c->is_full) return false;
    snprintf(path, sizeof path, "%s/output", c->directory);
    int output = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (output < 0) return false;
    c->pid = fork();
    if (c->pid == 0) become(c, core, output);
    close(output);
    if (c->pid < 0) c->pid = 0;
    return c->pid != 0;
}

static bool answers_ping(uint16_t port)
{
    char reply[8] = "";
    struct sockaddr_in a = loopback(port);
    struct timeval patience = { .tv_sec = 1 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    bool done = connect(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
                send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
                recv(fd, reply, sizeof reply - 1, 0) > 0 && (*reply == '+' || *reply == '-');
    close(fd);
    return done;
}

static void nap(void)
{
    struct timespec t = { .tv_nsec = POLL_MS * 1000000 };
    nanosleep(&t, NULL);
}

static bool has_ended(struct child *c)
{
    int status;
    if (c->pid == 0) return true;
    if (waitpid(c->pid, &status, WNOHANG) != c->pid) return false;
    c->pid = 0;
    return true;
}

bool child_wait_ready(struct child *c, const volatile sig_atomic_t *stop)
{
    for (uint32_t ms = 0; ms < CHILD_READY_MS && !*stop; ms += POLL_MS) {
        if (has_ended(c)) return false;
        if (answers_ping(c->port)) return true;
        nap();
    }
    return false;
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s, (void)kind, (void)at;
    return remove(path);
}

void child_stop(struct child *c)
{
    pid_t pids[TREE_MAX];
    uint32_t count = c->pid ? usage_tree(c->pid, pids, TREE_MAX) : 0;
    if (c->pid) kill(c->pid, SIGTERM);
    for (uint32_t ms = 0; ms < CHILD_STOP_MS && !has_ended(c); ms += POLL_MS) nap();
    if (c->pid) {
        for (uint32_t i = 0; i < count; i++) kill(pids[i], SIGKILL);
        waitpid(c->pid, NULL, 0);
        c->pid = 0;
    }
    if (c->directory[0]) nftw(c->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    c->directory[0] = 0;
}
