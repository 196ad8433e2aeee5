/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What the suites share: a device that nothing is registered of, with two PDs
 * and a QP, and threads that start at the same time.
 */
#ifndef MRC_KUNIT_FIXTURE_H
#define MRC_KUNIT_FIXTURE_H

#include <kunit/test.h>

#include "mrc.h"

struct mrc_fixture {
	struct mrc_dev *dev;
	struct ib_pd pd;
	struct ib_pd other;
	struct mrc_qp *qp;		/* of pd */
};

/* struct kunit_suite::init and exit; test->priv is the fixture. */
int mrc_fixture_init(struct kunit *test);
void mrc_fixture_exit(struct kunit *test);

/* Call @fn(@arg, 0 .. @n - 1), each in a thread, and wait for all of them. */
void mrc_fixture_threads(struct kunit *test, int n,
			 void (*fn)(void *arg, int i), void *arg);

/* A packet of @len bytes, @frag_size of them per page fragment (0: linear). */
struct sk_buff *mrc_fixture_skb(struct kunit *test, const void *data, u32 len,
				u32 linear, u32 frag_size);

/* Byte @i of a pattern that repeats at no power of two. */
static inline u8 mrc_pattern(u64 i)
{
	return (i * 2654435761U) >> 16 ^ i;
}

#endif
