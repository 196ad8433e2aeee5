// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Packets between host order and the wire. Field tables: Documentation/
 * protocol.md, sections 2 to 4, 9, 10 and 13.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "codec.h"

/* ------------------------------------------------------ opcodes, BTH */

static const u16 opcode_flags[32] = {
	[MRC_OP_WRITE_FIRST & 31] =
		MRC_OPF_DATA | MRC_OPF_RETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD,
	[MRC_OP_WRITE_MIDDLE & 31] =
		MRC_OPF_DATA | MRC_OPF_RETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD,
	[MRC_OP_WRITE_LAST & 31] =
		MRC_OPF_DATA | MRC_OPF_RETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_END,
	[MRC_OP_WRITE_LAST_IMM & 31] =
		MRC_OPF_DATA | MRC_OPF_RETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_END | MRC_OPF_IMM | MRC_OPF_RECV,
	[MRC_OP_WRITE_ONLY & 31] =
		MRC_OPF_DATA | MRC_OPF_RETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_END,
	[MRC_OP_WRITE_ONLY_IMM & 31] =
		MRC_OPF_DATA | MRC_OPF_RETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_END | MRC_OPF_IMM | MRC_OPF_RECV,
	[MRC_OP_X_SEND & 31] =
		MRC_OPF_DATA | MRC_OPF_XOETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_RECV,
	[MRC_OP_X_SEND_LAST & 31] =
		MRC_OPF_DATA | MRC_OPF_XOETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_RECV | MRC_OPF_END,
	[MRC_OP_X_SEND_LAST_IMM & 31] =
		MRC_OPF_DATA | MRC_OPF_XOETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_RECV | MRC_OPF_END | MRC_OPF_IMM,
	[MRC_OP_X_SEND_LAST_INV & 31] =
		MRC_OPF_DATA | MRC_OPF_XOETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_RECV | MRC_OPF_END | MRC_OPF_IMM,
	[MRC_OP_X_READ_REQ & 31] =
		MRC_OPF_DATA | MRC_OPF_XRETH | MRC_OPF_RETH | MRC_OPF_REQ |
		MRC_OPF_END,
	[MRC_OP_X_READ_RESP & 31] =
		MRC_OPF_DATA | MRC_OPF_XOETH | MRC_OPF_PAYLOAD,
	[MRC_OP_X_READ_RESP_LAST & 31] =
		MRC_OPF_DATA | MRC_OPF_XOETH | MRC_OPF_PAYLOAD | MRC_OPF_END,
	[MRC_OP_X_CMP_SWAP & 31] =
		MRC_OPF_DATA | MRC_OPF_XRETH | MRC_OPF_ATOMIC | MRC_OPF_REQ |
		MRC_OPF_END,
	[MRC_OP_X_FETCH_ADD & 31] =
		MRC_OPF_DATA | MRC_OPF_XRETH | MRC_OPF_ATOMIC | MRC_OPF_REQ |
		MRC_OPF_END,
	[MRC_OP_X_ATOMIC_RESP & 31] =
		MRC_OPF_DATA | MRC_OPF_PAYLOAD | MRC_OPF_END,
};

/**
 * mrc_opcode_flags - what packets of an opcode have
 * @op: BTH opcode
 *
 * Return: MRC_OPF_* of a data opcode, 0 for every other.
 */
u16 mrc_opcode_flags(u8 op)
{
	return op >> 5 == 6 ? opcode_flags[op & 31] : 0;
}

static u32 ext_hdrlen(u16 f)
{
	u32 len = 0;

	if (f & MRC_OPF_XRETH)
		len += sizeof(struct mrc_xreth);
	if (f & MRC_OPF_RETH)
		len += sizeof(struct mrc_reth);
	if (f & MRC_OPF_XOETH)
		len += sizeof(struct mrc_xoeth);
	if (f & MRC_OPF_ATOMIC)
		len += sizeof(struct mrc_atomiceth);
	if (f & MRC_OPF_IMM)
		len += sizeof(struct mrc_immdt);
	return len;
}

/**
 * mrc_opcode_hdrlen - headers of an opcode
 * @op: BTH opcode
 *
 * Return: bytes including the BTH, without the optional TSETH; 0: unknown.
 */
