// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The path set: which EVs are used, which are taken for bad, and how those
 * come back.
 *
 * A path is judged against the others, never alone: a loss rate that all
 * paths share says something of the network and nothing of the path. A path
 * is bad after its first loss where no other loses any, after several losses in
 * a row while others deliver, or when its loss rate is far above theirs. A plane
 * is bad as a whole after losses over several of its paths with nothing
 * delivered, while other planes deliver.
 * Bad paths are probed; several answers in a row bring a path back.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "paths.h"

#define LOSS_SHIFT		4	/* gain of the loss EWMA: 1/16 */
#define LOSS_ONE		65535U
/* A path is lossy above this and three times the mean of the others. */
#define LOSS_BAD		(LOSS_ONE / 8)
#define LOSS_SAMPLES		8
/*
 * The first loss counts if no other path has lost any for so long and so many
 * packets: at 1 % loss everywhere that happens once in 150 losses.
 */
#define LOSS_QUIET		(5ULL * NSEC_PER_MSEC)
#define LOSS_QUIET_ACKS		512
/* Where nothing has been lost yet, fewer will do. */
#define LOSS_FIRST_ACKS		64
/* But a link that fails may take several paths with it, at about one time. */
#define FAULT_RTTS		4
#define FAULT_PATHS		4
/* A path is chosen out of so many. */
#define FLIGHT_CHOICES		4
/* So many are looked at for one that is proven. */
#define PROVEN_CHOICES		8
/* One packet in so many goes where nothing is known. */
#define EXPLORE			16
/* A plane may have so many packets in flight besides twice its share. */
#define FLIGHT_SLACK		16

#define PROBE_FIRST		(1ULL * NSEC_PER_MSEC)
#define PROBE_MAX_BACKOFF	8	/* 256 ms */
#define PROBE_CONFIRM		(300ULL * NSEC_PER_USEC)
#define PROBE_PLANE		(5ULL * NSEC_PER_MSEC)
#define PROBE_PLANE_BACKOFF	3	/* 40 ms */
#define PROBE_GAP		(100ULL * NSEC_PER_USEC)	/* at most 10,000/s */
#define PLANE_ANSWERS		3
/* Where a peer only answers, its paths are probed so often, or once an RTT. */
#define REVERSE_PERIOD		(4ULL * NSEC_PER_MSEC)
#define REVERSE_TRIES		16
#define PATH_ANSWERS		3
#define MAX_FLAPS		3
/* A path that was good for so long begins with a clean slate. */
#define FLAP_MEMORY		(10ULL * NSEC_PER_SEC)
/* Nothing heard of the peer at all for so long: no path is to blame. */
#define PEER_SILENT		(50ULL * NSEC_PER_MSEC)
/* Reordering is remembered for one to two such periods. */
#define REO_PERIOD		(4ULL * NSEC_PER_SEC)
#define REO_MAX			(50ULL * NSEC_PER_MSEC)
/* If the peer answers no EV probe ever, bad paths get another chance. */
#define TRIAL_PERIOD		(1ULL * NSEC_PER_SEC)

/* ------------------------------------------------------------ layout */

/* Path idx lies in plane slot idx % nplanes. */
static struct mrc_plane *plane_of(struct mrc_paths *ps, u32 idx)
{
	return &ps->planes[idx % ps->nplanes];
}

static bool plane_up(const struct mrc_paths *ps, const struct mrc_plane *pl)
{
	return !(ps->down >> pl->plane & 1);
}

static bool plane_works(const struct mrc_paths *ps, const struct mrc_plane *pl)
{
	return pl->nactive && plane_up(ps, pl);
}

static bool active(const struct mrc_path *p)
{
	return (p->state == MRC_PATH_GOOD || p->state == MRC_PATH_SKIP) &&
	       !p->backup;
}

static void swap_order(struct mrc_paths *ps, struct mrc_plane *pl, u16 a, u16 b)
{
	u16 pa = pl->order[a], pb = pl->order[b];

	pl->order[a] = pb;
	pl->order[b] = pa;
	ps->path[pb].pos = a;
	ps->path[pa].pos = b;
}

static void put_at(struct mrc_paths *ps, struct mrc_plane *pl, u16 place,
		   u16 idx)
{
	pl->ready[place] = idx;
	ps->path[idx].place = place;
}

/* A path's place among those that are ready, by what is known of it now. */
static void find_place(struct mrc_paths *ps, u32 idx)
{
	struct mrc_plane *pl = plane_of(ps, idx);
	struct mrc_path *p = &ps->path[idx];
	u16 place = p->place;

	if (place != MRC_PATH_NOT_READY) {
		if (place < pl->nproven) {
			put_at(ps, pl, place, pl->ready[--pl->nproven]);
			place = pl->nproven;
		}
		if (place != --pl->nready)
			put_at(ps, pl, place, pl->ready[pl->nready]);
		p->place = MRC_PATH_NOT_READY;
	}
	if (!active(p) || p->inflight)
		return;
	place = pl->nready++;
	if (p->proven) {
		if (place != pl->nproven)
			put_at(ps, pl, place, pl->ready[pl->nproven]);
		place = pl->nproven++;
	}
	put_at(ps, pl, place, idx);
}

