// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The codecs against bytes written out by hand from the field tables in
 * Documentation/protocol.md.
 */
#include <linux/limits.h>
#include <string.h>

#include "harness.h"
#include "transport/sack.h"

static void check_bytes(const void *got, const u8 *want, size_t n)
{
	const u8 *b = got;

	for (size_t i = 0; i < n; i++)
		if (b[i] != want[i])
			test_fail(__FILE__, __LINE__,
				  "byte %zu is %02x, not %02x", i, b[i],
				  want[i]);
}

static const u8 seth_bytes[28] = {
	0x00, 0x20,		/* type 0, nxt 0, m 01 (SKIP_ONCE), pr 0 */
	0x00, 0x05,		/* acked PSN = cack + 5 */
	0x00, 0x00, 0xc1, 0x23,	/* entropy */
	0x12, 0x34,		/* spdcid */
	0x56, 0x78,		/* dpdcid */
	0x00, 0xab, 0xcd, 0xef,	/* reserved, cack */
	0x00,			/* cc_type 0, cc_flags 0 */
	0x20,			/* MPR 32 */
	0xff, 0xf1,		/* sack_offset -15 */
	0x80, 0x00, 0x00, 0x00, 0x00, 0x10, 0xff, 0xff,	/* bitmap */
};

static const u8 cc_bytes[8] = {
	0xbe, 0xef,		/* tx_timestamp */
	0x7f, 0xfe,		/* r 0, ooo_count 32766 */
	0xc0,			/* restore_cwnd 1, rcv_cwnd_pen 64 */
	0x12, 0x34, 0x56,	/* rcvd_bytes */
};

static void sample(struct mrc_sack *s)
{
	memset(s, 0, sizeof(*s));
	s->cack = 0xabcdef;
	s->acked_psn = 0xabcdf4;
	s->m = MRC_SACK_M_SKIP_ONCE;
	s->entropy = 0xc123;
	s->spdcid = 0x1234;
	s->dpdcid = 0x5678;
	s->mpr = 32;
	s->sack_offset = -15;
	s->bitmap = 0x800000000010ffffULL;
	s->tx_timestamp = 0xbeef;
	s->ooo_count = 32766;
	s->restore_cwnd = true;
	s->penalty = 64;
	s->rcvd_bytes = 0x123456;
}

TEST(mrc_sack_encode__golden_bytes)
{
	struct mrc_cc_state cc;
	struct mrc_seth seth;
	struct mrc_sack s;

	sample(&s);
	memset(&seth, 0xff, sizeof(seth));
	memset(&cc, 0xff, sizeof(cc));
	mrc_sack_encode(&s, &seth, &cc);
	CHECK_EQ(sizeof(seth), 28);
	CHECK_EQ(sizeof(cc), 8);
	check_bytes(&seth, seth_bytes, sizeof(seth));
	check_bytes(&cc, cc_bytes, sizeof(cc));
}

TEST(mrc_sack_encode__probe)
{
	struct mrc_cc_state cc;
	struct mrc_seth seth;
	struct mrc_sack s = {
		.probe = true, .probe_id = 0xfedc, .m = MRC_SACK_M_ALWAYS_SKIP,
	};

	mrc_sack_encode(&s, &seth, &cc);
	check_bytes(&seth, (const u8[]){ 0x00, 0x42, 0xfe, 0xdc }, 4);
	check_bytes(&cc, (const u8[8]){ 0 }, 8);
}

TEST(mrc_sack_encode__values_out_of_range)
{
	struct mrc_cc_state cc;
	struct mrc_seth seth;
	struct mrc_sack s = {
		.cack = 0xff000123, .acked_psn = 0x800000, .m = 0xff,
		.ooo_count = 0xffff, .penalty = 0xff, .rcvd_bytes = 0xffffffff,
	};

	/* Nothing spills into a neighbour; a far PSN is told as cack. */
	mrc_sack_encode(&s, &seth, &cc);
	check_bytes(&seth, (const u8[]){ 0x00, 0x60, 0x00, 0x00 }, 4);
	check_bytes(&seth.cack_psn, (const u8[]){ 0x00, 0x00, 0x01, 0x23 }, 4);
	check_bytes(&cc, (const u8[8]){ 0, 0, 0x7f, 0xff, 0x7f, 0xff, 0xff,
					0xff }, 8);
	s.acked_psn = mrc_psn_add(0x123, -32768);
	mrc_sack_encode(&s, &seth, &cc);
	check_bytes(&seth.ack_psn_offset, (const u8[]){ 0x80, 0x00 }, 2);
	s.acked_psn = mrc_psn_add(0x123, 32768);
	mrc_sack_encode(&s, &seth, &cc);
	check_bytes(&seth.ack_psn_offset, (const u8[]){ 0x00, 0x00 }, 2);
}

