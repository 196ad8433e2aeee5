// SPDX-License-Identifier: GPL-2.0
/*
 * The objects a program makes, changed while they are in use: completion
 * queues that are resized, overflow, wake and wait; memory regions that are
 * registered anew, over ordinary memory and dma-bufs; shared receive queues
 * that grow and run low. Both ends are QPs of this one process.
 *
 * Prints "ok - NAME" or "not ok - NAME: WHY" for each, and exits 1 if any
 * was not.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "endpoint.h"

#define ALL (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
	     IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC)
#define SIZE 16384

static struct endpoint ep;
static int failures;

static void result(const char *name, const char *why)
{
	if (why) {
		printf("not ok - %s: %s\n", name, why);
		failures++;
	} else {
		printf("ok - %s\n", name);
	}
	fflush(stdout);
}

/* Two connected QPs; qp[0] sends with completions in cq, qp[1] receives. */
struct couple {
	struct ibv_qp *qp[2];
	struct ibv_cq *cq;
	struct ibv_cq *rcq;
};

static void couple_make(struct couple *c, struct ibv_cq *cq, struct ibv_cq *rcq,
			struct ibv_srq *srq)
{
	struct qp_address addr[2];
	int i;

	c->cq = cq;
	c->rcq = rcq;
	for (i = 0; i < 2; i++) {
		struct ibv_qp_init_attr attr = {
			.send_cq = i ? rcq : cq,
			.recv_cq = rcq,
			.srq = i ? srq : NULL,
			.cap = {
				.max_send_wr = 256,
				.max_recv_wr = 256,
				.max_send_sge = 1,
				.max_recv_sge = 1,
			},
			.qp_type = IBV_QPT_RC,
		};

		c->qp[i] = ibv_create_qp(ep.pd, &attr);
		if (!c->qp[i])
			die("cannot make a QP: %s", strerror(errno));
		addr[i] = endpoint_address(&ep, c->qp[i], 1000 * i);
		qp_to_init(&ep, c->qp[i], ALL);
	}
	qp_connect(&ep, c->qp[0], &addr[0], &addr[1]);
	qp_connect(&ep, c->qp[1], &addr[1], &addr[0]);
}

static void couple_end(struct couple *c)
{
	ibv_destroy_qp(c->qp[0]);
	ibv_destroy_qp(c->qp[1]);
}

static struct ibv_cq *cq_make(int cqe, struct ibv_comp_channel *ch)
{
	struct ibv_cq *cq = ibv_create_cq(ep.ctx, cqe, NULL, ch, 0);

	if (!cq)
		die("cannot make a CQ: %s", strerror(errno));
	return cq;
}

static struct ibv_mr *mr_make(void *buf, size_t len)
{
	struct ibv_mr *mr = ibv_reg_mr(ep.pd, buf, len, ALL);

	if (!mr)
		die("cannot register memory: %s", strerror(errno));
	return mr;
}

static int post_write(struct ibv_qp *qp, uint64_t id, struct ibv_mr *from,
		      uint64_t to, uint32_t rkey, uint32_t len)
{
	struct ibv_sge sge = { (uintptr_t)from->addr, len, from->lkey };
	struct ibv_send_wr *bad, wr = {
		.wr_id = id,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { to, rkey },
	};

	return ibv_post_send(qp, &wr, &bad);
}

static int post_send(struct ibv_qp *qp, uint64_t id, struct ibv_mr *from,
		     uint32_t len, int flags)
{
	struct ibv_sge sge = { (uintptr_t)from->addr, len, from->lkey };
	struct ibv_send_wr *bad, wr = {
		.wr_id = id,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED | flags,
	};

	return ibv_post_send(qp, &wr, &bad);
}

