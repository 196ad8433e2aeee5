// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Queues and links: what a packet meets, to the picosecond. */
#include <string.h>

#include "harness.h"
#include "sim.h"

static struct sim sim;
static struct {
	u32 n;
	u64 at[64];
	struct packet p[64];
} got;

static void stub_init(struct sim *s)
{
}

static void stub_posted(struct sim *s, u32 conn)
{
}

static enum send_result stub_send_one(struct sim *s, u32 conn)
{
	return SEND_DONE;
}

static void stub_receive(struct sim *s, u32 host, u32 pkt)
{
	CHECK(got.n < 64);
	got.at[got.n] = s->engine.now;
	got.p[got.n++] = s->fabric.packets[pkt];
	packet_free(s, pkt);
}

static void stub_event(struct sim *s, u32 kind, u32 arg)
{
}

static void stub_carrier(struct sim *s, u32 host)
{
}

static const struct transport_ops stub = {
	.init = stub_init, .free = stub_init, .posted = stub_posted,
	.send_one = stub_send_one, .receive = stub_receive,
	.event = stub_event, .carrier = stub_carrier,
};

/* Two T0s with two hosts each, one T1; 100 Gb/s: 80 ps per byte. */
static void start(const char *more)
{
	struct scenario c;
	char err[256], *line, *save, text[512];

	scenario_init(&c);
	snprintf(text, sizeof(text),
		 "hosts=4;hosts_per_t0=2;t1s=1;link_delay=100ns;switch_delay=200ns;host_delay=50ns;"
		 "traffic x = flow 0 to 1 start 1s;duration=10s;sample=1s;%s", more);
	for (line = strtok_r(text, ";", &save); line;
	     line = strtok_r(NULL, ";", &save))
		if (!scenario_set(&c, "test", line, err, sizeof(err)))
			test_fail(__FILE__, __LINE__, "%s", err);
	if (!scenario_finish(&c, err, sizeof(err)))
		test_fail(__FILE__, __LINE__, "%s", err);
	memset(&got, 0, sizeof(got));
	sim_init(&sim, &c);
	sim.hosts.ops->free(&sim);
	sim.hosts.ops = &stub;
}

static u32 make(u32 dst, u32 size, u8 flags)
{
	u32 n = packet_new(&sim);

	sim.fabric.packets[n].dst = dst;
	sim.fabric.packets[n].size = size;
	sim.fabric.packets[n].flags = flags;
	return n;
}

static void send(u32 src, u32 dst, u32 size, u8 flags)
{
	fabric_send(&sim, src, make(dst, size, flags));
}

/* Run for so long, without what the workload would do. */
static void run_for(u64 ns)
{
	u64 end = sim.engine.now + ns * PS_PER_NS;
	struct event ev;

	engine_post(&sim.engine, end, EV_END, 1);
	while (engine_next(&sim.engine, &ev)) {
		if (ev.kind == EV_END && ev.arg == 1)
			return;
		if (ev.kind == EV_ARRIVE)
			fabric_arrive(&sim, ev.arg);
		else if (ev.kind == EV_WIRE_FREE)
			fabric_wire_free(&sim, ev.arg);
		else if (ev.kind == EV_PAUSE || ev.kind == EV_RESUME)
			fabric_pause(&sim, ev.arg, ev.kind == EV_PAUSE);
	}
}

static void stop(void)
{
	sim_free(&sim);
}

TEST(fabric__times_on_the_way)
{
	start("");
	send(0, 1, 1000, 0);
	run_for(10000);
	CHECK_EQ(got.n, 1);
	/* Two serialisations of 80 ns; switch 300, host 150. */
	CHECK_EQ(got.at[0], 2 * 80000 + 300000 + 150000);
	send(0, 2, 1000, 0);
	run_for(10000);
	CHECK_EQ(got.n, 2);
	CHECK_EQ(got.at[1], 10000000 + 4 * 80000 + 3 * 300000 + 150000);
	stop();
}

