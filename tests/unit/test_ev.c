// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#include <linux/limits.h>

#include "harness.h"
#include "transport/ev.h"

static u32 ev[MRC_EV_MAX];

TEST(mrc_ev_generate__odometer)
{
	static const struct mrc_ev_field f[] = {
		{ .width = 16, .init = 50001, .min = 50000, .max = 50002,
		  .mask = 0xffff },
		{ .width = 4, .init = 0, .min = 0, .max = 1, .mask = 0xf },
	};
	static const u32 want[] = {
		50001, 50002, 50000, 0x10000 | 50001, 0x10000 | 50002,
		0x10000 | 50000,
	};

	CHECK_EQ(mrc_ev_generate(f, 2, ev, 6), MRC_EV_OK);
	for (u32 i = 0; i < 6; i++)
		CHECK_EQ(ev[i], want[i]);
	CHECK_EQ(mrc_ev_generate(f, 2, ev, 7), MRC_EV_TOO_FEW);
}

TEST(mrc_ev_generate__mask_and_width)
{
	struct mrc_ev_field f[] = {
		{ .width = 32, .init = 1, .min = 0, .max = U32_MAX,
		  .mask = 0xff00ff0f },
		{ .width = 1, .max = 1, .mask = 1 },
	};

	CHECK_EQ(mrc_ev_generate(f, 1, ev, 15), MRC_EV_OK);
	CHECK_EQ(ev[14], 15);
	/* The 16th is 0x10, of which the mask leaves nothing. */
	CHECK_EQ(mrc_ev_generate(f, 1, ev, 16), MRC_EV_NO_PORT);
	f[0].init = 0xffffffff;
	CHECK_EQ(mrc_ev_generate(f, 1, ev, 1), MRC_EV_OK);
	CHECK_EQ(ev[0], 0xff00ff0f);
	CHECK_EQ(mrc_ev_generate(f, 2, ev, 1), MRC_EV_TOO_WIDE);
	f[0].width = 0;
	CHECK_EQ(mrc_ev_generate(f, 1, ev, 1), MRC_EV_TOO_WIDE);
	f[0].width = 33;
	CHECK_EQ(mrc_ev_generate(f, 1, ev, 1), MRC_EV_TOO_WIDE);
	f[0].width = 16;
	CHECK_EQ(mrc_ev_generate(f, 1, ev, 1), MRC_EV_BAD_RANGE);
	f[0].max = 0xffff;
	CHECK_EQ(mrc_ev_generate(f, 1, ev, 1), MRC_EV_BAD_RANGE);
	f[0].init = 5;
	f[0].min = 6;
	CHECK_EQ(mrc_ev_generate(f, 1, ev, 1), MRC_EV_BAD_RANGE);
	f[0].min = 5;
	f[0].mask = 0xffff;
	CHECK_EQ(mrc_ev_generate(f, 2, ev, MRC_EV_MAX), MRC_EV_OK);
}
