/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/* EVs made from fields. */
#ifndef MRC_TRANSPORT_EV_H
#define MRC_TRANSPORT_EV_H

#include <linux/types.h>

#define MRC_EV_FIELDS		8
#define MRC_EV_MAX		4096	/* in one profile */

/*
 * Some bits of an EV. Its values are init, init + 1, ..., max, min, ...,
 * init - 1, and then again from init; of each value the bits of mask are used.
 */
struct mrc_ev_field {
	u32 width;		/* bits, 1..32 */
	u32 init;
	u32 min;
	u32 max;
	u32 mask;
};

/* Why fields or an EV are no good; MRC_EV_OK: they are. */
enum mrc_ev_fault {
	MRC_EV_OK,
	MRC_EV_TOO_WIDE,	/* more than 32 bits, or a field of none */
	MRC_EV_BAD_RANGE,	/* not min <= init <= max < 2^width */
	MRC_EV_TOO_FEW,		/* fewer than wanted can be made */
	MRC_EV_NO_PORT,		/* the low 16 bits, the UDP source port, are 0 */
};

/*
 * Make @n EVs of @nfields fields (1..MRC_EV_FIELDS), the first in the lowest
 * bits and the fastest to change.
 */
enum mrc_ev_fault mrc_ev_generate(const struct mrc_ev_field *fields,
				  u32 nfields, u32 *ev, u32 n);
/* Can these be used? */
enum mrc_ev_fault mrc_ev_check(const u32 *ev, u32 n);

#endif