TEST(mrc_sack_decode__golden_bytes)
{
	struct mrc_cc_state cc;
	struct mrc_seth seth;
	struct mrc_sack s, want;

	memcpy(&seth, seth_bytes, sizeof(seth));
	memcpy(&cc, cc_bytes, sizeof(cc));
	CHECK(mrc_sack_decode(&s, &seth, &cc));
	sample(&want);
	CHECK_EQ(s.cack, want.cack);
	CHECK_EQ(s.acked_psn, want.acked_psn);
	CHECK(!s.probe);
	CHECK_EQ(s.m, want.m);
	CHECK_EQ(s.entropy, want.entropy);
	CHECK_EQ(s.spdcid, want.spdcid);
	CHECK_EQ(s.dpdcid, want.dpdcid);
	CHECK_EQ(s.mpr, want.mpr);
	CHECK_EQ((u16)s.sack_offset, (u16)want.sack_offset);
	CHECK_EQ(s.bitmap, want.bitmap);
	CHECK_EQ(s.tx_timestamp, want.tx_timestamp);
	CHECK_EQ(s.ooo_count, want.ooo_count);
	CHECK(s.restore_cwnd);
	CHECK_EQ(s.penalty, want.penalty);
	CHECK_EQ(s.rcvd_bytes, want.rcvd_bytes);
}

TEST(mrc_sack_decode__reserved_bits_ignored)
{
	struct mrc_cc_state cc;
	struct mrc_seth seth;
	struct mrc_sack s;
	u8 *b = (u8 *)&seth;

	memcpy(&seth, seth_bytes, sizeof(seth));
	memcpy(&cc, cc_bytes, sizeof(cc));
	b[0] |= 0x0f;		/* nxt */
	b[1] |= 0x80 | 0x1d;	/* nxt, reserved */
	b[12] = 0xff;		/* before cack */
	b[16] = 0x0f;		/* cc_flags */
	((u8 *)&cc)[2] |= 0x80;
	CHECK(mrc_sack_decode(&s, &seth, &cc));
	CHECK_EQ(s.m, MRC_SACK_M_SKIP_ONCE);
	CHECK(!s.probe);
	CHECK_EQ(s.cack, 0xabcdef);
	CHECK_EQ(s.ooo_count, 32766);
}

TEST(mrc_sack_decode__probe_and_reserved_m)
{
	struct mrc_cc_state cc = { 0 };
	struct mrc_seth seth = { 0 };
	struct mrc_sack s;

	memcpy(&seth, (const u8[]){ 0x00, 0x62, 0xfe, 0xdc }, 4);
	CHECK(mrc_sack_decode(&s, &seth, &cc));
	CHECK(s.probe);
	CHECK_EQ(s.probe_id, 0xfedc);
	CHECK_EQ(s.acked_psn, s.cack);
	CHECK_EQ(s.m, MRC_SACK_M_NONE);
}

TEST(mrc_sack_decode__unknown_types)
{
	struct mrc_cc_state cc = { 0 };
	struct mrc_seth seth;
	struct mrc_sack s;

	for (int bit = 4; bit < 8; bit++) {
		memset(&seth, 0, sizeof(seth));
		((u8 *)&seth)[0] = 1 << bit;
		CHECK(!mrc_sack_decode(&s, &seth, &cc));
		memset(&seth, 0, sizeof(seth));
		seth.cc = 1 << bit;
		CHECK(!mrc_sack_decode(&s, &seth, &cc));
	}
}

TEST(mrc_sack__round_trip)
{
	struct rng r = { .x = 1 };

	for (int i = 0; i < 20000; i++) {
		struct mrc_sack a = {
			.cack = rng_next(&r) & MRC_PSN_MASK,
			.probe = rng_below(&r, 2), .m = rng_below(&r, 3),
			.entropy = rng_next(&r), .spdcid = rng_next(&r),
			.dpdcid = rng_next(&r), .mpr = rng_next(&r),
			.sack_offset = rng_next(&r), .bitmap = rng_next(&r),
			.tx_timestamp = rng_next(&r),
			.ooo_count = rng_below(&r, 32768),
			.restore_cwnd = rng_below(&r, 2),
			.penalty = rng_below(&r, 128),
			.rcvd_bytes = rng_below(&r, 1 << 24),
		};
		struct mrc_cc_state cc;
		struct mrc_seth seth;
		struct mrc_sack b;

		if (a.probe)
			a.probe_id = rng_next(&r);
		a.acked_psn = a.probe ? a.cack :
			mrc_psn_add(a.cack, (s16)rng_next(&r));
		mrc_sack_encode(&a, &seth, &cc);
		CHECK(mrc_sack_decode(&b, &seth, &cc));
		CHECK_EQ(a.cack, b.cack);
		CHECK_EQ(a.acked_psn, b.acked_psn);
		CHECK_EQ(a.probe, b.probe);
		CHECK_EQ(a.probe_id, b.probe_id);
		CHECK_EQ(a.m, b.m);
		CHECK_EQ(a.entropy, b.entropy);
		CHECK_EQ(a.mpr, b.mpr);
		CHECK_EQ((u16)a.sack_offset, (u16)b.sack_offset);
		CHECK_EQ(a.bitmap, b.bitmap);
		CHECK_EQ(a.ooo_count, b.ooo_count);
		CHECK_EQ(a.restore_cwnd, b.restore_cwnd);
		CHECK_EQ(a.penalty, b.penalty);
		CHECK_EQ(a.rcvd_bytes, b.rcvd_bytes);
	}
}