TEST(fabric__one_after_the_other)
{
	start("");
	for (int i = 0; i < 3; i++)
		send(0, 1, 1000, 0);
	run_for(10000);
	CHECK_EQ(got.n, 3);
	CHECK_EQ(got.at[1] - got.at[0], 80000);
	CHECK_EQ(got.at[2] - got.at[1], 80000);
	stop();
}

TEST(fabric__control_before_data)
{
	start("");
	for (int i = 0; i < 4; i++)
		send(0, 1, 4000, 0);
	send(0, 1, 100, PKT_F_CONTROL);
	run_for(10000);
	CHECK_EQ(got.n, 5);
	/* It was not first, as the wire takes one packet at a time. */
	CHECK(got.p[0].flags & PKT_F_CONTROL || got.p[1].flags & PKT_F_CONTROL);
	stop();
}

/* Two hosts send to one; the queue has room for five packets. */
static void two_to_one(u8 flags)
{
	for (int i = 0; i < 20; i++) {
		send(0, 1, 1000, flags);
		send(2, 1, 1000, flags);
	}
	run_for(100000);
}

TEST(fabric__full_queue_drops)
{
	start("queue=5000");
	two_to_one(PKT_F_TRIMMABLE);
	CHECK(sim.fabric.stats.full > 0);
	CHECK_EQ(got.n + sim.fabric.stats.full, 40);
	CHECK_EQ(sim.fabric.stats.trimmed, 0);
	CHECK(sim.fabric.stats.max_queue <= 5000);
	test_note("%llu of 40 dropped", sim.fabric.stats.full);
	stop();
}

TEST(fabric__full_queue_trims)
{
	u32 cut = 0;

	start("queue=5000;overflow=trim");
	two_to_one(PKT_F_TRIMMABLE);
	CHECK_EQ(got.n, 40);
	for (u32 i = 0; i < got.n; i++) {
		if (!(got.p[i].flags & PKT_F_TRIMMED))
			continue;
		cut++;
		CHECK_EQ(got.p[i].size, WIRE_TRIMMED);
		CHECK(got.p[i].flags & PKT_F_CONTROL);
		CHECK(got.p[i].flags & PKT_F_LASTHOP);
	}
	CHECK(cut > 0);
	CHECK_EQ(sim.fabric.stats.trimmed, cut);
	CHECK_EQ(sim.fabric.stats.full, 0);
	stop();
}

TEST(fabric__what_cannot_be_trimmed_is_dropped)
{
	start("queue=5000;overflow=trim");
	two_to_one(0);
	CHECK_EQ(sim.fabric.stats.trimmed, 0);
	CHECK(sim.fabric.stats.full > 0);
	stop();
}

TEST(fabric__marks_from_the_threshold)
{
	u32 marked = 0;

	start("ecn_min=3000;ecn_last_hop=yes");
	two_to_one(0);
	for (u32 i = 0; i < got.n; i++)
		marked += !!(got.p[i].flags & PKT_F_ECN);
	CHECK(marked > 0 && marked < 40);
	CHECK_EQ(sim.fabric.stats.marked, marked);
	stop();
	/* Not on the last hop if that is not wanted. */
	start("ecn_min=3000;ecn_last_hop=no");
	two_to_one(0);
	CHECK_EQ(sim.fabric.stats.marked, 0);
	stop();
}

TEST(fabric__pause_loses_nothing)
{
	start("queue=5000;pfc=on;pfc_xoff=4000");
	two_to_one(0);
	CHECK_EQ(got.n, 40);
	CHECK(sim.fabric.stats.pauses > 0);
	for (u32 i = 0; i < sim.fabric.nlinks; i++)
		CHECK_EQ(sim.fabric.links[i].held, 0);
	test_note("%llu pauses, at most %u bytes queued",
		  sim.fabric.stats.pauses, sim.fabric.stats.max_queue);
	/* What was under way when the pause was sent came on top. */
	CHECK(sim.fabric.stats.max_queue < 2 * 4000 + 2 * 8000);
	stop();
}

