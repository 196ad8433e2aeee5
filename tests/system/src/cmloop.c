// SPDX-License-Identifier: GPL-2.0
/*
 * mrc-cmloop: makes connections by RDMA-CM one after another, sends a verified
 * message each way over each, and tears it down. Everything is destroyed between
 * connections, as an application that serves many short sessions does.
 */
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <rdma/rdma_cma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES 4000

struct session {
	struct rdma_cm_id *id;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_mr *mr;
	uint8_t buf[2][BYTES];	/* to send, to receive */
};

static const char *bind_addr;
static int loops = 2000, port = 7174, seconds = 20;

static struct rdma_cm_event *next_event(struct rdma_event_channel *ch,
					enum rdma_cm_event_type want, int n)
{
	struct rdma_cm_event *e;

	if (rdma_get_cm_event(ch, &e))
		die("connection %d: rdma_get_cm_event: %s", n, strerror(errno));
	if (e->event != want)
		die("connection %d: event %s (status %d), expected %s", n,
		    rdma_event_str(e->event), e->status, rdma_event_str(want));
	return e;
}

static void expect(struct rdma_event_channel *ch, enum rdma_cm_event_type want, int n)
{
	rdma_ack_cm_event(next_event(ch, want, n));
}

static void session_create(struct session *s, struct rdma_cm_id *id, int n, bool is_client)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC, .sq_sig_all = 1,
		.cap = { .max_send_wr = 2, .max_recv_wr = 2, .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct ibv_sge sge;
	struct ibv_recv_wr wr = { .sg_list = &sge, .num_sge = 1 }, *bad;
	struct prng p = { .state = n * 2 + is_client };

	s->id = id;
	s->pd = ibv_alloc_pd(id->verbs);
	s->cq = ibv_create_cq(id->verbs, 8, NULL, NULL, 0);
	s->mr = s->pd ? ibv_reg_mr(s->pd, s->buf, sizeof(s->buf), IBV_ACCESS_LOCAL_WRITE) : NULL;
	if (!s->pd || !s->cq || !s->mr)
		die("connection %d: PD, CQ or MR: %s", n, strerror(errno));
	init.send_cq = init.recv_cq = s->cq;
	if (rdma_create_qp(id, s->pd, &init))
		die("connection %d: rdma_create_qp: %s", n, strerror(errno));
	prng_fill(&p, s->buf[0], BYTES);
	memset(s->buf[1], 0, BYTES);
	sge = (struct ibv_sge) {
		.addr = (uintptr_t)s->buf[1], .length = BYTES, .lkey = s->mr->lkey,
	};
	if (ibv_post_recv(id->qp, &wr, &bad))
		die("connection %d: ibv_post_recv failed", n);
}

static void session_talk(struct session *s, int n, bool is_client)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)s->buf[0], .length = BYTES, .lkey = s->mr->lkey,
	};
	struct ibv_send_wr wr = { .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND }, *bad;
	struct prng p = { .state = n * 2 + !is_client };
	uint8_t want[BYTES];
	double end = now() + seconds;
	struct ibv_wc wc;
	int got, have = 0;

	if (ibv_post_send(s->id->qp, &wr, &bad))
		die("connection %d: ibv_post_send failed", n);
	while (have < 2) {
		got = ibv_poll_cq(s->cq, 1, &wc);
		if (got < 0 || (got && wc.status != IBV_WC_SUCCESS))
			die("connection %d: completion: %s", n,
			    got < 0 ? "poll failed" : ibv_wc_status_str(wc.status));
		have += got;
		if (now() > end)
			die("connection %d: no completion for %d s", n, seconds);
		if (!got)
			usleep(50);
	}
	prng_fill(&p, want, BYTES);
	if (memcmp(want, s->buf[1], BYTES))
		die("connection %d: wrong bytes", n);
}

static void session_destroy(struct session *s, int n)
{
	rdma_destroy_qp(s->id);
	if (ibv_dereg_mr(s->mr) || ibv_destroy_cq(s->cq) || ibv_dealloc_pd(s->pd))
		die("connection %d: cannot destroy MR, CQ or PD", n);
	if (rdma_destroy_id(s->id))
		die("connection %d: rdma_destroy_id: %s", n, strerror(errno));
}

