// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * SACKs, NACKs, ACKs, probe answers and the clock against a sender in the
 * middle of its work. After every step the scoreboard agrees with itself and
 * with the congestion window; in the end an honest receiver's SACKs bring the
 * stream to rest, whatever was said before.
 *
 * Input: set-up, then steps: a byte that says what, and its arguments.
 */
#include <linux/limits.h>

#include "fuzz.h"
#include "transport/tx.h"

#define BYTES		4160	/* nominal, of a packet */
#define PLANES		4
#define MAX_STEPS	400

struct sender {
	struct input in;
	struct mrc_tx tx;
	struct mrc_peer_state ps;
	struct mrc_cc cc;
	struct mrc_txent *board;
	u32 entries;
	u64 now;
	bool dead;
};

static u32 span(const struct sender *s)
{
	return (mrc_tx_next_psn(&s->tx) - mrc_tx_una(&s->tx)) & MRC_PSN_MASK;
}

static void check_list(const struct sender *s, const struct mrc_txlist *l,
		       enum mrc_txent_state state, bool ascending, u64 *bytes)
{
	const struct mrc_tx *tx = &s->tx;
	u32 n = 0, last = 0;
	u16 prev = MRC_TX_NONE;

	for (u16 i = l->head; i != MRC_TX_NONE; i = tx->board[i].next) {
		const struct mrc_txent *e = &tx->board[i];
		u32 d = (i - tx->una) & tx->mask;

		MUST(i <= tx->mask && n < l->count);
		MUST(e->state == state && e->prev == prev);
		MUST(d < span(s));
		MUST(!ascending || !n || d > last);
		*bytes += e->bytes;
		last = d;
		prev = i;
		n++;
	}
	MUST(n == l->count && l->tail == prev);
}

static void check(const struct sender *s)
{
	const struct mrc_tx *tx = &s->tx;
	u64 flight = 0, lost = 0;
	u32 acked = 0;

	MUST(span(s) <= tx->mask + 1);
	MUST(mrc_psn_diff(tx->fack, tx->una) >= 0 &&
	     mrc_psn_diff(tx->fack, tx->next_psn) <= 0);
	check_list(s, &tx->flight, MRC_TXENT_FLIGHT, false, &flight);
	check_list(s, &tx->lost, MRC_TXENT_LOST, true, &lost);
	for (u32 i = 0; i < span(s); i++)
		acked += tx->board[(tx->una + i) & tx->mask].state ==
			 MRC_TXENT_ACKED;
	MUST(acked == tx->sacked);
	MUST(tx->flight.count + tx->lost.count + tx->sacked == span(s));
	MUST(mrc_cc_inflight(&s->cc) == flight);
	MUST(mrc_cc_cwnd(&s->cc) >= 1 && mrc_cc_cwnd(&s->cc) < 1ULL << 48);
	MUST(tx->window <= tx->max_window);
}

static void grow(struct sender *s)
{
	struct mrc_txent *board;

	if (s->entries >= 1024)
		return;
	s->entries *= 2;
	board = malloc(s->entries * sizeof(*board));
	free(mrc_tx_grow(&s->tx, board, s->entries));
	s->board = board;
}

/* Send up to @n packets, lost ones first. */
static void send(struct sender *s, u32 n)
{
	while (n-- && !s->dead && mrc_cc_may_send(&s->cc, BYTES)) {
		u32 psn;
		int path;

		if (!mrc_tx_peek_lost(&s->tx, &psn)) {
			if (!mrc_tx_window_open(&s->tx))
				return;
			psn = mrc_tx_next_psn(&s->tx);
		}
		path = mrc_tx_pick_path(&s->tx, &s->ps, psn, s->now);
		if (path < 0)
			return;
		MUST((u32)path < mrc_paths_count(s->ps.paths));
		mrc_tx_sent(&s->tx, &s->ps, psn, path, BYTES, s->now);
		s->now += 1000;
	}
}

/* A PSN near the window, or any. */
static u32 any_psn(struct sender *s)
{
	u16 v = input_u16(&s->in);

	if (v >= 0xff00)
		return input_u32(&s->in) & MRC_PSN_MASK;
	return mrc_psn_add(mrc_tx_una(&s->tx), (s16)v % 2048);
}

static void sack(struct sender *s)
{
	struct mrc_tx_result res;
	struct mrc_sack k = {};
	u8 how = input_u8(&s->in);
	u32 before = mrc_tx_una(&s->tx);

	k.cack = any_psn(s);
	k.acked_psn = how & 1 ? any_psn(s) : k.cack;
	k.probe = how & 2;
	k.probe_id = input_u16(&s->in);
	k.m = how >> 2 & 3;
	k.sack_offset = how & 16 ? (s16)input_u16(&s->in) : 1;
	k.bitmap = input_u64(&s->in);
	k.mpr = input_u8(&s->in);
	if (how & 32) {
		k.penalty = input_u8(&s->in) & MRC_CC_PENALTY_MAX;
		k.restore_cwnd = how & 64;
	}
	k.entropy = how & 128 ? input_u16(&s->in) :
		mrc_path_get(s->ps.paths, input_u8(&s->in) %
			     mrc_paths_count(s->ps.paths))->entropy;
	k.tx_timestamp = input_u16(&s->in);
	mrc_tx_on_sack(&s->tx, &s->ps, &k, s->now, &res);
	/* what was not sent is not acknowledged, what was stays so */
	MUST(mrc_psn_diff(mrc_tx_una(&s->tx), before) >= 0);
	MUST(!res.stale || mrc_tx_una(&s->tx) == before);
}

