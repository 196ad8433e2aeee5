// SPDX-License-Identifier: GPL-2.0
/*
 * mrc-verbsh: verbs by lines of text, for tests that a script drives step by
 * step. One command per line on standard input, one line of JSON for each on
 * standard output: {"ok":true,...} or {"ok":false,"error":"..."}. Objects are
 * named by small numbers in order of creation.
 *
 *   pd                                          a further PD (0 is there)
 *   mr PD SIZE ACCESS                           ACCESS: letters l (local write), w, r, a (remote)
 *   cq CQE | qp PD | srqp PD | udqp PD          QPs in INIT (ud: RTS), all operations allowed
 *   connect QP QPN PSN GID [MTU]                to RTS
 *   send|write|read QP MR OFF LEN [RADDR RKEY [IMM]]
 *   writev QP MR LEN N MORE RADDR RKEY          one message: N times LEN bytes of MR, and MORE bytes
 *   cas|fadd QP MR OFF RADDR RKEY VALUE [SWAP]
 *   recv QP MR OFF LEN
 *   poll MILLISECONDS                           the next completion, if one comes
 *   changed MR                                  bytes that differ from the filling, the first, the last
 *   fill MR | peek MR OFF LEN | poke MR OFF HEX
 *   random MR SEED | sum MR OFF LEN             fill with random bytes; a hash of bytes
 *   state QP | reset QP | destroy QP | dereg MR
 */
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_OBJECTS 4096
#define FILLING 0xa5
#define MAX_SGE 32

struct memory {
	struct ibv_mr *mr;
	uint8_t *buf;
	size_t size;
};

static struct endpoint ep;
static struct ibv_pd *pds[MAX_OBJECTS];
static struct memory mrs[MAX_OBJECTS];
static struct ibv_qp *qps[MAX_OBJECTS];
static uint32_t psns[MAX_OBJECTS];
static struct ibv_cq *cq;
static struct ibv_srq *srq;
static int npds, nmrs, nqps;
static uint64_t next_wr;

static bool __attribute__((format(printf, 1, 2))) fail(const char *fmt, ...)
{
	va_list ap;

	printf("{\"ok\":false,\"error\":\"");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\"}\n");
	return false;
}

static struct memory *memory_of(uint64_t n)
{
	return n < (uint64_t)nmrs && mrs[n].mr ? &mrs[n] : NULL;
}

static struct ibv_qp *qp_of(uint64_t n)
{
	return n < (uint64_t)nqps ? qps[n] : NULL;
}

static void do_mr(uint64_t pd, uint64_t size, const char *access)
{
	struct memory *m = &mrs[nmrs];
	int flags = 0;

	if (pd >= (uint64_t)npds || nmrs == MAX_OBJECTS) {
		fail("no such PD");
		return;
	}
	for (; *access; access++)
		flags |= *access == 'l' ? IBV_ACCESS_LOCAL_WRITE :
			 *access == 'w' ? IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_LOCAL_WRITE :
			 *access == 'r' ? IBV_ACCESS_REMOTE_READ :
			 *access == 'a' ? IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_LOCAL_WRITE : 0;
	/* A page in front and behind, so that a stray write shows and does no harm. */
	m->size = size;
	m->buf = aligned_alloc(4096, (size + 3 * 4096) / 4096 * 4096);
	if (!m->buf)
		die("out of memory");
	memset(m->buf, FILLING, (size + 3 * 4096) / 4096 * 4096);
	m->buf += 4096;
	m->mr = ibv_reg_mr(pds[pd], m->buf, size, flags);
	if (!m->mr) {
		fail("ibv_reg_mr: %s", strerror(errno));
		return;
	}
	printf("{\"ok\":true,\"mr\":%d,\"addr\":%" PRIuPTR ",\"rkey\":%u,\"lkey\":%u}\n",
	       nmrs++, (uintptr_t)m->buf, m->mr->rkey, m->mr->lkey);
}