static int post_recv(struct ibv_qp *qp, struct ibv_srq *srq, uint64_t id,
		     struct ibv_mr *to, uint32_t len)
{
	struct ibv_sge sge = { (uintptr_t)to->addr, len, to->lkey };
	struct ibv_recv_wr *bad, wr = { .wr_id = id, .sg_list = &sge,
					.num_sge = 1 };

	return srq ? ibv_post_srq_recv(srq, &wr, &bad) :
		     ibv_post_recv(qp, &wr, &bad);
}

/* One completion within 10 s, or NULL and why not. */
static const char *wait_wc(struct ibv_cq *cq, struct ibv_wc *wc)
{
	double end = now() + 10;
	int n;

	while ((n = ibv_poll_cq(cq, 1, wc)) == 0)
		if (now() > end)
			return "no completion within 10 s";
	return n < 0 ? "poll failed" : NULL;
}

static const char *expect(struct ibv_cq *cq, uint64_t id,
			  enum ibv_wc_status status)
{
	static char why[128];
	struct ibv_wc wc;
	const char *w = wait_wc(cq, &wc);

	if (w)
		return w;
	if (wc.wr_id != id || wc.status != status) {
		snprintf(why, sizeof(why), "completion %llu %s, not %llu %s",
			 (unsigned long long)wc.wr_id,
			 ibv_wc_status_str(wc.status), (unsigned long long)id,
			 ibv_wc_status_str(status));
		return why;
	}
	return NULL;
}

/* The next asynchronous event within @ms is @type (0: there is none). */
static const char *expect_event(int type, int ms)
{
	static char why[128];
	struct pollfd pfd = { .fd = ep.ctx->async_fd, .events = POLLIN };
	struct ibv_async_event ev;

	if (poll(&pfd, 1, ms) <= 0)
		return type ? "no event" : NULL;
	if (ibv_get_async_event(ep.ctx, &ev))
		return "cannot read the event";
	ibv_ack_async_event(&ev);
	if ((int)ev.event_type == type)
		return NULL;
	snprintf(why, sizeof(why), "event: %s",
		 ibv_event_type_str(ev.event_type));
	return why;
}

static void *buf_make(void)
{
	void *buf = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (buf == MAP_FAILED)
		die("no memory");
	return buf;
}

/* ------------------------------------------------------------ CQ */

struct resizer {
	struct ibv_cq *cq;
	volatile int stop;
	int done;
	int failed;
};

static void *resize_often(void *arg)
{
	struct resizer *r = arg;

	while (!r->stop) {
		if (ibv_resize_cq(r->cq, r->done & 1 ? 64 : 256))
			r->failed++;
		r->done++;
		usleep(1000);
	}
	return NULL;
}

static void test_cq_resize(void)
{
	char *a = buf_make(), *b = buf_make();
	struct ibv_mr *ma = mr_make(a, SIZE), *mb = mr_make(b, SIZE);
	struct ibv_cq *cq = cq_make(16, NULL), *rcq = cq_make(16, NULL);
	struct resizer r = { .cq = cq };
	uint64_t posted = 0, polled = 0;
	const char *why = NULL;
	struct couple c;
	pthread_t thread;
	int i;

	couple_make(&c, cq, rcq, NULL);
	for (i = 0; i < 10; i++)
		post_write(c.qp[0], i, ma, (uintptr_t)b, mb->rkey, 64);
	usleep(500000);
	if (ibv_resize_cq(cq, 100))
		why = strerror(errno);
	else if (cq->cqe < 100)
		why = "fewer entries than asked for";
	result("CQ: larger with completions in it", why);

	why = NULL;
	if (!ibv_resize_cq(cq, 4))
		why = "10 completions are said to fit into 4 entries";
	for (i = 0; i < 10 && !why; i++)
		why = expect(cq, i, IBV_WC_SUCCESS);
	result("CQ: smaller than what is in it is refused, nothing lost", why);

	why = NULL;
	pthread_create(&thread, NULL, resize_often, &r);
	while (!why && polled < 5000) {
		struct ibv_wc wc;

		while (posted < 5000 && posted - polled < 32)
			post_write(c.qp[0], posted++, ma, (uintptr_t)b,
				   mb->rkey, 64);
		why = wait_wc(cq, &wc);
		if (!why && (wc.wr_id != polled || wc.status))
			why = "a completion is lost, double or out of order";
		polled++;
	}
	r.stop = 1;
	pthread_join(thread, NULL);
	if (!why && r.failed)
		why = "a resize failed";
	printf("resizes during 5000 completions: %d\n", r.done);
	result("CQ: resized under traffic", why);

	couple_end(&c);
	ibv_destroy_cq(cq);
	ibv_destroy_cq(rcq);
	ibv_dereg_mr(ma);
	ibv_dereg_mr(mb);
}

