// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Runs all tests, or those whose names contain one of the arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness.h"

static struct test *first, **last = &first;
static jmp_buf failed;
static const char *current;
static u64 current_seed;

void test_add(struct test *t)
{
	*last = t;
	last = &t->next;
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	printf("not ok - %s\n    %s:%d: ", current, file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	if (current_seed)
		printf("    reproduce with: make check T=%s SEED=%llu\n",
		       current, current_seed);
	longjmp(failed, 1);
}

void test_seed(u64 seed)
{
	current_seed = seed;
}

void test_note(const char *fmt, ...)
{
	va_list ap;

	printf("    ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

u64 test_env(const char *name, u64 def)
{
	const char *s = getenv(name);

	return s && *s ? strtoull(s, NULL, 0) : def;
}

static bool wanted(const struct test *t, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(t->name, argv[i]))
			return true;
	return argc < 2;
}

static bool run(struct test *t)
{
	struct timespec a, b;
	double s;

	current = t->name;
	current_seed = 0;
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (setjmp(failed))
		return false;
	t->run();
	clock_gettime(CLOCK_MONOTONIC, &b);
	s = b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9;
	if (s >= 0.1)
		printf("ok - %s (%.1f s)\n", t->name, s);
	else
		printf("ok - %s\n", t->name);
	return true;
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, bad = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (struct test *t = first; t; t = t->next) {
		if (!wanted(t, argc, argv))
			continue;
		if (run(t))
			passed++;
		else
			bad++;
	}
	printf("%u passed, %u failed\n", passed, bad);
	return bad || !passed;
}