static void do_qp(uint64_t pd, enum ibv_qp_type type, bool use_srq)
{
	struct ibv_qp_init_attr init = {
		.send_cq = cq, .recv_cq = cq, .qp_type = type, .srq = use_srq ? srq : NULL,
		.cap = { .max_send_wr = 64, .max_recv_wr = 64, .max_send_sge = MAX_SGE,
			 .max_recv_sge = 1 },
	};
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .port_num = ep.opt.port,
				    .qkey = 0x11111111 };
	struct ibv_qp *qp;
	char gid[INET6_ADDRSTRLEN];
	int ret = 0;

	if (pd >= (uint64_t)npds || nqps == MAX_OBJECTS) {
		fail("no such PD");
		return;
	}
	qp = ibv_create_qp(pds[pd], &init);
	if (!qp) {
		fail("ibv_create_qp: %s", strerror(errno));
		return;
	}
	if (type == IBV_QPT_RC) {
		qp_to_init(&ep, qp, IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
			   IBV_ACCESS_REMOTE_ATOMIC);
	} else {
		ret = ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
				    IBV_QP_QKEY);
		attr.qp_state = IBV_QPS_RTR;
		ret = ret ? ret : ibv_modify_qp(qp, &attr, IBV_QP_STATE);
		attr.qp_state = IBV_QPS_RTS;
		ret = ret ? ret : ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN);
		if (ret) {
			fail("modify UD QP: %s", strerror(ret));
			return;
		}
	}
	qps[nqps] = qp;
	psns[nqps] = (0x123456 + nqps * 0x4321) & 0xffffff;
	inet_ntop(AF_INET6, ep.gid.raw, gid, sizeof(gid));
	printf("{\"ok\":true,\"qp\":%d,\"qpn\":%u,\"psn\":%u,\"gid\":\"%s\",\"mtu\":%d}\n",
	       nqps, qp->qp_num, psns[nqps], gid, 128 << ep.mtu);
	nqps++;
}

static void do_connect(uint64_t n, uint64_t qpn, uint64_t psn, const char *gid, uint64_t mtu)
{
	struct ibv_qp *qp = qp_of(n);
	struct qp_address self, peer = { .qpn = qpn, .psn = psn, .mtu = ep.mtu };

	if (!qp || inet_pton(AF_INET6, gid, peer.gid.raw) != 1) {
		fail("no such QP or GID");
		return;
	}
	while (mtu && peer.mtu > IBV_MTU_256 && (128u << peer.mtu) > mtu)
		peer.mtu--;
	self = endpoint_address(&ep, qp, psns[n]);
	qp_connect(&ep, qp, &self, &peer);
	printf("{\"ok\":true}\n");
}

static void do_post(enum ibv_wr_opcode op, uint64_t *a, int n)
{
	bool atomic = op == IBV_WR_ATOMIC_CMP_AND_SWP || op == IBV_WR_ATOMIC_FETCH_AND_ADD;
	struct ibv_qp *qp = qp_of(a[0]);
	struct memory *m = memory_of(a[1]);
	struct ibv_sge sge;
	struct ibv_send_wr *bad, wr = { .wr_id = next_wr, .sg_list = &sge, .num_sge = 1,
					.opcode = op, .send_flags = IBV_SEND_SIGNALED };
	int ret;

	if (!qp || !m) {
		fail("no such QP or MR");
		return;
	}
	sge = (struct ibv_sge) { .addr = (uintptr_t)m->buf + a[2],
				 .length = atomic ? 8 : a[3], .lkey = m->mr->lkey };
	if (atomic) {
		wr.wr.atomic.remote_addr = a[3];
		wr.wr.atomic.rkey = a[4];
		wr.wr.atomic.compare_add = a[5];
		wr.wr.atomic.swap = a[6];
	} else {
		wr.wr.rdma.remote_addr = a[4];
		wr.wr.rdma.rkey = a[5];
		if (n > 6) {
			wr.imm_data = htonl(a[6]);
			wr.opcode = op == IBV_WR_SEND ? IBV_WR_SEND_WITH_IMM :
				    IBV_WR_RDMA_WRITE_WITH_IMM;
		}
	}
	ret = ibv_post_send(qp, &wr, &bad);
	if (ret)
		fail("ibv_post_send: %s", strerror(ret));
	else
		printf("{\"ok\":true,\"wr\":%" PRIu64 "}\n", next_wr++);
}

