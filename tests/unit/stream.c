// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* See stream.h. */
#include <linux/limits.h>
#include <string.h>

#include "stream.h"

struct mrc_tx tx;
struct mrc_txent board[4096];
struct mrc_cc cc;
static u64 memory[4096];
struct mrc_peer_state ps = { .cc = &cc, .paths = (void *)memory };
struct mrc_tx_result res;
u32 first;
u64 now;

void begin_with(u32 psn, u32 entries, u32 window, u64 rto, u8 retry)
{
	struct mrc_cc_params cp = { .mtu = BYTES, .speed_bps = 100000 * MSEC };
	struct mrc_tx_params tp = {
		.rto_ns = rto, .retry_cnt = retry, .window = window, .seed = 9,
	};
	u8 planes[4] = { 0, 1, 2, 3 };

	now = 9000 * MSEC;
	first = psn;
	memset(board, 0xee, sizeof(board));
	mrc_tx_init(&tx, psn, board, entries);
	mrc_tx_set_params(&tx, &tp);
	mrc_paths_init(ps.paths, 16, planes, 4, 3);
	mrc_cc_init(&cc, &cp, now);
}

void begin(void)
{
	begin_with(0xfffff0, 256, 1024, 100 * MSEC, 3);
}

u32 nth(u32 n)
{
	return mrc_psn_add(first, n);
}

int send_psn(u32 psn)
{
	int path = mrc_tx_pick_path(&tx, &ps, psn, now);

	CHECK(path >= 0);
	mrc_tx_sent(&tx, &ps, psn, path, BYTES, now);
	return path;
}

/* Send @n new packets, a microsecond and a bit apart. */
void send_new(u32 n)
{
	while (n--) {
		CHECK(mrc_tx_window_open(&tx));
		send_psn(mrc_tx_next_psn(&tx));
		now += 1100;
	}
}

u32 entropy_of(u32 path)
{
	return mrc_path_get(ps.paths, path)->entropy;
}

u32 last_path(u32 psn)
{
	return tx.board[psn & tx.mask].path;
}

/* A SACK: all below number @cack arrived, of the others those in @bits. */
struct mrc_sack sack_of(u32 cack, u32 base, u64 bits, u32 named)
{
	struct mrc_sack s = {
		.cack = nth(cack - 1),
		.sack_offset = (s32)(base - (cack - 1)),
		.bitmap = bits,
		.acked_psn = nth(named),
		.mpr = 32,
	};

	s.entropy = entropy_of(last_path(s.acked_psn));
	return s;
}

void sack(u32 cack, u32 base, u64 bits, u32 named)
{
	struct mrc_sack s = sack_of(cack, base, bits, named);

	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
}

bool lost(u32 n)
{
	u32 psn;

	return mrc_tx_peek_lost(&tx, &psn) && psn == nth(n);
}

unsigned int timer(bool awaiting)
{
	return mrc_tx_on_timer(&tx, &ps, now, awaiting, &res);
}

/* Let time pass until something is due; its action. */
unsigned int wait_timer(bool awaiting)
{
	u64 at = mrc_tx_deadline(&tx, awaiting);
	unsigned int what;
	int path;

	CHECK(at != U64_MAX);
	now = at > now ? at : now;
	what = timer(awaiting);
	if (what & MRC_TX_PROBE)
		mrc_tx_probe_sent(&tx, &ps, &path, now);
	return what;
}
