// SPDX-License-Identifier: GPL-2.0
/*
 * mrc-wreck: what a hostile or broken program can do to its own verbs objects.
 * Works in children, since a child may well die of it; the kernel may not.
 *
 *   rings   overwrite the memory that a process shares with the driver (all of
 *           its writable mappings of the uverbs device) with random bytes,
 *           while work is posted and completions are polled
 *   args    library calls with wild sizes, addresses, attributes and masks
 *   raw     uverbs commands with random bytes, handles and lengths, by write()
 *   die     be killed in the middle of traffic (used with a delay by scripts)
 */
#include "endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <rdma/ib_user_verbs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define QPS 4

static struct endpoint_options opt = ENDPOINT_OPTIONS_DEFAULT;
static struct endpoint ep;
static struct prng rnd;
static struct ibv_cq *cq;
static struct ibv_srq *srq;
static struct ibv_qp *qp[QPS];
static struct ibv_mr *mr;
static uint8_t *buf;

/* QPs that are connected to each other in pairs, through the device itself. */
static void set_up(void)
{
	struct ibv_srq_init_attr srq_attr = { .attr = { .max_wr = 32, .max_sge = 2 } };
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 64, .max_recv_wr = 64, .max_send_sge = 2,
			 .max_recv_sge = 2 },
	};
	struct qp_address a[QPS];
	int i;

	endpoint_open(&ep, &opt);
	buf = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mr = ibv_reg_mr(ep.pd, buf, 1 << 20, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC);
	cq = ibv_create_cq(ep.ctx, 256, NULL, NULL, 0);
	srq = ibv_create_srq(ep.pd, &srq_attr);
	if (!mr || !cq || !srq)
		die("cannot create MR, CQ or SRQ: %s", strerror(errno));
	init.send_cq = init.recv_cq = cq;
	for (i = 0; i < QPS; i++) {
		init.srq = i & 1 ? srq : NULL;
		qp[i] = ibv_create_qp(ep.pd, &init);
		if (!qp[i])
			die("cannot create a QP: %s", strerror(errno));
		qp_to_init(&ep, qp[i], IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
			   IBV_ACCESS_REMOTE_ATOMIC);
		a[i] = endpoint_address(&ep, qp[i], 1000 * i);
	}
	for (i = 0; i < QPS; i++)
		qp_connect(&ep, qp[i], &a[i], &a[i ^ 1]);
}

static void post_something(void)
{
	static const enum ibv_wr_opcode ops[] = {
		IBV_WR_RDMA_WRITE, IBV_WR_RDMA_WRITE_WITH_IMM, IBV_WR_SEND, IBV_WR_SEND_WITH_IMM,
		IBV_WR_RDMA_READ, IBV_WR_ATOMIC_CMP_AND_SWP, IBV_WR_ATOMIC_FETCH_AND_ADD,
	};
	struct ibv_sge sge = { .addr = (uintptr_t)buf, .lkey = mr->lkey,
			       .length = 8 + prng_below(&rnd, 20000) };
	struct ibv_send_wr *bad, wr = {
		.sg_list = &sge, .num_sge = 1, .opcode = ops[prng_below(&rnd, 7)],
		.send_flags = prng_next(&rnd) & (IBV_SEND_SIGNALED | IBV_SEND_FENCE),
	};
	struct ibv_recv_wr *rbad, rwr = { .sg_list = &sge, .num_sge = 1 };
	struct ibv_wc wc[16];
	struct ibv_qp *q = qp[prng_below(&rnd, QPS)];

	if (wr.opcode >= IBV_WR_ATOMIC_CMP_AND_SWP) {
		sge.length = 8;
		wr.wr.atomic.remote_addr = (uintptr_t)buf + 64;
		wr.wr.atomic.rkey = mr->rkey;
	} else {
		wr.wr.rdma.remote_addr = (uintptr_t)buf + (1 << 19);
		wr.wr.rdma.rkey = mr->rkey;
	}
	if (q->srq)
		ibv_post_srq_recv(q->srq, &rwr, &rbad);
	else
		ibv_post_recv(q, &rwr, &rbad);
	ibv_post_send(q, &wr, &bad);
	ibv_poll_cq(cq, 16, wc);
}

struct range {
	uint8_t *at;
	size_t len;
};

/* Writable mappings of the device: the shared rings, whatever their layout. */
static int shared_memory(struct range *r, int max)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	char line[512], perms[8];
	int n = 0;

	while (maps && n < max && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) != 3 || perms[1] != 'w')
			continue;
		if (!strstr(line, "uverbs") && !strstr(line, "infiniband"))
			continue;
		r[n].at = (uint8_t *)from;
		r[n++].len = to - from;
	}
	if (maps)
		fclose(maps);
	return n;
}