/* One message whose local side is the same memory several times over. */
static void do_writev(const uint64_t *a)
{
	struct ibv_qp *qp = qp_of(a[0]);
	struct memory *m = memory_of(a[1]);
	struct ibv_sge sge[MAX_SGE];
	struct ibv_send_wr *bad, wr = { .wr_id = next_wr, .sg_list = sge,
					.opcode = IBV_WR_RDMA_WRITE,
					.send_flags = IBV_SEND_SIGNALED,
					.wr.rdma = { .remote_addr = a[5], .rkey = a[6] } };
	uint64_t i;
	int ret;

	if (!qp || !m || a[2] > m->size || a[4] > m->size || a[3] + !!a[4] > MAX_SGE) {
		fail("no such QP or MR, or too much of it");
		return;
	}
	for (i = 0; i < a[3] + !!a[4]; i++)
		sge[i] = (struct ibv_sge) { .addr = (uintptr_t)m->buf, .lkey = m->mr->lkey,
					    .length = i < a[3] ? a[2] : a[4] };
	wr.num_sge = i;
	ret = ibv_post_send(qp, &wr, &bad);
	if (ret)
		fail("ibv_post_send: %s", strerror(ret));
	else
		printf("{\"ok\":true,\"wr\":%" PRIu64 "}\n", next_wr++);
}

static void do_recv(uint64_t *a)
{
	struct ibv_qp *qp = qp_of(a[0]);
	struct memory *m = memory_of(a[1]);
	struct ibv_sge sge;
	struct ibv_recv_wr *bad, wr = { .wr_id = next_wr, .sg_list = &sge, .num_sge = 1 };
	int ret;

	if (!qp || !m) {
		fail("no such QP or MR");
		return;
	}
	sge = (struct ibv_sge) { .addr = (uintptr_t)m->buf + a[2], .length = a[3],
				 .lkey = m->mr->lkey };
	ret = qp->srq ? ibv_post_srq_recv(qp->srq, &wr, &bad) : ibv_post_recv(qp, &wr, &bad);
	if (ret)
		fail("ibv_post_recv: %s", strerror(ret));
	else
		printf("{\"ok\":true,\"wr\":%" PRIu64 "}\n", next_wr++);
}

static void do_poll(uint64_t ms)
{
	double end = now() + ms / 1000.0;
	struct ibv_wc wc;
	int n;

	while (!(n = ibv_poll_cq(cq, 1, &wc)) && now() < end)
		usleep(100);
	if (n < 0)
		fail("ibv_poll_cq: %d", n);
	else if (!n)
		printf("{\"ok\":true,\"n\":0}\n");
	else
		printf("{\"ok\":true,\"n\":1,\"wr\":%" PRIu64 ",\"status\":\"%s\",\"code\":%d,"
		       "\"opcode\":%d,\"byte_len\":%u,\"flags\":%u,\"imm\":%u,\"qpn\":%u}\n",
		       wc.wr_id, ibv_wc_status_str(wc.status), wc.status, wc.opcode, wc.byte_len,
		       wc.wc_flags, ntohl(wc.imm_data), wc.qp_num);
}

static void do_changed(struct memory *m)
{
	size_t i, n = 0, first = 0, last = 0, total = (m->size + 3 * 4096) / 4096 * 4096;
	const uint8_t *b = m->buf - 4096;

	for (i = 0; i < total; i++) {
		if (b[i] == FILLING)
			continue;
		if (!n++)
			first = i;
		last = i;
	}
	printf("{\"ok\":true,\"changed\":%zu,\"first\":%zd,\"last\":%zd}\n", n,
	       (ssize_t)first - 4096, (ssize_t)last - 4096);
}