static u32 xorshift(u32 x)
{
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

/* A number below @n out of a random @x. */
static u32 scale(u32 x, u32 n)
{
	return (u64)x * n >> 32;
}

/**
 * mrc_paths_size - memory that a path set needs
 * @n: number of paths, 1 to 4096
 *
 * Return: bytes.
 */
size_t mrc_paths_size(u32 n)
{
	return sizeof(struct mrc_paths) +
	       n * (sizeof(struct mrc_path) + 2 * sizeof(u16));
}

/**
 * mrc_paths_setup - make a set of good paths
 * @ps: mrc_paths_size(@conf->n) bytes
 * @conf: what it is made of
 */
void mrc_paths_setup(struct mrc_paths *ps, const struct mrc_paths_conf *conf)
{
	u32 n = conf->n, nplanes = conf->nplanes;
	const u8 *planes = conf->planes;
	u16 *order = (u16 *)&ps->path[n];
	u32 base;

	memset(ps, 0, mrc_paths_size(n));
	ps->n = n;
	ps->nplanes = nplanes;
	ps->probe_deadline = U64_MAX;
	ps->min_active = conf->min_active;
	ps->reverse = conf->reverse;
	ps->answers = conf->answers ? conf->answers : PATH_ANSWERS;

	for (u32 i = 0; i < nplanes; i++) {
		struct mrc_plane *pl = &ps->planes[i];

		pl->plane = planes[i];
		pl->order = order;
		pl->ready = order + n;
		order += n / nplanes + (i < n % nplanes);
	}

	/*
	 * Source ports 49152 to 65535, no two alike: an odd multiplier is a
	 * permutation of the 2^14 values.
	 */
	base = xorshift(conf->seed | 1);
	for (u32 i = 0; i < n; i++) {
		struct mrc_plane *pl = plane_of(ps, i);
		struct mrc_path *p = &ps->path[i];

		p->entropy = conf->ev ? conf->ev[i] :
			     0xc000 | ((base + i * 0x9e5) & 0x3fff);
		p->plane = pl->plane;
		p->pos = pl->npaths;
		p->place = MRC_PATH_NOT_READY;
		pl->order[pl->npaths++] = i;
		pl->states[MRC_PATH_GOOD]++;
	}
	for (u32 i = 0; i < nplanes; i++) {
		struct mrc_plane *pl = &ps->planes[i];

		pl->nuse = conf->active ? min_t(u32, conf->active, pl->npaths) :
					  pl->npaths;
		/* Each peer has others in use. */
		for (u32 k = 0; k < pl->nuse && pl->nuse < pl->npaths; k++) {
			base = xorshift(base);
			swap_order(ps, pl, k,
				   k + scale(base, pl->npaths - k));
		}
		for (u32 k = pl->nuse; k < pl->npaths; k++)
			ps->path[pl->order[k]].backup = true;
		pl->nactive = pl->nuse;
		ps->nactive += pl->nuse;
		for (u32 k = 0; k < pl->nactive; k++)
			find_place(ps, pl->order[k]);
	}
}

/**
 * mrc_paths_init - make a set of good paths without a profile
 * @ps: mrc_paths_size(@n) bytes
 * @n: number of paths
 * @planes: planes to use
 * @nplanes: number of them, 1 to 32, at most @n
 * @seed: entropies follow from it
 */
void mrc_paths_init(struct mrc_paths *ps, u32 n, const u8 *planes,
		    u32 nplanes, u32 seed)
{
	struct mrc_paths_conf conf = {
		.planes = planes, .nplanes = nplanes, .n = n, .seed = seed,
	};

	mrc_paths_setup(ps, &conf);
}

/**
 * mrc_paths_count - number of paths
 * @ps: the set
 *
 * Return: the number.
 */
u32 mrc_paths_count(const struct mrc_paths *ps)
{
	return ps->n;
}

/**
 * mrc_path_get - a path by number
 * @ps: the set
 * @idx: below mrc_paths_count()
 *
 * Return: the path.
 */
struct mrc_path *mrc_path_get(struct mrc_paths *ps, u32 idx)
{
	return &ps->path[idx];
}

/**
 * mrc_paths_in_state - count paths
 * @ps: the set
 * @plane: of this plane, -1: of all
 * @state: in this state
 *
 * Return: their number.
 */
u32 mrc_paths_in_state(const struct mrc_paths *ps, int plane,
		       enum mrc_path_state state)
{
	u32 n = 0;

	for (u32 i = 0; i < ps->nplanes; i++) {
		if (plane < 0 || ps->planes[i].plane == plane)
			n += ps->planes[i].states[state];
	}
	return n;
}

/**
 * mrc_paths_sum - add up what was counted of a plane's paths, piece by piece
 * @ps: the set
 * @plane: of this plane
 * @from: number of the first path to look at; 0 to begin
 * @most: add so many at most, at least 1
 * @sum: added to
 *
 * There may be thousands, and the caller holds a lock that packets wait for.
 *
 * Return: @from for the next call; mrc_paths_count() or more if that was all.
 */
u32 mrc_paths_sum(const struct mrc_paths *ps, u32 plane, u32 from, u32 most,
		  struct mrc_path_sum *sum)
{
	u32 slot, i;

	for (slot = 0; slot < ps->nplanes; slot++) {
		if (ps->planes[slot].plane == plane)
			break;
	}
	if (slot == ps->nplanes)
		return ps->n;
	for (i = max(from, slot); i < ps->n && most--; i += ps->nplanes) {
		const struct mrc_path *p = &ps->path[i];

		sum->tx += p->tx;
		sum->acked += p->acked;
		sum->lost += p->lost;
		if (p->srtt_ns) {
			sum->srtt_ns += p->srtt_ns;
			sum->sampled++;
		}
	}
	return i;
}

/* ------------------------------------------------------------ states */

/* Of what is active or not nothing changes. */
static void change_state(struct mrc_paths *ps, u32 idx,
			 enum mrc_path_state state)
{
	struct mrc_plane *pl = plane_of(ps, idx);

	pl->states[ps->path[idx].state]--;
	pl->states[state]++;
	ps->path[idx].state = state;
}

static void set_state(struct mrc_paths *ps, u32 idx, enum mrc_path_state state,
		      bool backup)
{
	struct mrc_plane *pl = plane_of(ps, idx);
	struct mrc_path *p = &ps->path[idx];
	bool was = active(p);

	change_state(ps, idx, state);
	p->backup = backup;
	if (was && !active(p)) {
		swap_order(ps, pl, p->pos, pl->nactive - 1);
		pl->nactive--;
		ps->nactive--;
		ps->loss_sum -= p->loss;
	} else if (!was && active(p)) {
		swap_order(ps, pl, p->pos, pl->nactive);
		pl->nactive++;
		ps->nactive++;
		ps->loss_sum += p->loss;
	}
	find_place(ps, idx);
}

static void set_proven(struct mrc_paths *ps, u32 idx, bool proven)
{
	if (ps->path[idx].proven == proven)
		return;
	ps->path[idx].proven = proven;
	find_place(ps, idx);
}

/* A backup of the plane that could be used at once; -1: none. */
static int find_backup(const struct mrc_paths *ps, const struct mrc_plane *pl)
{
	u32 n = pl->npaths - pl->nactive;

	/* Anywhere is as good as at random: they lie as chance had it. */
	for (u32 i = 0; i < n; i++) {
		u32 idx = pl->order[pl->nactive + (ps->went_bad + i) % n];

		if (ps->path[idx].backup &&
		    (ps->path[idx].state == MRC_PATH_GOOD ||
		     ps->path[idx].state == MRC_PATH_SKIP))
			return idx;
	}
	return -1;
}

static void set_loss(struct mrc_paths *ps, struct mrc_path *p, u32 loss)
{
	if (active(p))
		ps->loss_sum += loss - p->loss;
	p->loss = loss;
}

/* Mean loss rate of the active paths without @p. */
static u32 mean_loss(const struct mrc_paths *ps, const struct mrc_path *p)
{
	u32 n = ps->nactive, sum = ps->loss_sum;

	if (active(p)) {
		n--;
		sum -= p->loss;
	}
	return n ? sum / n : 0;
}

/* Losses in a row that chance does not explain where @mean is usual. */
static u32 streak_limit(u32 mean)
{
	if (mean < LOSS_ONE / 200)
		return 2;
	if (mean < LOSS_ONE / 32)
		return 3;
	if (mean < LOSS_ONE / 12)
		return 4;
	if (mean < LOSS_ONE / 5)
		return 5;
	return 8;
}

static void probe_soon(struct mrc_paths *ps, u64 when)
{
	ps->probe_deadline = min(ps->probe_deadline, when);
}

/* How long to wait for a probe's answer. */
static u64 probe_patience(const struct mrc_paths *ps, u64 least)
{
	return max3(least, 3ULL * ps->srtt_ns, ps->srtt_ns +
		    2ULL * max(ps->reo_max[0], ps->reo_max[1]));
}

static void make_bad(struct mrc_paths *ps, u32 idx, u64 now)
{
	struct mrc_path *p = &ps->path[idx];

	if (active(p)) {
		ps->went_bad++;
		if (!p->state_at || now - p->state_at > FLAP_MEMORY)
			p->flaps = 0;
		else if (p->flaps < MAX_FLAPS)
			p->flaps++;
	}
	set_state(ps, idx, MRC_PATH_ASSUMED_BAD, false);
	p->state_at = now;
	p->answers = 0;
	p->backoff = 0;
	p->probing = false;
	p->cleared = false;
	p->probe_at = now + probe_patience(ps, PROBE_FIRST);
	if (!plane_of(ps, idx)->silent)
		probe_soon(ps, p->probe_at);
}

static void make_good(struct mrc_paths *ps, u32 idx, u64 now)
{
	struct mrc_path *p = &ps->path[idx];
	struct mrc_plane *pl = plane_of(ps, idx);

	set_loss(ps, p, mean_loss(ps, p));
	ps->went_good++;
	set_state(ps, idx, MRC_PATH_GOOD, pl->nactive >= pl->nuse);
	p->state_at = now;
	p->streak = 0;
	p->probing = false;
	pl->streak = 0;
	pl->ack_mark = ps->acks;
}

static void make_silent(struct mrc_paths *ps, struct mrc_plane *pl, u64 now)
{
	pl->silent = true;
	pl->answers = 0;
	pl->probing = 0;
	pl->probe_at = now + PROBE_FIRST;
	probe_soon(ps, pl->probe_at);
	while (pl->nactive)
		make_bad(ps, pl->order[0], now);
}

/*
 * Some paths of a silent plane were probed with success: those are good, the
 * others are probed one after another.
 */
static void make_audible(struct mrc_paths *ps, struct mrc_plane *pl, u64 now)
{
	u64 when = now;

	pl->silent = false;
	for (u32 i = 0; i < pl->npaths; i++) {
		struct mrc_path *p = &ps->path[pl->order[i]];

		if (p->state != MRC_PATH_ASSUMED_BAD)
			continue;
		/* It was bad for its plane's sake. */
		p->flaps = 0;
		p->backoff = 0;
		p->probing = false;
		p->answers = ps->answers - 1;
		p->probe_at = when;
		when += PROBE_GAP;
	}
	probe_soon(ps, now);
}

/*
 * A late packet says that its path worked when it was sent; others that were
 * sent after it may have met a link that has died meanwhile. So a path that is
 * bad for losses that all have turned up is good again only when nothing else
 * is on its way there.
 */
static void reconsider(struct mrc_paths *ps, u32 idx, u64 now)
{
	struct mrc_path *p = &ps->path[idx];

	if (p->state == MRC_PATH_ASSUMED_BAD && p->cleared && !p->inflight &&
	    !plane_of(ps, idx)->silent)
		make_good(ps, idx, now);
}

/* Is there a plane besides @pl that works? */
static bool another_works(const struct mrc_paths *ps, const struct mrc_plane *pl)
{
	for (u32 i = 0; i < ps->nplanes; i++)
		if (&ps->planes[i] != pl && plane_works(ps, &ps->planes[i]))
			return true;
	return false;
}

/*
 * May one more path be taken out without another in its place? At least
 * ev_min_active stay, a quarter of the paths that are to be in use unless the
 * profile says; those of planes that are dead or down do not count.
 */
static bool may_drop(const struct mrc_paths *ps, const struct mrc_plane *pl)
{
	u32 total = 0, in_use = 0;

	if (pl->nactive == 1 && another_works(ps, pl))
		return true;
	for (u32 i = 0; i < ps->nplanes; i++) {
		const struct mrc_plane *q = &ps->planes[i];

		if (!plane_works(ps, q))
			continue;
		total += q->nuse;
		in_use += q->nactive;
	}
	return in_use > 1 &&
	       in_use - 1 >= (ps->min_active ? ps->min_active : total / 4);
}

static void drop_path(struct mrc_paths *ps, u32 idx, u64 now)
{
	struct mrc_plane *pl = plane_of(ps, idx);
	int backup;

	if (!active(&ps->path[idx]))
		return;
	backup = find_backup(ps, pl);
	if (backup >= 0) {
		make_bad(ps, idx, now);
		set_state(ps, backup, MRC_PATH_GOOD, false);
		return;
	}
	if (!may_drop(ps, pl))
		return;
	if (pl->nactive == 1)
		make_silent(ps, pl, now);
	else
		make_bad(ps, idx, now);
}

/**
 * mrc_paths_set_planes_down - planes that cannot send or be reached
 * @ps: the set
 * @mask: bit n is plane n
 * @now: ns
 */
void mrc_paths_set_planes_down(struct mrc_paths *ps, u32 mask, u64 now)
{
	u32 changed = ps->down ^ mask;

	ps->down = mask;
	for (u32 i = 0; i < ps->nplanes; i++) {
		struct mrc_plane *pl = &ps->planes[i];

		if (!(changed >> pl->plane & 1))
			continue;
		pl->streak = 0;
		pl->ack_mark = ps->acks;
		for (u32 k = 0; k < pl->npaths; k++)
			ps->path[pl->order[k]].streak = 0;
		if (plane_up(ps, pl) && pl->silent) {
			pl->probing = 0;
			pl->probe_at = now;
		}
	}
	if (changed)
		probe_soon(ps, now);
}

/**
 * mrc_paths_planes_down - the mask set last
 * @ps: the set
 *
 * Return: the mask.
 */
u32 mrc_paths_planes_down(const struct mrc_paths *ps)
{
	return ps->down;
}

/**
 * mrc_paths_planes_bad - planes none of whose paths is believed to work
 * @ps: the set
 *
 * Return: a mask.
 */
u32 mrc_paths_planes_bad(const struct mrc_paths *ps)
{
	u32 mask = 0;

	for (u32 i = 0; i < ps->nplanes; i++)
		if (!ps->planes[i].nactive)
			mask |= 1U << ps->planes[i].plane;
	return mask;
}

/* ------------------------------------------------------------ rotation */

/**
 * mrc_rotor_init - begin a rotation
 * @r: the rotor
 * @seed: random
 */
void mrc_rotor_init(struct mrc_rotor *r, u32 seed)
{
	r->key = seed ? seed : 1;
	r->cursor = xorshift(r->key) >> 8;
}

/*
 * Of a few places of order[] from @k on the one whose path has the fewest
 * packets in flight.
 */
static u32 least_in_flight(const struct mrc_paths *ps,
			   const struct mrc_plane *pl, u32 k, u32 n)
{
	const struct mrc_path *best = &ps->path[pl->order[k]];

	for (u32 i = 1; i < min_t(u32, n, FLIGHT_CHOICES); i++) {
		const struct mrc_path *p = &ps->path[pl->order[(k + i) % n]];

		if (p->inflight < best->inflight)
			best = p;
	}
	return best->pos;
}

/* Of the @n paths of @list the @k-th, unless it is @avoid or to be skipped. */
static u32 choose(struct mrc_paths *ps, const u16 *list, u32 k, int avoid,
		  u32 n)
{
	struct mrc_path *p = &ps->path[list[k]];

	if (list[k] != avoid && p->state != MRC_PATH_SKIP)
		return list[k];
	/* Passed over once; one such per packet, so the next is taken as is. */
	if (p->state == MRC_PATH_SKIP)
		change_state(ps, list[k], MRC_PATH_GOOD);
	k = (k + 1) % n;
	if (list[k] == avoid)
		k = (k + 1) % n;
	return list[k];
}

/*
 * One of the first @n of order[], if there is one by which a packet arrived:
 * for what should rather not be lost.
 */
static int pick_proven(struct mrc_paths *ps, struct mrc_plane *pl,
		       struct mrc_rotor *r, int avoid, u32 n)
{
	u32 k;

	r->key = xorshift(r->key);
	k = scale(r->key, n);
	for (u32 i = 0; i < min_t(u32, n, PROVEN_CHOICES); i++) {
		u16 idx = pl->order[(k + i) % n];

		if (idx != avoid && ps->path[idx].proven)
			return idx;
	}
	if (pl->nproven > 1)
		return choose(ps, pl->ready, scale(r->key, pl->nproven), avoid,
			      pl->nproven);
	return choose(ps, pl->order, k, avoid, n);
}

/*
 * One that has nothing in flight: so a path that has just died gets no other
 * packet before its first has been given up. Rather one by which the last
 * packet arrived than another: of a path set that nothing is known of, and
 * some of which is dead, no more is tried than there are packets in flight,
 * and a little.
 */
static int pick_in_plane(struct mrc_paths *ps, struct mrc_plane *pl,
			 struct mrc_rotor *r)
{
	u32 first = 0, n = pl->nproven, k;

	r->key = xorshift(r->key);
	if (!pl->nready) {
		n = pl->nactive;
		k = least_in_flight(ps, pl, scale(r->key, n), n);
		return choose(ps, pl->order, k, -1, n);
	}
	if (!n || (n < pl->nready && !(r->key % EXPLORE))) {
		first = n;
		n = pl->nready - n;
	}
	if (n == 1)
		return choose(ps, pl->ready, first, -1, pl->nready);
	return choose(ps, &pl->ready[first], scale(r->key, n), -1, n);
}

/* Has a slow plane got more than twice its share of what is in flight? */
static bool overloaded(const struct mrc_paths *ps, const struct mrc_plane *pl)
{
	return pl->inflight > FLIGHT_SLACK &&
	       (pl->inflight - FLIGHT_SLACK) * ps->nplanes > 2 * ps->inflight;
}

/**
 * mrc_paths_pick - the path of the next packet
 * @ps: the set
 * @r: the rotation of the stream
 * @avoid: path not to use if there is another; -1: none
 * @now: ns
 *
 * Return: number of a path; -1 if no plane is up.
 */
int mrc_paths_pick(struct mrc_paths *ps, struct mrc_rotor *r, int avoid,
		   u64 now)
{
	u32 avoid_slot = avoid >= 0 ? avoid % ps->nplanes : U32_MAX;
	u32 second = U32_MAX, slow = U32_MAX;

	for (u32 i = 0; i < ps->nplanes; i++) {
		u32 slot = (r->cursor + i) % ps->nplanes;
		struct mrc_plane *pl = &ps->planes[slot];

		if (!plane_works(ps, pl))
			continue;
		if (slot == avoid_slot) {
			second = slot;
			continue;
		}
		if (overloaded(ps, pl)) {
			if (slow == U32_MAX)
				slow = slot;
			continue;
		}
		r->cursor = slot + 1;
		if (avoid >= 0)
			return pick_proven(ps, pl, r, -1, pl->nactive);
		return pick_in_plane(ps, pl, r);
	}
	if (slow != U32_MAX) {
		r->cursor = slow + 1;
		return pick_in_plane(ps, &ps->planes[slow], r);
	}
	if (second != U32_MAX) {
		struct mrc_plane *pl = &ps->planes[second];

		r->cursor = second + 1;
		return pick_proven(ps, pl, r, avoid, pl->nactive);
	}

	/* Nothing is believed to work: try whatever has a link. */
	for (u32 i = 0; i < ps->nplanes; i++) {
		u32 slot = (r->cursor + i) % ps->nplanes;
		struct mrc_plane *pl = &ps->planes[slot];

		if (!plane_up(ps, pl))
			continue;
		for (u32 k = 0; k < pl->npaths; k++) {
			u32 idx;

			r->key = xorshift(r->key);
			idx = pl->order[(r->key + k) % pl->npaths];
			if (ps->path[idx].state == MRC_PATH_DENIED)
				continue;
			r->cursor = slot + 1;
			return idx;
		}
	}
	return -1;
}

/**
 * mrc_paths_pick_reverse - the path of an answer
 * @ps: the set
 * @r: the rotation of answers
 * @now: ns
 *
 * From a few paths of each plane, so that probes can keep an eye on them where
 * answers are all that is sent.
 *
 * Return: number of a path; -1 if no plane is up.
 */
int mrc_paths_pick_reverse(struct mrc_paths *ps, struct mrc_rotor *r, u64 now)
{
	ps->rev_used = true;
	for (u32 i = 0; ps->reverse && i < ps->nplanes; i++) {
		u32 slot = (r->cursor + i) % ps->nplanes;
		struct mrc_plane *pl = &ps->planes[slot];

		if (!plane_works(ps, pl))
			continue;
		r->cursor = slot + 1;
		return pick_proven(ps, pl, r, -1,
				   min_t(u32, ps->reverse, pl->nactive));
	}
	return mrc_paths_pick(ps, r, -1, now);
}

/* ------------------------------------------------------------ feedback */

/**
 * mrc_paths_busy - does one stream keep all paths busy?
 * @ps: the set
 * @packets: that the stream has in flight
 *
 * If there is no more in flight than there are paths in use, packets can have
 * paths for themselves, and SACKs free more of them.
 *
 * Return: true if there is, and at least three quarters of it are the stream's.
 */
bool mrc_paths_busy(const struct mrc_paths *ps, u32 packets)
{
	return ps->inflight > ps->nactive && packets * 4 >= ps->inflight * 3;
}

/**
 * mrc_paths_flight - a packet enters or leaves the flight
 * @ps: the set
 * @idx: path it took; out of range: ignored
 * @enters: it was sent; otherwise it was acknowledged or given up
 *
 * A packet may leave another set than it entered, where sets are replaced.
 */
void mrc_paths_flight(struct mrc_paths *ps, u32 idx, bool enters)
{
	struct mrc_plane *pl;

	if (idx >= ps->n)
		return;
	pl = plane_of(ps, idx);
	if (!enters && ps->path[idx].inflight)
		ps->path[idx].inflight--;
	else if (enters)
		ps->path[idx].inflight++;
	if (ps->path[idx].inflight <= enters)
		find_place(ps, idx);
	if (enters) {
		pl->inflight++;
		ps->inflight++;
	} else if (pl->inflight) {
		pl->inflight--;
		ps->inflight--;
	}
}

static u32 smooth(u32 old, u32 sample)
{
	s32 s = min_t(u32, sample, S32_MAX);

	return old ? old + (s - (s32)old) / 8 : s;
}

static void path_rtt(struct mrc_paths *ps, struct mrc_path *p, u32 rtt_ns)
{
	if (!rtt_ns)
		return;
	p->srtt_ns = smooth(p->srtt_ns, rtt_ns);
	ps->srtt_ns = smooth(ps->srtt_ns, rtt_ns);
}

static void probe_success(struct mrc_paths *ps, u32 idx, u64 now)
{
	struct mrc_plane *pl = plane_of(ps, idx);
	struct mrc_path *p = &ps->path[idx];

	if (p->state != MRC_PATH_ASSUMED_BAD)
		return;
	if (p->answers < U8_MAX)
		p->answers++;
	p->probing = false;
	p->backoff = 0;

	if (pl->silent) {
		pl->probing = 0;
		if (++pl->answers >= PLANE_ANSWERS) {
			make_audible(ps, pl, now);
			make_good(ps, idx, now);
		} else {
			/* The same one again: others may be dead. */
			pl->probe_next = p->pos;
			pl->probe_at = now + PROBE_CONFIRM;
			probe_soon(ps, pl->probe_at);
		}
		return;
	}

	if (p->answers >= ps->answers << p->flaps) {
		make_good(ps, idx, now);
	} else {
		p->probe_at = now + PROBE_CONFIRM;
		probe_soon(ps, p->probe_at);
	}
}

/**
 * mrc_paths_acked - a packet arrived at the peer
 * @ps: the set
 * @idx: path it took; out of range: ignored
 * @m: what the receiver asks of the path
 * @rtt_ns: 0 if unknown
 * @now: ns
 */
void mrc_paths_acked(struct mrc_paths *ps, u32 idx, enum mrc_sack_m m,
		     u32 rtt_ns, u64 now)
{
	struct mrc_plane *pl;
	struct mrc_path *p;

	if (idx >= ps->n)
		return;
	p = &ps->path[idx];
	pl = plane_of(ps, idx);

	p->acked++;
	set_proven(ps, idx, true);
	set_loss(ps, p, p->loss - (p->loss >> LOSS_SHIFT));
	path_rtt(ps, p, rtt_ns);
	ps->acks++;
	ps->last_ack = now;
	/* Those that it is bad for may well have been sent after this one. */
	if (p->state != MRC_PATH_ASSUMED_BAD)
		p->streak = 0;
	pl->streak = 0;
	pl->ack_mark = ps->acks;
	pl->last_ack = now;

	if (p->state == MRC_PATH_ASSUMED_BAD) {
		if (!ps->nactive)
			probe_success(ps, idx, now);
		else
			reconsider(ps, idx, now);
	} else if (m == MRC_SACK_M_SKIP_ONCE && p->state == MRC_PATH_GOOD) {
		change_state(ps, idx, MRC_PATH_SKIP);
	} else if (m == MRC_SACK_M_ALWAYS_SKIP) {
		drop_path(ps, idx, now);
	}
}

/* Losses over several paths of a plane, and nothing but losses. */
static bool plane_is_dead(const struct mrc_paths *ps,
			  const struct mrc_plane *pl, u32 limit, u64 now)
{
	if (!pl->nactive || pl->streak < limit)
		return false;
	/*
	 * What was sent over a dead plane after a packet that is given up has
	 * not arrived either, so nothing has for as long as one is waited for.
	 */
	if (now - pl->last_ack < max3(ps->srtt_ns / 8, ps->reo_max[0] / 2,
				      ps->reo_max[1] / 2))
		return false;
	if (!pl->streak_many && pl->nactive > 1)
		return false;
	/* Others must have delivered meanwhile, or it is not the plane. */
	return ps->acks - pl->ack_mark >= 2 * limit && another_works(ps, pl);
}

/* Note a loss. Is it a path that loses while no other does? */
static bool loses_alone(struct mrc_paths *ps, const struct mrc_plane *pl,
			u32 idx, u64 now)
{
	if (ps->loss_path != idx) {
		ps->other_loss_at = ps->loss_at;
		ps->other_loss_acks = ps->loss_acks;
	}
	ps->loss_path = idx;
	ps->loss_at = now;
	ps->loss_acks = ps->acks;
	if (!ps->other_loss_at ||
	    (now - ps->other_loss_at >= LOSS_QUIET &&
	     ps->acks - ps->other_loss_acks >= LOSS_QUIET_ACKS)) {
		ps->fault_at = now;
		ps->fault_paths = 1;
	} else if (now - ps->fault_at > FAULT_RTTS * (u64)ps->srtt_ns ||
		   ++ps->fault_paths > FAULT_PATHS) {
		return false;
	}
	/* On the word of one packet, no more than half of a plane. */
	if (ps->acks < LOSS_FIRST_ACKS || pl->nactive < 2)
		return false;
	return 2 * pl->nactive > pl->nuse || find_backup(ps, pl) >= 0;
}

/**
 * mrc_paths_lost - a packet did not arrive
 * @ps: the set
 * @idx: path it took; out of range: ignored
 * @now: ns
 */
void mrc_paths_lost(struct mrc_paths *ps, u32 idx, u64 now)
{
	struct mrc_plane *pl;
	struct mrc_path *p;
	u32 mean, limit;
	bool alone;

	if (idx >= ps->n)
		return;
	p = &ps->path[idx];
	pl = plane_of(ps, idx);

	p->lost++;
	set_proven(ps, idx, false);
	if (!plane_up(ps, pl) || now - ps->last_ack > PEER_SILENT)
		return;

	set_loss(ps, p, p->loss + ((LOSS_ONE - p->loss) >> LOSS_SHIFT));
	alone = loses_alone(ps, pl, idx, now);
	if (!p->streak)
		p->ack_mark = ps->acks;
	if (p->streak < U8_MAX)
		p->streak++;
	p->cleared = false;
	if (!active(p))
		return;
	if (!pl->streak) {
		pl->streak_path = idx;
		pl->streak_many = false;
	} else if (pl->streak_path != idx) {
		pl->streak_many = true;
	}
	pl->streak++;

	mean = mean_loss(ps, p);
	limit = streak_limit(mean);
	if (plane_is_dead(ps, pl, limit + limit / 2, now))
		make_silent(ps, pl, now);
	else if (alone || (p->streak >= limit && ps->acks != p->ack_mark) ||
		 (p->loss > LOSS_BAD + 3 * mean &&
		  p->acked + p->lost >= LOSS_SAMPLES))
		drop_path(ps, idx, now);
}

/**
 * mrc_paths_spurious - a loss reported before was none
 * @ps: the set
 * @idx: path; out of range: ignored
 * @now: ns
 *
 * A path that is bad for several losses is not good again for the sake of one
 * late packet: all of them must have turned up, or probes be answered.
 */
void mrc_paths_spurious(struct mrc_paths *ps, u32 idx, u64 now)
{
	struct mrc_plane *pl;
	struct mrc_path *p;

	if (idx >= ps->n)
		return;
	p = &ps->path[idx];
	pl = plane_of(ps, idx);

	if (p->lost)
		p->lost--;
	p->acked++;
	/* What the loss added to the EWMA, near enough. */
	set_loss(ps, p, p->loss - min_t(u32, p->loss, LOSS_ONE >> LOSS_SHIFT));
	pl->ack_mark = ps->acks;
	pl->last_ack = now;
	if (p->streak && !--p->streak)
		p->cleared = true;
	pl->streak = 0;
	/* Its other paths get by with one probe; this one may be good at once. */
	if (pl->silent && p->state == MRC_PATH_ASSUMED_BAD)
		make_audible(ps, pl, now);
	reconsider(ps, idx, now);
}

/**
 * mrc_paths_trimmed - a switch on the path cut a packet's payload
 * @ps: the set
 * @idx: path; out of range: ignored
 * @now: ns
 */
void mrc_paths_trimmed(struct mrc_paths *ps, u32 idx, u64 now)
{
	if (idx < ps->n && ps->path[idx].state == MRC_PATH_GOOD)
		change_state(ps, idx, MRC_PATH_SKIP);
}

/**
 * mrc_paths_reordered - a packet has come later than one sent after it
 * @ps: the set
 * @extent_ns: by how much
 * @now: ns
 */
void mrc_paths_reordered(struct mrc_paths *ps, u64 extent_ns, u64 now)
{
	mrc_paths_reordering(ps, now);
	ps->reo_max[0] = max_t(u64, ps->reo_max[0], min(extent_ns, REO_MAX));
}

/**
 * mrc_paths_reordering - the largest extent of reordering lately
 * @ps: the set
 * @now: ns
 *
 * Return: ns.
 */
u32 mrc_paths_reordering(struct mrc_paths *ps, u64 now)
{
	if (now - ps->reo_since > REO_PERIOD) {
		ps->reo_max[1] = now - ps->reo_since > 2 * REO_PERIOD ?
				 0 : ps->reo_max[0];
		ps->reo_max[0] = 0;
		ps->reo_since = now;
	}
	return max(ps->reo_max[0], ps->reo_max[1]);
}

/**
 * mrc_paths_deny - the operator forbids a path, or allows it again
 * @ps: the set
 * @idx: path; out of range: ignored
 * @deny: forbid
 */
void mrc_paths_deny(struct mrc_paths *ps, u32 idx, bool deny)
{
	struct mrc_plane *pl;
	struct mrc_path *p;

	if (idx >= ps->n)
		return;
	p = &ps->path[idx];
	pl = plane_of(ps, idx);
	if (deny) {
		bool was = active(p);
		int backup;

		set_state(ps, idx, MRC_PATH_DENIED, false);
		backup = was ? find_backup(ps, pl) : -1;
		if (backup >= 0)
			set_state(ps, backup, MRC_PATH_GOOD, false);
	} else if (p->state == MRC_PATH_DENIED) {
		set_loss(ps, p, 0);
		p->streak = 0;
		p->flaps = 0;
		set_state(ps, idx, MRC_PATH_GOOD, pl->nactive >= pl->nuse);
	}
}

/* ------------------------------------------------------------ probes */

/* When is the next probe of a path of answers due? U64_MAX: never. */
static u64 reverse_deadline(const struct mrc_paths *ps)
{
	u64 period = max_t(u64, REVERSE_PERIOD, ps->srtt_ns);

	if (!ps->rev_pending && !ps->rev_used)
		return U64_MAX;
	if (!ps->probe_answered && ps->rev_unanswered >= REVERSE_TRIES)
		return U64_MAX;
	/* Acknowledgments of data tell the same, and more. */
	return max(ps->rev_at + probe_patience(ps, period),
		   ps->last_ack + period);
}

/**
 * mrc_paths_probe_deadline - when the next path probe is due
 * @ps: the set
 *
 * May be early: mrc_paths_next_probe() then finds nothing and corrects it.
 *
 * Return: ns, U64_MAX for never.
 */
u64 mrc_paths_probe_deadline(const struct mrc_paths *ps)
{
	u64 at = reverse_deadline(ps);

	if (ps->probe_deadline != U64_MAX)
		at = min(at, max(ps->probe_deadline,
				 ps->last_probe + PROBE_GAP));
	return at;
}

static int next_reverse_probe(struct mrc_paths *ps, u64 now)
{
	u32 slot, k;

	if (now < reverse_deadline(ps))
		return -1;
	if (ps->rev_pending) {
		ps->rev_pending = false;
		if (ps->rev_unanswered < U8_MAX)
			ps->rev_unanswered++;
		mrc_paths_lost(ps, ps->rev_path, now);
	}
	ps->rev_at = now;
	if (!ps->rev_used)
		return -1;
	ps->rev_used = false;
	for (u32 i = 1; i <= ps->nplanes; i++) {
		struct mrc_plane *pl;

		slot = (ps->rev_path + i) % ps->nplanes;
		pl = &ps->planes[slot];
		if (!plane_works(ps, pl))
			continue;
		k = scale(xorshift((u32)now | 1),
			  ps->reverse ? min_t(u32, ps->reverse, pl->nactive) :
					pl->nactive);
		ps->rev_path = pl->order[k];
		ps->rev_pending = true;
		return ps->rev_path;
	}
	return -1;
}

/* The earliest probe of the plane's bad paths, as its path; -1: none. */
static int earliest_in_plane(struct mrc_paths *ps, struct mrc_plane *pl,
			     u64 *when)
{
	int best = -1;

	if (pl->silent) {
		for (u32 i = 0; i < pl->npaths; i++) {
			u32 k = (pl->probe_next + i) % pl->npaths;

			if (ps->path[pl->order[k]].state !=
			    MRC_PATH_ASSUMED_BAD)
				continue;
			*when = pl->probe_at;
			return pl->order[k];
		}
		return -1;
	}
	for (u32 i = pl->nactive; i < pl->npaths; i++) {
		struct mrc_path *p = &ps->path[pl->order[i]];

		if (p->state != MRC_PATH_ASSUMED_BAD)
			continue;
		if (best < 0 || p->probe_at < *when) {
			*when = p->probe_at;
			best = pl->order[i];
		}
	}
	return best;
}

static void probe_goes_out(struct mrc_paths *ps, u32 idx, u64 now)
{
	struct mrc_plane *pl = plane_of(ps, idx);
	struct mrc_path *p = &ps->path[idx];

	if (pl->silent) {
		u32 shift = pl->probing / 4;

		/* The one before was not answered. */
		if (pl->probing)
			pl->answers = 0;
		if (pl->probing < U8_MAX)
			pl->probing++;
		pl->probe_next = p->pos + 1;
		pl->probe_at = now + (probe_patience(ps, PROBE_PLANE) <<
				      min_t(u32, shift, PROBE_PLANE_BACKOFF));
		return;
	}
	if (p->probing) {
		p->answers = 0;
		if (p->backoff < PROBE_MAX_BACKOFF)
			p->backoff++;
	}
	p->probing = true;
	p->probe_at = now + (probe_patience(ps, PROBE_FIRST) << p->backoff);
}

/**
 * mrc_paths_next_probe - which path is to be probed now?
 * @ps: the set
 * @now: ns
 *
 * Return: number of a path, over which the caller sends a probe; -1: none.
 */
int mrc_paths_next_probe(struct mrc_paths *ps, u64 now)
{
	int due = -1;

	if (now < ps->probe_deadline || now < ps->last_probe + PROBE_GAP)
		return next_reverse_probe(ps, now);

	for (int pass = 0; pass < 2; pass++) {
		int first = -1;
		u64 first_when = U64_MAX;

		for (u32 i = 0; i < ps->nplanes; i++) {
			struct mrc_plane *pl = &ps->planes[i];
			u64 when = U64_MAX;
			int idx;

			if (!plane_up(ps, pl))
				continue;
			idx = earliest_in_plane(ps, pl, &when);
			if (idx >= 0 && when < first_when) {
				first = idx;
				first_when = when;
			}
		}
		/* Once to find it, once more for the deadline after it. */
		ps->probe_deadline = first_when;
		if (pass || first < 0 || first_when > now)
			break;
		due = first;
		if (!ps->probe_answered &&
		    now - ps->path[due].state_at > TRIAL_PERIOD) {
			plane_of(ps, due)->silent = false;
			make_good(ps, due, now);
			due = -1;
			continue;
		}
		probe_goes_out(ps, due, now);
		ps->last_probe = now;
	}
	return due;
}

/**
 * mrc_paths_probe_answered - a probe came back
 * @ps: the set
 * @idx: path it took; out of range: ignored
 * @rtt_ns: its round-trip time, 0 if unknown
 * @now: ns
 */
void mrc_paths_probe_answered(struct mrc_paths *ps, u32 idx, u32 rtt_ns,
			      u64 now)
{
	if (idx >= ps->n)
		return;
	ps->probe_answered = true;
	if (ps->rev_pending && idx == ps->rev_path) {
		ps->rev_pending = false;
		ps->rev_unanswered = 0;
		if (active(&ps->path[idx])) {
			mrc_paths_acked(ps, idx, MRC_SACK_M_NONE, rtt_ns, now);
			return;
		}
	}
	path_rtt(ps, &ps->path[idx], rtt_ns);
	probe_success(ps, idx, now);
}