TEST(fabric__link_down)
{
	u32 link;

	start("");
	link = link_host_down(&sim.fabric, 0, 1);
	/* One on the wire, others queued, when it goes down. */
	for (int i = 0; i < 3; i++)
		send(0, 1, 1000, 0);
	run_for(200);
	fabric_link_down(&sim, link, true);
	run_for(10000);
	CHECK_EQ(got.n, 0);
	CHECK_EQ(sim.fabric.stats.faulty, 3);
	/* Two faults: both must end. */
	fabric_link_down(&sim, link, true);
	fabric_link_down(&sim, link, false);
	send(0, 1, 1000, 0);
	run_for(10000);
	CHECK_EQ(got.n, 0);
	fabric_link_down(&sim, link, false);
	send(0, 1, 1000, 0);
	run_for(10000);
	CHECK_EQ(got.n, 1);
	stop();
}

TEST(fabric__link_down_on_the_wire)
{
	start("");
	send(0, 1, 1000, 0);
	run_for(500);
	fabric_link_down(&sim, link_host_down(&sim.fabric, 0, 1), true);
	fabric_link_down(&sim, link_host_down(&sim.fabric, 0, 1), false);
	run_for(10000);
	CHECK_EQ(got.n, 0);
	CHECK_EQ(sim.fabric.stats.faulty, 1);
	stop();
}

TEST(fabric__a_narrow_link)
{
	u32 link;

	start("");
	link = link_host_down(&sim.fabric, 0, 1);
	fabric_link_rate(&sim, link, 25000000000ULL);
	for (int i = 0; i < 3; i++)
		send(0, 1, 1000, 0);
	run_for(10000);
	CHECK_EQ(got.n, 3);
	CHECK_EQ(got.at[0], 80000 + 320000 + 300000 + 150000);
	CHECK_EQ(got.at[2] - got.at[1], 320000);
	fabric_link_rate(&sim, link, 0);
	for (int i = 0; i < 2; i++)
		send(0, 1, 1000, 0);
	run_for(10000);
	CHECK_EQ(got.at[4] - got.at[3], 80000);
	stop();
}

TEST(fabric__loss)
{
	start("");
	sim.fabric.links[link_host_down(&sim.fabric, 0, 1)].loss = 0x80000000;
	for (int i = 0; i < 60; i++)
		send(0, 1, 100, 0);
	run_for(100000);
	CHECK_EQ(got.n + sim.fabric.stats.lost, 60);
	CHECK(got.n > 10 && got.n < 50);
	stop();
}

TEST(fabric__names_and_hashes)
{
	u32 seen = 0;

	start("t1s=4;routing=named");
	for (u32 i = 0; i < 4; i++) {
		u32 pkt = make(2, 100, 0);

		sim.fabric.packets[pkt].entropy = i;
		fabric_send(&sim, 0, pkt);
	}
	run_for(10000);
	for (u32 i = 0; i < 4; i++)
		CHECK_EQ(sim.fabric.links[link_t0_t1(&sim.fabric, 0, 0, i)].busy_until > 0, 1);
	stop();

	start("t1s=4;routing=hash");
	for (u32 i = 0; i < 60; i++) {
		u32 pkt = make(2, 100, 0);

		sim.fabric.packets[pkt].entropy = i;
		fabric_send(&sim, 0, pkt);
	}
	run_for(100000);
	CHECK_EQ(got.n, 60);
	for (u32 i = 0; i < 4; i++)
		seen += sim.fabric.links[link_t0_t1(&sim.fabric, 0, 0, i)].busy_until > 0;
	CHECK_EQ(seen, 4);
	stop();
}

TEST(fabric__packets_are_used_again)
{
	start("");
	for (int round = 0; round < 200; round++) {
		got.n = 0;
		for (int i = 0; i < 60; i++)
			send(0, 3, 100, 0);
		run_for(100000);
		CHECK_EQ(got.n, 60);
	}
	CHECK_EQ(sim.fabric.npackets, 1024);
	stop();
}
