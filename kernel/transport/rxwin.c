// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Receive window: two rings of bits, and which 64-PSN regions a SACK has to
 * tell of.
 *
 * A SACK's bitmap covers one region. Regions with news are told of lowest
 * first, so that a sender that hears of one region knows that all below it
 * was told before. Each piece of news is told twice where it can be, because
 * a lost SACK would otherwise make the sender repeat packets that arrived.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "rxwin.h"

/* Bytes received that make a SACK due; counted at least so much per packet. */
#define SACK_BYTES		16384
#define SACK_BYTES_PER_PACKET	1024
/* As many make it due within a burst, so that the sender need not pause. */
#define SACK_BYTES_BURST	65536
/* So many overtake a packet that may be lost. */
#define LATE_PACKETS		16

static u32 words(u32 psns)
{
	return psns / MRC_SACK_BITS;
}

/* Region bitmaps: twice the words, so that ends of a window never collide. */
static u32 region_words(u32 psns)
{
	return DIV_ROUND_UP(2 * words(psns), 64);
}

static bool test(const struct mrc_rxwin *w, const u64 *map, u32 psn)
{
	u32 i = psn & (w->size - 1);

	return map[i / 64] >> (i % 64) & 1;
}

static void set(const struct mrc_rxwin *w, u64 *map, u32 psn)
{
	u32 i = psn & (w->size - 1);

	map[i / 64] |= 1ULL << (i % 64);
}

/* Number of bits set without a gap from @psn on, at most @max. */
static u32 run_length(const struct mrc_rxwin *w, const u64 *map, u32 psn,
		      u32 max)
{
	u32 n = 0;

	while (n < max) {
		u32 i = (psn + n) & (w->size - 1);
		u64 clear = ~(map[i / 64] >> (i % 64));
		u32 room = 64 - i % 64;
		u32 len = clear ? min_t(u32, __ffs64(clear), room) : room;

		n += len;
		if (len < room)
			break;
	}
	return min(n, max);
}

static void clear_range(const struct mrc_rxwin *w, u64 *map, u32 psn, u32 n)
{
	while (n) {
		u32 i = psn & (w->size - 1);
		u32 len = min(64 - i % 64, n);
		u64 mask = len == 64 ? ~0ULL : (1ULL << len) - 1;

		map[i / 64] &= ~(mask << (i % 64));
		psn += len;
		n -= len;
	}
}

/* Number of the region that holds @psn, as an index of fresh and again. */
static u32 region(const struct mrc_rxwin *w, u32 psn)
{
	return psn / MRC_SACK_BITS & (2 * words(w->size) - 1);
}

static bool region_test(const u64 *map, u32 r)
{
	return map[r / 64] >> (r % 64) & 1;
}

static void region_set(u64 *map, u32 *count, u32 r)
{
	if (!region_test(map, r)) {
		map[r / 64] |= 1ULL << (r % 64);
		++*count;
	}
}

static void region_clear(u64 *map, u32 *count, u32 r)
{
	if (region_test(map, r)) {
		map[r / 64] &= ~(1ULL << (r % 64));
		--*count;
	}
}

/**
 * mrc_rxwin_storage - memory that a window needs
 * @psns: its size, a power of two, 64 to 32768
 *
 * Return: bytes; the memory is to be aligned for u64.
 */
size_t mrc_rxwin_storage(u32 psns)
{
	return 2 * (words(psns) + region_words(psns)) * sizeof(u64);
}

/**
 * mrc_rxwin_init - begin an empty window
 * @w: the window
 * @first: PSN expected first
 * @psns: its size, a power of two, 64 to 32768
 * @storage: mrc_rxwin_storage(@psns) bytes
 */
void mrc_rxwin_init(struct mrc_rxwin *w, u32 first, u32 psns, void *storage)
{
	memset(w, 0, sizeof(*w));
	memset(storage, 0, mrc_rxwin_storage(psns));
	w->next = first & MRC_PSN_MASK;
	w->gap = w->next;
	w->size = psns;
	w->offer = psns;
	w->claimed = storage;
	w->done = w->claimed + words(psns);
	w->fresh = w->done + words(psns);
	w->again = w->fresh + region_words(psns);
}

/**
 * mrc_rxwin_check - what is a PSN that arrived?
 * @w: the window
 * @psn: the PSN
 *
 * Return: MRC_RX_NEW if it may be claimed.
 */
enum mrc_rx_verdict mrc_rxwin_check(const struct mrc_rxwin *w, u32 psn)
{
	s32 d = mrc_psn_diff(psn, w->next);

	if (d < 0)
		return MRC_RX_OLD;
	if (d >= (s32)w->size)
		return MRC_RX_OUTSIDE;
	return test(w, w->claimed, psn) ? MRC_RX_DUP : MRC_RX_NEW;
}