static void test_cq_overflow(void)
{
	char *a = buf_make();
	struct ibv_mr *ma = mr_make(a, SIZE);
	struct ibv_cq *cq = cq_make(4, NULL), *rcq = cq_make(4, NULL);
	struct couple c;
	int i;

	couple_make(&c, cq, rcq, NULL);
	for (i = 0; i < 16; i++)
		post_write(c.qp[0], i, ma, (uintptr_t)a + 4096, ma->rkey, 64);
	result("CQ: overflow raises an event",
	       expect_event(IBV_EVENT_CQ_ERR, 5000));
	couple_end(&c);
	/* What the QPs had to say of it is of no interest. */
	while (!expect_event(IBV_EVENT_QP_FATAL, 100))
		;
	ibv_destroy_cq(cq);
	ibv_destroy_cq(rcq);
	ibv_dereg_mr(ma);
}

/* Did the channel wake us within @ms? */
static bool woken(struct ibv_comp_channel *ch, int ms)
{
	struct pollfd pfd = { .fd = ch->fd, .events = POLLIN };
	struct ibv_cq *cq;
	void *ctx;

	if (poll(&pfd, 1, ms) <= 0)
		return false;
	if (ibv_get_cq_event(ch, &cq, &ctx))
		return false;
	ibv_ack_cq_events(cq, 1);
	return true;
}

static void drain(struct ibv_cq *cq)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(cq, 1, &wc) > 0)
		;
}

static void test_cq_notify(void)
{
	struct ibv_comp_channel *ch = ibv_create_comp_channel(ep.ctx);
	struct ibv_cq *cq = cq_make(64, NULL), *rcq = cq_make(64, ch);
	struct ibv_modify_cq_attr mod = {
		.attr_mask = IBV_CQ_ATTR_MODERATE,
		.moderate = { .cq_count = 8, .cq_period = 60000 },
	};
	char *a = buf_make();
	struct ibv_mr *ma = mr_make(a, SIZE);
	const char *why = NULL;
	struct couple c;
	double t;
	int i;

	couple_make(&c, cq, rcq, NULL);
	for (i = 0; i < 64; i++)
		post_recv(c.qp[1], NULL, i, ma, 64);

	ibv_req_notify_cq(rcq, 1);
	post_send(c.qp[0], 0, ma, 64, 0);
	if (woken(ch, 300))
		why = "woken by an unsolicited message";
	post_send(c.qp[0], 1, ma, 64, IBV_SEND_SOLICITED);
	if (!woken(ch, 3000))
		why = "not woken by a solicited message";
	result("CQ: solicited events only", why);

	why = NULL;
	drain(rcq);
	ibv_req_notify_cq(rcq, 0);
	post_send(c.qp[0], 2, ma, 64, 0);
	if (!woken(ch, 3000))
		why = "not woken";
	post_send(c.qp[0], 3, ma, 64, 0);
	if (woken(ch, 300))
		why = "woken without having armed the CQ";
	result("CQ: one event for each time it is armed", why);

	drain(rcq);
	drain(cq);
	if (ibv_modify_cq(rcq, &mod)) {
		result("CQ: moderation", strerror(errno));
		goto out;
	}
	why = NULL;
	ibv_req_notify_cq(rcq, 0);
	t = now();
	post_send(c.qp[0], 4, ma, 64, 0);
	if (!woken(ch, 3000))
		why = "never woken";
	else if (now() - t < 0.05)
		why = "woken before the period was over";
	result("CQ: moderation waits for more completions", why);

	why = NULL;
	drain(rcq);
	mod.moderate.cq_period = 65535;
	ibv_modify_cq(rcq, &mod);
	ibv_req_notify_cq(rcq, 0);
	t = now();
	for (i = 0; i < 8; i++)
		post_send(c.qp[0], 5 + i, ma, 64, 0);
	if (!woken(ch, 3000))
		why = "never woken";
	else
		printf("8 completions, moderated by 8: %.1f ms\n",
		       (now() - t) * 1e3);
	result("CQ: moderation ends by the number of completions", why);
out:
	couple_end(&c);
	ibv_destroy_cq(cq);
	ibv_destroy_cq(rcq);
	ibv_destroy_comp_channel(ch);
	ibv_dereg_mr(ma);
}