static void do_random(struct memory *m, uint64_t seed)
{
	struct prng p = { .state = seed };

	prng_fill(&p, m->buf, m->size);
	printf("{\"ok\":true}\n");
}

/* FNV-1a, eight bytes at a time. */
static void do_sum(const struct memory *m, uint64_t off, uint64_t len)
{
	uint64_t hash = 14695981039346656037ull, word, i;

	for (i = 0; i < len; i += sizeof(word)) {
		word = 0;
		memcpy(&word, m->buf + off + i, len - i < sizeof(word) ? len - i : sizeof(word));
		hash = (hash ^ word) * 1099511628211ull;
	}
	printf("{\"ok\":true,\"sum\":%" PRIu64 "}\n", hash);
}

static void do_memory(const char *what, struct memory *m, uint64_t off, uint64_t len,
		      const char *hex)
{
	uint64_t i;
	unsigned int byte;

	if (!m || off > m->size || len > m->size - off) {
		fail("no such memory");
	} else if (!strcmp(what, "random")) {
		do_random(m, off);
	} else if (!strcmp(what, "sum")) {
		do_sum(m, off, len);
	} else if (!strcmp(what, "changed")) {
		do_changed(m);
	} else if (!strcmp(what, "fill")) {
		memset(m->buf - 4096, FILLING, (m->size + 3 * 4096) / 4096 * 4096);
		printf("{\"ok\":true}\n");
	} else if (!strcmp(what, "peek")) {
		printf("{\"ok\":true,\"hex\":\"");
		for (i = 0; i < len; i++)
			printf("%02x", m->buf[off + i]);
		printf("\"}\n");
	} else {
		for (i = off; i < m->size && sscanf(hex, "%2x", &byte) == 1; i++, hex += 2)
			m->buf[i] = byte;
		printf("{\"ok\":true}\n");
	}
}

static void do_qp_thing(const char *what, uint64_t n)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };
	struct ibv_qp_init_attr init;
	struct ibv_qp *qp = qp_of(n);
	int ret;

	if (!qp) {
		fail("no such QP");
		return;
	}
	if (!strcmp(what, "state")) {
		ret = ibv_query_qp(qp, &attr, IBV_QP_STATE, &init);
		if (!ret) {
			printf("{\"ok\":true,\"state\":%d}\n", attr.qp_state);
			return;
		}
	} else if (!strcmp(what, "reset")) {
		ret = ibv_modify_qp(qp, &attr, IBV_QP_STATE);
	} else {
		ret = ibv_destroy_qp(qp);
		if (!ret)
			qps[n] = NULL;
	}
	if (ret)
		fail("%s: %s", what, strerror(ret));
	else
		printf("{\"ok\":true}\n");
}

