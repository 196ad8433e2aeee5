// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#include <string.h>

#include "harness.h"
#include "transport/srv6.h"

/* Up by one of 16 T1s of the plane, down to a T0, then to the host. */
static const struct mrc_srv6 clos = {
	.block = 0xfc000000,
	.n = 3,
	.usid = {
		{ .base = 0x1000, .plane_shift = 8, .ev_shift = 16,
		  .ev_width = 4, .pos = 0 },
		{ .base = 0x2005, .plane_shift = 8 },
		{ .base = 0xe123, .plane_shift = MRC_SRV6_NO_PLANE },
	},
};

TEST(mrc_srv6_address__plane_and_ev)
{
	static const u8 want[16] = {
		0xfc, 0, 0, 0, 0x13, 0x0b, 0x23, 0x05, 0xe1, 0x23,
	};
	u8 addr[16];

	CHECK(mrc_srv6_valid(&clos));
	mrc_srv6_address(&clos, 3, 0xab0bc001, addr);
	CHECK(!memcmp(addr, want, 16));
	mrc_srv6_address(&clos, 0, 0, addr);
	CHECK_EQ(addr[4] << 8 | addr[5], 0x1000);
	CHECK_EQ(addr[6] << 8 | addr[7], 0x2005);
}

TEST(mrc_srv6_valid__bounds)
{
	struct mrc_srv6 t = clos;

	t.n = 0;
	CHECK(!mrc_srv6_valid(&t));
	t.n = 7;
	CHECK(!mrc_srv6_valid(&t));
	t = clos;
	t.usid[1].base = 0x10000;
	CHECK(!mrc_srv6_valid(&t));
	t = clos;
	t.usid[0].plane_shift = 16;
	CHECK(!mrc_srv6_valid(&t));
	t = clos;
	t.usid[0].ev_width = 17;
	CHECK(!mrc_srv6_valid(&t));
	t.usid[0].ev_width = 16;
	CHECK(!mrc_srv6_valid(&t));
	t.usid[0].base = 0;
	CHECK(mrc_srv6_valid(&t));
	t.usid[0].pos = 1;
	CHECK(!mrc_srv6_valid(&t));
	/* the sum of base and EV, to the bit */
	t = clos;
	t.usid[0].base = 0xfff0;
	CHECK(mrc_srv6_valid(&t));
	t.usid[0].base = 0xfff1;
	CHECK(!mrc_srv6_valid(&t));
	t = clos;
	t.usid[2].ev_shift = 32;
	CHECK(!mrc_srv6_valid(&t));
	/* All six, all bits. */
	t = clos;
	t.n = 6;
	CHECK(mrc_srv6_valid(&t));
}
