/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Events for who listens to the netlink group "events". They are put into a
 * short queue of the device, from any context and under any lock, and sent by
 * its work queue, so many per second at most. What finds no room is counted
 * and told as a number.
 */
#ifndef MRC_EVENTS_H
#define MRC_EVENTS_H

#include <linux/if.h>
#include <linux/in6.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "linux/mrc.h"

struct mrc_dev;
struct mrc_peer;
struct mrc_port;
struct mrc_qp;

struct mrc_event {
	u64 time;		/* ns, CLOCK_REALTIME */
	u32 count;		/* so many of them */
	u32 path;
	u32 entropy;
	u32 qpn;		/* 0: not of a QP */
	u8 type;		/* enum mrc_nl_event_type */
	u8 reason;		/* enum mrc_nl_qp_reason */
	u8 plane;
	bool has_plane;
	bool has_path;
	bool has_peer;
	struct in6_addr remote, local;
	char ifname[IFNAMSIZ];	/* "": none */
};

#define MRC_EVENTS	64	/* in a device's queue; power of two */

struct mrc_events {
	spinlock_t lock;	/* irqsave; the following */
	u32 in, out;		/* counts; the difference is in the queue */
	u32 missed[MRC_NL_EVENT_MAX + 1];
	struct mrc_event queue[MRC_EVENTS];
	struct delayed_work work;
};

void mrc_events_init(struct mrc_dev *dev);
/* Nothing that could cause an event is left; dev->wq still exists. */
void mrc_events_exit(struct mrc_dev *dev);

/* The following: any context, any lock held. */
void mrc_event_port(struct mrc_dev *dev, const struct mrc_port *port, bool up);
void mrc_event_restart(const struct mrc_peer *peer);
void mrc_event_qp(const struct mrc_qp *qp);
/*
 * Paths went bad or good since @peer's went_bad and went_good, or a plane
 * changed: say which. peer->lock held.
 */
void mrc_event_paths(struct mrc_peer *peer);

#endif
