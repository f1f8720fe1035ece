#include "control/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

void child_init(struct child *c) { *c = (struct child){ .pidfd = -1 }; }

bool child_program(char *out, size_t capacity)
{
    const char *given = getenv("PENSTOCK_DATAPLANE");
    char self[PATH_MAX];
    if (given && given[0]) return (size_t)snprintf(out, capacity, "%s", given) < capacity;
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size <= 0) return false;
    self[size] = '\0';
    char *slash = strrchr(self, '/');
    if (slash) *slash = '\0';
    return (size_t)snprintf(out, capacity, "%s/penstock-dataplane", self) < capacity;
}

static int redirect_output(posix_spawn_file_actions_t *actions, const char *log_path)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY;
    int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error || log_path[0] == '\0') return error;
    error = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, log_path, flags, 0644);
    return error ? error : posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO);
}

// Signals as a fresh process has them, and a session of its own: what the terminal sends (an
// interrupt key, a hang-up) reaches control alone, which then stops the dataplane in order.
static int reset_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETSID);
}

int child_start(struct child *c, const char *program, const char *region_name, const char *log_path)
{
    char name[] = "penstock-dataplane", option[] = "--region", value[128];
    char *argv[] = { name, option, value, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    snprintf(value, sizeof value, "%s", region_name);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    child_init(c);
    int error = redirect_output(&actions, log_path);
    if (!error) error = reset_signals(&attributes);
    if (!error) error = posix_spawn(&c->pid, program, &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error) {
        child_init(c);
        return error;
    }
    c->ours = true;
    c->pidfd = pidfd_open(c->pid, 0); // nobody else collects it, so the pid is still its own
    if (c->pidfd >= 0) return 0;
    error = errno;
    kill(c->pid, SIGKILL);
    waitpid(c->pid, NULL, 0);
    child_init(c);
    return error;
}

// Whether a process maps the region's file.
static bool process_maps(pid_t pid, const char *region_name)
{
    char path[64], line[PATH_MAX + 256], want[160];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    snprintf(want, sizeof want, "/dev/shm/%s\n", region_name);
    FILE *maps = fopen(path, "re");
    while (maps && !found && fgets(line, sizeof line, maps)) found = strstr(line, want) != NULL;
    if (maps) fclose(maps);
    return found;
}

enum status child_adopt(struct child *c, pid_t pid, const char *region_name)
{
    child_init(c);
    if (pid <= 1) return ERR_PEER;
    int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) return ERR_IO;
    // Checked after the pidfd is held: what is true now is true of the process that it names.
    if (!process_maps(pid, region_name)) {
        close(pidfd);
        return ERR_PEER;
    }
    *c = (struct child){ .pid = pid, .pidfd = pidfd };
    return OK;
}

void child_kill(const struct child *c, int signal)
{
    if (c->pidfd >= 0) pidfd_send_signal(c->pidfd, signal, NULL, 0);
}

struct child_end child_collect(struct child *c)
{
    struct child_end end = { 0 };
    siginfo_t info = { 0 };
    if (c->ours && waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED) == 0) {
        end.known = true;
        if (info.si_code == CLD_EXITED)
            end.exit_code = info.si_status;
        else
            end.signal = info.si_status;
    }
    if (c->pidfd >= 0) close(c->pidfd);
    child_init(c);
    return end;
}
