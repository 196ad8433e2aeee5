// SPDX-License-Identifier: GPL-2.0
/*
 * mrc-lastbyte: the client writes messages into the server's memory, the server
 * has no completion and watches the last byte of each message. As soon as that
 * byte has changed the whole message must be there, and so must all messages
 * before it. Many programs rely on it (perftest's latency tests, eager MPI
 * protocols), so a multipath transport must hold to it too.
 *
 * Messages go round a ring of slots; a message ends where its slot ends, so the
 * server knows which byte to watch. With several messages in flight (--depth)
 * the server also looks whether a later message showed before an earlier one.
 */
#include "endpoint.h"

#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct config {
	uint64_t messages, seed;
	uint32_t max, depth, stall, random_sizes, inject;
};

struct remote {
	struct qp_address qp;
	uint64_t ring, credit;
	uint32_t rkey, pad;
};

static struct config cfg = { .messages = 5000, .seed = 1, .max = 65536, .depth = 8, .stall = 30,
			     .random_sizes = 1 };
static struct endpoint ep;
static struct ibv_cq *cq;
static struct ibv_qp *qp;
static struct ibv_mr *mr;
static uint8_t *ring;			/* depth slots of max bytes */
static volatile uint64_t *credit;	/* messages the server has checked */
static struct remote self, peer;
static int channel;

/* Both ends know message @n: its length and its bytes, of which none is 0. */
static uint32_t length_of(uint64_t n)
{
	struct prng p = { .state = cfg.seed + n };
	uint64_t r = prng_next(&p);

	if (!cfg.random_sizes)
		return cfg.max;
	return 1 + (r & 1 ? (r >> 8) % cfg.max : (r >> 8) % (cfg.max < 4096 ? cfg.max : 4096));
}

static void fill(uint64_t n, uint8_t *buf, uint32_t len)
{
	struct prng p = { .state = ~cfg.seed + n };
	uint32_t i;

	prng_fill(&p, buf, len);
	for (i = 0; i < len; i++)
		buf[i] |= !buf[i];
}

static void set_up(void)
{
	size_t size = (size_t)cfg.depth * cfg.max;
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = cfg.depth + 2, .max_recv_wr = 1, .max_send_sge = 1,
			 .max_recv_sge = 1 },
	};

	ring = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ring == MAP_FAILED)
		die("cannot map %zu bytes", size);
	credit = (uint64_t *)(ring + size);
	mr = ibv_reg_mr(ep.pd, ring, size + 4096, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	cq = ibv_create_cq(ep.ctx, cfg.depth + 4, NULL, NULL, 0);
	if (!mr || !cq)
		die("cannot create MR or CQ");
	init.send_cq = init.recv_cq = cq;
	qp = ibv_create_qp(ep.pd, &init);
	if (!qp)
		die("cannot create a QP");
	qp_to_init(&ep, qp, IBV_ACCESS_REMOTE_WRITE);
	self = (struct remote) {
		.qp = endpoint_address(&ep, qp, cfg.seed * 77),
		.ring = (uintptr_t)ring, .credit = (uintptr_t)credit, .rkey = mr->rkey,
	};
	channel_swap(channel, &self, &peer, sizeof(self));
	qp_connect(&ep, qp, &self.qp, &peer.qp);
	channel_barrier(channel);
}

/* Send completions, in order; returns how many. */
static uint64_t reap(void)
{
	static uint64_t next;
	struct ibv_wc wc[16];
	int i, n = ibv_poll_cq(cq, 16, wc);

	for (i = 0; i < n; i++) {
		if (wc[i].status != IBV_WC_SUCCESS)
			die("completion %" PRIu64 ": %s", wc[i].wr_id, ibv_wc_status_str(wc[i].status));
		if (wc[i].wr_id != next)
			die("completion %" PRIu64 ", expected %" PRIu64, wc[i].wr_id, next);
		next++;
	}
	return n < 0 ? 0 : n;
}

static void post_write(uint64_t id, void *from, uint32_t len, uint64_t to)
{
	struct ibv_sge sge = { .addr = (uintptr_t)from, .length = len, .lkey = mr->lkey };
	struct ibv_send_wr *bad, wr = {
		.wr_id = id, .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = to, .rkey = peer.rkey },
	};

	if (ibv_post_send(qp, &wr, &bad))
		die("ibv_post_send failed");
}

static void no_stall(double since, const char *what, uint64_t n)
{
	if (now() - since > cfg.stall)
		die("stalled for %u s: %s %" PRIu64, cfg.stall, what, n);
	if (channel_closed(channel))
		die("the other end went away: %s %" PRIu64, what, n);
}

