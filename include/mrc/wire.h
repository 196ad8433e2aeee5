/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * MRC 1.0 packet formats and this implementation's extension opcodes.
 *
 * The file stands alone: it is used by the module, by the unit tests and by
 * the simulator. Everything is big-endian and every structure is a multiple
 * of four bytes. Field names follow the MRC 1.0 specification, sections in
 * comments refer to Documentation/protocol.md.
 */
#ifndef MRC_WIRE_H
#define MRC_WIRE_H

#include <linux/types.h>

#define MRC_UDP_PORT		4971
#define MRC_PSN_MASK		0xffffffU
#define MRC_QPN_MASK		0xffffffU
/* One unit of the MPR field is this many PSNs. */
#define MRC_MPR_UNIT		128
#define MRC_MPR_MIN		8
#define MRC_MPR_DEFAULT		32
/* DQP of ENDPOINT_REQUEST, ENDPOINT_RESPONSE and of the hello. */
#define MRC_ENDPOINT_QPN	2
/* One unit of tx_timestamp, in ns (TSETH.tsr = 0). */
#define MRC_TS_UNIT_NS		128
#define MRC_TS_WRAP_NS		(65536ULL * MRC_TS_UNIT_NS)
#define MRC_SACK_BITS		64

enum mrc_opcode {
	/* MRC 1.0 */
	MRC_OP_WRITE_FIRST	= 0xc6,
	MRC_OP_WRITE_MIDDLE	= 0xc7,
	MRC_OP_WRITE_LAST	= 0xc8,
	MRC_OP_WRITE_LAST_IMM	= 0xc9,
	MRC_OP_WRITE_ONLY	= 0xca,
	MRC_OP_WRITE_ONLY_IMM	= 0xcb,
	MRC_OP_ACK		= 0xd1,
	MRC_OP_EP_REQUEST	= 0xd8,
	MRC_OP_EP_RESPONSE	= 0xd9,
	MRC_OP_SACK		= 0xdc,
	MRC_OP_NACK		= 0xdd,
	MRC_OP_PROBE		= 0xde,
	/*
	 * Extensions, in values MRC 1.0 leaves unused; sent only to a peer
	 * that announced them in the hello exchange.
	 */
	MRC_OP_X_SEND		= 0xc0,	/* METH XOETH payload */
	MRC_OP_X_SEND_LAST	= 0xc1,	/* METH XOETH payload */
	MRC_OP_X_SEND_LAST_IMM	= 0xc2,	/* METH XOETH ImmDt payload */
	MRC_OP_X_SEND_LAST_INV	= 0xc3,	/* METH XOETH IETH payload */
	MRC_OP_X_READ_REQ	= 0xc4,	/* METH XRETH RETH */
	MRC_OP_X_READ_RESP	= 0xcc,	/* METH XOETH payload */
	MRC_OP_X_READ_RESP_LAST	= 0xcd,	/* METH XOETH payload */
	MRC_OP_X_CMP_SWAP	= 0xce,	/* METH XRETH AtomicETH */
	MRC_OP_X_FETCH_ADD	= 0xcf,	/* METH XRETH AtomicETH */
	MRC_OP_X_ATOMIC_RESP	= 0xd0,	/* METH AtomicAckETH */
	MRC_OP_X_SACK_ACK	= 0xd2,	/* SETH CC_STATE AETH */
	MRC_OP_X_HELLO_REQ	= 0xda,	/* struct mrc_hello */
	MRC_OP_X_HELLO_RESP	= 0xdb,	/* struct mrc_hello */
	/* IBTA opcodes of the UD service, carried in their standard form. */
	MRC_OP_UD_SEND_ONLY	= 0x64,
	MRC_OP_UD_SEND_ONLY_IMM	= 0x65,
};

/* struct mrc_bth::flags */
#define MRC_BTH_SE		0x80
#define MRC_BTH_M		0x40
#define MRC_BTH_PAD_SHIFT	4
#define MRC_BTH_PAD_MASK	0x30
#define MRC_BTH_TVER_MASK	0x0f

/* struct mrc_bth::psn, in host order after be32_to_cpu() */
#define MRC_BTH_ACKREQ		0x80000000U
#define MRC_BTH_CALM		0x40000000U	/* ours, if announced */
#define MRC_BTH_RTX		0x20000000U
#define MRC_BTH_TS		0x10000000U

#define MRC_DEFAULT_PKEY	0xffff

struct mrc_bth {
	__u8	opcode;
	__u8	flags;
	__be16	pkey;
	__be32	dqpn;		/* 8 bits reserved, 24 bits destination QP */
	__be32	psn;		/* MRC_BTH_ACKREQ, _CALM, _RTX, _TS, 24 bits PSN */
};

