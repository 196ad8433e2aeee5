// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The masking of kernel/port/icrc.h: against packets whose ICRC others have
 * computed, and that it hides the variable fields and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/icrc.h"

static int passed, failed;

static void ok(int cond, const char *name)
{
	printf("%s - icrc %s\n", cond ? "ok" : "not ok", name);
	if (cond)
		passed++;
	else
		failed++;
}

/* Bit by bit, as the standard defines it. */
static unsigned int crc32_bits(unsigned int crc, const unsigned char *p,
			       size_t len)
{
	while (len--) {
		int i;

		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return crc;
}

/* ICRC of a packet from the IP header to the pad, as a little-endian number. */
static unsigned int icrc(const unsigned char *ip, size_t len,
			 unsigned int iplen)
{
	unsigned char masked[MRC_ICRC_MASKED_MAX];
	unsigned int n = mrc_icrc_mask(masked, ip, iplen);
	unsigned int crc = crc32_bits(MRC_ICRC_SEED, masked, n);

	return ~crc32_bits(crc, ip + n, len - n);
}

static unsigned int le32(const unsigned char *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (unsigned int)p[3] << 24;
}

static void seed__is_eight_bytes_of_ones(void)
{
	unsigned char ones[8];

	memset(ones, 0xff, sizeof(ones));
	ok(crc32_bits(~0U, ones, sizeof(ones)) == MRC_ICRC_SEED, __func__);
}

/* A CNP captured from a ConnectX-4 Lx, published with scapy's RoCE layer. */
static void ipv4__congestion_notification_of_a_nic(void)
{
	static const unsigned char pkt[] = {
		0x45, 0xc2, 0x00, 0x3c, 0x71, 0x8c, 0x40, 0x00,
		0x40, 0x11, 0x91, 0x61, 0x0a, 0x00, 0x11, 0x01,
		0x0a, 0x00, 0x12, 0x01,
		0x00, 0x00, 0x12, 0xb7, 0x00, 0x28, 0x00, 0x00,
		0x81, 0x00, 0xff, 0xff, 0x40, 0x00, 0x01, 0x18,
		0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x82, 0xfd, 0x00, 0x2a,
	};

	ok(icrc(pkt, sizeof(pkt) - 4, MRC_ICRC_V4_LEN) ==
	   le32(pkt + sizeof(pkt) - 4), __func__);
}

/* A UC SEND of 22 bytes, from the same place. */
static void ipv4__send_with_pad(void)
{
	static const unsigned char pkt[] = {
		0x45, 0x01, 0x00, 0x40, 0x04, 0x78, 0x40, 0x00,
		0x40, 0x11, 0xb4, 0xd5, 0xc0, 0xa8, 0x00, 0x07,
		0xc0, 0xa8, 0x00, 0x07,
		0xc0, 0x00, 0x12, 0xb7, 0x00, 0x2c, 0xac, 0xa2,
		0x24, 0x60, 0xff, 0xff, 0x00, 0x00, 0x00, 0xd3,
		0x00, 0xcf, 0x17, 0x10,
		0x46, 0x30, 0x81, 0x8b, 0xe2, 0x89, 0x35, 0xd9,
		0x0e, 0x9a, 0x95, 0x50, 0x54, 0x01, 0xbe, 0x88,
		0x5e, 0x50, 0x00, 0x00,
		0x78, 0xf3, 0x53, 0xf3,
	};

	ok(icrc(pkt, sizeof(pkt) - 4, MRC_ICRC_V4_LEN) ==
	   le32(pkt + sizeof(pkt) - 4), __func__);
}

/* Bits of the headers that may change on the way; all others must count. */
static void mask__hides_variable_fields_only(unsigned int iplen,
					     const unsigned char *variable,
					     const char *name)
{
	unsigned char pkt[MRC_ICRC_MASKED_MAX + 8] = {}, *p;
	unsigned int len = iplen + 8 + 12 + 8, want, i;
	int good = 1;

	for (i = 0; i < len; i++)
		pkt[i] = i * 7;
	want = icrc(pkt, len, iplen);
	for (i = 0; i < len * 8; i++) {
		p = &pkt[i / 8];
		*p ^= 1 << i % 8;
		if ((icrc(pkt, len, iplen) == want) !=
		    !!(variable[i / 8] & 1 << i % 8)) {
			printf("# byte %u, bit %u\n", i / 8, i % 8);
			good = 0;
		}
		*p ^= 1 << i % 8;
	}
	ok(good, name);
}

int main(void)
{
	static const unsigned char v4[MRC_ICRC_MASKED_MAX + 8] = {
		[1] = 0xff, [8] = 0xff, [10] = 0xff, 0xff,
		[20 + 6] = 0xff, 0xff, [28 + 4] = 0xff,
	};
	static const unsigned char v6[MRC_ICRC_MASKED_MAX + 8] = {
		[0] = 0x0f, 0xff, 0xff, 0xff, [7] = 0xff,
		[40 + 6] = 0xff, 0xff, [48 + 4] = 0xff,
	};

	seed__is_eight_bytes_of_ones();
	ipv4__congestion_notification_of_a_nic();
	ipv4__send_with_pad();
	mask__hides_variable_fields_only(MRC_ICRC_V4_LEN, v4,
					 "ipv4__variable_fields");
	mask__hides_variable_fields_only(MRC_ICRC_V6_LEN, v6,
					 "ipv6__variable_fields");
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
