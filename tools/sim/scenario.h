/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What a scenario file says. One statement a line, "key = value", # begins a
 * comment; see man/mrc-sim.1 for all of them.
 */
#ifndef MRC_SIM_SCENARIO_H
#define MRC_SIM_SCENARIO_H

#include <stdio.h>
#include <linux/types.h>

#define NAME_LEN	24
#define METRIC_LEN	48

enum transport { TRANSPORT_MRC, TRANSPORT_ROCE };
enum routing { ROUTING_HASH, ROUTING_NAMED };
enum overflow { OVERFLOW_DROP, OVERFLOW_TRIM };

enum pattern {
	PATTERN_PERMUTATION,	/* each host to one other */
	PATTERN_INCAST,		/* all to one */
	PATTERN_FLOW,		/* one to one */
	PATTERN_ALLTOALL,	/* each to each other, a message */
	PATTERN_ALLREDUCE,	/* ring: reduce-scatter, then all-gather */
};

/* Where something was said, to be told if it does not fit the rest. */
struct place {
	const char *origin;	/* file, or how else it came; NULL: nowhere */
	u32 line, column;	/* line 0: not from a file */
};

struct traffic {
	char name[NAME_LEN];
	u32 pattern;
	u32 first, last;	/* hosts that send */
	u32 to;			/* incast, flow */
	u64 message;		/* bytes */
	u32 count;		/* messages per QP; 0: until the end */
	u32 outstanding;	/* messages posted and not completed, per QP */
	u32 qps;		/* per pair of hosts */
	u32 parallel;		/* alltoall: QPs of a host that send at a time */
	u32 slices;		/* allreduce: messages per step */
	u64 start;		/* ns */
	struct place at, hosts_at, to_at;
};

enum fault_target {
	FAULT_HOST_LINK,	/* a host's port: both directions */
	FAULT_T0_LINK,		/* T0 to T1, both directions */
	FAULT_T0,
	FAULT_T1,
	FAULT_PLANE,
	FAULT_NICS,		/* what all hosts receive */
	FAULT_SOME_LINKS,	/* a share of the links between T0 and T1 */
	FAULT_DENIED,		/* a traffic's paths by a T1 */
};

struct fault {
	u32 target;
	u32 host, t0, t1, plane;
	u32 share;		/* FAULT_SOME_LINKS: of 2^32 */
	u32 loss;		/* of 2^32; 0: none */
	u64 rate;		/* bits/s that are left; 0: down, if no loss */
	char traffic[NAME_LEN];	/* FAULT_DENIED: whose paths */
	bool silent;		/* hosts do not see their link go */
	u64 at, lasts;		/* ns; lasts 0: for ever */
	u64 every;		/* ns */
	u32 times;
	struct place place, host_at, t0_at, t1_at, plane_at, traffic_at;
};

enum relation { REL_AT_LEAST, REL_AT_MOST, REL_EQUAL };

struct expect {
	char metric[METRIC_LEN];
	u32 relation;
	u32 transport;		/* for runs with it */
	double value;
};

#define MAX_TRAFFIC	16
#define MAX_FAULTS	64
#define MAX_EXPECTS	64
#define MAX_KEYS	48

struct scenario {
	char title[128];
	u32 transport, routing, overflow;
	u32 hosts, planes, hosts_per_t0, t1s;
	u64 speed;		/* bits/s, of a host's port */
	u64 fabric_speed;	/* between T0 and T1; 0: as speed */
	u64 link_delay, switch_delay, host_delay, host_jitter;	/* ns */
	u32 timestamps;		/* 0, 1: data packets have a TSETH */
	u32 mtu;		/* payload bytes of a full packet */
	u64 queue;		/* bytes of an output queue; 0: by speed */
	u64 ecn_min, ecn_max;	/* bytes; 0: by speed */
	u32 ecn_prob;		/* at ecn_max, of 2^32 */
	u32 ecn_last_hop;	/* 0, 1; 2: as the transport needs it */
	u32 pfc;		/* 0, 1; 2: as the transport needs it */
	u64 pfc_xoff;		/* bytes; 0: by speed */
	u64 nic_queue;		/* bytes a host keeps ready per port */
	u32 paths;		/* per plane */
	u64 rto;		/* ns */
	u64 jitter;		/* ns, of MRC hosts: mrc_tx_params.jitter_ns */
	u32 retry;
	u64 duration, warmup, sample;	/* ns */
	u64 seed;
	u32 ntraffic, nfaults, nexpects;
	struct traffic traffic[MAX_TRAFFIC];
	struct fault faults[MAX_FAULTS];
	struct expect expects[MAX_EXPECTS];
	const char *file;
	struct place key_at[MAX_KEYS];	/* of the plain keys' values */
};

void scenario_init(struct scenario *s);
/*
 * Read a file; false: @err (of @size bytes) says "FILE:LINE:COLUMN: expected
 * ..., found ...".
 */
bool scenario_read(struct scenario *s, const char *file, FILE *in, char *err,
		   size_t size);
/* One statement, from the command line: @origin instead of file and line. */
bool scenario_set(struct scenario *s, const char *origin, const char *text,
		  char *err, size_t size);
/*
 * What statements mean together; fills in what follows from other values. The
 * complaint says where the value stands, or the file's name alone if it is
 * something missing.
 */
bool scenario_finish(struct scenario *s, char *err, size_t size);
/* A line per key: name, kind of value, default, meaning; for --help. */
void scenario_keys(FILE *out);

#endif