u32 mrc_opcode_hdrlen(u8 op)
{
	u16 f = mrc_opcode_flags(op);

	if (f)
		return sizeof(struct mrc_bth) + sizeof(struct mrc_meth) +
		       ext_hdrlen(f);

	switch (op) {
	case MRC_OP_ACK:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_aeth);
	case MRC_OP_SACK:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_seth) +
		       sizeof(struct mrc_cc_state);
	case MRC_OP_X_SACK_ACK:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_seth) +
		       sizeof(struct mrc_cc_state) + sizeof(struct mrc_aeth);
	case MRC_OP_NACK:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_neth);
	case MRC_OP_PROBE:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_peth);
	case MRC_OP_EP_REQUEST:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_erth);
	case MRC_OP_EP_RESPONSE:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_eeth);
	case MRC_OP_X_HELLO_REQ:
	case MRC_OP_X_HELLO_RESP:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_hello);
	case MRC_OP_UD_SEND_ONLY:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_deth);
	case MRC_OP_UD_SEND_ONLY_IMM:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_deth) +
		       sizeof(struct mrc_immdt);
	}
	return 0;
}

/**
 * mrc_bth_encode - write a BTH
 * @bth: where to
 * @op: opcode
 * @dqpn: destination QP
 * @psn: PSN
 *
 * The flags of both bytes are left clear.
 */
void mrc_bth_encode(struct mrc_bth *bth, u8 op, u32 dqpn, u32 psn)
{
	bth->opcode = op;
	bth->flags = 0;
	bth->pkey = cpu_to_be16(MRC_DEFAULT_PKEY);
	bth->dqpn = cpu_to_be32(dqpn & MRC_QPN_MASK);
	bth->psn = cpu_to_be32(psn & MRC_PSN_MASK);
}

/**
 * mrc_bth_check - can a packet be what its BTH says?
 * @bth: the BTH, all of it there
 * @len: bytes of the packet from the BTH to the pad
 *
 * The P_Key is the caller's to check.
 *
 * Return: bytes of headers from the BTH on, which are at most @len; -ENOENT:
 * unknown opcode; -EBADMSG: another transport version, or lengths that do not
 * go together.
 */
int mrc_bth_check(const struct mrc_bth *bth, u32 len)
{
	u32 hdrlen;

	if (bth->flags & MRC_BTH_TVER_MASK)
		return -EBADMSG;
	hdrlen = mrc_opcode_hdrlen(bth->opcode);
	if (!hdrlen)
		return -ENOENT;
	if (mrc_opcode_flags(bth->opcode) &&
	    bth->psn & cpu_to_be32(MRC_BTH_TS))
		hdrlen += sizeof(struct mrc_tseth);
	if (len < hdrlen + mrc_bth_pad(bth) || len & 3)
		return -EBADMSG;
	return hdrlen;
}

/* ------------------------------------------------------ data packets */

/**
 * mrc_pkt_encode - write a data packet's headers
 * @p: the packet; @hdrlen and @plen are not looked at
 * @buf: where to, mrc_opcode_hdrlen() bytes and 4 more for a TSETH, aligned
 *	to 4
 *
 * Return: bytes written.
 */
