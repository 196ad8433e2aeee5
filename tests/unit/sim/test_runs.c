// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Whole runs: the same seed gives the same run; nothing is left over. */
#include <string.h>

#include "faults.h"
#include "harness.h"
#include "report.h"
#include "sim.h"

static void scenario(struct scenario *c, const char *statements)
{
	char err[256], *line, *save, text[1024];

	scenario_init(c);
	snprintf(text, sizeof(text), "%s", statements);
	for (line = strtok_r(text, ";", &save); line;
	     line = strtok_r(NULL, ";", &save))
		if (!scenario_set(c, "test", line, err, sizeof(err)))
			test_fail(__FILE__, __LINE__, "%s", err);
	if (!scenario_finish(c, err, sizeof(err)))
		test_fail(__FILE__, __LINE__, "%s", err);
}

static struct sim sim;

static void run(const char *statements)
{
	static struct scenario c;

	scenario(&c, statements);
	sim_init(&sim, &c);
	sim_run(&sim, NULL);
}

static double figure(const char *name)
{
	const struct figure *f;
	struct report r;
	double x;

	report_make(&r, &sim);
	f = report_find(&r, name);
	if (!f)
		test_fail(__FILE__, __LINE__, "no figure %s", name);
	x = f->value;
	report_free(&r);
	return x;
}

#define LOSSY	"planes=4;traffic p = permutation message 256K count 8;fault = loss 1% nics;"

TEST(sim__same_seed_same_run)
{
	u64 taken, now;

	run(LOSSY "seed=5");
	taken = sim.engine.taken;
	now = sim.engine.now;
	sim_free(&sim);
	run(LOSSY "seed=5");
	CHECK_EQ(sim.engine.taken, taken);
	CHECK_EQ(sim.engine.now, now);
	sim_free(&sim);
	run(LOSSY "seed=6");
	CHECK(sim.engine.now != now);
	sim_free(&sim);
}

static void all_delivered(void)
{
	for (u32 i = 0; i < sim.hosts.nconns; i++) {
		const struct conn *c = &sim.hosts.conn[i];
		const struct group *g = &sim.work.groups[c->group];

		CHECK_EQ(c->delivered, g->messages);
		CHECK_EQ(c->completed, g->messages);
		CHECK_EQ(c->rx_bytes, g->messages * g->message);
		CHECK(c->finished);
	}
}

TEST(sim__every_pattern_delivers_everything)
{
	static const char * const patterns[] = {
		"permutation message 100000 count 5",
		"permutation message 10 count 50 qps 3",
		"incast to 3 message 64K count 4",
		"flow 1-3 to 7 message 1M count 2",
		"alltoall message 64K",
		"alltoall message 64K parallel 2 count 2 qps 2",
		"allreduce message 4M",
		"allreduce message 1M slices 1 count 3",
	};
	static const char * const fabrics[] = {
		"planes=2", "planes=1;overflow=trim", "transport=roce;planes=2",
		"planes=4;routing=named;fault=loss 2% nics",
		"transport=roce;pfc=off;fault=loss 0.1% nics",
		"planes=4;fault=down plane 2 at 20us silent",
		"planes=4;fault=down plane 2 at 20us for 100us",
		"planes=4;host_jitter=5us",
	};

	for (u32 k = 0; k < sizeof(fabrics) / sizeof(*fabrics); k++)
		for (u32 i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
			char text[300];

			snprintf(text, sizeof(text), "%s;traffic t = %s",
				 fabrics[k], patterns[i]);
			run(text);
			all_delivered();
			sim_free(&sim);
		}
}

/* Packets and what they carry: all come back to the pool. */
TEST(sim__no_packet_is_left_over)
{
	struct event ev;
	u32 n = 0, bodies = 0;

	run(LOSSY);
	/* What was still on its way. */
	while (engine_next(&sim.engine, &ev)) {
		if (ev.kind == EV_ARRIVE)
			fabric_arrive(&sim, ev.arg);
		else if (ev.kind == EV_WIRE_FREE)
			fabric_wire_free(&sim, ev.arg);
	}
	for (u32 i = sim.fabric.free_packet; i != NONE; i = sim.fabric.packets[i].next)
		n++;
	for (u32 i = sim.fabric.free_body; i != NONE; i = sim.fabric.bodies[i].planes_down)
		bodies++;
	CHECK_EQ(n, sim.fabric.npackets);
	CHECK_EQ(bodies, sim.fabric.nbodies);
	for (u32 i = 0; i < sim.fabric.nlinks; i++)
		CHECK_EQ(sim.fabric.links[i].bytes, 0);
	sim_free(&sim);
}

