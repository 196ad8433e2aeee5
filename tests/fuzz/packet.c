// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Whatever comes in a UDP packet goes through the decoders: they read nothing
 * behind its end, what they accept lies inside of it, and what they have read
 * is what the encoders write.
 *
 * Input: the packet from the BTH to the pad; its first byte says how much of
 * it lies in the linear part.
 */
#include <errno.h>

#include "fuzz.h"
#include "transport/codec.h"
#include "transport/sack.h"

static void data_packet(const uint8_t *buf, u32 headlen, u32 len)
{
	u32 again[64];
	struct mrc_pkt p, q;
	u32 n;

	if (!mrc_pkt_decode(&p, buf, headlen, len))
		return;
	MUST(p.hdrlen <= headlen && p.hdrlen <= sizeof(again));
	MUST((u64)p.hdrlen + p.plen + p.pad == len);
	n = mrc_pkt_encode(&p, again);
	MUST(n == p.hdrlen);
	/* the codec checks lengths, not whether there is anything */
	MUST(mrc_pkt_decode(&q, again, n, n) || p.pad);
	if (p.pad)
		return;
	q.plen = p.plen;
	MUST(q.op == p.op && q.ackreq == p.ackreq && q.rtx == p.rtx &&
	     q.calm == p.calm &&
	     q.se == p.se && q.ts == p.ts && q.msn == p.msn &&
	     q.rqmsn == p.rqmsn && q.tx_timestamp == p.tx_timestamp &&
	     q.dqpn == p.dqpn && q.psn == p.psn && q.hdrlen == p.hdrlen &&
	     q.va == p.va && q.rkey == p.rkey && q.dmalen == p.dmalen &&
	     q.offset == p.offset && q.imm == p.imm &&
	     q.first_psn == p.first_psn && q.swap_add == p.swap_add &&
	     q.compare == p.compare);
}

static void datagram(const uint8_t *buf, u32 headlen, u32 len)
{
	struct mrc_datagram d, e;
	u32 again[16];
	u32 n;

	if (!mrc_datagram_decode(&d, buf, headlen, len))
		return;
	MUST(d.hdrlen <= headlen && (u64)d.hdrlen + d.plen + d.pad == len);
	d.pad = 0;
	n = mrc_datagram_encode(&d, again);
	MUST(n == d.hdrlen && mrc_datagram_decode(&e, again, n, n));
	MUST(e.op == d.op && e.se == d.se && e.dqpn == d.dqpn &&
	     e.psn == d.psn && e.qkey == d.qkey && e.sqpn == d.sqpn &&
	     e.imm == d.imm);
}

static void sack(const void *h)
{
	const struct mrc_cc_state *cc = h + sizeof(struct mrc_seth);
	struct mrc_cc_state cc2;
	struct mrc_seth seth;
	struct mrc_sack s, t;

	if (!mrc_sack_decode(&s, h, cc))
		return;
	mrc_sack_encode(&s, &seth, &cc2);
	MUST(mrc_sack_decode(&t, &seth, &cc2));
	MUST(t.cack == s.cack && t.probe == s.probe &&
	     t.acked_psn == s.acked_psn && t.probe_id == s.probe_id &&
	     t.m == s.m && t.entropy == s.entropy && t.spdcid == s.spdcid &&
	     t.dpdcid == s.dpdcid && t.mpr == s.mpr && t.bitmap == s.bitmap &&
	     t.sack_offset == s.sack_offset && t.ooo_count == s.ooo_count &&
	     t.tx_timestamp == s.tx_timestamp && t.penalty == s.penalty &&
	     t.restore_cwnd == s.restore_cwnd &&
	     t.rcvd_bytes == s.rcvd_bytes);
}

static void nack(const void *h)
{
	struct mrc_neth neth;
	struct mrc_nack n, m;

	if (!mrc_nack_decode(&n, h))
		return;
	mrc_nack_encode(&n, &neth);
	MUST(mrc_nack_decode(&m, &neth));
	MUST(m.reason == n.reason && m.vendor == n.vendor &&
	     m.entropy == n.entropy && m.psn == n.psn &&
	     m.spdcid == n.spdcid && m.dpdcid == n.dpdcid &&
	     m.tx_timestamp == n.tx_timestamp);
}

/* Headers that need no more than to be read. */
static void others(u8 op, const void *h)
{
	struct mrc_probe probe;
	struct mrc_peth peth;
	struct mrc_ep ep, ep2;
	struct mrc_erth erth;
	struct mrc_eeth eeth;

	switch (op) {
	case MRC_OP_SACK:
	case MRC_OP_X_SACK_ACK:
		sack(h);
		break;
	case MRC_OP_NACK:
		nack(h);
		break;
	case MRC_OP_PROBE:
		mrc_probe_decode(&probe, h);
		mrc_probe_encode(&probe, &peth);
		break;
	case MRC_OP_EP_REQUEST:
		mrc_ep_req_decode(&ep, h);
		mrc_ep_req_encode(&ep, &erth);
		mrc_ep_req_decode(&ep2, &erth);
		MUST(ep.op == ep2.op && ep.ports == ep2.ports &&
		     ep.tx_timestamp == ep2.tx_timestamp);
		break;
	case MRC_OP_EP_RESPONSE:
		mrc_ep_resp_decode(&ep, h);
		mrc_ep_resp_encode(&ep, &eeth);
		mrc_ep_resp_decode(&ep2, &eeth);
		MUST(ep.op == ep2.op && ep.tx_timestamp == ep2.tx_timestamp);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u32 len, headlen;
	uint8_t *buf;
	int hdrlen;

	if (size < 1 + sizeof(struct mrc_bth))
		return 0;
	len = size - 1;
	headlen = data[0] ? data[0] : len;
	if (headlen > len)
		headlen = len;
	if (headlen < sizeof(struct mrc_bth))
		headlen = sizeof(struct mrc_bth);
	/* of its exact size, so that the sanitizer guards its end */
	buf = malloc(headlen);
	memcpy(buf, data + 1, headlen);
	hdrlen = mrc_bth_check((void *)buf, len);
	if (hdrlen >= 0) {
		MUST(hdrlen <= (int)len);
		/* the receiver pulls so much into the linear part */
		if (headlen < (u32)hdrlen) {
			buf = realloc(buf, hdrlen);
			memcpy(buf, data + 1, hdrlen);
			headlen = hdrlen;
		}
		if (mrc_opcode_flags(buf[0]))
			data_packet(buf, headlen, len);
		else if (buf[0] == MRC_OP_UD_SEND_ONLY ||
			 buf[0] == MRC_OP_UD_SEND_ONLY_IMM)
			datagram(buf, headlen, len);
		else
			others(buf[0], buf + sizeof(struct mrc_bth));
	} else {
		MUST(hdrlen == -ENOENT || hdrlen == -EBADMSG);
		/* nobody may count on the check alone */
		if (mrc_opcode_flags(buf[0]))
			data_packet(buf, headlen, len);
	}
	free(buf);
	return 0;
}
