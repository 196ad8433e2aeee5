/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/* The address of an SRv6 outer header: a path's uSIDs out of its EV. */
#ifndef MRC_TRANSPORT_SRV6_H
#define MRC_TRANSPORT_SRV6_H

#include <linux/types.h>

/* F3216: a locator block of 32 bits and up to six uSIDs of 16. */
#define MRC_SRV6_USIDS		6
#define MRC_SRV6_NO_PLANE	255

/*
 * A uSID is base + plane << plane_shift + (bits ev_shift .. ev_shift +
 * ev_width - 1 of the EV) << pos.
 */
struct mrc_srv6_usid {
	u32 base;		/* 0..0xffff */
	u32 plane_shift;	/* 0..15; MRC_SRV6_NO_PLANE: not in it */
	u32 ev_shift;		/* 0..31 */
	u32 ev_width;		/* 0..16; 0: not in it */
	u32 pos;		/* 0..15 */
};

struct mrc_srv6 {
	u32 block;		/* the address's first 32 bits */
	u32 n;			/* 1..MRC_SRV6_USIDS */
	struct mrc_srv6_usid usid[MRC_SRV6_USIDS];
};

bool mrc_srv6_valid(const struct mrc_srv6 *t);
void mrc_srv6_address(const struct mrc_srv6 *t, u32 plane, u32 ev, u8 *addr);

#endif
