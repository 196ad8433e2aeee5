// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* SRv6 uSID addresses (RFC 9800, NEXT-C-SID with 32-bit blocks, 16-bit uSIDs). */
#include <linux/kernel.h>
#include <linux/string.h>

#include "srv6.h"

/**
 * mrc_srv6_valid - can addresses be made by this template?
 * @t: the template
 *
 * Return: true if all fields are within their bounds, and what the EV adds to
 * a base leaves it a uSID. How many planes there are is not known here.
 */
bool mrc_srv6_valid(const struct mrc_srv6 *t)
{
	if (!t->n || t->n > MRC_SRV6_USIDS)
		return false;
	for (u32 i = 0; i < t->n; i++) {
		const struct mrc_srv6_usid *u = &t->usid[i];

		if (u->base > 0xffff || u->ev_shift > 31 || u->ev_width > 16 ||
		    u->pos > 15 || u->pos + u->ev_width > 16 ||
		    u->base + (((1U << u->ev_width) - 1) << u->pos) > 0xffff ||
		    (u->plane_shift > 15 &&
		     u->plane_shift != MRC_SRV6_NO_PLANE))
			return false;
	}
	return true;
}

/**
 * mrc_srv6_address - the outer destination of a packet
 * @t: a template that is valid
 * @plane: the plane it leaves by
 * @ev: the EV of its path
 * @addr: 16 bytes, filled
 */
void mrc_srv6_address(const struct mrc_srv6 *t, u32 plane, u32 ev, u8 *addr)
{
	memset(addr, 0, 16);
	for (u32 i = 0; i < 4; i++)
		addr[i] = t->block >> (24 - 8 * i);
	for (u32 i = 0; i < t->n; i++) {
		const struct mrc_srv6_usid *u = &t->usid[i];
		u32 bits = ev >> u->ev_shift & ((1U << u->ev_width) - 1);
		u32 usid = u->base + (bits << u->pos);

		if (u->plane_shift != MRC_SRV6_NO_PLANE)
			usid += plane << u->plane_shift;
		addr[4 + 2 * i] = usid >> 8;
		addr[5 + 2 * i] = usid;
	}
}