struct mrc_meth {
	__be16	rqmsn;		/* counts messages that consume a receive WQE */
	__be16	msn;		/* counts messages */
};

struct mrc_tseth {
	__be16	tx_timestamp;	/* MRC_TS_UNIT_NS units */
	__be16	ftype;		/* tsr 1, reserved 11, ftype 4 */
};

#define MRC_TSETH_FTYPE		1

struct mrc_reth {
	__be64	va;		/* of this packet's first byte */
	__be32	rkey;
	__be32	dmalen;		/* of the whole message */
} __attribute__((packed, aligned(4)));

struct mrc_immdt {
	__be32	imm;		/* or the R_Key to invalidate (IETH) */
};

struct mrc_aeth {
	__be32	syndrome_msn;	/* syndrome 8, MSN 24 */
};

/* AETH syndromes, IBTA 9.7.5.2 */
#define MRC_AETH_ACK		0x1f
#define MRC_AETH_NAK_PSN	0x60
#define MRC_AETH_NAK_INV_REQ	0x61
#define MRC_AETH_NAK_REM_ACC	0x62
#define MRC_AETH_NAK_REM_OP	0x63
#define MRC_AETH_IS_NAK(s)	(((s) & 0x60) == 0x60)

/* SETH.m, what is asked of the path that the acknowledged packet took */
enum mrc_sack_m {
	MRC_SACK_M_NONE		= 0,
	MRC_SACK_M_SKIP_ONCE	= 1,
	MRC_SACK_M_ALWAYS_SKIP	= 2,
};

#define MRC_SETH_M_SHIFT	5
#define MRC_SETH_M_MASK		0x0060
#define MRC_SETH_PR		0x0002

struct mrc_seth {
	__be16	flags;		/* type 4, nxt 5, m 2, reserved 3, pr 1, 0 */
	__be16	ack_psn_offset;	/* signed; probe id if MRC_SETH_PR */
	__be32	entropy;	/* of the acknowledged packet, reflected */
	__be16	spdcid;
	__be16	dpdcid;
	__be32	cack_psn;	/* 8 bits reserved */
	__u8	cc;		/* cc_type 4, cc_flags 4 */
	__u8	mpr;		/* MRC_MPR_UNIT units */
	__be16	sack_offset;	/* signed */
	__be64	bitmap;		/* bit i is PSN cack + sack_offset + i */
} __attribute__((packed, aligned(4)));

#define MRC_CC_OOO_MASK		0x7fff
#define MRC_CC_RESTORE_CWND	0x80000000U
#define MRC_CC_PENALTY_SHIFT	24
#define MRC_CC_PENALTY_MAX	127
#define MRC_CC_RCVD_MASK	0xffffffU
#define MRC_CC_RCVD_UNIT	256

struct mrc_cc_state {
	__be16	tx_timestamp;	/* reflected */
	__be16	ooo;		/* reserved 1, ooo_count 15 */
	__be32	rcvd;		/* restore_cwnd 1, rcv_cwnd_pen 7, rcvd_bytes 24 */
};

enum mrc_nack_reason {
	MRC_NACK_TRIMMED		= 0x01,
	MRC_NACK_TRIMMED_LASTHOP	= 0x02,
	MRC_NACK_NO_BITMAP		= 0x06,
	MRC_NACK_NO_PKT_BUFFER		= 0x07,
	MRC_NACK_NO_RESOURCE		= 0x0a,
	MRC_NACK_PSN_OOR_WINDOW		= 0x0b,
	MRC_NACK_UNEXP_EVENT		= 0x19,
};

#define MRC_NACK_CC_TYPE	2

struct mrc_neth {
	__be16	reserved0;
	__u8	reason;
	/*
	 * Between peers that exchanged hellos: with MRC_NACK_NO_RESOURCE, the
	 * receiver's min_rnr_timer in IBTA encoding (0 to 31).
	 */
	__u8	vendor;
	__be32	entropy;
	__be16	spdcid;
	__be16	dpdcid;
	__be32	nack_psn;	/* 8 bits reserved */
	__u8	cc;		/* cc_type 4 = 2, cc_flags 4 */
	__u8	reserved1;
	__be16	tx_timestamp;	/* reflected */
};

struct mrc_peth {
	__be16	reserved0;
	__u8	reserved1;
	__u8	vendor;
	__be16	probe_id;
	__be16	reserved2;
	__be16	spdcid;
	__be16	dpdcid;
	__be16	tx_timestamp;
	__be16	ftype;		/* tsr 1, reserved 11, ftype 4 = 1 */
};

