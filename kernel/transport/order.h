/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Order of WRITEs to the same bytes. Packets are placed as they arrive, but
 * verbs promises (IBTA volume 1, 10.8.3.3, ordering of work requests) that
 * of two WRITEs the later one has the last word. So what is placed before
 * its turn is remembered, and a packet that comes after one of a higher PSN
 * leaves out the bytes that this one wrote.
 *
 * "Same bytes" means: same R_Key and same address. Memory that is registered
 * twice, or shown by a window too, is not recognised.
 *
 * Pure logic; the caller serialises all calls on one mrc_order.
 */
#ifndef MRC_TRANSPORT_ORDER_H
#define MRC_TRANSPORT_ORDER_H

#include "rxwin.h"

/*
 * Packets of one message: PSN lo + i lies at va + i * len. One that is shorter
 * than the path MTU is a run of its own.
 */
struct mrc_order_run {
	u64 va;
	u32 rkey;
	u32 len;		/* bytes of each packet */
	u32 lo, hi;		/* PSNs; not all of them need have arrived */
	u16 msn;
};

/* Runs remembered; packets that would need more wait for their turn. */
#define MRC_ORDER_RUNS		32
/* Of these for the message whose turn it is: its packets, its last packet. */
#define MRC_ORDER_SPARE		2

struct mrc_order {
	u32 count;
	u32 mtu;
	struct mrc_order_run run[MRC_ORDER_RUNS];
};

/* Bytes of a WRITE that one packet carries. */
struct mrc_order_pkt {
	u64 va;
	u32 rkey;
	u32 psn;
	u32 len;		/* 1 to the path MTU */
	u16 msn;
};

enum mrc_order_verdict {
	MRC_ORDER_WAIT,		/* place it when its turn has come */
	MRC_ORDER_ALL,		/* place it */
	MRC_ORDER_REST,		/* place what mrc_order_next() says */
};

void mrc_order_init(struct mrc_order *o, u32 mtu);
void mrc_order_forget(struct mrc_order *o, const struct mrc_rxwin *w);
enum mrc_order_verdict mrc_order_begin(struct mrc_order *o,
				       const struct mrc_rxwin *w,
				       const struct mrc_order_pkt *p);
bool mrc_order_next(const struct mrc_order *o, const struct mrc_rxwin *w,
		    const struct mrc_order_pkt *p, u32 *at, u32 *len);

#endif
