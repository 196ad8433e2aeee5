// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Scenario files, good and bad. */
#include <string.h>

#include <linux/kernel.h>

#include "harness.h"
#include "scenario.h"

static char err[512];

static bool read_text(struct scenario *s, const char *text)
{
	FILE *in = fmemopen((void *)text, strlen(text), "r");
	bool ok;

	CHECK(in);
	*err = 0;
	scenario_init(s);
	ok = scenario_read(s, "x.conf", in, err, sizeof(err));
	fclose(in);
	return ok;
}

TEST(scenario__all_kinds_of_values)
{
	struct scenario s;

	CHECK(read_text(&s,
		"# a comment\n"
		"\n"
		"title = What is shown # all of it\n"
		"  hosts=16   # sixteen\n"
		"speed = 400G\n"
		"queue = 1.5M\n"
		"link_delay = 2us\n"
		"ecn_prob = 25%\n"
		"overflow = trim\n"
		"traffic a = incast hosts 1-7 to 0 message 64K count 3 outstanding 9\n"
		"traffic b = flow 8 to 9 start 1ms count 1\n"
		"fault = down link t0 0 t1 1 plane 0 at 1ms for 10us every 20us times 3\n"
		"fault = loss 1% nics\n"
		"routing = named\n"
		"fault = narrow 100G link host 2 plane 0\n"
		"fault = deny b t1 3 plane 0 for 5us\n"
		"expect = a.min_gbps >= 10.5\n"
		"expect roce = a.jain <= 1\n"));
	CHECK(scenario_finish(&s, err, sizeof(err)));
	CHECK(!strcmp(s.title, "What is shown # all of it"));
	CHECK_EQ(s.hosts, 16);
	CHECK_EQ(s.speed, 400000000000ULL);
	CHECK_EQ(s.queue, 3 << 19);
	CHECK_EQ(s.link_delay, 2000);
	CHECK_EQ(s.ecn_prob, 0x3fffffff);
	CHECK_EQ(s.overflow, OVERFLOW_TRIM);
	CHECK_EQ(s.ntraffic, 2);
	CHECK_EQ(s.traffic[0].first, 1);
	CHECK_EQ(s.traffic[0].last, 7);
	CHECK_EQ(s.traffic[0].message, 65536);
	CHECK_EQ(s.traffic[0].count, 3);
	CHECK_EQ(s.traffic[0].outstanding, 9);
	CHECK_EQ(s.traffic[1].start, 1000000);
	CHECK_EQ(s.nfaults, 4);
	CHECK_EQ(s.faults[0].every, 20000);
	CHECK_EQ(s.faults[0].times, 3);
	CHECK_EQ(s.faults[1].target, FAULT_NICS);
	CHECK_EQ(s.faults[1].loss, 42949672);
	CHECK_EQ(s.faults[2].target, FAULT_HOST_LINK);
	CHECK_EQ(s.faults[2].rate, 100000000000ULL);
	CHECK_EQ(s.faults[3].target, FAULT_DENIED);
	CHECK(!strcmp(s.faults[3].traffic, "b"));
	CHECK_EQ(s.faults[3].t1, 3);
	CHECK_EQ(s.faults[3].lasts, 5000);
	CHECK_EQ(s.nexpects, 2);
	CHECK_EQ(s.expects[1].transport, TRANSPORT_ROCE);
}

TEST(scenario__bad_lines)
{
	static const struct {
		const char *text, *said;
	} bad[] = {
		{ "hosts = 8\nhots = 3\n", "x.conf:2:1: expected a key" },
		{ "hosts 8\n", "x.conf:1:7: expected \"=\", found \"8\"" },
		{ "hosts =\n", "x.conf:1:8: expected a number (a whole number, 2 to 65536), found the end of the line" },
		{ "hosts = 1\n", "x.conf:1:9: expected a number (a whole number, 2 to 65536), found \"1\"" },
		{ "hosts = 8.5\n", "x.conf:1:9: expected a number" },
		{ "hosts = -8\n", "x.conf:1:9: expected a number" },
		{ "hosts = 8 9\n", "x.conf:1:11: expected the end of the line, found \"9\"" },
		{ "hosts = 99999999999999999999\n", "x.conf:1:9: expected" },
		{ "speed = 100\n", "x.conf:1:9: expected a rate" },
		{ "speed = 100Gb\n", "x.conf:1:9: expected a rate" },
		{ "warmup = 5\n", "x.conf:1:10: expected a time" },
		{ "warmup = nan\n", "x.conf:1:10: expected a time" },
		{ "queue = 64KiB\n", "x.conf:1:9: expected a size" },
		{ "ecn_prob = 101%\n", "x.conf:1:12: expected a share" },
		{ "routing = fast\n", "x.conf:1:11: expected one of hash|named, found \"fast\"" },
		{ "traffic = incast to 0\n", "x.conf:1:9: expected a name" },
		{ "traffic a-b = incast to 0\n", "x.conf:1:9: expected a name" },
		{ "traffic a = broadcast\n", "x.conf:1:13: expected one of permutation|" },
		{ "traffic a = incast\n", "x.conf:1:19: expected \"to\" and a host" },
		{ "traffic a = flow 3 to\n", "x.conf:1:22: expected a host" },
		{ "traffic a = incast hosts 7-1 to 0\n", "x.conf:1:26: expected hosts such as" },
		{ "traffic a = incast to 0 fast\n", "x.conf:1:25: expected hosts, to," },
		{ "fault = break plane 0\n", "x.conf:1:9: expected down, loss, narrow or deny" },
		{ "fault = narrow plane 0\n", "x.conf:1:16: expected a rate" },
		{ "fault = deny t1 3 plane 0\n", "x.conf:1:17: expected \"t1\", found \"3\"" },
		{ "fault = down link plane 0\n", "x.conf:1:19: expected host or t0" },
		{ "fault = down t1 2\n", "x.conf:1:18: expected \"plane\", found the end of the line" },
		{ "fault = loss 2 nics\n", "x.conf:1:14: expected a share" },
		{ "fault = down plane 0 at 1ms times 2\n", "x.conf:1:36: expected \"for\"" },
		{ "expect = a.b > 3\n", "x.conf:1:14: expected >=, <= or ==" },
		{ "expect = a.b >= many\n", "x.conf:1:17: expected a number" },
		{ "title =\n", "x.conf:1:8: expected a line of text" },
		{ "= 3\n", "x.conf:1:1: expected a key" },
	};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		struct scenario s;

		if (read_text(&s, bad[i].text) ||
		    strncmp(err, bad[i].said, strlen(bad[i].said)))
			test_fail(__FILE__, __LINE__, "%s gave %s", bad[i].text, err);
	}
	test_note("%zu bad files, each with line and column", ARRAY_SIZE(bad));
}