static void serve(struct session *s)
{
	struct rdma_event_channel *ch = rdma_create_event_channel();
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct rdma_cm_id *listener, *id;
	struct rdma_conn_param param = { .responder_resources = 1, .initiator_depth = 1,
					 .rnr_retry_count = 7 };
	struct rdma_cm_event *e;
	int n;

	if (!ch || rdma_create_id(ch, &listener, NULL, RDMA_PS_TCP))
		die("cannot create a listener: %s", strerror(errno));
	inet_pton(AF_INET, bind_addr, &addr.sin_addr);
	if (rdma_bind_addr(listener, (struct sockaddr *)&addr) || rdma_listen(listener, 16))
		die("cannot listen on %s: %s", bind_addr, strerror(errno));
	for (n = 0; n < loops; n++) {
		e = next_event(ch, RDMA_CM_EVENT_CONNECT_REQUEST, n);
		id = e->id;
		rdma_ack_cm_event(e);
		session_create(s, id, n, false);
		if (rdma_accept(id, &param))
			die("connection %d: rdma_accept: %s", n, strerror(errno));
		expect(ch, RDMA_CM_EVENT_ESTABLISHED, n);
		session_talk(s, n, false);
		expect(ch, RDMA_CM_EVENT_DISCONNECTED, n);
		rdma_disconnect(id);
		session_destroy(s, n);
	}
	rdma_destroy_id(listener);
	rdma_destroy_event_channel(ch);
}

static void connect_all(struct session *s, const char *to)
{
	struct rdma_event_channel *ch = rdma_create_event_channel();
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct rdma_conn_param param = { .responder_resources = 1, .initiator_depth = 1,
					 .retry_count = 7, .rnr_retry_count = 7 };
	struct rdma_cm_id *id;
	double start = now();
	int n;

	inet_pton(AF_INET, to, &addr.sin_addr);
	for (n = 0; n < loops; n++) {
		if (!ch || rdma_create_id(ch, &id, NULL, RDMA_PS_TCP) ||
		    rdma_resolve_addr(id, NULL, (struct sockaddr *)&addr, 5000))
			die("connection %d: rdma_resolve_addr: %s", n, strerror(errno));
		expect(ch, RDMA_CM_EVENT_ADDR_RESOLVED, n);
		if (rdma_resolve_route(id, 5000))
			die("connection %d: rdma_resolve_route: %s", n, strerror(errno));
		expect(ch, RDMA_CM_EVENT_ROUTE_RESOLVED, n);
		session_create(s, id, n, true);
		if (rdma_connect(id, &param))
			die("connection %d: rdma_connect: %s", n, strerror(errno));
		expect(ch, RDMA_CM_EVENT_ESTABLISHED, n);
		session_talk(s, n, true);
		rdma_disconnect(id);
		expect(ch, RDMA_CM_EVENT_DISCONNECTED, n);
		session_destroy(s, n);
	}
	rdma_destroy_event_channel(ch);
	printf("connections=%d seconds=%.1f per_second=%.0f\n", loops, now() - start,
	       loops / (now() - start));
}

int main(int argc, char **argv)
{
	static struct session s;
	int c;

	while ((c = getopt(argc, argv, "b:n:p:")) != -1) {
		switch (c) {
		case 'b': bind_addr = optarg; break;
		case 'n': loops = atoi(optarg); break;
		case 'p': port = atoi(optarg); break;
		default:
			fprintf(stderr, "usage: mrc-cmloop [-n CONNECTIONS] [-p PORT] {-b LISTEN_IP | IP}\n");
			return 2;
		}
	}
	/* A connection that does not come is a failure, not a wait. */
	alarm(120 + loops / 4);
	if (bind_addr)
		serve(&s);
	else if (optind < argc)
		connect_all(&s, argv[optind]);
	else
		die("an address to listen on (-b) or to connect to is needed");
	return 0;
}
