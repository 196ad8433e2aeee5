/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The invariant CRC of RoCEv2 (IBTA annex A17): CRC-32 over the packet from
 * the IP header to the pad bytes, with all fields set to ones that may change
 * on the way, after eight bytes of ones that stand for the missing LRH.
 * On the wire the complement follows the pad, least significant byte first.
 */
#ifndef MRC_PORT_ICRC_H
#define MRC_PORT_ICRC_H

#include "mrc/wire.h"

/* State of a CRC that began with ~0 and has seen eight bytes of 0xff. */
#define MRC_ICRC_SEED		0xdebb20e3U
#define MRC_ICRC_V4_LEN		20
#define MRC_ICRC_V6_LEN		40
/* IPv6, UDP and BTH */
#define MRC_ICRC_MASKED_MAX	(MRC_ICRC_V6_LEN + 8 + sizeof(struct mrc_bth))

/*
 * Copy IP header (@iplen bytes: no options), UDP header and BTH from @ip to
 * @out with the variable fields masked. Returns the number of bytes.
 */
static inline unsigned int mrc_icrc_mask(__u8 *out, const __u8 *ip,
					 unsigned int iplen)
{
	unsigned int len = iplen + 8 + sizeof(struct mrc_bth);
	unsigned int i;

	for (i = 0; i < len; i++)
		out[i] = ip[i];
	if (iplen == MRC_ICRC_V4_LEN) {
		out[1] = 0xff;			/* type of service */
		out[8] = 0xff;			/* time to live */
		out[10] = 0xff;			/* header checksum */
		out[11] = 0xff;
	} else {
		out[0] |= 0x0f;			/* traffic class */
		out[1] = 0xff;			/* and flow label */
		out[2] = 0xff;
		out[3] = 0xff;
		out[7] = 0xff;			/* hop limit */
	}
	out[iplen + 6] = 0xff;			/* UDP checksum */
	out[iplen + 7] = 0xff;
	out[iplen + 8 + 4] = 0xff;		/* BTH, reserved byte */
	return len;
}

#ifdef __KERNEL__
struct sk_buff;

/* Choose the fastest CRC this machine has. */
void mrc_icrc_init(void);
void mrc_icrc_exit(void);
/*
 * ICRC of @skb, whose network header is followed by UDP header and BTH, all
 * linear: @off and @len are the bytes behind the BTH, pad included.
 */
__le32 mrc_icrc(const struct sk_buff *skb, unsigned int iplen, int off,
		int len);
#endif

#endif