/* ------------------------------------------------------------ MR */

static void test_rereg(void)
{
	char *a = buf_make(), *b = buf_make(), *src = buf_make();
	struct ibv_mr *mr = mr_make(a, SIZE), *ms = mr_make(src, SIZE);
	struct ibv_cq *cq = cq_make(16, NULL), *rcq = cq_make(16, NULL);
	uint32_t key = mr->rkey;
	const char *why = NULL;
	struct ibv_pd *pd;
	struct couple c;
	int ret;

	couple_make(&c, cq, rcq, NULL);
	memset(src, 0x5a, SIZE);
	ret = ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, b, SIZE,
			   0);
	if (ret) {
		result("MR: other memory", "refused");
		goto out;
	}
	if (mr->rkey != key)
		why = "the key is another";
	post_write(c.qp[0], 1, ms, (uintptr_t)b, mr->rkey, SIZE);
	if (!why)
		why = expect(cq, 1, IBV_WC_SUCCESS);
	if (!why && (a[0] || b[0] != 0x5a || b[SIZE - 1] != 0x5a))
		why = "the wrong memory was written";
	result("MR: other memory under the same key", why);

	/* The address of the old memory is now out of bounds. */
	post_write(c.qp[0], 2, ms, (uintptr_t)a, mr->rkey, 64);
	why = expect(cq, 2, IBV_WC_REM_ACCESS_ERR);
	if (!why && a[0])
		why = "it was written";
	result("MR: the old memory is out of reach", why);
	couple_end(&c);
	while (!expect_event(IBV_EVENT_QP_ACCESS_ERR, 100))
		;

	couple_make(&c, cq, rcq, NULL);
	drain(cq);
	drain(rcq);
	ret = ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0,
			   IBV_ACCESS_LOCAL_WRITE);
	memset(b, 0, SIZE);
	post_write(c.qp[0], 3, ms, (uintptr_t)b, mr->rkey, 64);
	why = ret ? "refused" : expect(cq, 3, IBV_WC_REM_ACCESS_ERR);
	if (!why && b[0])
		why = "it was written";
	result("MR: access taken away", why);
	couple_end(&c);
	while (!expect_event(IBV_EVENT_QP_ACCESS_ERR, 100))
		;

	pd = ibv_alloc_pd(ep.ctx);
	couple_make(&c, cq, rcq, NULL);
	drain(cq);
	drain(rcq);
	ret = ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS |
			   IBV_REREG_MR_CHANGE_PD, pd, NULL, 0, ALL);
	post_write(c.qp[0], 4, ms, (uintptr_t)b, mr->rkey, 64);
	why = ret ? "refused" : expect(cq, 4, IBV_WC_REM_ACCESS_ERR);
	if (!why && b[0])
		why = "it was written";
	result("MR: another protection domain", why);
	ibv_dereg_mr(mr);
	ibv_dealloc_pd(pd);
	couple_end(&c);
	while (!expect_event(IBV_EVENT_QP_ACCESS_ERR, 100))
		;

	/* Its place in the table is taken again soon; the key is not. */
	mr = mr_make(a, SIZE);
	key = mr->rkey;
	ibv_dereg_mr(mr);
	couple_make(&c, cq, rcq, NULL);
	drain(cq);
	drain(rcq);
	mr = mr_make(a, SIZE);
	post_write(c.qp[0], 5, ms, (uintptr_t)a, key, 64);
	why = expect(cq, 5, IBV_WC_REM_ACCESS_ERR);
	result("MR: the key of a former one is refused", why);