enum mrc_ep_op {
	MRC_EP_PORT_STATUS	= 0,
	MRC_EP_EV_PROBE		= 1,
};

struct mrc_erth {
	__be16	op;		/* low 2 bits */
	__u8	reserved0;
	__u8	vendor;
	__be32	port_status_mask; /* bit set: port reachable */
	__be32	reserved1;
	__be16	tx_timestamp;
	__be16	ftype;
};

struct mrc_eeth {
	__be16	op;		/* bits 3:2 */
	__u8	reserved0[26];
	__be16	tx_timestamp;	/* reflected */
	__u8	reserved1[6];
};

/* Where in its message a payload belongs: SEND and READ response. */
struct mrc_xoeth {
	__be32	offset;		/* bytes from the start of the message */
	__be32	len;		/* of the whole message, bytes */
};

/*
 * With a request that is to be answered: the PSN at which the requester
 * expected the answering stream to begin. A responder that was only brought to
 * RTR does not know it otherwise.
 */
struct mrc_xreth {
	__be32	first_psn;	/* 8 bits reserved */
};

struct mrc_atomiceth {
	__be64	va;
	__be32	rkey;
	__be64	swap_add;
	__be64	compare;
} __attribute__((packed, aligned(4)));

struct mrc_atomicacketh {
	__be64	orig;
} __attribute__((packed, aligned(4)));

struct mrc_deth {
	__be32	qkey;
	__be32	sqpn;		/* 8 bits reserved */
};

#define MRC_HELLO_VERSION	1
#define MRC_MAX_PORTS		32
/* struct mrc_hello::features */
#define MRC_HELLO_F_SEND	(1U << 0)
#define MRC_HELLO_F_READ	(1U << 1)
#define MRC_HELLO_F_ATOMIC	(1U << 2)
#define MRC_HELLO_F_SACK_ACK	(1U << 3)
#define MRC_HELLO_F_NO_ICRC	(1U << 4)
/* What MRC 1.0 applications agree on out of band, in both directions. */
#define MRC_HELLO_F_DYN_MPR	(1U << 5)
#define MRC_HELLO_F_SERVICE_TIME (1U << 6)
#define MRC_HELLO_F_TRIM_NACK	(1U << 7)
/* EV probes may be followed by bytes that make them as long as data. */
#define MRC_HELLO_F_LONG_PROBE	(1U << 8)
/*
 * As a receiver it heeds MRC_BTH_CALM: of such packets, while none is missing,
 * it may leave so many untold, and so many more to wait for one that is late.
 */
#define MRC_HELLO_F_CALM	(1U << 9)
#define MRC_CALM_PACKETS	44
#define MRC_CALM_GAP		8
#define MRC_HELLO_F_MRC		(MRC_HELLO_F_DYN_MPR | \
				 MRC_HELLO_F_SERVICE_TIME | \
				 MRC_HELLO_F_TRIM_NACK)
#define MRC_HELLO_F_ALL		(MRC_HELLO_F_SEND | MRC_HELLO_F_READ | \
				 MRC_HELLO_F_ATOMIC | MRC_HELLO_F_SACK_ACK | \
				 MRC_HELLO_F_LONG_PROBE | MRC_HELLO_F_CALM | \
				 MRC_HELLO_F_MRC)

struct mrc_hello_port {
	__u8	plane;
	__u8	flags;		/* MRC_HELLO_PORT_UP */
	__be16	mtu;		/* of the netdev, bytes */
	__u8	addr[16];	/* IPv6 or IPv4-mapped */
};

#define MRC_HELLO_PORT_UP	0x01

/*
 * The hello exchange, see Documentation/protocol.md. Requests and responses
 * have the same length so that a responder amplifies nothing.
 */
struct mrc_hello {
	__u8	version;
	__u8	nports;
	__u8	mpr;		/* receive window, MRC_MPR_UNIT units */
	__u8	rsvd;
	__be32	features;
	__be64	nonce;		/* of the requester, echoed in the response */
	__be64	instance;	/* random, new at each start of the sender */
	__be32	speed;		/* sum of the ports, Mb/s */
	__u8	host[16];	/* address that names the sender */
	struct mrc_hello_port port[MRC_MAX_PORTS];
} __attribute__((packed, aligned(4)));

#define MRC_ICRC_SIZE		4

static inline __u32 mrc_psn_add(__u32 psn, __s32 n)
{
	return (psn + (__u32)n) & MRC_PSN_MASK;
}

/* Distance a - b on the 24-bit circle, -2^23 .. 2^23 - 1. */
static inline __s32 mrc_psn_diff(__u32 a, __u32 b)
{
	return (__s32)((a - b) << 8) >> 8;
}

#endif /* MRC_WIRE_H */