static void spoil(const struct range *r, int n)
{
	const struct range *one = &r[prng_below(&rnd, n)];
	size_t at = prng_below(&rnd, one->len) & ~7ul;
	uint64_t v = prng_next(&rnd);

	switch (prng_below(&rnd, 6)) {
	case 0:		/* an index near the start: small, huge, negative */
		at = prng_below(&rnd, 64) * 4 % one->len;
		*(volatile uint32_t *)(one->at + at) = v & 1 ? v >> 32 : (v >> 32) % 512;
		break;
	case 1:
		*(volatile uint64_t *)(one->at + at) = v;
		break;
	case 2:
		*(volatile uint64_t *)(one->at + at) = v & 1 ? 0 : ~0ull;
		break;
	case 3:
		one->at[prng_below(&rnd, one->len)] = v;
		break;
	case 4:
		*(volatile uint32_t *)(one->at + (at & ~3ul)) = 0xffffffff;
		break;
	default:
		prng_fill(&rnd, one->at + at, one->len - at < 256 ? one->len - at : 256);
	}
}

static void wreck_rings(double seconds)
{
	struct range r[64];
	double end = now() + seconds;
	int n, i;

	set_up();
	n = shared_memory(r, 64);
	if (!n) {
		printf("no shared memory found\n");
		_exit(9);
	}
	for (i = 0; i < 50; i++)
		post_something();
	while (now() < end) {
		for (i = prng_below(&rnd, 4); i >= 0; i--)
			spoil(r, n);
		post_something();
	}
	_exit(0);
}

static void wild_modify(struct ibv_qp *q)
{
	struct ibv_qp_attr attr;
	int mask = prng_next(&rnd) & 0xfffff;

	prng_fill(&rnd, &attr, sizeof(attr));
	if (prng_next(&rnd) & 1)
		attr.qp_state = prng_below(&rnd, 9);
	if (prng_next(&rnd) & 1) {
		attr.ah_attr.is_global = 1;
		attr.ah_attr.grh.dgid = ep.gid;
		attr.ah_attr.grh.sgid_index = prng_below(&rnd, 8);
		attr.ah_attr.port_num = 1;
		attr.path_mtu = prng_below(&rnd, 8);
		attr.port_num = 1;
		mask |= IBV_QP_STATE;
	}
	ibv_modify_qp(q, &attr, mask);
}

static uint32_t wild32(void)
{
	static const uint32_t odd[] = { 0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 4096, 65536,
					1 << 20, 1 << 30 };

	return prng_next(&rnd) & 1 ? odd[prng_below(&rnd, 10)] : prng_next(&rnd) >> (32 + prng_below(&rnd, 28));
}

static void wild_call(void)
{
	struct ibv_qp_init_attr init = {
		.send_cq = cq, .recv_cq = cq, .qp_type = prng_below(&rnd, 12),
		.srq = prng_next(&rnd) & 1 ? srq : NULL,
		.cap = { wild32(), wild32(), wild32(), wild32(), wild32() },
	};
	struct ibv_srq_init_attr srq_attr = { .attr = { wild32(), wild32(), wild32() } };
	struct ibv_ah_attr ah_attr;
	struct ibv_qp_attr qp_attr;
	struct ibv_sge sge = { prng_next(&rnd), wild32(), wild32() };
	struct ibv_send_wr *bad, wr = { .sg_list = &sge, .num_sge = prng_below(&rnd, 3) ? 1 : 0,
					.opcode = prng_below(&rnd, 16), .send_flags = prng_next(&rnd) & 63 };
	void *o;

	switch (prng_below(&rnd, 10)) {
	case 0:
		o = ibv_create_qp(ep.pd, &init);
		if (o && !ibv_query_qp(o, &qp_attr, 0xfffff, &init))
			wild_modify(o);
		if (o)
			ibv_destroy_qp(o);
		break;
	case 1:
		o = ibv_create_cq(ep.ctx, wild32(), NULL, NULL, 0);
		if (o) {
			ibv_resize_cq(o, wild32());
			ibv_destroy_cq(o);
		}
		break;
	case 2:
		o = ibv_create_srq(ep.pd, &srq_attr);
		if (o) {
			srq_attr.attr.max_wr = wild32();
			srq_attr.attr.srq_limit = wild32();
			ibv_modify_srq(o, &srq_attr.attr, prng_next(&rnd) & 3);
			ibv_destroy_srq(o);
		}
		break;
	case 3:
	case 4:
		o = ibv_reg_mr(ep.pd, prng_next(&rnd) & 1 ? buf : (void *)prng_next(&rnd),
			       prng_next(&rnd) >> prng_below(&rnd, 64), prng_next(&rnd) & 0x1ff);
		if (o) {
			ibv_rereg_mr(o, prng_next(&rnd) & 7, ep.pd,
				     prng_next(&rnd) & 1 ? buf + 4096 : (void *)prng_next(&rnd),
				     prng_next(&rnd) >> prng_below(&rnd, 64), prng_next(&rnd) & 0x1ff);
			ibv_dereg_mr(o);
		}
		break;
	case 5:
		prng_fill(&rnd, &ah_attr, sizeof(ah_attr));
		ah_attr.port_num = prng_below(&rnd, 3);
		ah_attr.is_global = prng_next(&rnd) & 1;
		o = ibv_create_ah(ep.pd, &ah_attr);
		if (o)
			ibv_destroy_ah(o);
		break;
	case 6:
		wild_modify(qp[prng_below(&rnd, QPS)]);
		break;
	default:
		prng_fill(&rnd, &wr.wr, sizeof(wr.wr));
		if (prng_next(&rnd) & 1) {
			sge.lkey = mr->lkey;
			sge.addr = (uintptr_t)buf + wild32();
		}
		ibv_post_send(qp[prng_below(&rnd, QPS)], &wr, &bad);
		post_something();
	}
}

