/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Packets in host order, and their codecs: everything from the BTH to the pad
 * but SACK and NACK, which are in sack.h. Encoders fill every byte of what
 * they write, reserved fields with zero; decoders ignore reserved fields.
 */
#ifndef MRC_TRANSPORT_CODEC_H
#define MRC_TRANSPORT_CODEC_H

#include <linux/types.h>
#include <asm/byteorder.h>

#include "mrc/wire.h"

/* Properties of a data opcode. */
#define MRC_OPF_DATA	0x01	/* has a PSN and a METH */
#define MRC_OPF_END	0x02	/* ends a message: processed in order */
#define MRC_OPF_RECV	0x04	/* its message consumes a receive WR */
#define MRC_OPF_RETH	0x08
#define MRC_OPF_XOETH	0x10
#define MRC_OPF_IMM	0x20	/* ImmDt or IETH */
#define MRC_OPF_ATOMIC	0x40
#define MRC_OPF_REQ	0x80	/* request (counts in MSN), not an answer */
#define MRC_OPF_XRETH	0x100
#define MRC_OPF_PAYLOAD	0x200

u16 mrc_opcode_flags(u8 op);
u32 mrc_opcode_hdrlen(u8 op);

static inline u32 mrc_bth_pad(const struct mrc_bth *bth)
{
	return (bth->flags & MRC_BTH_PAD_MASK) >> MRC_BTH_PAD_SHIFT;
}

void mrc_bth_encode(struct mrc_bth *bth, u8 op, u32 dqpn, u32 psn);
int mrc_bth_check(const struct mrc_bth *bth, u32 len);

/* A packet of a stream: opcodes with MRC_OPF_DATA. */
struct mrc_pkt {
	u8 op;
	u8 pad;			/* bytes of pad behind the payload, 0..3 */
	bool ackreq, rtx, se;
	bool calm;		/* few SACKs will do */
	bool ts;		/* there is a TSETH */
	u16 msn, rqmsn;
	u16 tx_timestamp;
	u32 dqpn;
	u32 psn;
	u32 hdrlen;		/* payload starts here; not for the encoder */
	u32 plen;		/* payload bytes without pad; the same */
	u64 va;			/* RETH, AtomicETH */
	u32 rkey;
	u32 dmalen;		/* RETH: message length; XOETH: len */
	u32 offset;		/* XOETH */
	__be32 imm;		/* ImmDt or IETH, as on the wire */
	u32 first_psn;		/* XRETH */
	u64 swap_add, compare;
};

u32 mrc_pkt_encode(const struct mrc_pkt *p, void *buf);
bool mrc_pkt_decode(struct mrc_pkt *p, const void *buf, u32 headlen, u32 len);

/* A datagram. */
struct mrc_datagram {
	u8 op;			/* MRC_OP_UD_* */
	u8 pad;
	bool se;
	u32 dqpn;
	u32 psn;
	u32 hdrlen, plen;	/* as in struct mrc_pkt */
	u32 qkey;
	u32 sqpn;
	__be32 imm;
};

u32 mrc_datagram_encode(const struct mrc_datagram *d, void *buf);
bool mrc_datagram_decode(struct mrc_datagram *d, const void *buf, u32 headlen,
			 u32 len);

static inline void mrc_aeth_encode(struct mrc_aeth *aeth, u8 syndrome, u32 msn)
{
	aeth->syndrome_msn = cpu_to_be32((u32)syndrome << 24 |
					 (msn & 0xffffff));
}

static inline u8 mrc_aeth_syndrome(const struct mrc_aeth *aeth)
{
	return be32_to_cpu(aeth->syndrome_msn) >> 24;
}

/* A reliability probe. */
struct mrc_probe {
	u16 id;
	u16 spdcid, dpdcid;
	u16 tx_timestamp;
};

void mrc_probe_encode(const struct mrc_probe *p, struct mrc_peth *peth);
void mrc_probe_decode(struct mrc_probe *p, const struct mrc_peth *peth);

/* An endpoint request, or the response to one; its id is in the BTH. */
struct mrc_ep {
	u8 op;			/* enum mrc_ep_op, 0..3 */
	u32 ports;		/* request only: bit set, port reachable */
	u16 tx_timestamp;	/* of the request */
};

void mrc_ep_req_encode(const struct mrc_ep *ep, struct mrc_erth *erth);
void mrc_ep_req_decode(struct mrc_ep *ep, const struct mrc_erth *erth);
void mrc_ep_resp_encode(const struct mrc_ep *ep, struct mrc_eeth *eeth);
void mrc_ep_resp_decode(struct mrc_ep *ep, const struct mrc_eeth *eeth);

bool mrc_hello_valid(const struct mrc_hello *h);

#endif
