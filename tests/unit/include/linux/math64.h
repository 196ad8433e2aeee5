/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
#ifndef MRC_UNIT_LINUX_MATH64_H
#define MRC_UNIT_LINUX_MATH64_H

#include <linux/types.h>

static inline u64 div_u64(u64 n, u32 d)
{
	return n / d;
}

static inline u64 div64_u64(u64 n, u64 d)
{
	return n / d;
}

static inline s64 div_s64(s64 n, s32 d)
{
	return n / d;
}

/* The kernel's traps where the quotient does not fit, and so does this. */
static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 d)
{
	unsigned __int128 q = (unsigned __int128)a * b / d;

	if (q >> 64)
		__builtin_trap();
	return q;
}

#endif