static const u8 neth_bytes[20] = {
	0x00, 0x00,		/* type and such, all 0 */
	0x0a,			/* NO_RESOURCE */
	0x0c,			/* vendor */
	0x00, 0x00, 0xdd, 0x01,	/* entropy */
	0x00, 0x11,		/* spdcid */
	0x00, 0x22,		/* dpdcid */
	0x00, 0x12, 0x34, 0x56,	/* reserved, PSN */
	0x20,			/* cc_type 2, cc_flags 0 */
	0x00,
	0xca, 0xfe,		/* tx_timestamp */
};

TEST(mrc_nack_encode__golden_bytes)
{
	struct mrc_nack n = {
		.reason = MRC_NACK_NO_RESOURCE, .vendor = 12,
		.entropy = 0xdd01, .spdcid = 0x11, .dpdcid = 0x22,
		.psn = 0xff123456, .tx_timestamp = 0xcafe,
	};
	struct mrc_neth neth;

	memset(&neth, 0xff, sizeof(neth));
	CHECK_EQ(sizeof(neth), 20);
	mrc_nack_encode(&n, &neth);
	check_bytes(&neth, neth_bytes, sizeof(neth));
}

TEST(mrc_nack_decode__golden_bytes)
{
	struct mrc_neth neth;
	struct mrc_nack n;
	u8 *b = (u8 *)&neth;

	memcpy(&neth, neth_bytes, sizeof(neth));
	b[0] = 0xff;
	b[1] = 0xff;
	b[12] = 0xff;
	b[16] |= 0x0f;
	b[17] = 0xff;
	CHECK(mrc_nack_decode(&n, &neth));
	CHECK_EQ(n.reason, 0x0a);
	CHECK_EQ(n.vendor, 12);
	CHECK_EQ(n.entropy, 0xdd01);
	CHECK_EQ(n.spdcid, 0x11);
	CHECK_EQ(n.dpdcid, 0x22);
	CHECK_EQ(n.psn, 0x123456);
	CHECK_EQ(n.tx_timestamp, 0xcafe);
	for (int type = 0; type < 16; type++) {
		b[16] = type << 4;
		CHECK(mrc_nack_decode(&n, &neth) == (type == 2));
	}
}

TEST(wire__structure_sizes)
{
	CHECK_EQ(sizeof(struct mrc_bth), 12);
	CHECK_EQ(sizeof(struct mrc_meth), 4);
	CHECK_EQ(sizeof(struct mrc_tseth), 4);
	CHECK_EQ(sizeof(struct mrc_reth), 16);
	CHECK_EQ(sizeof(struct mrc_immdt), 4);
	CHECK_EQ(sizeof(struct mrc_aeth), 4);
	CHECK_EQ(sizeof(struct mrc_peth), 16);
	CHECK_EQ(sizeof(struct mrc_erth), 16);
	CHECK_EQ(sizeof(struct mrc_eeth), 36);
	CHECK_EQ(offsetof(struct mrc_eeth, tx_timestamp), 28);
	CHECK_EQ(sizeof(struct mrc_atomiceth), 28);
	CHECK_EQ(sizeof(struct mrc_deth), 8);
}

TEST(mrc_psn_diff__circle)
{
	CHECK(mrc_psn_diff(5, 3) == 2);
	CHECK(mrc_psn_diff(3, 5) == -2);
	CHECK(mrc_psn_diff(2, 0xfffffe) == 4);
	CHECK(mrc_psn_diff(0xfffffe, 2) == -4);
	CHECK(mrc_psn_diff(0x800000, 0) == -0x800000);
	CHECK(mrc_psn_diff(0x7fffff, 0) == 0x7fffff);
	CHECK_EQ(mrc_psn_add(0xffffff, 1), 0);
	CHECK_EQ(mrc_psn_add(0, -1), 0xffffff);
}
