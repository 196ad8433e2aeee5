// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Which planes are too small for the packets that are sent.
 *
 * What the two ends of a plane take is known, and such a plane is not used
 * while another fits. A switch on the way that drops what is long, without a
 * word, shows in loss: the plane's paths are taken out as those of any dead
 * plane, and would come back as soon as probes were answered. So probes of bad
 * paths are as long as data. Some, of planes that are bad as a whole, are short:
 * if those alone are answered, it is the MTU, and the plane can be named.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>

#include "mtu.h"

/* Every so manieth probe of a plane that is bad as a whole is short. */
#define HINT_EVERY	4
/* So many of them answered, and no long one in between, tell of the MTU. */
#define HINTS		3

/**
 * mrc_mtu_fits - leave out planes whose ends take too little
 * @m: what is known of the peer's planes
 * @usable: planes that have a link and a way; a mask
 * @room: payload that fits into a packet on each plane, MRC_MAX_PORTS numbers
 * @found: set to the planes that have become too small since last time
 *
 * Return: planes to use: those of @usable that fit, all of them if none does.
 */
u32 mrc_mtu_fits(struct mrc_mtu *m, u32 usable, const u32 *room, u32 *found)
{
	u32 small = 0;

	for (u32 i = 0; i < MRC_MAX_PORTS; i++)
		if (usable >> i & 1 && room[i] < m->need)
			small |= 1U << i;
	*found = small & ~m->small;
	m->small = small;
	return usable & ~small ? usable & ~small : usable;
}

/**
 * mrc_mtu_probe - how is the next EV probe to be sent?
 * @m: what is known of the peer's planes
 * @plane: plane of the probed path, below MRC_MAX_PORTS
 * @path_bad: the path is not in use; if it is, it carries answers and is
 *	probed for their sake, which are short
 * @plane_bad: no path of the plane is in use
 */
enum mrc_mtu_probe mrc_mtu_probe(struct mrc_mtu *m, u8 plane, bool path_bad,
				 bool plane_bad)
{
	if (!m->need || !path_bad)
		return MRC_MTU_SHORT;
	if (plane_bad && !(++m->probes[plane] % HINT_EVERY))
		return MRC_MTU_HINT;
	return MRC_MTU_LONG;
}

/**
 * mrc_mtu_answered - an EV probe was answered
 * @m: what is known of the peer's planes
 * @plane: its plane, below MRC_MAX_PORTS
 * @kind: how it had been sent
 *
 * Return: true if this tells that long packets do not get through.
 */
bool mrc_mtu_answered(struct mrc_mtu *m, u8 plane, enum mrc_mtu_probe kind)
{
	switch (kind) {
	case MRC_MTU_LONG:
		m->hints[plane] = 0;
		m->hole &= ~(1U << plane);
		return false;
	case MRC_MTU_HINT:
		if (m->hints[plane] >= HINTS || ++m->hints[plane] < HINTS)
			return false;
		m->hole |= 1U << plane;
		return true;
	case MRC_MTU_SHORT:
		break;
	}
	return false;
}
