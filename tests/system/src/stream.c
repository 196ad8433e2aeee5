// SPDX-License-Identifier: GPL-2.0
/*
 * mrc-stream: RDMA WRITEs for a while, as fast as they go, by a program that
 * sleeps while it waits for completions. So a slow network is measured, and not
 * the processor that the programs share. Nothing is checked but completions;
 * prints MiB/s between --warmup and the end, which SIGTERM brings early.
 */
#include "endpoint.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config {
	uint32_t qps, size, depth, pad;
	double seconds, warmup;
};

struct remote {
	struct qp_address qp;
	uint64_t addr;
	uint32_t rkey, pad;
};

static struct config cfg = { .qps = 1, .size = 65536, .depth = 16, .seconds = 5, .warmup = 1 };
static struct endpoint ep;
static struct ibv_comp_channel *events;
static struct ibv_cq *cq;
static struct ibv_mr *mr;
static struct ibv_qp **qp;
static struct remote *peer;
static uint8_t *memory;
static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	stop = sig;
}

static void set_up(int channel)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = cfg.depth, .max_recv_wr = 1, .max_send_sge = 1,
			 .max_recv_sge = 1 },
	};
	struct remote *self = calloc(cfg.qps, sizeof(*self));
	uint32_t i;

	memory = calloc(1, cfg.size);
	qp = calloc(cfg.qps, sizeof(*qp));
	peer = calloc(cfg.qps, sizeof(*peer));
	if (!self || !memory || !qp || !peer)
		die("no memory");
	events = ibv_create_comp_channel(ep.ctx);
	mr = ibv_reg_mr(ep.pd, memory, cfg.size, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	cq = events ? ibv_create_cq(ep.ctx, cfg.qps * cfg.depth + 1, NULL, events, 0) : NULL;
	if (!mr || !cq)
		die("cannot create MR or CQ");
	init.send_cq = init.recv_cq = cq;
	for (i = 0; i < cfg.qps; i++) {
		qp[i] = ibv_create_qp(ep.pd, &init);
		if (!qp[i])
			die("cannot create QP %u", i);
		qp_to_init(&ep, qp[i], IBV_ACCESS_REMOTE_WRITE);
		self[i] = (struct remote) {
			.qp = endpoint_address(&ep, qp[i], 1000 + i),
			.addr = (uintptr_t)memory, .rkey = mr->rkey,
		};
	}
	channel_swap(channel, self, peer, cfg.qps * sizeof(*self));
	for (i = 0; i < cfg.qps; i++)
		qp_connect(&ep, qp[i], &self[i].qp, &peer[i].qp);
	channel_barrier(channel);
	free(self);
}

static void post(uint32_t i)
{
	struct ibv_sge sge = { .addr = (uintptr_t)memory, .length = cfg.size, .lkey = mr->lkey };
	struct ibv_send_wr *bad, wr = {
		.wr_id = i, .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = peer[i].addr, .rkey = peer[i].rkey },
	};

	if (ibv_post_send(qp[i], &wr, &bad))
		die("ibv_post_send failed");
}

/* Wait until the CQ has something, and take it. Returns how many. */
static int reap(struct ibv_wc *wc, int max)
{
	struct ibv_cq *which;
	void *context;
	int n;

	for (;;) {
		n = ibv_poll_cq(cq, max, wc);
		if (n)
			return n;
		if (ibv_req_notify_cq(cq, 0))
			die("ibv_req_notify_cq failed");
		n = ibv_poll_cq(cq, max, wc);
		if (n)
			return n;
		if (ibv_get_cq_event(events, &which, &context)) {
			if (errno == EINTR)
				continue;
			die("ibv_get_cq_event: %s", strerror(errno));
		}
		ibv_ack_cq_events(which, 1);
	}
}

static void client(void)
{
	double start = now(), from = start + cfg.warmup, end = start + cfg.seconds, at;
	uint64_t done = 0;
	uint32_t i, k, open = cfg.qps * cfg.depth;
	struct ibv_wc wc[64];

	for (k = 0; k < cfg.depth; k++)
		for (i = 0; i < cfg.qps; i++)
			post(i);
	while (open) {
		int n = reap(wc, 64), c;

		at = now();
		if (stop && end > at)
			end = at;
		/* in their order: the first error is the one that says why */
		for (c = 0; c < n; c++) {
			if (wc[c].status != IBV_WC_SUCCESS)
				die("completion on QP %" PRIu64 ": %s", wc[c].wr_id,
				    ibv_wc_status_str(wc[c].status));
			done += at >= from && at <= end;
			if (at < end)
				post(wc[c].wr_id);
			else
				open--;
		}
	}
	printf("MiB/s %.3f\n", done * (double)cfg.size / (end - from) / (1 << 20));
}

static void tear_down(void)
{
	uint32_t i;

	for (i = 0; i < cfg.qps; i++)
		ibv_destroy_qp(qp[i]);
	ibv_destroy_cq(cq);
	ibv_destroy_comp_channel(events);
	ibv_dereg_mr(mr);
	endpoint_close(&ep);
	free(memory);
	free(qp);
	free(peer);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dev", 1, NULL, 'd' }, { "gid-index", 1, NULL, 'x' }, { "unix", 1, NULL, 'u' },
		{ "mtu", 1, NULL, 'm' }, { "size", 1, NULL, 's' }, { "qps", 1, NULL, 'q' },
		{ "depth", 1, NULL, 'D' }, { "seconds", 1, NULL, 't' }, { "warmup", 1, NULL, 'w' },
		{ }
	};
	struct endpoint_options opt = ENDPOINT_OPTIONS_DEFAULT;
	struct sigaction act = { .sa_handler = on_term };
	const char *path = "/tmp/mrc-stream";
	bool is_client;
	int c, channel;

	while ((c = getopt_long(argc, argv, "d:x:u:m:s:q:D:t:w:", options, NULL)) != -1) {
		switch (c) {
		case 'd': opt.device = optarg; break;
		case 'x': opt.gid_index = atoi(optarg); break;
		case 'u': path = optarg; break;
		case 'm': opt.mtu = atoi(optarg); break;
		case 's': cfg.size = strtoul(optarg, NULL, 0); break;
		case 'q': cfg.qps = strtoul(optarg, NULL, 0); break;
		case 'D': cfg.depth = strtoul(optarg, NULL, 0); break;
		case 't': cfg.seconds = atof(optarg); break;
		case 'w': cfg.warmup = atof(optarg); break;
		default:
			fprintf(stderr, "usage: mrc-stream [-d DEV] [-x GID-INDEX] [--unix PATH] [-m MTU] [-s BYTES] [-q QPS] [-D DEPTH] [-t SECONDS] [-w WARMUP] [peer]\n");
			return 2;
		}
	}
	if (!cfg.qps || cfg.qps > 1000 || !cfg.depth || cfg.depth > 1024 || !cfg.size ||
	    cfg.warmup >= cfg.seconds)
		die("QPs 1 to 1000, depth 1 to 1024, size more than 0, warm-up shorter than the run");
	is_client = optind < argc;
	endpoint_open(&ep, &opt);
	if (is_client) {
		channel = channel_connect(path, 0, 30);
		channel_send(channel, &cfg, sizeof(cfg));
	} else {
		channel = channel_listen(path, 0, 60);
		channel_recv(channel, &cfg, sizeof(cfg));
	}
	set_up(channel);
	if (is_client) {
		sigaction(SIGTERM, &act, NULL);
		client();
	}
	channel_barrier(channel);
	tear_down();
	return 0;
}
