#include "control/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum status daemon_detach(void)
{
    pid_t child = fork();
    if (child < 0) return ERR_IO;
    if (child > 0) _exit(0); // nothing of the parent's is flushed twice
    setsid();
    int null = open("/dev/null", O_RDWR);
    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++) dup2(null, fd);
    if (null > STDERR_FILENO) close(null);
    return OK;
}

enum status pid_file_write(struct pid_file *p, const char *path)
{
    FILE *file = fopen(path, "we");
    if (!file) return ERR_IO;
    bool written = fprintf(file, "%d\n", (int)getpid()) > 0;
    if (fclose(file) != 0 || !written) return ERR_IO;
    if (!realpath(path, p->path)) return ERR_IO; // the working directory may change until exit
    return OK;
}

static int pid_file_read(const char *path)
{
    int pid = 0;
    FILE *file = fopen(path, "re");
    if (!file) return 0;
    if (fscanf(file, "%d", &pid) != 1) pid = 0;
    fclose(file);
    return pid;
}

void pid_file_remove(struct pid_file *p)
{
    if (p->path[0] != '\0' && pid_file_read(p->path) == (int)getpid()) unlink(p->path);
    p->path[0] = '\0';
}
