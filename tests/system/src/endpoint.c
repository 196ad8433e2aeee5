// SPDX-License-Identifier: GPL-2.0
#include "endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

void die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

void prng_fill(struct prng *p, void *buf, size_t len)
{
	unsigned char *b = buf;

	while (len >= 8) {
		uint64_t v = prng_next(p);

		memcpy(b, &v, 8);
		b += 8;
		len -= 8;
	}
	while (len--)
		*b++ = prng_next(p);
}

static bool gid_is_zero(const union ibv_gid *gid)
{
	static const union ibv_gid zero;

	return !memcmp(gid, &zero, sizeof(zero));
}

static bool gid_is_ipv4(const union ibv_gid *gid)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(gid->raw, mapped, sizeof(mapped));
}

static void choose_gid(struct endpoint *ep)
{
	struct ibv_gid_entry entry;
	int i, first = -1;

	if (ep->opt.gid_index >= 0) {
		ep->gid_index = ep->opt.gid_index;
		if (ibv_query_gid(ep->ctx, ep->opt.port, ep->gid_index, &ep->gid))
			die("no GID at index %d", ep->gid_index);
		return;
	}
	for (i = 0; i < ep->port_attr.gid_tbl_len; i++) {
		if (ibv_query_gid_ex(ep->ctx, ep->opt.port, i, &entry, 0))
			continue;
		if (gid_is_zero(&entry.gid) || entry.gid_type != IBV_GID_TYPE_ROCE_V2)
			continue;
		if (first < 0) {
			first = i;
			ep->gid = entry.gid;
		}
		if (gid_is_ipv4(&entry.gid)) {
			first = i;
			ep->gid = entry.gid;
			break;
		}
	}
	if (first < 0)
		die("device has no RoCEv2 GID");
	ep->gid_index = first;
}

static enum ibv_mtu mtu_code(int bytes)
{
	switch (bytes) {
	case 256: return IBV_MTU_256;
	case 512: return IBV_MTU_512;
	case 1024: return IBV_MTU_1024;
	case 2048: return IBV_MTU_2048;
	case 4096: return IBV_MTU_4096;
	}
	die("path MTU must be 256, 512, 1024, 2048 or 4096, not %d", bytes);
}

void endpoint_open(struct endpoint *ep, const struct endpoint_options *opt)
{
	struct ibv_device **list;
	int i, n;

	memset(ep, 0, sizeof(*ep));
	ep->opt = *opt;
	list = ibv_get_device_list(&n);
	if (!list)
		die("ibv_get_device_list: %s", strerror(errno));
	for (i = 0; i < n; i++)
		if (!opt->device || !strcmp(opt->device, ibv_get_device_name(list[i])))
			break;
	if (i == n)
		die("no RDMA device %s (%d devices)", opt->device ? opt->device : "", n);
	ep->ctx = ibv_open_device(list[i]);
	if (!ep->ctx)
		die("ibv_open_device %s: %s", ibv_get_device_name(list[i]), strerror(errno));
	ibv_free_device_list(list);

	if (ibv_query_device(ep->ctx, &ep->attr))
		die("ibv_query_device failed");
	if (ibv_query_port(ep->ctx, opt->port, &ep->port_attr))
		die("ibv_query_port %d failed", opt->port);
	choose_gid(ep);
	ep->mtu = opt->mtu ? mtu_code(opt->mtu) : ep->port_attr.active_mtu;
	ep->pd = ibv_alloc_pd(ep->ctx);
	if (!ep->pd)
		die("ibv_alloc_pd: %s", strerror(errno));
}

void endpoint_close(struct endpoint *ep)
{
	int ret;

	ret = ibv_dealloc_pd(ep->pd);
	if (ret)
		die("ibv_dealloc_pd: %s", strerror(ret));
	ret = ibv_close_device(ep->ctx);
	if (ret)
		die("ibv_close_device: %s", strerror(ret));
}

struct qp_address endpoint_address(const struct endpoint *ep, const struct ibv_qp *qp,
				   uint32_t psn)
{
	return (struct qp_address) {
		.gid = ep->gid,
		.qpn = qp->qp_num,
		.psn = psn & 0xffffff,
		.lid = ep->port_attr.lid,
		.mtu = ep->mtu,
	};
}

void qp_to_init(const struct endpoint *ep, struct ibv_qp *qp, int access)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = ep->opt.port,
		.qp_access_flags = access,
	};
	int ret = ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX |
				IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);

	if (ret)
		die("modify QP to INIT: %s", strerror(ret));
}

