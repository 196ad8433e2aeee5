/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The path set of a peer: EVs with their states, shared by all QPs to that
 * peer. The caller holds the peer's lock. Paths are numbered 0..n-1; a path
 * is a plane and an entropy (UDP source port).
 */
#ifndef MRC_TRANSPORT_PATHS_H
#define MRC_TRANSPORT_PATHS_H

#include "mrc/wire.h"

enum mrc_path_state {
	MRC_PATH_GOOD,
	MRC_PATH_SKIP,
	MRC_PATH_ASSUMED_BAD,
	MRC_PATH_DENIED,
};

struct mrc_path {
	u16 entropy;
	u8 plane;
	u8 state;		/* enum mrc_path_state */
	u32 tx;			/* packets sent */
	u32 acked;
	u32 lost;
	u32 srtt_ns;		/* smoothed RTT over this path, 0: no sample */
	/* what else the implementation keeps follows */
};

struct mrc_paths;		/* full definition below */

/* A QP's own rotation through the path set. */
struct mrc_rotor {
	u32 cursor;
	u32 key;
};

/* Bytes of memory for @n paths (1..4096). */
size_t mrc_paths_size(u32 n);
/*
 * @plane_of_slot: the planes to use, @nplanes of them (1..32); paths are
 * divided equally among them. @seed: entropies are drawn from it.
 */
void mrc_paths_init(struct mrc_paths *ps, u32 n, const u8 *planes,
		    u32 nplanes, u32 seed);
u32 mrc_paths_count(const struct mrc_paths *ps);
struct mrc_path *mrc_path_get(struct mrc_paths *ps, u32 idx);

/* Mask of planes that cannot send or be reached: not used, not blamed. */
void mrc_paths_set_planes_down(struct mrc_paths *ps, u32 mask, u64 now);
u32 mrc_paths_planes_down(const struct mrc_paths *ps);
/* Mask of planes none of whose paths is believed to work. */
u32 mrc_paths_planes_bad(const struct mrc_paths *ps);

void mrc_rotor_init(struct mrc_rotor *r, u32 seed);
/*
 * The next path to use: strictly round robin over the planes that work,
 * pseudo-random within a plane. @avoid: path not to use if there is another
 * (-1: none). -1: no plane is up. If every path is bad, bad ones are used.
 */
int mrc_paths_pick(struct mrc_paths *ps, struct mrc_rotor *r, int avoid,
		   u64 now);

/* Feedback of one packet. @rtt_ns: 0 if unknown. */
void mrc_paths_acked(struct mrc_paths *ps, u32 idx, enum mrc_sack_m m,
		     u32 rtt_ns, u64 now);
void mrc_paths_lost(struct mrc_paths *ps, u32 idx, u64 now);
/* The loss reported for @idx was none (the packet came late). */
void mrc_paths_spurious(struct mrc_paths *ps, u32 idx, u64 now);
void mrc_paths_trimmed(struct mrc_paths *ps, u32 idx, u64 now);

/* The operator's word: DENIED, or back to GOOD. */
void mrc_paths_deny(struct mrc_paths *ps, u32 idx, bool deny);

/* When is the next path probe due (U64_MAX: none), and of which path? */
u64 mrc_paths_probe_deadline(const struct mrc_paths *ps);
int mrc_paths_next_probe(struct mrc_paths *ps, u64 now);
/* A probe sent over @idx was answered. */
void mrc_paths_probe_answered(struct mrc_paths *ps, u32 idx, u32 rtt_ns,
			      u64 now);

#endif