static void wreck_args(double seconds)
{
	double end = now() + seconds;

	set_up();
	while (now() < end)
		wild_call();
	_exit(0);
}

/* The command interface below the library: struct ib_uverbs_cmd_hdr and a body. */
static void wreck_raw(double seconds)
{
	double end = now() + seconds;
	uint32_t word[256];
	struct ib_uverbs_cmd_hdr *h = (void *)word;
	uint8_t response[4096];
	int i;

	set_up();
	while (now() < end) {
		size_t len = 8 + prng_below(&rnd, 120) * 4;
		uint64_t answer = (uintptr_t)response;

		for (i = 0; i < 256; i++)
			word[i] = prng_next(&rnd) & 3 ? prng_below(&rnd, 16) : (uint32_t)prng_next(&rnd);
		if (prng_next(&rnd) & 7)
			memcpy(&word[2], &answer, 8);
		h->command = prng_below(&rnd, 48);
		if (!(prng_next(&rnd) & 7))
			h->command |= 0x80000000;
		h->in_words = prng_next(&rnd) & 7 ? len / 4 : prng_next(&rnd);
		h->out_words = prng_next(&rnd) & 7 ? 64 : prng_next(&rnd);
		if (write(ep.ctx->cmd_fd, word, len) < 0 && errno == EBADF)
			break;
		if (!prng_below(&rnd, 16))
			post_something();
	}
	_exit(0);
}

static void traffic_until_killed(void)
{
	set_up();
	for (;;)
		post_something();
}

int main(int argc, char **argv)
{
	double seconds = 1;
	int c, rounds = 10, i, status, crashed = 0, ended = 0, refused = 0;
	const char *what;
	uint64_t seed = 1;

	while ((c = getopt(argc, argv, "d:n:t:S:")) != -1) {
		switch (c) {
		case 'd': opt.device = optarg; break;
		case 'n': rounds = atoi(optarg); break;
		case 't': seconds = atof(optarg); break;
		case 'S': seed = strtoull(optarg, NULL, 0); break;
		default:
			goto usage;
		}
	}
	if (optind + 1 != argc)
		goto usage;
	what = argv[optind];
	if (!strcmp(what, "die")) {
		rnd.state = seed;
		traffic_until_killed();
	}
	for (i = 0; i < rounds; i++) {
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (!pid) {
			rnd.state = seed * 1000 + i;
			alarm(seconds * 10 + 20);
			if (!strcmp(what, "rings"))
				wreck_rings(seconds);
			else if (!strcmp(what, "args"))
				wreck_args(seconds);
			else if (!strcmp(what, "raw"))
				wreck_raw(seconds);
			_exit(8);
		}
		waitpid(pid, &status, 0);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
			die("round %d of %s hangs", i, what);
		if (WIFSIGNALED(status))
			crashed++;
		else if (WEXITSTATUS(status) == 0)
			ended++;
		else if (WEXITSTATUS(status) == 8)
			goto usage;
		else
			refused++;
	}
	printf("%s: %d rounds, %d ended, %d children died of their own doing, %d could not start\n",
	       what, rounds, ended, crashed, refused);
	return refused == rounds;
usage:
	fprintf(stderr, "usage: mrc-wreck [-d DEV] [-n ROUNDS] [-t SECONDS] [-S SEED] rings|args|raw|die\n");
	return 2;
}
