/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
#ifndef MRC_UNIT_LINUX_MINMAX_H
#define MRC_UNIT_LINUX_MINMAX_H

/* Comparing pointers of the types warns where they differ, as in the kernel. */
#define __mrc_cmp(x, y, op) ({				\
	__typeof__(x) __x = (x);			\
	__typeof__(y) __y = (y);			\
	(void)(&__x == &__y);				\
	__x op __y ? __x : __y;				\
})

#define min(x, y)		__mrc_cmp(x, y, <)
#define max(x, y)		__mrc_cmp(x, y, >)
#define min3(x, y, z)		min((__typeof__(x))min(x, y), z)
#define max3(x, y, z)		max((__typeof__(x))max(x, y), z)
#define min_t(t, x, y)		min((t)(x), (t)(y))
#define max_t(t, x, y)		max((t)(x), (t)(y))
#define clamp(v, lo, hi)	min((__typeof__(v))max(v, lo), hi)
#define clamp_t(t, v, lo, hi)	clamp((t)(v), (t)(lo), (t)(hi))

#endif
