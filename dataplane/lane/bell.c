#include "dataplane/lane/bell.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BELL_DRAIN_MAX = 4096 };

static socklen_t bell_address(struct sockaddr_un *address, const char *name, size_t name_bytes)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(address->sun_path + 1, name, name_bytes); // the leading NUL: abstract, no file
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + name_bytes);
}

static int bell_name(char out[108], const char *region_name, enum region_role role)
{
    return snprintf(out, 107, "%s/%s", region_name,
                    role == REGION_CONTROL ? "control" : "dataplane");
}

enum status bell_open(struct bell *b, const char *region_name, enum region_role role)
{
    char ours[108];
    struct sockaddr_un address;
    enum region_role other = role == REGION_CONTROL ? REGION_DATAPLANE : REGION_CONTROL;
    *b = (struct bell){ .fd = -1 };
    int size = bell_name(ours, region_name, role);
    int peer_size = bell_name(b->peer, region_name, other);
    if (size >= 107 || peer_size >= 107) {
        errno = ENAMETOOLONG;
        return ERR_NO_SPACE;
    }
    b->peer_bytes = (uint32_t)peer_size;
    b->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (b->fd < 0) return ERR_IO;
    if (role == REGION_READER) return OK; // may ring, nobody rings it
    socklen_t length = bell_address(&address, ours, (size_t)size);
    if (bind(b->fd, (struct sockaddr *)&address, length) == 0) return OK;
    bell_close(b);
    return ERR_IO;
}

bool bell_is_taken(const char *region_name, enum region_role role)
{
    struct bell probe;
    if (bell_open(&probe, region_name, role) != OK) return errno == EADDRINUSE;
    bell_close(&probe);
    return false;
}

void bell_close(struct bell *b)
{
    int saved = errno;
    if (b->fd >= 0) close(b->fd);
    b->fd = -1;
    errno = saved;
}

void bell_ring(struct bell *b)
{
    struct sockaddr_un address;
    if (b->fd < 0) return;
    socklen_t length = bell_address(&address, b->peer, b->peer_bytes);
    // Every failure is fine: nobody there, or so many rings pending that one more says nothing new.
    (void)!sendto(b->fd, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&address, length);
}

bool bell_drain(struct bell *b)
{
    char byte;
    uint32_t rings = 0;
    while (rings < BELL_DRAIN_MAX && recv(b->fd, &byte, 1, MSG_DONTWAIT) >= 0) rings++;
    return rings > 0;
}
