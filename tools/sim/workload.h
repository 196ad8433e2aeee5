/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/* Who sends what to whom, and what came of it. */
#ifndef MRC_SIM_WORKLOAD_H
#define MRC_SIM_WORKLOAD_H

#include <linux/types.h>

struct sim;

struct group {
	const struct traffic *t;
	u32 first, nconns;	/* its connections */
	u32 unfinished;		/* connections */
	u32 messages;		/* per connection; 0: until the end */
	u64 message;		/* bytes */
	u64 started, finished;	/* ps; 0: not yet */
	u64 rx_bytes;
	u64 sample_mark;	/* rx_bytes at the last sample */
	u64 *series;		/* bytes per sample */
	u32 nseries;
};

struct workload {
	struct group *groups;
	u32 ngroups;
	u32 unfinished;		/* groups that are to end */
	u32 nsamples;
};

void workload_init(struct sim *sim);
void workload_free(struct sim *sim);
void workload_start(struct sim *sim, u32 group);
/* A message has been completed at the sender, or delivered to the receiver. */
void workload_completed(struct sim *sim, u32 conn);
void workload_delivered(struct sim *sim, u32 conn);
/* New payload has arrived. */
void workload_received(struct sim *sim, u32 conn, u32 bytes);
/* The connection is in error and will send no more. */
void workload_failed(struct sim *sim, u32 conn);
void workload_sample(struct sim *sim);
void workload_measure(struct sim *sim);

#endif
