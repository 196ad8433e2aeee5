// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* mrc-sim: see man/mrc-sim.1. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "plot.h"
#include "report.h"
#include "sim.h"

/* Exit statuses. */
enum { GOOD, MISSED, WRONG };

static void usage(FILE *out)
{
	fprintf(out,
		"usage: mrc-sim SCENARIO.conf [--set KEY=VALUE]... [--seed N] [--csv|--json]\n"
		"               [--plot DIR] [--bench] [--quiet]\n"
		"       mrc-sim --keys\n"
		"Simulates a fabric; the exit status is 1 if a figure is not what the scenario\n"
		"expects, 2 if the scenario cannot be read. See mrc-sim(1).\n");
}

static void progress(const struct sim *sim)
{
	double done = sim->c.duration ?
		100. * sim_ns(sim) / sim->c.duration : 0;
	u32 total = 0, unfinished = 0;

	for (u32 i = 0; i < sim->work.ngroups; i++) {
		if (!sim->work.groups[i].messages)
			continue;
		total += sim->work.groups[i].nconns;
		unfinished += sim->work.groups[i].unfinished;
	}
	fprintf(stderr, "\r%.1f us, %.1f million events, ", sim_ns(sim) / 1e3,
		sim->engine.taken / 1e6);
	if (total)
		fprintf(stderr, "%u of %u QPs done   ", total - unfinished, total);
	else
		fprintf(stderr, "%.0f %%   ", done);
	fflush(stderr);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* How fast it was, and how much memory it took. */
static void tell_speed(const struct sim *sim, double cpu, FILE *out)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	fprintf(out, "%llu events in %.2f s of CPU time: %.2f million per second; %.1f MiB, at most %.1f MiB resident\n",
		sim->engine.taken, cpu, sim->engine.taken / cpu / 1e6,
		sim_memory(sim) / 1048576., ru.ru_maxrss / 1024.);
}

enum {
	OPT_SET = 256, OPT_SEED, OPT_CSV, OPT_JSON, OPT_PLOT, OPT_KEYS,
	OPT_BENCH, OPT_QUIET, OPT_HELP,
};

static const struct option options[] = {
	{ "set", required_argument, NULL, OPT_SET },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "csv", no_argument, NULL, OPT_CSV },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "plot", required_argument, NULL, OPT_PLOT },
	{ "keys", no_argument, NULL, OPT_KEYS },
	{ "bench", no_argument, NULL, OPT_BENCH },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "help", no_argument, NULL, OPT_HELP },
	{}
};

#define MAX_SETS	64

struct command {
	const char *file, *plot;
	const char *sets[MAX_SETS];
	u32 nsets;
	bool csv, json, bench, quiet;
	char seed[64];
};

/* -1: go on; or the status to exit with. */
static int parse(int argc, char **argv, struct command *c)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case OPT_SET:
			if (c->nsets == MAX_SETS - 1) {
				fprintf(stderr, "mrc-sim: too many --set\n");
				return WRONG;
			}
			c->sets[c->nsets++] = optarg;
			break;
		case OPT_SEED:
			snprintf(c->seed, sizeof(c->seed), "seed = %s", optarg);
			break;
		case OPT_CSV:
			c->csv = true;
			break;
		case OPT_JSON:
			c->json = true;
			break;
		case OPT_PLOT:
			c->plot = optarg;
			break;
		case OPT_KEYS:
			scenario_keys(stdout);
			return GOOD;
		case OPT_BENCH:
			c->bench = true;
			break;
		case OPT_QUIET:
			c->quiet = true;
			break;
		case OPT_HELP:
		case 'h':
			usage(stdout);
			return GOOD;
		default:
			usage(stderr);
			return WRONG;
		}
	}
	if (optind != argc - 1) {
		usage(stderr);
		return WRONG;
	}
	if (*c->seed)
		c->sets[c->nsets++] = c->seed;
	c->file = argv[optind];
	return -1;
}

static bool read_scenario(const struct command *c, struct scenario *s)
{
	char err[512];
	bool ok;
	FILE *in;

	in = fopen(c->file, "r");
	if (!in) {
		fprintf(stderr, "mrc-sim: %s: %s\n", c->file, strerror(errno));
		return false;
	}
	scenario_init(s);
	ok = scenario_read(s, c->file, in, err, sizeof(err));
	fclose(in);
	for (u32 i = 0; ok && i < c->nsets; i++)
		ok = scenario_set(s, "--set", c->sets[i], err, sizeof(err));
	ok = ok && scenario_finish(s, err, sizeof(err));
	if (!ok)
		fprintf(stderr, "%s\n", err);
	return ok;
}

int main(int argc, char **argv)
{
	static struct scenario s;
	static struct sim sim;
	struct command c = {};
	bool ok = true, shown;
	struct report r;
	double cpu;
	int status;

	status = parse(argc, argv, &c);
	if (status >= 0)
		return status;
	if (!read_scenario(&c, &s))
		return WRONG;
	shown = !c.quiet && isatty(STDERR_FILENO);
	sim_init(&sim, &s);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	sim_run(&sim, shown ? progress : NULL);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	if (shown)
		fprintf(stderr, "\r%70s\r", "");

	report_make(&r, &sim);
	if (!c.csv && !c.json)
		report_text(&r, &sim, stdout);
	report_check(&r, &sim, c.csv || c.json ? stderr : stdout);
	if (c.csv)
		report_csv(&r, stdout);
	else if (c.json)
		report_json(&r, &sim, c.file, stdout);
	if (c.bench)
		tell_speed(&sim, cpu, c.csv || c.json ? stderr : stdout);
	if (c.plot)
		ok = plot_all(&sim, c.file, c.plot);
	status = !ok ? WRONG : r.missed ? MISSED : GOOD;
	report_free(&r);
	sim_free(&sim);
	return status;
}
