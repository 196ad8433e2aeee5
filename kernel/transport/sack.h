/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/* SACK and NACK in host order, and their codecs. */
#ifndef MRC_TRANSPORT_SACK_H
#define MRC_TRANSPORT_SACK_H

#include <linux/types.h>

#include "mrc/wire.h"

struct mrc_sack {
	u32 cack;		/* all PSNs up to it have arrived */
	u32 acked_psn;		/* the packet that caused it; not with probe */
	bool probe;		/* answer to a probe, with its id */
	u16 probe_id;
	u8 m;			/* enum mrc_sack_m */
	u32 entropy;		/* of the acknowledged packet */
	u16 spdcid;
	u16 dpdcid;
	u8 mpr;
	s16 sack_offset;	/* bitmap bit i is PSN cack + sack_offset + i */
	u64 bitmap;
	u16 tx_timestamp;	/* reflected */
	u16 ooo_count;
	bool restore_cwnd;
	u8 penalty;
	u32 rcvd_bytes;		/* MRC_CC_RCVD_UNIT units, modulo 2^24 */
};

struct mrc_nack {
	u8 reason;		/* enum mrc_nack_reason */
	u8 vendor;
	u32 entropy;
	u16 spdcid;
	u16 dpdcid;
	u32 psn;
	u16 tx_timestamp;
};

void mrc_sack_encode(const struct mrc_sack *s, struct mrc_seth *seth,
		     struct mrc_cc_state *cc);
/* False if a type field has a value this version does not know. */
bool mrc_sack_decode(struct mrc_sack *s, const struct mrc_seth *seth,
		     const struct mrc_cc_state *cc);
void mrc_nack_encode(const struct mrc_nack *n, struct mrc_neth *neth);
bool mrc_nack_decode(struct mrc_nack *n, const struct mrc_neth *neth);

#endif