u32 mrc_pkt_encode(const struct mrc_pkt *p, void *buf)
{
	u16 f = mrc_opcode_flags(p->op);
	struct mrc_bth *bth = buf;
	struct mrc_meth *meth = (void *)(bth + 1);
	void *h = meth + 1;

	mrc_bth_encode(bth, p->op, p->dqpn, p->psn);
	bth->flags = (p->pad << MRC_BTH_PAD_SHIFT & MRC_BTH_PAD_MASK) |
		     (p->se ? MRC_BTH_SE : 0);
	bth->psn |= cpu_to_be32((p->ackreq ? MRC_BTH_ACKREQ : 0) |
				(p->calm ? MRC_BTH_CALM : 0) |
				(p->rtx ? MRC_BTH_RTX : 0) |
				(p->ts ? MRC_BTH_TS : 0));
	meth->rqmsn = cpu_to_be16(p->rqmsn);
	meth->msn = cpu_to_be16(p->msn);
	if (p->ts) {
		struct mrc_tseth *ts = h;

		ts->tx_timestamp = cpu_to_be16(p->tx_timestamp);
		ts->ftype = cpu_to_be16(MRC_TSETH_FTYPE);
		h = ts + 1;
	}
	if (f & MRC_OPF_XRETH) {
		struct mrc_xreth *x = h;

		x->first_psn = cpu_to_be32(p->first_psn & MRC_PSN_MASK);
		h = x + 1;
	}
	if (f & MRC_OPF_RETH) {
		struct mrc_reth *r = h;

		r->va = cpu_to_be64(p->va);
		r->rkey = cpu_to_be32(p->rkey);
		r->dmalen = cpu_to_be32(p->dmalen);
		h = r + 1;
	}
	if (f & MRC_OPF_XOETH) {
		struct mrc_xoeth *x = h;

		x->offset = cpu_to_be32(p->offset);
		x->len = cpu_to_be32(p->dmalen);
		h = x + 1;
	}
	if (f & MRC_OPF_ATOMIC) {
		struct mrc_atomiceth *a = h;

		a->va = cpu_to_be64(p->va);
		a->rkey = cpu_to_be32(p->rkey);
		a->swap_add = cpu_to_be64(p->swap_add);
		a->compare = cpu_to_be64(p->compare);
		h = a + 1;
	}
	if (f & MRC_OPF_IMM) {
		struct mrc_immdt *i = h;

		i->imm = p->imm;
		h = i + 1;
	}
	return (u8 *)h - (u8 *)buf;
}

/**
 * mrc_pkt_decode - read a data packet's headers
 * @p: filled
 * @buf: the packet from the BTH on, aligned to 4
 * @headlen: bytes that may be read there
 * @len: bytes of the packet up to the pad
 *
 * Return: false if it is no data packet, its headers are not within @headlen,
 * or lengths and fields contradict each other.
 */
bool mrc_pkt_decode(struct mrc_pkt *p, const void *buf, u32 headlen, u32 len)
{
	const struct mrc_bth *bth = buf;
	const struct mrc_meth *meth = (const void *)(bth + 1);
	const void *h = meth + 1;
	u32 psn;
	u16 f;

	memset(p, 0, sizeof(*p));
	if (headlen < sizeof(*bth))
		return false;
	psn = be32_to_cpu(bth->psn);
	f = mrc_opcode_flags(bth->opcode);
	if (!f)
		return false;
	p->op = bth->opcode;
	p->se = bth->flags & MRC_BTH_SE;
	p->pad = mrc_bth_pad(bth);
	p->dqpn = be32_to_cpu(bth->dqpn) & MRC_QPN_MASK;
	p->psn = psn & MRC_PSN_MASK;
	p->ackreq = psn & MRC_BTH_ACKREQ;
	p->calm = psn & MRC_BTH_CALM;
	p->rtx = psn & MRC_BTH_RTX;
	p->ts = psn & MRC_BTH_TS;
	p->hdrlen = mrc_opcode_hdrlen(p->op);
	if (p->ts)
		p->hdrlen += sizeof(struct mrc_tseth);
	if (headlen < p->hdrlen || len < p->hdrlen + p->pad)
		return false;
	p->plen = len - p->hdrlen - p->pad;
	if (!(f & MRC_OPF_PAYLOAD) && (p->plen || p->pad))
		return false;

	p->rqmsn = be16_to_cpu(meth->rqmsn);
	p->msn = be16_to_cpu(meth->msn);
	if (p->ts) {
		const struct mrc_tseth *ts = h;

		p->tx_timestamp = be16_to_cpu(ts->tx_timestamp);
		h = ts + 1;
	}
	if (f & MRC_OPF_XRETH) {
		const struct mrc_xreth *x = h;

		p->first_psn = be32_to_cpu(x->first_psn) & MRC_PSN_MASK;
		h = x + 1;
	}
	if (f & MRC_OPF_RETH) {
		const struct mrc_reth *r = h;

		p->va = be64_to_cpu(r->va);
		p->rkey = be32_to_cpu(r->rkey);
		p->dmalen = be32_to_cpu(r->dmalen);
		h = r + 1;
	}
	if (f & MRC_OPF_XOETH) {
		const struct mrc_xoeth *x = h;

		p->offset = be32_to_cpu(x->offset);
		p->dmalen = be32_to_cpu(x->len);
		h = x + 1;
	}
	if (f & MRC_OPF_ATOMIC) {
		const struct mrc_atomiceth *a = h;

		p->va = be64_to_cpu(a->va);
		p->rkey = be32_to_cpu(a->rkey);
		p->swap_add = be64_to_cpu(a->swap_add);
		p->compare = be64_to_cpu(a->compare);
		h = a + 1;
	}
	if (f & MRC_OPF_IMM) {
		const struct mrc_immdt *i = h;

		p->imm = i->imm;
	}
	return true;
}

