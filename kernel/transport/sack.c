// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* SACK and NACK: between host order and the wire. */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "sack.h"

#define MRC_SETH_TYPE_MASK	0xf000

/**
 * mrc_sack_encode - write a SACK's SETH and CC_STATE
 * @s: the SACK
 * @seth: where to
 * @cc: where to
 */
void mrc_sack_encode(const struct mrc_sack *s, struct mrc_seth *seth,
		     struct mrc_cc_state *cc)
{
	u16 flags = (s->m << MRC_SETH_M_SHIFT) & MRC_SETH_M_MASK;
	u16 offset;

	if (s->probe) {
		flags |= MRC_SETH_PR;
		offset = s->probe_id;
	} else {
		s32 d = mrc_psn_diff(s->acked_psn, s->cack);

		/* An ancient duplicate is out of range: name cack instead. */
		offset = d >= S16_MIN && d <= S16_MAX ? (u16)d : 0;
	}

	seth->flags = cpu_to_be16(flags);
	seth->ack_psn_offset = cpu_to_be16(offset);
	seth->entropy = cpu_to_be32(s->entropy);
	seth->spdcid = cpu_to_be16(s->spdcid);
	seth->dpdcid = cpu_to_be16(s->dpdcid);
	seth->cack_psn = cpu_to_be32(s->cack & MRC_PSN_MASK);
	seth->cc = 0;
	seth->mpr = s->mpr;
	seth->sack_offset = cpu_to_be16((u16)s->sack_offset);
	seth->bitmap = cpu_to_be64(s->bitmap);

	cc->tx_timestamp = cpu_to_be16(s->tx_timestamp);
	cc->ooo = cpu_to_be16(s->ooo_count & MRC_CC_OOO_MASK);
	cc->rcvd = cpu_to_be32((s->restore_cwnd ? MRC_CC_RESTORE_CWND : 0) |
			       (u32)(s->penalty & MRC_CC_PENALTY_MAX) <<
			       MRC_CC_PENALTY_SHIFT |
			       (s->rcvd_bytes & MRC_CC_RCVD_MASK));
}

/**
 * mrc_sack_decode - read a SACK's SETH and CC_STATE
 * @s: filled
 * @seth: from the wire
 * @cc: from the wire
 *
 * Reserved fields are ignored, and m with its reserved value counts as none.
 *
 * Return: false if SETH or CC_STATE is of a type that is not known.
 */
bool mrc_sack_decode(struct mrc_sack *s, const struct mrc_seth *seth,
		     const struct mrc_cc_state *cc)
{
	u16 flags = be16_to_cpu(seth->flags);
	u16 offset = be16_to_cpu(seth->ack_psn_offset);
	u32 rcvd = be32_to_cpu(cc->rcvd);

	if ((flags & MRC_SETH_TYPE_MASK) || seth->cc >> 4)
		return false;

	memset(s, 0, sizeof(*s));
	s->cack = be32_to_cpu(seth->cack_psn) & MRC_PSN_MASK;
	s->m = (flags & MRC_SETH_M_MASK) >> MRC_SETH_M_SHIFT;
	if (s->m > MRC_SACK_M_ALWAYS_SKIP)
		s->m = MRC_SACK_M_NONE;
	if (flags & MRC_SETH_PR) {
		s->probe = true;
		s->probe_id = offset;
		s->acked_psn = s->cack;
	} else {
		s->acked_psn = mrc_psn_add(s->cack, (s16)offset);
	}
	s->entropy = be32_to_cpu(seth->entropy);
	s->spdcid = be16_to_cpu(seth->spdcid);
	s->dpdcid = be16_to_cpu(seth->dpdcid);
	s->mpr = seth->mpr;
	s->sack_offset = (s16)be16_to_cpu(seth->sack_offset);
	s->bitmap = be64_to_cpu(seth->bitmap);

	s->tx_timestamp = be16_to_cpu(cc->tx_timestamp);
	s->ooo_count = be16_to_cpu(cc->ooo) & MRC_CC_OOO_MASK;
	s->restore_cwnd = rcvd & MRC_CC_RESTORE_CWND;
	s->penalty = rcvd >> MRC_CC_PENALTY_SHIFT & MRC_CC_PENALTY_MAX;
	s->rcvd_bytes = rcvd & MRC_CC_RCVD_MASK;
	return true;
}

/**
 * mrc_nack_encode - write a NACK's NETH
 * @n: the NACK
 * @neth: where to
 */
void mrc_nack_encode(const struct mrc_nack *n, struct mrc_neth *neth)
{
	memset(neth, 0, sizeof(*neth));
	neth->reason = n->reason;
	neth->vendor = n->vendor;
	neth->entropy = cpu_to_be32(n->entropy);
	neth->spdcid = cpu_to_be16(n->spdcid);
	neth->dpdcid = cpu_to_be16(n->dpdcid);
	neth->nack_psn = cpu_to_be32(n->psn & MRC_PSN_MASK);
	neth->cc = MRC_NACK_CC_TYPE << 4;
	neth->tx_timestamp = cpu_to_be16(n->tx_timestamp);
}

/**
 * mrc_nack_decode - read a NACK's NETH
 * @n: filled
 * @neth: from the wire
 *
 * Return: false if it is of a type that is not known. Reasons are not judged.
 */
bool mrc_nack_decode(struct mrc_nack *n, const struct mrc_neth *neth)
{
	if (neth->cc >> 4 != MRC_NACK_CC_TYPE)
		return false;

	n->reason = neth->reason;
	n->vendor = neth->vendor;
	n->entropy = be32_to_cpu(neth->entropy);
	n->spdcid = be16_to_cpu(neth->spdcid);
	n->dpdcid = be16_to_cpu(neth->dpdcid);
	n->psn = be32_to_cpu(neth->nack_psn) & MRC_PSN_MASK;
	n->tx_timestamp = be16_to_cpu(neth->tx_timestamp);
	return true;
}