/**
 * mrc_rxwin_claim - take a PSN for which mrc_rxwin_check() said MRC_RX_NEW
 * @w: the window
 * @psn: the PSN
 * @nominal: nominal packet size, bytes
 */
void mrc_rxwin_claim(struct mrc_rxwin *w, u32 psn, u32 nominal)
{
	u32 r = region(w, psn);

	set(w, w->claimed, psn);
	w->claimed_count++;
	if (psn == w->gap) {
		u32 ahead = (w->gap - w->next) & MRC_PSN_MASK;

		w->gap = mrc_psn_add(w->gap, run_length(w, w->claimed, w->gap,
							w->size - ahead));
	}
	w->rcvd_bytes += nominal;
	w->since_sack += max_t(u32, nominal, SACK_BYTES_PER_PACKET);
	w->untold++;
	region_set(w->fresh, &w->nfresh, r);
	region_clear(w->again, &w->nagain, r);
}

/* Regions wholly below next need no bitmap: cack tells of them. */
static void forget_regions(struct mrc_rxwin *w, u32 from, u32 to)
{
	u32 first = from / MRC_SACK_BITS;
	u32 n = (to / MRC_SACK_BITS - first) &
		(MRC_PSN_MASK / MRC_SACK_BITS);

	if (!w->nfresh && !w->nagain)
		return;
	for (u32 i = 0; i < n; i++) {
		u32 r = region(w, (first + i) * MRC_SACK_BITS);

		region_clear(w->fresh, &w->nfresh, r);
		region_clear(w->again, &w->nagain, r);
	}
}

/**
 * mrc_rxwin_done - a claimed PSN has been processed
 * @w: the window
 * @psn: the PSN
 *
 * Return: by how many PSNs cack moved on.
 */
u32 mrc_rxwin_done(struct mrc_rxwin *w, u32 psn)
{
	u32 n, old = w->next;

	set(w, w->done, psn);
	if (psn != w->next)
		return 0;

	n = run_length(w, w->done, w->next, w->size);
	clear_range(w, w->done, w->next, n);
	clear_range(w, w->claimed, w->next, n);
	w->next = mrc_psn_add(w->next, n);
	w->claimed_count -= n;
	forget_regions(w, old, w->next);
	return n;
}

/**
 * mrc_rxwin_is_done - is a PSN that was claimed done?
 * @w: the window
 * @psn: a PSN at or below cack, or a claimed one
 *
 * Return: true if mrc_rxwin_done() was told so.
 */
bool mrc_rxwin_is_done(const struct mrc_rxwin *w, u32 psn)
{
	return mrc_psn_diff(psn, w->next) < 0 || test(w, w->done, psn);
}

/**
 * mrc_rxwin_next - the PSN after cack
 * @w: the window
 *
 * Return: the PSN.
 */
u32 mrc_rxwin_next(const struct mrc_rxwin *w)
{
	return w->next;
}

/* Packets that have arrived beyond the first that is missing. */
static u32 overtakers(const struct mrc_rxwin *w)
{
	return w->claimed_count - ((w->gap - w->next) & MRC_PSN_MASK);
}

/*
 * May the next SACK wait, if the sender is calm? A packet that is late is
 * better told of when it has come: the sender takes for lost what is missing,
 * unless the next SACK is soon to follow.
 */
static bool can_wait(const struct mrc_rxwin *w)
{
	u32 beyond = overtakers(w);

	return !w->told_gap && beyond < LATE_PACKETS &&
	       w->untold < MRC_CALM_PACKETS + (beyond ? MRC_CALM_GAP : 0);
}

/**
 * mrc_rxwin_sack_due - is a SACK due after an arrival?
 * @w: the window
 * @ackreq: the packet asks for one
 * @ecn: it is ECN-marked
 * @rtx: it is a retransmission
 * @dup: it is a duplicate
 * @calm: its sender can do without
 *
 * Between two hosts that both send, SACKs every 16 KiB take 0.7 % of each
 * direction. While all is well they tell nothing else.
 *
 * Return: true if a SACK is to be sent now.
 */
bool mrc_rxwin_sack_due(struct mrc_rxwin *w, bool ackreq, bool ecn, bool rtx,
			bool dup, bool calm)
{
	if (ackreq || ecn || rtx || dup)
		return true;
	if (calm && can_wait(w))
		return false;
	if (w->since_sack >= SACK_BYTES)
		return true;
	/* News of more than one region: a SACK for each, or they pile up. */
	return w->nfresh + w->nagain > 1;
}

/**
 * mrc_rxwin_sack_overdue - is a SACK due even within a burst of packets?
 * @w: the window
 *
 * A sender's window may be no longer than a burst. If it heard only at the end
 * of each, it and the receiver would work by turns.
 *
 * Return: true if a SACK that has been put off is to be sent now.
 */
bool mrc_rxwin_sack_overdue(const struct mrc_rxwin *w)
{
	return w->since_sack >= SACK_BYTES_BURST;
}

