/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * DCQCN, the rate control of RoCEv2 (Zhu et al., "Congestion Control for
 * Large-Scale RDMA Deployments", SIGCOMM 2015): the sender's side.
 */
#ifndef MRC_SIM_DCQCN_H
#define MRC_SIM_DCQCN_H

#include <linux/types.h>

/* Table of parameters of the paper, times in ns. */
#define DCQCN_ALPHA_TIMER	55000ULL
#define DCQCN_RATE_TIMER	55000ULL
#define DCQCN_CNP_INTERVAL	50000ULL

struct dcqcn {
	double line;		/* bits/s */
	double rate, target;	/* bits/s */
	double alpha;
	u64 bytes;		/* since the byte counter's last step */
	u32 byte_stage, time_stage;
};

void dcqcn_init(struct dcqcn *d, u64 line);
/* A congestion notification has come. */
void dcqcn_cnp(struct dcqcn *d);
/* DCQCN_ALPHA_TIMER has passed since the last CNP or such call. */
void dcqcn_alpha(struct dcqcn *d);
/* DCQCN_RATE_TIMER has passed since the last CNP or such call. */
void dcqcn_timer(struct dcqcn *d);
void dcqcn_sent(struct dcqcn *d, u32 bytes);
/* Is it at line rate, with nothing to be done by timers? */
bool dcqcn_at_line(const struct dcqcn *d);

#endif