TEST(scenario__line_too_long)
{
	static char text[2000];
	struct scenario s;

	memset(text, ' ', sizeof(text) - 1);
	CHECK(!read_text(&s, text));
	CHECK(strstr(err, "x.conf:1:"));
}

TEST(scenario__too_many_lines)
{
	static char text[4000];
	struct scenario s;

	for (int i = 0; i <= MAX_TRAFFIC; i++)
		strcat(text, "traffic a = permutation\n");
	CHECK(!read_text(&s, text));
	CHECK(strstr(err, "x.conf:17:"));
	CHECK(strstr(err, "expected at most 16 traffic lines"));
}

TEST(scenario__bad_together)
{
	static const struct {
		const char *text, *said;
	} bad[] = {
		{ "hosts = 8\n", "x.conf: expected at least one traffic line" },
		{ "traffic a = incast hosts 0-9 to 0\nduration = 1ms\n", "x.conf:1:26: traffic a: expected hosts below 8" },
		{ "traffic a = flow 1 to 1\nduration = 1ms\n", "x.conf:1:23: traffic a: expected two different hosts" },
		{ "traffic a = permutation\n", "x.conf:1:13: traffic a: expected a count, or a duration" },
		{ "traffic a = permutation count 1\nfault = down plane 1\n", "x.conf:2:20: fault: expected a plane below 1" },
		{ "traffic a = permutation count 1\nfault = down t1 4 plane 0\n", "x.conf:2:17: fault: expected a T1 below 4" },
		{ "traffic a = permutation count 1\nfault = down t0 2 plane 0\n", "x.conf:2:17: fault: expected a T0 below 2" },
		{ "traffic a = permutation count 1\nfault = down link host 8 plane 0\n", "x.conf:2:24: fault: expected a host below 8" },
		{ "traffic a = permutation count 1\nfault = deny a t1 0 plane 0\n", "x.conf:2:9: fault: expected routing = named" },
		{ "routing = named\ntraffic a = permutation count 1\nfault = deny b t1 0 plane 0\n", "x.conf:3:14: fault: expected the name of a traffic" },
		{ "routing = named\ntraffic a = permutation count 1\nfault = deny a t1 4 plane 0\n", "x.conf:3:19: fault: expected a T1 below 4" },
		{ "traffic a = permutation count 1\nfault = down links 1%\nfault = down links 2%\n", "x.conf:3:9: expected at most one" },
		{ "traffic a = permutation\nduration = 1ms\nwarmup = 1ms\n", "x.conf:3:10: expected a warmup below" },
		{ "traffic a = permutation count 1\nnic_queue = 100\n", "x.conf:2:13: expected a nic_queue" },
		{ "traffic a = permutation count 1\necn_min = 9K\necn_max = 1K\n", "x.conf:3:11: expected ecn_max" },
	};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		struct scenario s;

		CHECK(read_text(&s, bad[i].text));
		if (scenario_finish(&s, err, sizeof(err)) ||
		    !strstr(err, bad[i].said))
			test_fail(__FILE__, __LINE__, "%s gave %s", bad[i].text, err);
	}
}

TEST(scenario__set_from_the_command_line)
{
	struct scenario s;

	scenario_init(&s);
	CHECK(scenario_set(&s, "--set", "hosts=64", err, sizeof(err)));
	CHECK_EQ(s.hosts, 64);
	CHECK(!scenario_set(&s, "--set", "hosts=none", err, sizeof(err)));
	CHECK(!strncmp(err, "--set: column 7: expected a number", 34));
}

/* Whatever bytes a file has, the reader says yes or no. */
TEST(scenario__noise)
{
	static const char * const words[] = {
		"traffic", "fault", "expect", "=", "a", "down", "loss", "link",
		"host", "0", "1ms", "64K", "-", ">=", "\t", "#", "\n", "plane",
		"permutation", "at", "for", "\xff", "1e999", "0x10", "3-4", "to",
		"flow", "%", "times", "9999999999", "title", "mrc", "roce",
	};
	struct rng r = { test_env("SEED", 1) };
	u32 good = 0;

	test_seed(r.x);
	for (int i = 0; i < 20000; i++) {
		char text[400] = "";
		struct scenario s;

		for (int k = rng_below(&r, 20); k; k--) {
			strcat(text, words[rng_below(&r, ARRAY_SIZE(words))]);
			strcat(text, rng_chance(&r, 900000) ? " " : "");
		}
		strcat(text, "\n");
		if (read_text(&s, text))
			good++;
		else
			CHECK(!strncmp(err, "x.conf:", 7));
	}
	test_note("%u of 20000 were accepted", good);
}
