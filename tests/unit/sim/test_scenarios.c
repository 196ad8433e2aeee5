// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* The shorter scenarios of tools/sim/scenarios, with what they expect. */
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "harness.h"
#include "report.h"
#include "sim.h"

/* All of it is read; those named in the tests below are run too. */
static void load(struct scenario *s, const char *name, const char *transport)
{
	char path[512], err[512], set[64];
	const char *dir = getenv("SCENARIOS");
	FILE *in;

	CHECK(dir);
	snprintf(path, sizeof(path), "%s/%s.conf", dir, name);
	in = fopen(path, "r");
	if (!in)
		test_fail(__FILE__, __LINE__, "cannot open %s", path);
	scenario_init(s);
	snprintf(set, sizeof(set), "transport = %s", transport);
	if (!scenario_read(s, path, in, err, sizeof(err)) ||
	    !scenario_set(s, "test", set, err, sizeof(err)) ||
	    !scenario_finish(s, err, sizeof(err)))
		test_fail(__FILE__, __LINE__, "%s", err);
	fclose(in);
}

static void run(const char *name, const char *transport)
{
	static struct scenario s;
	static struct sim sim;
	struct report r;

	load(&s, name, transport);
	sim_init(&sim, &s);
	sim_run(&sim, NULL);
	report_make(&r, &sim);
	report_check(&r, &sim, stdout);
	CHECK(r.held > 0);
	CHECK_EQ(r.missed, 0);
	report_free(&r);
	sim_free(&sim);
}

TEST(scenarios__can_all_be_read)
{
	static const char * const names[] = {
		"allreduce-faults", "allreduce-healthy", "alltoall-faults",
		"alltoall-healthy", "bad-ev", "bad-ev-400g", "flap", "flap-400g",
		"incast-128", "incast-trim-400g", "incast-victim", "large",
		"loss-01", "loss-1", "loss-1-400g", "loss-5", "loss-5-400g",
		"messages-32k", "named-t1-dies-400g", "narrow-400g",
		"permutation", "plane-back-400g", "plane-lost", "plane-silent",
		"port-down-400g", "qps-100-400g", "start", "t1-dies",
	};
	struct scenario s;

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		load(&s, names[i], "mrc");
		CHECK(s.nexpects > 0);
		load(&s, names[i], "roce");
	}
}

TEST(scenarios__one_bad_ev)
{
	run("bad-ev", "mrc");
}

TEST(scenarios__a_path_dies_under_100_qps)
{
	run("qps-100-400g", "mrc");
}

TEST(scenarios__two_flows_on_a_narrow_link)
{
	run("narrow-400g", "mrc");
}

TEST(scenarios__messages_of_32k)
{
	run("messages-32k", "mrc");
}

TEST(scenarios__roce_flows_collide)
{
	run("permutation", "roce");
}

TEST(scenarios__plane_lost)
{
	run("plane-lost", "mrc");
}

TEST(scenarios__one_percent_lost)
{
	run("loss-1", "mrc");
}
