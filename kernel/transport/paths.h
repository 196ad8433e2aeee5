/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The path set of a peer: EVs with their states, shared by all QPs to that
 * peer. The caller holds the peer's lock. Paths are numbered 0..n-1; a path
 * is a plane and an entropy value, EV (UDP source port and flow label).
 */
#ifndef MRC_TRANSPORT_PATHS_H
#define MRC_TRANSPORT_PATHS_H

#include <linux/types.h>

#include "mrc/wire.h"

enum mrc_path_state {
	MRC_PATH_GOOD,
	MRC_PATH_SKIP,
	MRC_PATH_ASSUMED_BAD,
	MRC_PATH_DENIED,
};

#define MRC_PATH_STATES		(MRC_PATH_DENIED + 1)
#define MRC_PATH_NOT_READY	0xffff	/* mrc_path.place */

struct mrc_path {
	u32 entropy;		/* UDP source port, flow label << 16 (0: the same) */
	u8 plane;
	u8 state;		/* enum mrc_path_state */
	u16 place;		/* in its plane's ready[], MRC_PATH_NOT_READY */
	u32 tx;			/* packets sent */
	u32 acked;
	u32 lost;
	u32 srtt_ns;		/* smoothed RTT over this path, 0: no sample */
	u16 loss;		/* EWMA of the loss rate, 65535: all */
	u16 pos;		/* place in its plane's order[] */
	u8 streak;		/* losses in a row that have not turned up */
	u8 answers;		/* probes answered in a row */
	u8 backoff;		/* probe interval is doubled so often */
	u8 flaps;		/* how often it was bad lately */
	bool probing;		/* a probe is on its way */
	bool backup;		/* not in use while others are */
	bool proven;		/* its last packet arrived, and unmarked */
	bool cleared;		/* bad, but what it was for has turned up */
	u32 inflight;		/* packets of all streams */
	u32 ack_mark;		/* mrc_paths.acks when its streak began */
	u64 state_at;		/* when it became bad or good */
	u64 probe_at;		/* when the next probe is due; bad paths only */
};

struct mrc_plane {
	u8 plane;
	bool silent;		/* taken for dead as a whole */
	u8 answers;		/* probes answered in a row while silent */
	u8 probing;		/* probes without answer, while silent */
	u16 npaths;
	u16 nuse;		/* to be in use, the others are backups */
	u16 nactive;		/* GOOD or SKIP, and no backup */
	u16 states[MRC_PATH_STATES];	/* so many are in each */
	u16 probe_next;		/* rotation of probes while silent */
	u32 streak;		/* losses since the last acknowledgment */
	u32 streak_path;	/* path of the first of them */
	bool streak_many;	/* several paths are involved */
	u32 ack_mark;		/* mrc_paths.acks at the plane's last one */
	u32 inflight;		/* packets of all streams */
	u64 last_ack;
	u64 probe_at;		/* while silent */
	/*
	 * The plane's paths: first nactive that are in use, then the others.
	 */
	u16 *order;
	/*
	 * Those in use that have nothing in flight: first nproven that are
	 * proven, then the others.
	 */
	u16 *ready;
	u16 nproven;
	u16 nready;
};

struct mrc_paths {
	u32 n;
	u32 nplanes;
	u32 down;		/* mask of planes */
	u32 acks;		/* acknowledgments over all paths */
	u32 loss_sum;		/* sum of mrc_path.loss of the active paths */
	u32 nactive;		/* of all planes, down ones too */
	u32 min_active;		/* 0: a quarter of those to be in use */
	u32 reverse;		/* per plane, for answers; 0: all in use */
	u32 answers;		/* probes answered that bring a path back */
	u32 srtt_ns;		/* smoothed RTT over all paths, 0: no sample */
	bool probe_answered;	/* ever; the peer knows EV probes */
	/* largest extent of reordering in this period and the last, ns */
	u32 reo_max[2];
	u64 reo_since;
	u64 last_ack;
	/* the last loss, and the last one on another path than that; 0: none */
	u64 loss_at, other_loss_at;
	u32 loss_acks, other_loss_acks;	/* acks then */
	u32 loss_path;
	u32 fault_paths;	/* that lost since fault_at, the first after quiet */
	u64 fault_at;
	u32 inflight;		/* packets, of all planes */
	u32 went_bad;		/* counts for the caller, never reset */
	u32 went_good;
	u64 last_probe;
	u64 probe_deadline;
	/* probes that keep the paths of answers fresh where no data is sent */
	bool rev_used;		/* an answer was sent since the last one */
	bool rev_pending;
	u8 rev_unanswered;	/* in a row */
	u32 rev_path;		/* of the last one */
	u64 rev_at;		/* when it was sent */
	struct mrc_plane planes[MRC_MAX_PORTS];
	struct mrc_path path[];
	/* u16 order[n], ready[n] follow */
};