static void nack(struct sender *s)
{
	static const u8 reasons[] = { 1, 2, 6, 7, 0xa, 0xb, 0x19, 0xff };
	struct mrc_tx_result res;
	struct mrc_nack n = {};

	n.psn = any_psn(s);
	n.reason = reasons[input_u8(&s->in) % sizeof(reasons)];
	n.entropy = mrc_path_get(s->ps.paths, input_u8(&s->in) %
				 mrc_paths_count(s->ps.paths))->entropy;
	mrc_tx_on_nack(&s->tx, &s->ps, &n, s->now, &res);
}

static void timers(struct sender *s, bool awaiting)
{
	struct mrc_tx_result res = {};
	unsigned int what;
	int path, n;

	if (mrc_tx_deadline(&s->tx, awaiting) <= s->now) {
		what = mrc_tx_on_timer(&s->tx, &s->ps, s->now, awaiting, &res);
		if (what & MRC_TX_PROBE)
			mrc_tx_probe_sent(&s->tx, &s->ps, &path, s->now);
		if (what & MRC_TX_DEAD)
			s->dead = true;
	}
	for (n = 0; n < 64; n++)
		if (mrc_paths_next_probe(s->ps.paths, s->now) < 0)
			break;
}

static void step(struct sender *s)
{
	struct mrc_tx_result res;
	u8 op = input_u8(&s->in);

	switch (op % 12) {
	case 0:
	case 1:
		send(s, 1 + op / 12);
		break;
	case 2:
	case 3:
	case 4:
		sack(s);
		break;
	case 5:
		nack(s);
		break;
	case 6:
		mrc_tx_on_ack(&s->tx, &s->ps, any_psn(s), s->now, &res);
		break;
	case 7:
		s->now += 1ULL << (op / 12 + 10);
		break;
	case 8:
		timers(s, op & 128);
		break;
	case 9:
		grow(s);
		break;
	case 10:
		mrc_paths_set_planes_down(s->ps.paths, input_u8(&s->in) & 15,
					  s->now);
		break;
	case 11:
		mrc_paths_probe_answered(s->ps.paths, input_u8(&s->in) %
					 mrc_paths_count(s->ps.paths),
					 input_u32(&s->in), s->now);
		break;
	}
}

/* The receiver has got everything after all: the stream comes to rest. */
static void rest(struct sender *s)
{
	u32 last = mrc_psn_add(mrc_tx_next_psn(&s->tx), -1);
	struct mrc_tx_result res;
	struct mrc_sack k = {
		.cack = last, .acked_psn = last, .sack_offset = 1,
		.mpr = MRC_MPR_DEFAULT,
	};

	if (mrc_tx_idle(&s->tx))
		return;
	mrc_tx_on_sack(&s->tx, &s->ps, &k, s->now, &res);
	MUST(!res.stale && mrc_tx_idle(&s->tx));
	MUST(mrc_cc_inflight(&s->cc) == 0);
	MUST(mrc_tx_deadline(&s->tx, false) == U64_MAX);
	/* and can go on: an idle sender may always send a packet */
	MUST(mrc_cc_may_send(&s->cc, BYTES));
	MUST(mrc_tx_window_open(&s->tx));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const u8 planes[PLANES] = { 0, 1, 2, 3 };
	struct sender s = { .in = { data, size } };
	struct mrc_tx_params tp = {};
	struct mrc_cc_profile profile = mrc_cc_default;
	struct mrc_cc_params cp = { .mtu = BYTES, .profile = &profile };
	u8 flags = input_u8(&s.in);
	int steps = 0;

	s.now = 1000000000ULL;
	tp.rto_ns = 4096ULL << (flags & 15);
	tp.retry_cnt = flags >> 4 & 7;
	tp.exp_cnt = input_u8(&s.in) % (MRC_TX_EXP_FOREVER + 1);
	tp.window = 64 << input_u8(&s.in) % 6;
	flags = input_u8(&s.in);
	tp.dynamic_mpr = flags & 1;
	tp.service_time = flags & 2;
	tp.seed = flags;
	profile.trimming = !!(flags & 4);
	cp.speed_bps = flags & 8 ? 0 : 40000000000ULL;
	s.entries = MRC_TX_BOARD_MIN;
	s.board = malloc(s.entries * sizeof(*s.board));
	mrc_tx_init(&s.tx, input_u32(&s.in) | 0xfff000, s.board, s.entries);
	mrc_tx_set_params(&s.tx, &tp);
	s.ps.paths = malloc(mrc_paths_size(16));
	mrc_paths_init(s.ps.paths, 16, planes, PLANES, flags);
	s.ps.cc = &s.cc;
	mrc_cc_init(&s.cc, &cp, s.now);

	while (s.in.left && steps++ < MAX_STEPS) {
		step(&s);
		check(&s);
	}
	if (flags & 16) {
		rest(&s);
	} else {
		mrc_tx_release(&s.tx, &s.ps);
		MUST(mrc_cc_inflight(&s.cc) == 0);
	}
	free(s.ps.paths);
	free(s.board);
	return 0;
}