/* ------------------------------------------------------ datagrams */

/**
 * mrc_datagram_encode - write a datagram's headers
 * @d: the datagram; @hdrlen and @plen are not looked at
 * @buf: where to, mrc_opcode_hdrlen() bytes, aligned to 4
 *
 * Return: bytes written.
 */
u32 mrc_datagram_encode(const struct mrc_datagram *d, void *buf)
{
	struct mrc_bth *bth = buf;
	struct mrc_deth *deth = (void *)(bth + 1);
	struct mrc_immdt *imm = (void *)(deth + 1);

	mrc_bth_encode(bth, d->op, d->dqpn, d->psn);
	bth->flags = (d->pad << MRC_BTH_PAD_SHIFT & MRC_BTH_PAD_MASK) |
		     (d->se ? MRC_BTH_SE : 0);
	deth->qkey = cpu_to_be32(d->qkey);
	deth->sqpn = cpu_to_be32(d->sqpn & MRC_QPN_MASK);
	if (d->op == MRC_OP_UD_SEND_ONLY_IMM)
		imm->imm = d->imm;
	return mrc_opcode_hdrlen(d->op);
}

/**
 * mrc_datagram_decode - read a datagram's headers
 * @d: filled
 * @buf: the packet from the BTH on, aligned to 4
 * @headlen: bytes that may be read there
 * @len: bytes of the packet up to the pad
 *
 * Return: false if it is no datagram or is too short.
 */
bool mrc_datagram_decode(struct mrc_datagram *d, const void *buf, u32 headlen,
			 u32 len)
{
	const struct mrc_bth *bth = buf;
	const struct mrc_deth *deth = (const void *)(bth + 1);
	const struct mrc_immdt *imm = (const void *)(deth + 1);

	memset(d, 0, sizeof(*d));
	if (headlen < sizeof(*bth) || (bth->opcode != MRC_OP_UD_SEND_ONLY &&
				       bth->opcode != MRC_OP_UD_SEND_ONLY_IMM))
		return false;
	d->op = bth->opcode;
	d->pad = mrc_bth_pad(bth);
	d->se = bth->flags & MRC_BTH_SE;
	d->dqpn = be32_to_cpu(bth->dqpn) & MRC_QPN_MASK;
	d->psn = be32_to_cpu(bth->psn) & MRC_PSN_MASK;
	d->hdrlen = mrc_opcode_hdrlen(d->op);
	if (headlen < d->hdrlen || len < d->hdrlen + d->pad)
		return false;
	d->plen = len - d->hdrlen - d->pad;
	d->qkey = be32_to_cpu(deth->qkey);
	d->sqpn = be32_to_cpu(deth->sqpn) & MRC_QPN_MASK;
	if (d->op == MRC_OP_UD_SEND_ONLY_IMM)
		d->imm = imm->imm;
	return true;
}

/* ------------------------------------------------------ control packets */

/**
 * mrc_probe_encode - write a reliability probe's PETH
 * @p: the probe
 * @peth: where to
 */
void mrc_probe_encode(const struct mrc_probe *p, struct mrc_peth *peth)
{
	memset(peth, 0, sizeof(*peth));
	peth->probe_id = cpu_to_be16(p->id);
	peth->spdcid = cpu_to_be16(p->spdcid);
	peth->dpdcid = cpu_to_be16(p->dpdcid);
	peth->tx_timestamp = cpu_to_be16(p->tx_timestamp);
	peth->ftype = cpu_to_be16(MRC_TSETH_FTYPE);
}

/**
 * mrc_probe_decode - read a reliability probe's PETH
 * @p: filled
 * @peth: from the wire
 */
