/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The plan of a run: the sequence of messages that one end of a QP sends. It
 * follows from the configuration and a seed alone, so the receiving end runs
 * the same plan and knows of every message, before it comes, what it must be.
 */
#ifndef PLAN_H
#define PLAN_H

#include "endpoint.h"

enum kind {
	K_WRITE,
	K_WRITE_IMM,
	K_SEND,
	K_SEND_IMM,
	K_SEND_INV,	/* takes one of the peer's memory windows away */
	K_READ,		/* of the peer's constant pattern */
	K_RAW,		/* WRITEs to a scratch area, then a READ of it: read after write */
	K_CAS,
	K_FADD,		/* to a counter that this QP alone uses: the old value is known */
	K_FADD_SHARED,	/* to a counter all QPs use: the old value grows, the total is known */
	K_COUNT
};

extern const char *const kind_name[K_COUNT];

/* What both ends must agree on; the client sends it to the server. */
struct plan_config {
	uint64_t seed;
	uint64_t messages;	/* per QP and direction */
	uint32_t qps;
	uint32_t depth;		/* receive work requests per QP */
	uint32_t max;		/* largest message */
	uint32_t max_send;	/* largest SEND: a receive buffer must hold it */
	uint32_t weight[K_COUNT];
	uint32_t srq;
	uint32_t overlap;	/* K_RAW writes overlap each other */
	uint32_t inject;	/* enum inject */
	uint64_t inject_at;	/* message index on QP 0, client to server */
	uint32_t stall;		/* seconds */
	uint32_t max_time;	/* seconds, 0: no limit */
	uint32_t events;	/* sleep on the completion channel instead of polling */
	uint32_t attacked;	/* that a connection fails is no mistake */
};

/*
 * Room in a buffer, handed out front to back and given back in the same order.
 * Positions are counted for ever; the offset in the buffer is position % size.
 */
struct vring {
	uint32_t size;
	uint64_t head;
	uint64_t tail;
};

/* Bytes around every piece that nobody may touch. */
#define GUARD 64

/*
 * Finds @len contiguous bytes plus a guard on both sides. Sets the buffer offset
 * of the first byte and the position of the end. Does not look at the tail:
 * vring_fits() does, so that both ends can compute the same positions.
 */
static inline uint64_t vring_next(const struct vring *r, uint32_t len, uint32_t misalign,
				  uint32_t *offset)
{
	uint64_t pos = r->head + GUARD;
	uint32_t off;

	pos = (pos + 63) / 64 * 64 + misalign;
	off = pos % r->size;
	if (off < GUARD || (uint64_t)off + len + GUARD > r->size) {
		pos = (pos / r->size + (off >= GUARD)) * r->size + GUARD + misalign;
		off = pos % r->size;
	}
	*offset = off;
	return pos + len;
}

static inline bool vring_fits(const struct vring *r, uint64_t end)
{
	return end + 2 * GUARD <= r->tail + r->size;
}

struct msg {
	uint64_t index;
	enum kind kind;
	uint32_t len;
	uint64_t src;		/* offset in the sender's pattern */
	uint32_t dst;		/* WRITE: offset in the peer's target; READ: in the peer's pattern */
	uint64_t end;		/* WRITE: position of the end in the target ring */
	uint32_t imm;
	uint64_t operand;	/* atomics: what is added, or swapped in */
	bool cas_hits;
	uint64_t inv;		/* SEND_INV: how many there were before on this QP */
	bool solicited;
};

static inline bool msg_consumes(const struct msg *m)
{
	return m->kind == K_WRITE_IMM || m->kind == K_SEND || m->kind == K_SEND_IMM ||
	       m->kind == K_SEND_INV;
}

static inline bool msg_is_write(const struct msg *m)
{
	return m->kind == K_WRITE || m->kind == K_WRITE_IMM;
}

static inline bool msg_has_imm(const struct msg *m)
{
	return m->kind == K_WRITE_IMM || m->kind == K_SEND_IMM;
}

struct plan {
	const struct plan_config *cfg;
	struct prng rnd;
	struct vring target;
	uint64_t next;
	uint64_t invs;
	uint64_t unseen;	/* bytes written since the last message that the peer notices */
	uint32_t total_weight;
};

/* Every message of 16 bytes or more begins with this. */
struct msg_header {
	uint32_t qp;
	uint32_t len;
	uint64_t index;
};

uint32_t plan_target_size(const struct plan_config *cfg);
uint64_t plan_pattern_size(const struct plan_config *cfg);
void plan_init(struct plan *p, const struct plan_config *cfg, uint32_t qp, bool from_client);
/* False when the plan is at its end. */
bool plan_next(struct plan *p, struct msg *m);

#endif
