/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/* A small fast generator (splitmix64): the same figures on every machine. */
#ifndef MRC_SIM_RNG_H
#define MRC_SIM_RNG_H

#include <linux/types.h>

struct rng {
	u64 x;
};

static inline u64 rng_next(struct rng *r)
{
	u64 z = (r->x += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* 0 .. n - 1 */
static inline u32 rng_below(struct rng *r, u32 n)
{
	return (u32)((rng_next(r) >> 32) * n >> 32);
}

/* True @ppm times in a million. */
static inline bool rng_chance(struct rng *r, u32 ppm)
{
	return rng_below(r, 1000000) < ppm;
}

/* True with probability @share / 2^32. */
static inline bool rng_hits(struct rng *r, u32 share)
{
	return share && (u32)(rng_next(r) >> 32) < share;
}

#endif