static void run_line(char *line)
{
	char *word[10] = { NULL };
	uint64_t a[10] = { 0 };
	int i, n = 0;
	const char *c;

	for (c = strtok(line, " \n"); c && n < 10; c = strtok(NULL, " \n"))
		word[n++] = (char *)c;
	if (!n)
		return;
	for (i = 1; i < n; i++)
		a[i - 1] = strtoull(word[i], NULL, 0);
	c = word[0];
	if (!strcmp(c, "pd")) {
		pds[npds] = npds < MAX_OBJECTS ? ibv_alloc_pd(ep.ctx) : NULL;
		if (pds[npds])
			printf("{\"ok\":true,\"pd\":%d}\n", npds++);
		else
			fail("ibv_alloc_pd: %s", strerror(errno));
	} else if (!strcmp(c, "mr") && n == 4) {
		do_mr(a[0], a[1], word[3]);
	} else if (!strcmp(c, "qp") && n == 2) {
		do_qp(a[0], IBV_QPT_RC, false);
	} else if (!strcmp(c, "srqp") && n == 2) {
		do_qp(a[0], IBV_QPT_RC, true);
	} else if (!strcmp(c, "udqp") && n == 2) {
		do_qp(a[0], IBV_QPT_UD, false);
	} else if (!strcmp(c, "connect") && n >= 5) {
		do_connect(a[0], a[1], a[2], word[4], a[4]);
	} else if (!strcmp(c, "send") && n >= 5) {
		do_post(IBV_WR_SEND, a, n - 1);
	} else if (!strcmp(c, "write") && n >= 7) {
		do_post(IBV_WR_RDMA_WRITE, a, n - 1);
	} else if (!strcmp(c, "read") && n == 7) {
		do_post(IBV_WR_RDMA_READ, a, n - 1);
	} else if (!strcmp(c, "writev") && n == 8) {
		do_writev(a);
	} else if (!strcmp(c, "cas") && n == 8) {
		do_post(IBV_WR_ATOMIC_CMP_AND_SWP, a, n - 1);
	} else if (!strcmp(c, "fadd") && n == 7) {
		do_post(IBV_WR_ATOMIC_FETCH_AND_ADD, a, n - 1);
	} else if (!strcmp(c, "recv") && n == 5) {
		do_recv(a);
	} else if (!strcmp(c, "poll") && n == 2) {
		do_poll(a[0]);
	} else if (!strcmp(c, "changed") || !strcmp(c, "fill") || !strcmp(c, "peek") ||
		   !strcmp(c, "poke") || !strcmp(c, "random") || !strcmp(c, "sum")) {
		do_memory(c, memory_of(a[0]), a[1],
			  !strcmp(c, "peek") || !strcmp(c, "sum") ? a[2] : 0,
			  n > 3 ? word[3] : "");
	} else if (!strcmp(c, "state") || !strcmp(c, "reset") || !strcmp(c, "destroy")) {
		do_qp_thing(c, a[0]);
	} else if (!strcmp(c, "dereg") && memory_of(a[0])) {
		i = ibv_dereg_mr(mrs[a[0]].mr);
		mrs[a[0]].mr = NULL;
		if (i)
			fail("ibv_dereg_mr: %s", strerror(i));
		else
			printf("{\"ok\":true}\n");
	} else {
		fail("cannot do '%.40s' with %d arguments", c, n - 1);
	}
}

int main(int argc, char **argv)
{
	struct endpoint_options opt = ENDPOINT_OPTIONS_DEFAULT;
	struct ibv_srq_init_attr srq_attr = { .attr = { .max_wr = 64, .max_sge = 1 } };
	static char line[65536];
	int c;

	while ((c = getopt(argc, argv, "d:x:m:t:r:R:n:")) != -1) {
		switch (c) {
		case 'd': opt.device = optarg; break;
		case 'x': opt.gid_index = atoi(optarg); break;
		case 'm': opt.mtu = atoi(optarg); break;
		case 't': opt.timeout = atoi(optarg); break;
		case 'r': opt.retry_cnt = atoi(optarg); break;
		case 'R': opt.rnr_retry = atoi(optarg); break;
		case 'n': opt.min_rnr_timer = atoi(optarg); break;
		default:
			fprintf(stderr, "usage: mrc-verbsh [-d DEV] [-x GID_INDEX] [-m MTU] [-t TIMEOUT] [-r RETRY] [-R RNR_RETRY] [-n MIN_RNR_TIMER]\n");
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	endpoint_open(&ep, &opt);
	pds[npds++] = ep.pd;
	cq = ibv_create_cq(ep.ctx, 4000, NULL, NULL, 0);
	srq = ibv_create_srq(ep.pd, &srq_attr);
	if (!cq)
		die("cannot create a CQ: %s", strerror(errno));
	while (fgets(line, sizeof(line), stdin))
		run_line(line);
	return 0;
}