static void client(void)
{
	uint64_t posted = 0, completed = 0;
	double since = now();

	while (completed < cfg.messages || *credit < cfg.messages) {
		uint64_t n = reap();

		completed += n;
		while (posted < cfg.messages && posted < *credit + cfg.depth &&
		       posted < completed + cfg.depth) {
			uint32_t len = length_of(posted);
			uint64_t end = (posted % cfg.depth + 1) * cfg.max;

			fill(posted, ring + end - len, len);
			if (cfg.inject && posted == cfg.messages / 2)
				ring[end - len] ^= 0x40;
			post_write(posted, ring + end - len, len, peer.ring + end - len);
			posted++;
			n++;
		}
		if (n) {
			since = now();
		} else {
			no_stall(since, "client waits after message", posted);
			sched_yield();
		}
	}
}

static void server(void)
{
	uint8_t *want = malloc(cfg.max);
	uint64_t n, late = 0, credits = 0, told = 0;
	uint32_t i, ahead;
	double since;

	for (n = 0; n < cfg.messages; n++) {
		uint32_t len = length_of(n);
		uint8_t *end = ring + (n % cfg.depth + 1) * cfg.max;
		volatile uint8_t *last = end - 1;

		since = now();
		while (!*last) {
			/* Does a later message show already? Only if this one shows too by then. */
			for (ahead = 1; ahead < cfg.depth && n + ahead < cfg.messages; ahead++) {
				if (!((volatile uint8_t *)ring)[((n + ahead) % cfg.depth + 1) * cfg.max - 1])
					continue;
				__atomic_thread_fence(__ATOMIC_ACQUIRE);
				if (!*last)
					die("message %" PRIu64 " shows before message %" PRIu64,
					    n + ahead, n);
			}
			told -= reap();
			no_stall(since, "server waits for message", n);
			sched_yield();
		}
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		fill(n, want, len);
		for (i = 0; i < len; i++)
			if (end[(int)i - (int)len] != want[i])
				die("message %" PRIu64 " of %u bytes: its last byte is there, but byte %u is 0x%02x, not 0x%02x",
				    n, len, i, end[(int)i - (int)len], want[i]);
		memset(end - len, 0, len);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		late += len;
		/* The credit's source must not change before its completion: one word each. */
		while (told >= cfg.depth) {
			told -= reap();
			no_stall(since, "server waits for its own credit", n);
		}
		uint64_t *word = (uint64_t *)credit + 1 + credits % 256;
		*word = n + 1;
		post_write(credits++, word, 8, peer.credit);
		told++;
	}
	since = now();
	while (told) {
		told -= reap();
		no_stall(since, "server waits for its last credit", n);
	}
	free(want);
	printf("server: %" PRIu64 " messages, %" PRIu64 " bytes checked when their last byte showed\n",
	       cfg.messages, late);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dev", 1, NULL, 'd' }, { "gid-index", 1, NULL, 'x' }, { "port", 1, NULL, 'p' },
		{ "unix", 1, NULL, 'u' }, { "messages", 1, NULL, 'n' }, { "max", 1, NULL, 's' },
		{ "depth", 1, NULL, 'D' }, { "seed", 1, NULL, 'S' }, { "fixed", 0, NULL, 'f' },
		{ "stall", 1, NULL, 't' }, { "inject-error", 0, NULL, 'I' }, { }
	};
	struct endpoint_options opt = ENDPOINT_OPTIONS_DEFAULT;
	const char *path = NULL;
	int c, port = 18601;
	bool is_client;

	while ((c = getopt_long(argc, argv, "d:x:p:u:n:s:D:S:f", options, NULL)) != -1) {
		switch (c) {
		case 'd': opt.device = optarg; break;
		case 'x': opt.gid_index = atoi(optarg); break;
		case 'p': port = atoi(optarg); break;
		case 'u': path = optarg; break;
		case 'n': cfg.messages = strtoull(optarg, NULL, 0); break;
		case 's': cfg.max = strtoul(optarg, NULL, 0); break;
		case 'D': cfg.depth = strtoul(optarg, NULL, 0); break;
		case 'S': cfg.seed = strtoull(optarg, NULL, 0); break;
		case 'f': cfg.random_sizes = 0; break;
		case 't': cfg.stall = strtoul(optarg, NULL, 0); break;
		case 'I': cfg.inject = 1; break;
		default:
			fprintf(stderr, "usage: mrc-lastbyte [-d DEV] [--unix PATH | -p PORT] [-n MESSAGES] [-s BYTES] [--fixed] [-D DEPTH] [-S SEED] [--inject-error] [HOST]\n");
			return 2;
		}
	}
	if (!cfg.depth || cfg.depth > 128 || !cfg.max || !cfg.messages)
		die("depth must be 1 to 128, sizes and counts more than 0");
	is_client = optind < argc;
	endpoint_open(&ep, &opt);
	if (is_client) {
		channel = channel_connect(path ? path : argv[optind], port, 30);
		channel_send(channel, &cfg, sizeof(cfg));
	} else {
		channel = channel_listen(path, port, 120);
		channel_recv(channel, &cfg, sizeof(cfg));
	}
	set_up();
	if (is_client)
		client();
	else
		server();
	channel_barrier(channel);
	ibv_destroy_qp(qp);
	ibv_destroy_cq(cq);
	ibv_dereg_mr(mr);
	endpoint_close(&ep);
	return 0;
}
