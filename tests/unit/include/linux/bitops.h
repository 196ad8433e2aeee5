/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
#ifndef MRC_UNIT_LINUX_BITOPS_H
#define MRC_UNIT_LINUX_BITOPS_H

#include <linux/types.h>

static inline unsigned int __ffs64(u64 x)
{
	return __builtin_ctzll(x);
}

#endif
