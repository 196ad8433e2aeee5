/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every test program here needs before its own subject begins: a device,
 * a GID, a way to tell the other end about it, and a connected RC QP. Plain
 * libibverbs only, as an ordinary application would use it.
 */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where and how this end is: filled from the command line by the program. */
struct endpoint_options {
	const char *device;	/* NULL: the only one there is */
	int gid_index;		/* -1: the first RoCEv2 GID that is an IPv4 address, else the first GID */
	int port;
	int mtu;		/* bytes; 0: what the port says */
	int timeout;		/* QP attribute, 4.096 us * 2^timeout */
	int retry_cnt;
	int rnr_retry;
	int min_rnr_timer;
};

#define ENDPOINT_OPTIONS_DEFAULT {					\
	.gid_index = -1, .port = 1, .timeout = 14, .retry_cnt = 7,	\
	.rnr_retry = 7, .min_rnr_timer = 1,				\
}

struct endpoint {
	struct endpoint_options opt;
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_device_attr attr;
	struct ibv_port_attr port_attr;
	union ibv_gid gid;
	int gid_index;
	enum ibv_mtu mtu;
};

/* What one QP must know of the other; sent as it is, both ends are the same build. */
struct qp_address {
	union ibv_gid gid;
	uint32_t qpn;
	uint32_t psn;
	uint32_t lid;
	uint32_t mtu;
};

void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...);
double now(void);

void endpoint_open(struct endpoint *ep, const struct endpoint_options *opt);
void endpoint_close(struct endpoint *ep);
struct qp_address endpoint_address(const struct endpoint *ep, const struct ibv_qp *qp,
				   uint32_t psn);
void qp_to_init(const struct endpoint *ep, struct ibv_qp *qp, int access);
void qp_connect(const struct endpoint *ep, struct ibv_qp *qp,
		const struct qp_address *self, const struct qp_address *peer);

/*
 * The side channel: a stream socket, TCP "HOST" + port, or a Unix socket when
 * @where begins with '/'. Both calls end the program when the other end does
 * not come within @seconds.
 */
int channel_listen(const char *where, int port, int seconds);
int channel_connect(const char *where, int port, int seconds);
void channel_send(int fd, const void *buf, size_t len);
void channel_recv(int fd, void *buf, size_t len);
/* Both ends send @len bytes and receive as many. */
void channel_swap(int fd, const void *out, void *in, size_t len);
void channel_barrier(int fd);
/* True when the other end has gone away. Does not block. */
bool channel_closed(int fd);

/* A small generator both ends run in step: splitmix64. */
struct prng {
	uint64_t state;
};

static inline uint64_t prng_next(struct prng *p)
{
	uint64_t z = (p->state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* 0 .. n-1; n > 0 */
static inline uint64_t prng_below(struct prng *p, uint64_t n)
{
	return prng_next(p) % n;
}

void prng_fill(struct prng *p, void *buf, size_t len);

#endif
