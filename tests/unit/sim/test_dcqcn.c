// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* DCQCN against the paper's rules. */
#include "dcqcn.h"
#include "harness.h"

#define LINE	40000000000ULL

TEST(dcqcn__begins_at_line_rate)
{
	struct dcqcn d;

	dcqcn_init(&d, LINE);
	CHECK(dcqcn_at_line(&d));
	dcqcn_timer(&d);
	CHECK(d.rate == LINE);
}

TEST(dcqcn__cnp_halves_at_first)
{
	struct dcqcn d;

	dcqcn_init(&d, LINE);
	dcqcn_cnp(&d);
	CHECK(d.rate == LINE / 2.);
	CHECK(d.target == LINE);
	CHECK(!dcqcn_at_line(&d));
	/* alpha decays while nothing is heard, so the next costs less. */
	for (int i = 0; i < 256; i++)
		dcqcn_alpha(&d);
	CHECK(d.alpha > 0.35 && d.alpha < 0.40);
	dcqcn_cnp(&d);
	CHECK(d.rate > LINE * 0.39 && d.rate < LINE * 0.42);
	for (int i = 0; i < 100; i++)
		dcqcn_cnp(&d);
	CHECK(d.rate >= LINE / 1000.);
}

TEST(dcqcn__recovery_then_increase)
{
	struct dcqcn d;

	dcqcn_init(&d, LINE);
	dcqcn_cnp(&d);
	dcqcn_cnp(&d);
	/* Five steps halve the distance to the target each, which stays. */
	for (int i = 0; i < 5; i++) {
		double before = d.target - d.rate;

		CHECK(d.target == LINE / 2.);
		dcqcn_timer(&d);
		CHECK(d.target - d.rate > before * 0.49 &&
		      d.target - d.rate < before * 0.51);
	}
	dcqcn_timer(&d);
	CHECK(d.target == LINE / 2. + LINE / 1000.);
	/* Once the byte counter has come so far too, five times as fast. */
	for (int i = 0; i < 6; i++)
		dcqcn_sent(&d, 10000000);
	CHECK(d.byte_stage == 6);
	CHECK(d.target > LINE / 2. + LINE * 0.010);
	for (int i = 0; i < 200 && !dcqcn_at_line(&d); i++)
		dcqcn_timer(&d);
	CHECK(dcqcn_at_line(&d));
}
