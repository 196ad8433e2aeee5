// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#include <string.h>

#include "harness.h"
#include "transport/mtu.h"

TEST(mrc_mtu_fits__small_plane_is_left_and_found_once)
{
	u32 room[MRC_MAX_PORTS] = { 8900, 1400, 8900, 4096 }, found;
	struct mrc_mtu m = {};

	/* nobody needs anything */
	CHECK_EQ(mrc_mtu_fits(&m, 0xf, room, &found), 0xf);
	CHECK_EQ(found, 0);
	m.need = 4096;
	CHECK_EQ(mrc_mtu_fits(&m, 0xf, room, &found), 0xd);
	CHECK_EQ(found, 2);
	CHECK_EQ(m.small, 2);
	CHECK_EQ(mrc_mtu_fits(&m, 0xf, room, &found), 0xd);
	CHECK_EQ(found, 0);
	/* a plane that is down is not looked at */
	CHECK_EQ(mrc_mtu_fits(&m, 0xd, room, &found), 0xd);
	CHECK_EQ(m.small, 0);
	room[1] = 4095;
	CHECK_EQ(mrc_mtu_fits(&m, 0xf, room, &found), 0xd);
	CHECK_EQ(found, 2);
	room[1] = 4096;
	CHECK_EQ(mrc_mtu_fits(&m, 0xf, room, &found), 0xf);
	CHECK_EQ(m.small, 0);
}

TEST(mrc_mtu_fits__all_small_all_used)
{
	u32 room[MRC_MAX_PORTS] = { 1024, 1024, 8900 }, found;
	struct mrc_mtu m = { .need = 4096 };

	CHECK_EQ(mrc_mtu_fits(&m, 3, room, &found), 3);
	CHECK_EQ(found, 3);
	CHECK_EQ(mrc_mtu_fits(&m, 7, room, &found), 4);
	CHECK_EQ(mrc_mtu_fits(&m, 0, room, &found), 0);
}

/* Probe a plane @n times; only short ones come back. What was told, and when? */
static int probe_hole(struct mrc_mtu *m, u8 plane, int n)
{
	int told = 0;

	for (int i = 1; i <= n; i++) {
		enum mrc_mtu_probe kind = mrc_mtu_probe(m, plane, true, true);

		CHECK(kind != MRC_MTU_SHORT);
		if (kind == MRC_MTU_HINT && mrc_mtu_answered(m, plane, kind)) {
			CHECK_EQ(told, 0);
			told = i;
		}
	}
	return told;
}

TEST(mrc_mtu_answered__hole_is_told_once)
{
	struct mrc_mtu m = { .need = 4096 };

	CHECK_EQ(probe_hole(&m, 2, 1000), 12);
	CHECK_EQ(m.hole, 4);
	/* mended: a long one comes through */
	CHECK(!mrc_mtu_answered(&m, 2, MRC_MTU_LONG));
	CHECK_EQ(m.hole, 0);
	/* and broken again */
	CHECK(probe_hole(&m, 2, 20) > 0);
	CHECK_EQ(m.hole, 4);
}

TEST(mrc_mtu_answered__loss_is_no_hole)
{
	struct mrc_mtu m = { .need = 4096 };
	int long_ones = 0;

	/* Every third probe is answered, whatever its size. */
	for (int i = 0; i < 3000; i++) {
		enum mrc_mtu_probe kind = mrc_mtu_probe(&m, 31, true, true);

		long_ones += kind == MRC_MTU_LONG;
		if (i % 3 == 0)
			CHECK(!mrc_mtu_answered(&m, 31, kind));
	}
	CHECK_EQ(long_ones, 2250);
	CHECK_EQ(m.hole, 0);
}

TEST(mrc_mtu_probe__paths_in_use_are_probed_short)
{
	struct mrc_mtu m = {};

	CHECK_EQ(mrc_mtu_probe(&m, 0, true, true), MRC_MTU_SHORT);
	m.need = 1024;
	CHECK_EQ(mrc_mtu_probe(&m, 0, false, false), MRC_MTU_SHORT);
	/* one bad path of a plane that works: always long */
	for (int i = 0; i < 20; i++)
		CHECK_EQ(mrc_mtu_probe(&m, 0, true, false), MRC_MTU_LONG);
	CHECK(!mrc_mtu_answered(&m, 0, MRC_MTU_SHORT));
	CHECK_EQ(m.hints[0], 0);
}
