// SPDX-License-Identifier: GPL-2.0
#include "plan.h"

const char *const kind_name[K_COUNT] = {
	[K_WRITE] = "write", [K_WRITE_IMM] = "write_imm", [K_SEND] = "send",
	[K_SEND_IMM] = "send_imm", [K_SEND_INV] = "send_inv", [K_READ] = "read", [K_RAW] = "raw", [K_CAS] = "cas",
	[K_FADD] = "fadd", [K_FADD_SHARED] = "fadd_shared",
};

uint32_t plan_target_size(const struct plan_config *cfg)
{
	return (5 * cfg->max + 16 * 1024) / 64 * 64;
}

/* A message takes its bytes from anywhere in the pattern. */
uint64_t plan_pattern_size(const struct plan_config *cfg)
{
	return (uint64_t)cfg->max + (1 << 20);
}

void plan_init(struct plan *p, const struct plan_config *cfg, uint32_t qp, bool from_client)
{
	int k;

	*p = (struct plan) {
		.cfg = cfg,
		.rnd.state = cfg->seed ^ ((uint64_t)qp << 32) ^ (from_client ? 0x636c69 : 0),
		.target.size = plan_target_size(cfg),
	};
	prng_next(&p->rnd);
	for (k = 0; k < K_COUNT; k++)
		p->total_weight += cfg->weight[k];
}

static enum kind choose_kind(struct plan *p)
{
	uint32_t r = prng_below(&p->rnd, p->total_weight);
	int k;

	for (k = 0; r >= p->cfg->weight[k]; k++)
		r -= p->cfg->weight[k];
	return k;
}

/* Mostly small, now and then as large as allowed; sizes around multiples of 1,024 on purpose. */
static uint32_t choose_len(struct plan *p, uint32_t max)
{
	uint32_t r = prng_below(&p->rnd, 1000);
	uint64_t any = prng_next(&p->rnd);
	uint32_t len;

	if (r < 30)
		len = 0;
	else if (r < 450)
		len = 1 + any % 256;
	else if (r < 550)
		len = 1024 * (1 + any % 8) + (any >> 32) % 3 - 1;
	else if (r < 800)
		len = any % 8192;
	else if (r < 950)
		len = any % 65536;
	else if (r < 990)
		len = any % 262144;
	else
		len = any % ((uint64_t)max + 1);
	return len <= max ? len : any % ((uint64_t)max + 1);
}

bool plan_next(struct plan *p, struct msg *m)
{
	const struct plan_config *cfg = p->cfg;
	uint64_t any;

	if (p->next >= cfg->messages)
		return false;
	*m = (struct msg) { .index = p->next++, .kind = choose_kind(p) };

	/* The peer must notice something now and then, and at the very end. */
	if (m->index % 16 == 15 && !msg_consumes(m))
		m->kind = m->index % 32 == 15 ? K_WRITE_IMM : K_SEND;
	if (p->next == cfg->messages)
		m->kind = K_SEND;

	switch (m->kind) {
	case K_CAS:
	case K_FADD:
	case K_FADD_SHARED:
		m->len = 8;
		break;
	case K_SEND:
	case K_SEND_IMM:
	case K_SEND_INV:
		m->len = choose_len(p, cfg->max_send);
		break;
	default:
		m->len = choose_len(p, cfg->max);
	}
	if (m->kind == K_WRITE && p->unseen + m->len > cfg->max)
		m->kind = K_WRITE_IMM;

	if (m->kind == K_SEND_INV)
		m->inv = p->invs++;
	any = prng_next(&p->rnd);
	m->imm = prng_next(&p->rnd);
	m->solicited = any & 1;
	m->cas_hits = any & 6;
	m->operand = (any >> 8) | 1;
	m->src = prng_next(&p->rnd) % (plan_pattern_size(cfg) - m->len);

	if (msg_is_write(m)) {
		p->unseen += m->len;
		m->end = vring_next(&p->target, m->len, (any >> 3) & 31, &m->dst);
		p->target.head = m->end;
	} else if (m->kind == K_READ) {
		m->dst = (any >> 16) % (plan_pattern_size(cfg) - m->len);
	}
	if (msg_consumes(m))
		p->unseen = 0;
	return true;
}
