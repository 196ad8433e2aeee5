/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The network: per plane a two-tier Clos. A link is one direction with the
 * output queue that feeds it. Packets are numbers into one pool.
 *
 *      host --- T0 --- T1 --- T0 --- host        each T0 has a link to each T1
 *
 * Two classes: control (and trimmed) packets go before data. A link that goes
 * down loses what is queued for it and what is on its way.
 */
#ifndef MRC_SIM_FABRIC_H
#define MRC_SIM_FABRIC_H

#include <linux/types.h>

#include "mrc/wire.h"

struct sim;

#define NONE		0xffffffffU

/* Bytes on the wire around an Ethernet payload: preamble, gap, header, FCS. */
#define WIRE_ETH	(20 + 14 + 4)
#define WIRE_UDP	(WIRE_ETH + 20 + 8)
#define WIRE_BTH	(WIRE_UDP + 12 + 4)	/* with ICRC */
/* A packet without its payload; the least that Ethernet sends. */
#define WIRE_TRIMMED	84

enum packet_kind {
	/* from the sender of a connection to its receiver */
	PKT_DATA,
	PKT_PROBE,
	/* back */
	PKT_SACK,
	PKT_NACK,
	PKT_ACK,		/* RoCE */
	PKT_NAK,		/* RoCE: out of sequence */
	PKT_CNP,		/* RoCE */
	/* between hosts */
	PKT_PATH_PROBE,
	PKT_PATH_ANSWER,
	PKT_PORT_STATUS,
};

enum packet_flags {
	PKT_F_CONTROL	= 1 << 0,	/* class */
	PKT_F_ECN	= 1 << 1,	/* marked */
	PKT_F_TRIMMED	= 1 << 2,
	PKT_F_LASTHOP	= 1 << 3,	/* trimmed where it left for the host */
	PKT_F_RTX	= 1 << 4,
	PKT_F_ACKREQ	= 1 << 5,
	PKT_F_TRIMMABLE	= 1 << 6,
	PKT_F_CALM	= 1 << 7,
	PKT_F_LATE	= 1 << 8,	/* a path to its host had been taken out */
};

struct packet {
	u32 next;		/* in a queue */
	u32 conn;		/* connection; the peer's number, between hosts */
	u32 dst;		/* host */
	u32 psn;
	u32 link;		/* on which it is, or was last */
	u32 body;		/* of control packets; NONE: without */
	u16 size;		/* bytes on the wire */
	u16 entropy;
	u16 kind : 4;		/* enum packet_kind */
	u16 flags : 12;
	u8 plane;
	u8 epoch;		/* of the link when it left */
};

/* What a packet carries besides, in wire format where there is one. */
union body {
	struct {
		struct mrc_seth seth;
		struct mrc_cc_state cc;
	} sack;
	struct mrc_neth nack;
	struct {
		u32 path;
		u64 sent;	/* ps */
	} probe;
	u32 planes_down;
};

enum link_kind { LINK_HOST_UP, LINK_HOST_DOWN, LINK_T0_T1, LINK_T1_T0 };

struct queue {
	u32 head, tail;		/* NONE: empty */
};

struct link {
	u64 busy_until;		/* ps */
	struct queue data, control;
	u32 bytes;		/* of data queued */
	u32 ps_per_byte;
	u32 delay;		/* ps, to what is at its end */
	u32 to;			/* host, T0 or T1 within the plane */
	u32 loss;		/* of 2^32 */
	u32 held;		/* PFC: bytes in the next switch that came from here */
	u32 max_bytes;
	u16 down;		/* faults that keep it down */
	u8 kind;		/* enum link_kind */
	u8 plane;
	u8 epoch;		/* changes when it goes down */
	bool pending;		/* an event will come when the wire is free */
	bool paused;
	bool xoff;		/* what feeds it was told to pause */
};

struct fabric_stats {
	u64 sent;		/* packets handed to the network by hosts */
	u64 delivered;
	u64 full;		/* dropped: queue full */
	u64 faulty;		/* dropped: link or switch down */
	u64 lost;		/* dropped: by chance */
	u64 trimmed, marked, pauses;
	u64 data_lost;		/* data packets among full, faulty, lost */
	u64 data_late;		/* of those, with PKT_F_LATE */
	u64 data_lost_at;	/* ps: the first of them; 0: none */
	u32 max_queue;		/* bytes, of a switch's port */
};

struct fabric {
	u32 hosts, planes, per_t0, t0s, t1s;
	u32 links_per_plane, nlinks;
	struct link *links;
	struct packet *packets;
	u32 npackets, free_packet;
	union body *bodies;
	u32 nbodies, free_body;
	u32 hash_seed;
	struct fabric_stats stats;
};

void fabric_init(struct sim *sim);
void fabric_free(struct sim *sim);

/* A packet or body from the pool; pointers into it hold until the next. */
u32 packet_new(struct sim *sim);
void packet_free(struct sim *sim, u32 pkt);
u32 body_new(struct sim *sim);

/* A host sends: @pkt has dst, plane, entropy, size, kind, flags. */
void fabric_send(struct sim *sim, u32 host, u32 pkt);
/* Events */
void fabric_arrive(struct sim *sim, u32 pkt);
void fabric_wire_free(struct sim *sim, u32 link);
void fabric_pause(struct sim *sim, u32 link, bool pause);

/* A fault begins or ends. Faults over the same link add up. */
void fabric_link_down(struct sim *sim, u32 link, bool down);
/* From its next packet on a link sends at @rate bits/s; 0: as at first. */
void fabric_link_rate(struct sim *sim, u32 link, u64 rate);

u32 link_host_up(const struct fabric *f, u32 plane, u32 host);
u32 link_host_down(const struct fabric *f, u32 plane, u32 host);
u32 link_t0_t1(const struct fabric *f, u32 plane, u32 t0, u32 t1);
u32 link_t1_t0(const struct fabric *f, u32 plane, u32 t1, u32 t0);

#endif