/* The goal is 1.5 KiB. */
TEST(sim__memory_of_an_idle_connection)
{
	u64 before, unused;
	double per;

	run("hosts=2;hosts_per_t0=1;traffic t = flow 0 to 1 qps 1 message 64K count 1;duration=5ms");
	before = sim_memory(&sim);
	sim_free(&sim);

	run("hosts=2;hosts_per_t0=1;traffic t = flow 0 to 1 qps 10001 message 64K count 1 start 1s;duration=5ms");
	unused = sim_memory(&sim);
	sim_free(&sim);

	/* Each has sent a message and has nothing more to do. */
	run("hosts=2;hosts_per_t0=1;traffic t = flow 0 to 1 qps 10001 message 64K count 1;"
	    "traffic u = flow 0 to 1 start 2s count 1;duration=1s");
	CHECK_EQ(sim.work.groups[0].unfinished, 0);
	per = (sim_memory(&sim) - before) / 10000.;
	test_note("%.0f bytes per connection that has sent, %.0f per one that has not",
		  per, (unused - before) / 10000.);
	CHECK(per <= 1536);
	sim_free(&sim);
}

static u64 sent_by_t1(u32 t1)
{
	u64 n = 0;

	for (u32 i = 0; i < sim.c.planes; i++)
		n += sim.fabric.links[link_t0_t1(&sim.fabric, i, 0, t1)].max_bytes;
	return n;
}

#define NAMED	"planes=1;t1s=2;paths=2;routing=named;traffic t = flow 0-2 to 4 message 1M;"

/* Three hosts to one and one link: where they may not go no queue grows. */
TEST(sim__denied_paths_are_not_used)
{
	run(NAMED "fault = deny t t1 0 plane 0;duration=1ms");
	CHECK_EQ(sent_by_t1(0), 0);
	CHECK(sent_by_t1(1) > 0);
	sim_free(&sim);
	run(NAMED "fault = deny t t1 0 plane 0 for 500us;duration=1ms");
	CHECK(sent_by_t1(0) > 0);
	sim_free(&sim);
}

TEST(sim__what_a_fault_did)
{
	/* The other end is told within a round trip, and keeps off. */
	run("planes=2;sample=5us;traffic t = flow 0 to 4 message 1M outstanding 4;warmup=200us;duration=2ms;"
	    "fault = down link host 4 plane 1 at 500us for 500us");
	CHECK_EQ(faults_first(&sim), 500000);
	CHECK_EQ(faults_mended(&sim), 1000000);
	CHECK(figure("to_down_us") > 0 && figure("to_down_us") < 10);
	CHECK(figure("t.during_percent") > 45 && figure("t.during_percent") < 55);
	CHECK(figure("t.after_percent") > 95);
	CHECK(figure("t.healed_us") < 500);
	sim_free(&sim);
	/* A path dies for ever: taken out soon, and nothing is lost there later. */
	run("planes=2;t1s=4;paths=4;routing=named;traffic t = flow 0 to 4 qps 20 message 64K;warmup=200us;duration=2ms;"
	    "fault = down link t0 0 t1 1 plane 1 at 500us");
	CHECK_EQ(faults_mended(&sim), NEVER);
	CHECK(figure("lost") > 0);
	CHECK_EQ(figure("lost_late"), 0);
	CHECK(figure("found_us") > 0 && figure("found_us") < 100);
	CHECK(figure("paths_out") >= 1);
	CHECK(figure("paths_bad") >= 1);
	sim_free(&sim);
	/* Where every path loses packets, some are lost later. */
	run(LOSSY "seed=5");
	CHECK(figure("lost_late") > 0);
	CHECK(figure("lost_late") < figure("lost"));
	sim_free(&sim);
	run("planes=2;traffic t = flow 0 to 1 count 4");
	CHECK_EQ(faults_first(&sim), NEVER);
	CHECK_EQ(figure("found_us"), 1e9);
	sim_free(&sim);
}

TEST(sim__a_qp_that_reaches_nobody_fails)
{
	run("planes=2;retry=1;rto=4ms;traffic t = flow 0 to 4 count 1;fault=down t0 1 plane 0;fault=down t0 1 plane 1;duration=2s");
	CHECK_EQ(figure("qp_errors"), 1);
	CHECK_EQ(figure("t.unfinished"), 0);
	sim_free(&sim);
	run("transport=roce;retry=1;rto=4ms;traffic t = flow 0 to 4 count 1;fault=down t0 1 plane 0;duration=2s");
	CHECK_EQ(figure("qp_errors"), 1);
	sim_free(&sim);
}

TEST(sim__expectations)
{
	FILE *null = fopen("/dev/null", "w");
	struct report r;

	run("traffic t = flow 0 to 1 count 4;expect = qp_errors == 0;expect = t.mean_gbps >= 1000;"
	    "expect = no_such >= 0;expect roce = t.mean_gbps >= 1000");
	report_make(&r, &sim);
	report_check(&r, &sim, null);
	CHECK_EQ(r.held, 1);
	CHECK_EQ(r.missed, 2);
	report_free(&r);
	sim_free(&sim);
	fclose(null);
}

TEST(sim__a_flow_fills_its_links)
{
	run("planes=4;traffic t = flow 0 to 1 message 1M outstanding 4;warmup=1ms;duration=3ms");
	test_note("%.2f %% of the links less headers", figure("t.line_percent"));
	CHECK(figure("t.line_percent") > 99);
	CHECK_EQ(figure("lost"), 0);
	sim_free(&sim);
}