out:
	couple_end(&c);
	while (!expect_event(IBV_EVENT_QP_ACCESS_ERR, 100))
		;
	ibv_dereg_mr(mr);
	ibv_dereg_mr(ms);
	ibv_destroy_cq(cq);
	ibv_destroy_cq(rcq);
}

static void test_mr_large(void)
{
	size_t len = 192 << 20;
	char *a = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		       MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct ibv_cq *cq = cq_make(16, NULL), *rcq = cq_make(16, NULL);
	struct ibv_mr *mr = mr_make(a, len);
	uint64_t at = 100 << 20;
	const char *why;
	struct couple c;

	couple_make(&c, cq, rcq, NULL);
	memset(a, 0x11, 1 << 20);
	post_write(c.qp[0], 1, mr, (uintptr_t)a + at + 123, mr->rkey, 1 << 20);
	why = expect(cq, 1, IBV_WC_SUCCESS);
	if (!why && memcmp(a, a + at + 123, 1 << 20))
		why = "wrong data";
	if (!why && (a[at + 122] || a[at + 123 + (1 << 20)]))
		why = "more than the message was written";
	result("MR: 1 MiB within 192 MiB", why);
	couple_end(&c);
	ibv_dereg_mr(mr);
	ibv_destroy_cq(cq);
	ibv_destroy_cq(rcq);
	munmap(a, len);
}

static void test_dmabuf(void)
{
	int dev = open("/dev/udmabuf", O_RDWR);
	int mem = memfd_create("objects", MFD_ALLOW_SEALING);
	struct udmabuf_create create = { .memfd = mem, .size = SIZE };
	struct ibv_cq *cq, *rcq;
	char *src, *view;
	struct ibv_mr *mr, *ms;
	const char *why;
	struct couple c;
	int fd;

	if (dev < 0) {
		printf("skipped: MR over a dma-buf (no /dev/udmabuf)\n");
		return;
	}
	if (ftruncate(mem, SIZE) || fcntl(mem, F_ADD_SEALS, F_SEAL_SHRINK))
		die("memfd: %s", strerror(errno));
	view = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0);
	fd = ioctl(dev, UDMABUF_CREATE, &create);
	if (fd < 0)
		die("udmabuf: %s", strerror(errno));
	mr = ibv_reg_dmabuf_mr(ep.pd, 4096, SIZE - 4096, 0x1000, fd, ALL);
	if (!mr) {
		result("MR over a dma-buf", strerror(errno));
		return;
	}
	/* The registration keeps the buffer. */
	close(fd);
	close(mem);
	cq = cq_make(16, NULL);
	rcq = cq_make(16, NULL);
	src = buf_make();
	memset(src, 0x77, SIZE);
	ms = mr_make(src, SIZE);
	couple_make(&c, cq, rcq, NULL);
	post_write(c.qp[0], 1, ms, 0x1000, mr->rkey, SIZE - 4096);
	why = expect(cq, 1, IBV_WC_SUCCESS);
	if (!why && (view[4095] || view[4096] != 0x77 ||
		     view[SIZE - 1] != 0x77))
		why = "wrong data";
	post_write(c.qp[0], 2, ms, 0x1000, mr->rkey, SIZE);
	if (!why)
		why = expect(cq, 2, IBV_WC_REM_ACCESS_ERR);
	result("MR over a dma-buf", why);
	couple_end(&c);
	while (!expect_event(IBV_EVENT_QP_ACCESS_ERR, 100))
		;
	if (ibv_dereg_mr(mr))
		result("MR over a dma-buf: deregistration", strerror(errno));
	ibv_dereg_mr(ms);
	ibv_destroy_cq(cq);
	ibv_destroy_cq(rcq);
	close(dev);
}