void mrc_probe_decode(struct mrc_probe *p, const struct mrc_peth *peth)
{
	p->id = be16_to_cpu(peth->probe_id);
	p->spdcid = be16_to_cpu(peth->spdcid);
	p->dpdcid = be16_to_cpu(peth->dpdcid);
	p->tx_timestamp = be16_to_cpu(peth->tx_timestamp);
}

#define MRC_EP_OP_MASK		3
#define MRC_EP_RESP_OP_SHIFT	2

/**
 * mrc_ep_req_encode - write an endpoint request's ERTH
 * @ep: the request
 * @erth: where to
 */
void mrc_ep_req_encode(const struct mrc_ep *ep, struct mrc_erth *erth)
{
	memset(erth, 0, sizeof(*erth));
	erth->op = cpu_to_be16(ep->op & MRC_EP_OP_MASK);
	erth->port_status_mask = cpu_to_be32(ep->ports);
	erth->tx_timestamp = cpu_to_be16(ep->tx_timestamp);
	erth->ftype = cpu_to_be16(MRC_TSETH_FTYPE);
}

/**
 * mrc_ep_req_decode - read an endpoint request's ERTH
 * @ep: filled
 * @erth: from the wire
 */
void mrc_ep_req_decode(struct mrc_ep *ep, const struct mrc_erth *erth)
{
	ep->op = be16_to_cpu(erth->op) & MRC_EP_OP_MASK;
	ep->ports = be32_to_cpu(erth->port_status_mask);
	ep->tx_timestamp = be16_to_cpu(erth->tx_timestamp);
}

/**
 * mrc_ep_resp_encode - write an endpoint response's EETH
 * @ep: the response
 * @eeth: where to
 */
void mrc_ep_resp_encode(const struct mrc_ep *ep, struct mrc_eeth *eeth)
{
	memset(eeth, 0, sizeof(*eeth));
	eeth->op = cpu_to_be16((ep->op & MRC_EP_OP_MASK) <<
			       MRC_EP_RESP_OP_SHIFT);
	eeth->tx_timestamp = cpu_to_be16(ep->tx_timestamp);
}

/**
 * mrc_ep_resp_decode - read an endpoint response's EETH
 * @ep: filled; @ports is not in it and is zero
 * @eeth: from the wire
 */
void mrc_ep_resp_decode(struct mrc_ep *ep, const struct mrc_eeth *eeth)
{
	ep->op = be16_to_cpu(eeth->op) >> MRC_EP_RESP_OP_SHIFT & MRC_EP_OP_MASK;
	ep->ports = 0;
	ep->tx_timestamp = be16_to_cpu(eeth->tx_timestamp);
}

/* ------------------------------------------------------ hello */

static bool addr_is_v4(const u8 *a)
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(a, mapped, sizeof(mapped));
}

static bool addr_is_zero(const u8 *a)
{
	static const u8 zero[16];

	return !memcmp(a, zero, sizeof(zero));
}

/* May packets be sent there because a peer says it is there? */
static bool addr_valid(const u8 *a, bool v4)
{
	static const u8 v6_loopback[16] = { [15] = 1 };

	if (addr_is_v4(a) != v4)
		return false;
	/* this network, loopback, multicast, limited broadcast */
	if (v4)
		return a[12] && a[12] != 127 && a[12] >> 4 != 14 &&
		       memcmp(a + 12, "\xff\xff\xff\xff", 4);
	return !addr_is_zero(a) && memcmp(a, v6_loopback, 16) && a[0] != 0xff;
}

/**
 * mrc_hello_valid - could an honest sender have written it?
 * @h: from the wire
 *
 * Return: false if the hello is to be dropped.
 */
bool mrc_hello_valid(const struct mrc_hello *h)
{
	bool v4 = addr_is_v4(h->host);
	u32 seen = 0;

	if (h->version != MRC_HELLO_VERSION || !h->mpr || !h->nonce ||
	    !h->nports || h->nports > MRC_MAX_PORTS ||
	    !addr_valid(h->host, v4))
		return false;
	for (int i = 0; i < h->nports; i++) {
		const struct mrc_hello_port *port = &h->port[i];

		if (port->plane >= MRC_MAX_PORTS || seen & 1U << port->plane)
			return false;
		seen |= 1U << port->plane;
		if (!addr_is_zero(port->addr) && !addr_valid(port->addr, v4))
			return false;
	}
	return true;
}