void qp_connect(const struct endpoint *ep, struct ibv_qp *qp,
		const struct qp_address *self, const struct qp_address *peer)
{
	int rd = ep->attr.max_qp_rd_atom < 16 ? ep->attr.max_qp_rd_atom : 16;
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = peer->mtu < (uint32_t)ep->mtu ? peer->mtu : ep->mtu,
		.dest_qp_num = peer->qpn,
		.rq_psn = peer->psn,
		.max_dest_rd_atomic = rd,
		.min_rnr_timer = ep->opt.min_rnr_timer,
		.ah_attr = {
			.is_global = 1,
			.dlid = peer->lid,
			.port_num = ep->opt.port,
			.grh = {
				.dgid = peer->gid,
				.sgid_index = ep->gid_index,
				.hop_limit = 64,
			},
		},
	};
	int ret;

	ret = ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU |
			    IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			    IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
	if (ret)
		die("modify QP to RTR: %s", strerror(ret));
	memset(&attr, 0, sizeof(attr));
	attr.qp_state = IBV_QPS_RTS;
	attr.sq_psn = self->psn;
	attr.timeout = ep->opt.timeout;
	attr.retry_cnt = ep->opt.retry_cnt;
	attr.rnr_retry = ep->opt.rnr_retry;
	attr.max_rd_atomic = rd;
	ret = ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT |
			    IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
	if (ret)
		die("modify QP to RTS: %s", strerror(ret));
}

union channel_address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_un un;
};

static socklen_t channel_resolve(const char *where, int port, union channel_address *a)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct addrinfo *res;

	memset(a, 0, sizeof(*a));
	if (where && where[0] == '/') {
		if (strlen(where) >= sizeof(a->un.sun_path))
			die("socket path too long: %s", where);
		a->un.sun_family = AF_UNIX;
		strcpy(a->un.sun_path, where);
		return sizeof(a->un);
	}
	if (where) {
		if (getaddrinfo(where, NULL, &hints, &res))
			die("cannot resolve %s", where);
		memcpy(&a->in, res->ai_addr, sizeof(a->in));
		freeaddrinfo(res);
	} else {
		a->in.sin_family = AF_INET;
		a->in.sin_addr.s_addr = htonl(INADDR_ANY);
	}
	a->in.sin_port = htons(port);
	return sizeof(a->in);
}

int channel_listen(const char *where, int port, int seconds)
{
	union channel_address a;
	socklen_t len = channel_resolve(where, port, &a);
	struct pollfd pfd = { .events = POLLIN };
	int fd, one = 1;

	pfd.fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (pfd.fd < 0)
		die("socket: %s", strerror(errno));
	if (a.sa.sa_family == AF_UNIX)
		unlink(a.un.sun_path);
	setsockopt(pfd.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(pfd.fd, &a.sa, len) || listen(pfd.fd, 1))
		die("cannot listen on %s: %s", where ? where : "the port", strerror(errno));
	if (poll(&pfd, 1, seconds * 1000) != 1)
		die("no client came within %d s", seconds);
	fd = accept(pfd.fd, NULL, NULL);
	if (fd < 0)
		die("accept: %s", strerror(errno));
	close(pfd.fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

int channel_connect(const char *where, int port, int seconds)
{
	union channel_address a;
	socklen_t len = channel_resolve(where, port, &a);
	double end = now() + seconds;
	int fd, one = 1;

	for (;;) {
		fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			die("socket: %s", strerror(errno));
		if (!connect(fd, &a.sa, len))
			break;
		close(fd);
		if (now() > end)
			die("no server at %s within %d s: %s", where, seconds, strerror(errno));
		usleep(20000);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

void channel_send(int fd, const void *buf, size_t len)
{
	while (len) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n <= 0)
			die("the other end went away (send): %s", strerror(errno));
		buf = (const char *)buf + n;
		len -= n;
	}
}

void channel_recv(int fd, void *buf, size_t len)
{
	while (len) {
		ssize_t n = recv(fd, buf, len, 0);

		if (n <= 0)
			die("the other end went away (recv): %s",
			    n ? strerror(errno) : "closed");
		buf = (char *)buf + n;
		len -= n;
	}
}

void channel_swap(int fd, const void *out, void *in, size_t len)
{
	/* Chunks, so that two ends that both send first cannot fill both socket buffers. */
	while (len) {
		size_t n = len < 16384 ? len : 16384;

		channel_send(fd, out, n);
		channel_recv(fd, in, n);
		out = (const char *)out + n;
		in = (char *)in + n;
		len -= n;
	}
}

void channel_barrier(int fd)
{
	char out = 'b', in = 0;

	channel_swap(fd, &out, &in, 1);
}

bool channel_closed(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}