/* ------------------------------------------------------------ SRQ */

static void test_srq(void)
{
	struct ibv_srq_init_attr init = { .attr = { .max_wr = 16,
						    .max_sge = 1 } };
	struct ibv_srq_attr attr = { .max_wr = 100 };
	struct ibv_cq *cq = cq_make(128, NULL), *rcq = cq_make(128, NULL);
	char *a = buf_make();
	struct ibv_mr *ma = mr_make(a, SIZE);
	const char *why = NULL;
	struct ibv_srq *srq;
	struct couple c;
	int i;

	srq = ibv_create_srq(ep.pd, &init);
	if (!srq) {
		result("SRQ", strerror(errno));
		return;
	}
	couple_make(&c, cq, rcq, srq);
	for (i = 0; i < 10; i++)
		post_recv(NULL, srq, i, ma, 64);
	if (ibv_modify_srq(srq, &attr, IBV_SRQ_MAX_WR))
		why = strerror(errno);
	for (i = 10; i < 60 && !why; i++)
		if (post_recv(NULL, srq, i, ma, 64))
			why = "no room after it was made larger";
	for (i = 0; i < 20; i++)
		post_send(c.qp[0], i, ma, 64, 0);
	for (i = 0; i < 20 && !why; i++)
		why = expect(rcq, i, IBV_WC_SUCCESS);
	result("SRQ: larger with receives in it", why);

	attr.max_wr = 4;
	why = ibv_modify_srq(srq, &attr, IBV_SRQ_MAX_WR) ? NULL :
		"40 receives are said to fit into 4 entries";
	result("SRQ: smaller than what is in it is refused", why);

	attr.srq_limit = 30;
	why = ibv_modify_srq(srq, &attr, IBV_SRQ_LIMIT) ? strerror(errno) : NULL;
	for (i = 20; i < 30; i++)
		post_send(c.qp[0], i, ma, 64, 0);
	for (i = 20; i < 30 && !why; i++)
		why = expect(rcq, i, IBV_WC_SUCCESS);
	if (!why)
		why = expect_event(0, 200);
	post_send(c.qp[0], 30, ma, 64, 0);
	if (!why)
		why = expect_event(IBV_EVENT_SRQ_LIMIT_REACHED, 3000);
	if (!why && (ibv_query_srq(srq, &attr) || attr.srq_limit))
		why = "the limit stays armed";
	result("SRQ: limit", why);
	couple_end(&c);
	/* The end of the last user of the SRQ may be told. */
	while (!expect_event(IBV_EVENT_QP_LAST_WQE_REACHED, 100))
		;
	if (ibv_destroy_srq(srq))
		result("SRQ: destroyed", strerror(errno));
	ibv_destroy_cq(cq);
	ibv_destroy_cq(rcq);
	ibv_dereg_mr(ma);
}

int main(int argc, char **argv)
{
	struct endpoint_options opt = ENDPOINT_OPTIONS_DEFAULT;

	if (argc > 1)
		opt.device = argv[1];
	endpoint_open(&ep, &opt);
	test_cq_resize();
	test_cq_overflow();
	test_cq_notify();
	test_rereg();
	test_mr_large();
	test_dmabuf();
	test_srq();
	endpoint_close(&ep);
	return failures != 0;
}
