/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Planes to a peer whose MTU is too small for what is sent to it. The caller
 * holds the peer's lock.
 */
#ifndef MRC_TRANSPORT_MTU_H
#define MRC_TRANSPORT_MTU_H

#include <linux/types.h>

#include "mrc/wire.h"

struct mrc_mtu {
	u32 need;	/* payload of the longest data packets, 0: none yet */
	u32 small;	/* planes whose ends take less; a mask */
	u32 hole;	/* planes that lose what is long somewhere on the way */
	u8 probes[MRC_MAX_PORTS];	/* while bad as a whole, modulo 256 */
	u8 hints[MRC_MAX_PORTS];	/* answered, and no long probe since */
};

/* How an EV probe was sent. */
enum mrc_mtu_probe {
	MRC_MTU_SHORT,	/* says nothing of the MTU */
	MRC_MTU_LONG,	/* as long as the longest data packet */
	MRC_MTU_HINT,	/* short, to tell small from dead */
};

u32 mrc_mtu_fits(struct mrc_mtu *m, u32 usable, const u32 *room, u32 *found);
enum mrc_mtu_probe mrc_mtu_probe(struct mrc_mtu *m, u8 plane, bool path_bad,
				 bool plane_bad);
bool mrc_mtu_answered(struct mrc_mtu *m, u8 plane, enum mrc_mtu_probe kind);

#endif
