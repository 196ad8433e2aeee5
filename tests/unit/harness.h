/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * A test is TEST(function__situation) { ... } in any file of this folder. It
 * fails at the first CHECK() that does not hold.
 */
#ifndef MRC_UNIT_HARNESS_H
#define MRC_UNIT_HARNESS_H

#include <linux/types.h>

#include "../../tools/sim/rng.h"

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

void test_add(struct test *t);
void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));
/* A failure tells how to repeat it with this seed. */
void test_seed(u64 seed);
/* A line of figures under the running test's name. */
void test_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Value of an environment variable, or @def. */
u64 test_env(const char *name, u64 def);

#define TEST(id)							\
	static void id(void);						\
	static struct test test_##id = { .name = #id, .run = id };	\
	__attribute__((constructor)) static void add_##id(void)		\
	{								\
		test_add(&test_##id);					\
	}								\
	static void id(void)

#define CHECK(cond)							\
	do {								\
		if (!(cond))						\
			test_fail(__FILE__, __LINE__, "%s", #cond);	\
	} while (0)

#define CHECK_EQ(a, b)							\
	do {								\
		u64 __a = (a), __b = (b);				\
									\
		if (__a != __b)						\
			test_fail(__FILE__, __LINE__,			\
				  "%s is %llu (0x%llx), not %llu (0x%llx)", \
				  #a, __a, __a, __b, __b);		\
	} while (0)

#endif
