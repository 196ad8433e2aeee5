/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Hosts: connections, and the NIC that takes packets from them in turn. What
 * a connection sends is the business of a transport (mrc_host.c, roce_host.c).
 */
#ifndef MRC_SIM_HOST_H
#define MRC_SIM_HOST_H

#include <linux/types.h>

struct sim;

/* One direction: messages from src to dst. Its number is the transport's too. */
struct conn {
	u32 src, dst;
	u32 group;		/* traffic it belongs to */
	u32 rank;		/* number in its group */
	u32 next;		/* in the host's list of those that may send */
	u32 ppm;		/* packets per message */
	u32 posted;		/* messages */
	u32 completed;		/* at the sender */
	u32 delivered;		/* at the receiver */
	bool ready;		/* in that list */
	bool failed;
	u64 rx_bytes;		/* payload that arrived, once */
	u64 rx_mark;		/* rx_bytes when measuring began */
	u64 lost;		/* packets lost */
	u64 finished;		/* ps: all its messages are done; 0: not */
};

struct host {
	u32 head, tail;		/* connections that may send */
	u32 backlog;		/* bytes queued at its ports */
	u32 down;		/* mask of planes without carrier */
	u32 turn;		/* packets that the first has sent in a row */
	bool pumping;
};

/* Packets in a row before the NIC turns to another connection, as MRC_TURN. */
#define HOST_TURN	16

enum send_result {
	SEND_MORE,		/* a packet has gone, more may follow */
	SEND_DONE,		/* nothing to send now: somebody will call */
};

/* Paths of all hosts to all. */
struct path_counts {
	u64 bad;		/* taken for bad now */
	u64 out;		/* how often one was taken out */
};

struct transport_ops {
	void (*init)(struct sim *sim);
	void (*free)(struct sim *sim);
	/* More messages have been posted. */
	void (*posted)(struct sim *sim, u32 conn);
	enum send_result (*send_one)(struct sim *sim, u32 conn);
	/* Consumes the packet. */
	void (*receive)(struct sim *sim, u32 host, u32 pkt);
	void (*event)(struct sim *sim, u32 kind, u32 arg);
	/* The host's carrier on a plane has come or gone. */
	void (*carrier)(struct sim *sim, u32 host);
	u64 (*memory)(const struct sim *sim);
	/*
	 * The operator at the sender forbids the paths by a T1, or allows them
	 * again; NULL: there is no choice of paths.
	 */
	void (*deny)(struct sim *sim, u32 conn, u32 t1, u32 plane, bool deny);
	/* NULL: there is none. */
	struct path_counts (*count_paths)(const struct sim *sim);
};

struct host_stats {
	u64 data, rtx, acks, spurious, rtos, failed, probes, path_probes, cnps;
	u64 nacks;
	u64 found_at;	/* ps: the first path taken out when data had been lost; 0: none */
	u64 to_down_at;	/* ps: data was last sent to a port that is down; 0: never */
};

struct hosts {
	struct host *host;
	struct conn *conn;
	u32 nconns;
	const struct transport_ops *ops;
	void *transport;	/* its own data */
	struct host_stats stats;
};

extern const struct transport_ops mrc_transport;
extern const struct transport_ops roce_transport;

void hosts_init(struct sim *sim);
void hosts_free(struct sim *sim);
/* The connection may have something to send. */
void host_ready(struct sim *sim, u32 conn);
/* Let the NIC take packets while there is room. */
void host_pump(struct sim *sim, u32 host);
/* Payload bytes of packet @n of a connection; is it a message's last? */
u32 conn_payload(const struct sim *sim, const struct conn *c, u64 n, bool *last);
/* Packets to be sent by all messages posted. */
static inline u64 conn_packets(const struct conn *c)
{
	return (u64)c->posted * c->ppm;
}

#endif
