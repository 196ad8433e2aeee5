// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Order of WRITEs to the same bytes; see order.h. */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "order.h"

/**
 * mrc_order_init - nothing has been placed
 * @o: the order
 * @mtu: payload of a packet that does not end its message, bytes
 */
void mrc_order_init(struct mrc_order *o, u32 mtu)
{
	o->count = 0;
	o->mtu = mtu;
}

/**
 * mrc_order_forget - forget what is done: nothing that comes now is earlier
 * @o: the order
 * @w: the stream's window
 *
 * To be called for every packet that mrc_order_begin() is not asked about, so
 * that nothing is remembered until its PSNs come round again.
 */
void mrc_order_forget(struct mrc_order *o, const struct mrc_rxwin *w)
{
	u32 next = mrc_rxwin_next(w), i = 0;

	while (i < o->count) {
		struct mrc_order_run *r = &o->run[i];
		s32 n = mrc_psn_diff(next, r->lo);

		if (mrc_psn_diff(r->hi, next) < 0) {
			*r = o->run[--o->count];
			continue;
		}
		if (n > 0) {
			r->va += (u64)n * r->len;
			r->lo = next;
		}
		i++;
	}
}

/* The run that @p can go on with; NULL: none. */
static struct mrc_order_run *find_run(struct mrc_order *o,
				      const struct mrc_order_pkt *p)
{
	if (p->len != o->mtu)
		return NULL;
	for (u32 i = o->count; i-- > 0;) {
		struct mrc_order_run *r = &o->run[i];
		s64 d = mrc_psn_diff(p->psn, r->lo);

		/* PSNs between two of the same message are of it, too */
		if (r->msn == p->msn && r->rkey == p->rkey &&
		    r->len == p->len && p->va - r->va == (u64)(d * r->len))
			return r;
	}
	return NULL;
}

/* Remember @p. False: no room. */
static bool remember(struct mrc_order *o, const struct mrc_order_pkt *p,
		     bool turn)
{
	struct mrc_order_run *r = find_run(o, p);

	if (!r) {
		if (o->count < MRC_ORDER_RUNS - (turn ? 0 : MRC_ORDER_SPARE))
			r = &o->run[o->count++];
		else if (turn)	/* a peer that lies of its messages */
			r = &o->run[MRC_ORDER_RUNS - 1];
		else
			return false;
		r->va = p->va;
		r->rkey = p->rkey;
		r->msn = p->msn;
		r->len = p->len;
		r->lo = p->psn;
		r->hi = p->psn;
	} else if (mrc_psn_diff(p->psn, r->lo) < 0) {
		r->va = p->va;
		r->lo = p->psn;
	} else if (mrc_psn_diff(p->psn, r->hi) > 0) {
		r->hi = p->psn;
	}
	return true;
}

/*
 * The packets of @r that share bytes with [@va, @va + @len): their numbers,
 * counted from r->lo. False: none.
 */
static bool touched(const struct mrc_order_run *r,
		    const struct mrc_order_pkt *p, u32 *first, u32 *last)
{
	u32 n = mrc_psn_diff(r->hi, r->lo);
	u64 ahead = p->va - r->va;	/* of the run's first byte */

	if (r->rkey != p->rkey)
		return false;
	if ((s64)ahead >= 0) {
		if (ahead >= (u64)(n + 1) * r->len)
			return false;
		*first = div_u64(ahead, r->len);
	} else {
		if (-ahead >= p->len)
			return false;
		*first = 0;
	}
	*last = min_t(u64, n, div_u64(ahead + p->len - 1, r->len));
	return true;
}

static bool claimed(const struct mrc_rxwin *w, u32 psn)
{
	return mrc_rxwin_check(w, psn) == MRC_RX_DUP;
}

/**
 * mrc_order_begin - may the payload of a WRITE be placed?
 * @o: the order
 * @w: the stream's window, in which @p is new or claimed
 * @p: the packet
 *
 * Unless it says MRC_ORDER_WAIT, the packet counts as being placed until the
 * window says that it is done. It never says so for the PSN whose turn it is.
 *
 * Return: what to place.
 */
enum mrc_order_verdict mrc_order_begin(struct mrc_order *o,
				       const struct mrc_rxwin *w,
				       const struct mrc_order_pkt *p)
{
	bool turn = p->psn == mrc_rxwin_next(w);
	bool cut = false;
	u32 i, k, last;

	mrc_order_forget(o, w);
	for (i = 0; i < o->count; i++) {
		const struct mrc_order_run *r = &o->run[i];

		if (!touched(r, p, &k, &last))
			continue;
		for (; k <= last; k++) {
			u32 psn = mrc_psn_add(r->lo, k);

			if (psn == p->psn || !claimed(w, psn))
				continue;
			if (mrc_psn_diff(psn, p->psn) > 0)
				cut = true;
			else if (!mrc_rxwin_is_done(w, psn))
				return MRC_ORDER_WAIT;	/* being placed now */
		}
	}
	if (!remember(o, p, turn))
		return MRC_ORDER_WAIT;
	return cut ? MRC_ORDER_REST : MRC_ORDER_ALL;
}

/**
 * mrc_order_next - the next bytes to place of a packet that others cut
 * @o: the order
 * @w: the stream's window
 * @p: packet for which mrc_order_begin() said MRC_ORDER_REST, not yet done
 * @at: where to begin looking, bytes from the packet's first; set to the first
 *	byte to place
 * @len: set to the number of bytes to place
 *
 * Return: false if there are no more.
 */
bool mrc_order_next(const struct mrc_order *o, const struct mrc_rxwin *w,
		    const struct mrc_order_pkt *p, u32 *at, u32 *len)
{
	u32 from = *at, to, i;
	bool again;

	do {
		again = false;
		to = p->len;
		for (i = 0; i < o->count && from < to; i++) {
			const struct mrc_order_run *r = &o->run[i];
			u32 k, last;

			if (!touched(r, p, &k, &last))
				continue;
			for (; k <= last; k++) {
				u32 psn = mrc_psn_add(r->lo, k);
				/* of the packet's first byte */
				s64 start = (s64)(r->va - p->va) +
					    (s64)k * r->len;
				s64 end = start + r->len;

				if (mrc_psn_diff(psn, p->psn) <= 0 ||
				    !claimed(w, psn))
					continue;
				if (start <= from && end > from) {
					from = min_t(s64, end, p->len);
					again = true;
				} else if (start > from && start < to) {
					to = start;
				}
			}
		}
	} while (again && from < p->len);
	*at = from;
	*len = from < to ? to - from : 0;
	return *len;
}