/**
 * mrc_rxwin_more - are there arrivals of which no SACK has told yet?
 * @w: the window
 *
 * Return: true if another SACK would tell news.
 */
bool mrc_rxwin_more(const struct mrc_rxwin *w)
{
	return w->nfresh;
}

/**
 * mrc_rxwin_pressure - how full is the receiver's memory?
 * @w: the window
 * @used: units in use
 * @limit: units there are, at least 8
 * @dynamic: the sender follows the window that SACKs offer
 *
 * What was offered once is accepted however full it is: the offer only keeps
 * the sender from using it. From three quarters on the sender's congestion
 * window is to halve per round trip, and go to one packet beyond seven eighths.
 */
void mrc_rxwin_pressure(struct mrc_rxwin *w, u32 used, u32 limit, bool dynamic)
{
	u32 eighths = used / (limit / 8);

	w->penalty = 0;
	if (eighths >= 7)
		w->penalty = MRC_CC_PENALTY_MAX;
	else if (eighths >= 6)
		w->penalty = (MRC_CC_PENALTY_MAX + 1) / 2;
	w->penalised |= w->penalty;

	w->offer = w->size;
	if (dynamic && eighths >= 4)
		w->offer = max_t(u32, w->size >> (eighths >= 6 ? 2 : 1),
				 min_t(u32, w->size,
				       MRC_MPR_MIN * MRC_MPR_UNIT));
}

/* Base PSN of the lowest region that has something to tell; false: none. */
static bool oldest_region(const struct mrc_rxwin *w, u32 *base)
{
	u32 first = w->next & ~(MRC_SACK_BITS - 1);
	u32 total = 2 * words(w->size);
	u32 n = 0;

	if (!w->nfresh && !w->nagain)
		return false;

	while (n < total) {
		u32 r = region(w, first + n * MRC_SACK_BITS);
		u64 news = (w->fresh[r / 64] | w->again[r / 64]) >> (r % 64);
		u32 room = min(64 - r % 64, total - r);

		if (news) {
			n += __ffs64(news);
			*base = (first + n * MRC_SACK_BITS) & MRC_PSN_MASK;
			return true;
		}
		n += room;
	}
	return false;
}

/* The claimed bits of the region at @base; what cack covers counts as set. */
static u64 region_bits(const struct mrc_rxwin *w, u32 base)
{
	u64 bits = w->claimed[(base & (w->size - 1)) / 64];
	s32 below = mrc_psn_diff(w->next, base);
	s32 above = mrc_psn_diff(mrc_psn_add(w->next, w->size), base);

	/* The ring's word may also hold bits of the window's other end. */
	if (above < MRC_SACK_BITS)
		bits &= (1ULL << above) - 1;
	if (below >= MRC_SACK_BITS)
		bits = ~0ULL;
	else if (below > 0)
		bits |= (1ULL << below) - 1;
	return bits;
}

/**
 * mrc_rxwin_fill_sack - write what has arrived into a SACK, and count it sent
 * @w: the window
 * @s: cack, bitmap, sack_offset, ooo_count, rcvd_bytes and mpr are set
 * @psn: the packet that caused it; cack for a probe
 */
void mrc_rxwin_fill_sack(struct mrc_rxwin *w, struct mrc_sack *s, u32 psn)
{
	u32 base, r;
	u32 cack = mrc_psn_add(w->next, -1);

	if (!oldest_region(w, &base)) {
		s32 d = mrc_psn_diff(psn, w->next);

		if (d < 0 || d >= (s32)w->size)
			psn = w->next;
		base = psn & ~(MRC_SACK_BITS - 1);
	}

	s->cack = cack;
	s->sack_offset = mrc_psn_diff(base, cack);
	s->bitmap = region_bits(w, base);
	s->ooo_count = min_t(u32, overtakers(w), MRC_CC_OOO_MASK);
	s->rcvd_bytes = (w->rcvd_bytes + MRC_CC_RCVD_UNIT - 1) /
			MRC_CC_RCVD_UNIT & MRC_CC_RCVD_MASK;
	s->penalty = w->penalty;
	s->restore_cwnd = w->penalised && !w->penalty;
	s->mpr = clamp_t(u32, w->offer / MRC_MPR_UNIT, 1, U8_MAX);

	r = region(w, base);
	if (region_test(w->fresh, r)) {
		region_clear(w->fresh, &w->nfresh, r);
		/* What cack covers by now will be told again anyway. */
		if (mrc_psn_diff(w->next, base) < MRC_SACK_BITS &&
		    w->gap != mrc_psn_add(w->next, w->claimed_count))
			region_set(w->again, &w->nagain, r);
	} else {
		region_clear(w->again, &w->nagain, r);
	}
	w->told_gap = s->ooo_count;
	if (!w->nfresh) {
		w->since_sack = 0;
		w->untold = 0;
	}
}
