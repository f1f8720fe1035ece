// tls_link.h: TLS of the generator's connections, over sockets.
//
// Source:  SSL_read(3) and its family
// Thread:  the generator
// Memory:  a context for all, a link for each connection; OpenSSL's own
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ssl_ctx_st;
struct ssl_st;

// The server's certificate must be signed by one of ca_file. NULL with *error filled.
struct ssl_ctx_st *tls_link_context(const char *ca_file, char *error, uint32_t error_bytes);
void tls_link_context_close(struct ssl_ctx_st *context); // NULL is tolerated
// The handshake, on a socket that still blocks. NULL with *error filled.
struct ssl_st *tls_link_open(struct ssl_ctx_st *context, int fd, char *error, uint32_t error_bytes);
void tls_link_close(struct ssl_st *link); // NULL is tolerated; the socket is the caller's
// As send(2) and recv(2) with their errno, of a socket that does not block. A receive takes all
// that has come and fits: nothing waits where epoll does not see it.
ssize_t tls_link_send(struct ssl_st *link, const void *data, size_t size);
ssize_t tls_link_receive(struct ssl_st *link, void *data, size_t size);