/* A QP's own rotation through the path set. */
struct mrc_rotor {
	u32 cursor;
	u32 key;
};

/* Bytes of memory for @n paths (1..4096). */
size_t mrc_paths_size(u32 n);
/*
 * @planes: the planes to use, @nplanes of them (1..32); paths are
 * divided equally among them. @seed: entropies are drawn from it.
 */
void mrc_paths_init(struct mrc_paths *ps, u32 n, const u8 *planes,
		    u32 nplanes, u32 seed);
struct mrc_paths_conf {
	const u8 *planes;	/* nplanes of them, 1..32 */
	u32 nplanes;
	u32 n;			/* paths, nplanes..4096; path i: planes[i % nplanes] */
	const u32 *ev;		/* n EVs; NULL: drawn from the seed */
	u32 seed;
	u32 active;		/* in use per plane, 0: all */
	u32 min_active;		/* never fewer of all are left; 0: a quarter */
	u32 reverse;		/* per plane for answers, 0: all */
	u32 answers;		/* hysteresis of return, 0: 3 */
};

/* The same for an EV profile. */
void mrc_paths_setup(struct mrc_paths *ps, const struct mrc_paths_conf *conf);
u32 mrc_paths_count(const struct mrc_paths *ps);
struct mrc_path *mrc_path_get(struct mrc_paths *ps, u32 idx);

/* Mask of planes that cannot send or be reached: not used, not blamed. */
void mrc_paths_set_planes_down(struct mrc_paths *ps, u32 mask, u64 now);
u32 mrc_paths_planes_down(const struct mrc_paths *ps);
/* How many paths of @plane (-1: of all planes) are in @state. */
u32 mrc_paths_in_state(const struct mrc_paths *ps, int plane,
		       enum mrc_path_state state);

/* What was counted of paths, added up. */
struct mrc_path_sum {
	u64 tx, acked, lost;
	u64 srtt_ns;
	u32 sampled;		/* paths that srtt_ns is the sum of */
};

/*
 * Add to @sum the next paths of @plane from number @from on, @most of them.
 * Returns where to go on; there are no more at mrc_paths_count() and beyond.
 */
u32 mrc_paths_sum(const struct mrc_paths *ps, u32 plane, u32 from, u32 most,
		  struct mrc_path_sum *sum);
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

/* The same for an answer (SACK, NACK, ACK): from the small reverse set. */
int mrc_paths_pick_reverse(struct mrc_paths *ps, struct mrc_rotor *r, u64 now);
/*
 * Is more in flight than there are paths in use, and three quarters of it are a
 * stream's own @packets?
 */
bool mrc_paths_busy(const struct mrc_paths *ps, u32 packets);
/* A packet enters or leaves the flight; @idx out of range: ignored. */
void mrc_paths_flight(struct mrc_paths *ps, u32 idx, bool enters);
/* Feedback of one packet. @rtt_ns: 0 if unknown. */
void mrc_paths_acked(struct mrc_paths *ps, u32 idx, enum mrc_sack_m m,
		     u32 rtt_ns, u64 now);
void mrc_paths_lost(struct mrc_paths *ps, u32 idx, u64 now);
/*
 * A loss reported for @idx was none (the packet came late). A bad path is good
 * again once all that it is bad for has turned up.
 */
void mrc_paths_spurious(struct mrc_paths *ps, u32 idx, u64 now);
void mrc_paths_trimmed(struct mrc_paths *ps, u32 idx, u64 now);

/*
 * Reordering between packets to this peer: a packet arrived @extent_ns later
 * than it should have; and how large that extent was lately.
 */
void mrc_paths_reordered(struct mrc_paths *ps, u64 extent_ns, u64 now);
u32 mrc_paths_reordering(struct mrc_paths *ps, u64 now);

/* The operator's word: DENIED, or back to GOOD. */
void mrc_paths_deny(struct mrc_paths *ps, u32 idx, bool deny);

/* When is the next path probe due (U64_MAX: none), and of which path? */
u64 mrc_paths_probe_deadline(const struct mrc_paths *ps);
int mrc_paths_next_probe(struct mrc_paths *ps, u64 now);
/* A probe sent over @idx was answered. */
void mrc_paths_probe_answered(struct mrc_paths *ps, u32 idx, u32 rtt_ns,
			      u64 now);

#endif
