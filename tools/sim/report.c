// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* See report.h. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "report.h"
#include "sim.h"

/* ------------------------------------------------------------ figures */

__attribute__((format(printf, 4, 5)))
static void add(struct report *r, double value, const char *meaning,
		const char *fmt, ...)
{
	struct figure *f;
	va_list ap;

	if (r->n == r->size) {
		r->size = r->size ? 2 * r->size : 64;
		r->figure = sim_realloc(r->figure, r->size * sizeof(*f));
	}
	f = &r->figure[r->n++];
	f->value = value;
	f->meaning = meaning;
	va_start(ap, fmt);
	vsnprintf(f->name, sizeof(f->name), fmt, ap);
	va_end(ap);
}

/* Payload bits/s of a host whose links are all full of full packets. */
static double line_rate(const struct sim *sim)
{
	u32 head = sim->c.transport == TRANSPORT_ROCE ? WIRE_BTH + 16 :
		   WIRE_BTH + 20 + (sim->c.timestamps ? 4 : 0);

	return (double)sim->c.speed * sim->c.planes * sim->c.mtu /
	       (sim->c.mtu + head);
}

/* Bits/s of @bytes that came while measured, until @finished (0: the end). */
static double rate(const struct sim *sim, const struct group *g, u64 bytes,
		   u64 finished)
{
	u64 from = g->started > sim->measure_from ? g->started :
						    sim->measure_from;
	u64 to = finished ? finished : sim->measure_to;

	return to > from ? bytes * 8e12 / (to - from) : 0;
}

static void throughput(struct report *r, const struct sim *sim,
		       const struct group *g)
{
	u64 bytes = 0;
	double sum = 0, squares = 0, lo = -1, hi = 0, share;
	const char *name = g->t->name;

	for (u32 i = 0; i < g->nconns; i++) {
		const struct conn *c = &sim->hosts.conn[g->first + i];
		double x = rate(sim, g, c->rx_bytes - c->rx_mark, c->finished);

		bytes += c->rx_bytes - c->rx_mark;
		sum += x;
		squares += x * x;
		lo = lo < 0 || x < lo ? x : lo;
		hi = x > hi ? x : hi;
	}
	share = sum / g->nconns / line_rate(sim);
	add(r, lo / 1e9, "Gb/s of payload, the slowest QP", "%s.min_gbps", name);
	add(r, sum / g->nconns / 1e9, "Gb/s of payload, mean of the QPs", "%s.mean_gbps", name);
	add(r, hi / 1e9, "Gb/s of payload, the fastest QP", "%s.max_gbps", name);
	add(r, rate(sim, g, bytes, g->finished) / 1e9, "Gb/s of payload, all QPs together", "%s.sum_gbps", name);
	add(r, 100 * share, "% of a host's links less headers, mean of the QPs", "%s.line_percent", name);
	add(r, 100 * sum / g->nconns / (sim->c.speed * (double)sim->c.planes),
	    "% of a host's links, headers too, mean of the QPs", "%s.raw_percent", name);
	add(r, squares ? sum * sum / g->nconns / squares : 1,
	    "Jain's index of fairness among the QPs", "%s.jain", name);
}

static void completion(struct report *r, const struct sim *sim,
		       const struct group *g)
{
	const struct traffic *t = g->t;
	double us, ideal = 0, n = t->last - t->first + 1;

	if (!g->messages)
		return;
	us = g->finished ? (g->finished - g->started) / 1e6 : 0;
	add(r, g->unfinished, "QPs that did not get their messages done", "%s.unfinished", t->name);
	add(r, us, "us from start until the last message was done", "%s.completion_us", t->name);
	if (t->pattern == PATTERN_ALLTOALL)
		ideal = (n - 1) * g->message * g->messages * t->qps;
	else if (t->pattern == PATTERN_ALLREDUCE || t->pattern == PATTERN_PERMUTATION)
		ideal = (double)g->message * g->messages * t->qps;
	else if (t->pattern == PATTERN_INCAST)
		ideal = (double)g->nconns * g->message * g->messages;
	if (!ideal)
		return;
	ideal = ideal * 8e6 / line_rate(sim);
	add(r, ideal, "us that the bytes take on full links", "%s.ideal_us", t->name);
	add(r, us ? us / ideal : 1e9, "completion_us over ideal_us", "%s.slowdown", t->name);
}

/* Mean of samples @from to @to - 1, bytes. */
static double mean(const struct group *g, u32 from, u32 to)
{
	double sum = 0;

	for (u32 i = from; i < to; i++)
		sum += g->series[i];
	return to > from ? sum / (to - from) : 0;
}

/* The first sample, @from or later, with which three in a row are so large. */
static u32 reaches(const struct group *g, u32 from, u32 n, double bytes)
{
	while (from + 3 <= n && !(g->series[from] >= bytes &&
				  g->series[from + 1] >= bytes &&
				  g->series[from + 2] >= bytes))
		from++;
	return from;
}

/*
 * What the first fault did to the throughput: compared with the mean between
 * the end of the warm-up and the fault.
 */
static void fault_figures(struct report *r, const struct sim *sim,
			  const struct group *g)
{
	u64 at = faults_first(sim);
	u32 first = sim->c.warmup / sim->c.sample + 1;
	u32 n = sim->work.nsamples, fault = at / sim->c.sample, low = 0;
	u64 mended = faults_mended(sim) / sim->c.sample;
	double before, after, least, during;
	u32 tail = n - (n - fault) / 2;
	u32 end = mended > fault && mended + 2 < n ? mended : n;

	if (at == NEVER || fault <= first || fault + 2 >= n)
		return;
	before = mean(g, first, fault);
	after = mean(g, tail, n);
	during = mean(g, end - (end - fault) / 2, end);
	if (!before)
		return;
	least = before;
	for (u32 i = fault; i < n; i++) {
		if (g->series[i] < least)
			least = g->series[i];
		if (g->series[i] < 0.9 * before)
			low++;
	}
	add(r, 100 * after / before, "% of the throughput before the fault, second half of the time after",
	    "%s.after_percent", g->t->name);
	add(r, 100 * least / before, "% of the throughput before the fault, the lowest sample",
	    "%s.lowest_percent", g->t->name);
	add(r, low * sim->c.sample / 1e3, "us below 90 % of the throughput before the fault",
	    "%s.dip_us", g->t->name);
	add(r, (reaches(g, fault, n, 0.97 * during) - fault) * sim->c.sample / 1e3,
	    "us from the fault until the throughput is what it stays",
	    "%s.recovery_us", g->t->name);
	if (end == n)
		return;
	add(r, 100 * during / before, "% of the throughput before the fault, second half of the fault",
	    "%s.during_percent", g->t->name);
	add(r, (reaches(g, end, n, 0.98 * before) - end) * sim->c.sample / 1e3,
	    "us from the fault's end until the throughput is 98 % of that before it",
	    "%s.healed_us", g->t->name);
}

/* How soon senders noticed what was wrong. */
static void notice(struct report *r, const struct sim *sim)
{
	const struct fabric_stats *f = &sim->fabric.stats;
	const struct host_stats *h = &sim->hosts.stats;
	u64 at = faults_first(sim);
	struct path_counts n = {};

	add(r, h->found_at && f->data_lost_at ?
	       (h->found_at - (double)f->data_lost_at) / 1e6 : 1e9,
	    "us from the first data packet lost until a path was taken out; 1e9: never", "found_us");
	add(r, f->data_late, "data packets lost, of those sent when the sender had taken out a path", "lost_late");
	add(r, (double)f->data_late / sim->hosts.nconns, "of those, mean of the QPs", "lost_late_per_qp");
	add(r, h->to_down_at && at != NEVER ? h->to_down_at / 1e6 - at / 1e3 : 0,
	    "us from the fault until data was last sent to a port that is down", "to_down_us");
	if (sim->hosts.ops->count_paths)
		n = sim->hosts.ops->count_paths(sim);
	add(r, n.out, "paths taken out, of all hosts to all", "paths_out");
	add(r, n.bad, "of those, still out at the end", "paths_bad");
}

static void network(struct report *r, const struct sim *sim)
{
	const struct fabric_stats *f = &sim->fabric.stats;
	const struct host_stats *h = &sim->hosts.stats;
	u64 most = 0;
	u32 hit = 0;

	for (u32 i = 0; i < sim->hosts.nconns; i++) {
		hit += sim->hosts.conn[i].lost > 0;
		if (sim->hosts.conn[i].lost > most)
			most = sim->hosts.conn[i].lost;
	}
	add(r, h->data, "data packets sent", "data_packets");
	add(r, h->rtx, "of those, sent again", "retransmits");
	add(r, h->spurious, "of those, found needless", "spurious");
	add(r, h->acks, "SACKs, ACKs, NAKs and CNPs sent", "acks");
	add(r, h->nacks, "NACKs (trimmed) and NAKs sent", "nacks");
	add(r, h->cnps, "CNPs sent", "cnps");
	add(r, h->rtos, "retransmission timeouts", "rtos");
	add(r, h->failed, "QPs in error", "qp_errors");
	add(r, h->probes, "reliability probes", "probes");
	add(r, h->path_probes, "path probes", "path_probes");
	add(r, f->data_lost, "data packets lost", "lost");
	add(r, (double)f->data_lost / sim->hosts.nconns, "data packets lost, mean of the QPs", "lost_per_qp");
	add(r, hit, "QPs that lost any", "qps_hit");
	add(r, hit ? (double)f->data_lost / hit : 0, "data packets lost, mean of the QPs that lost any", "lost_per_hit");
	add(r, most, "data packets lost, the QP with most", "lost_most");
	add(r, f->full, "packets dropped, queue full", "drops_full");
	add(r, f->faulty, "packets dropped, link or switch down", "drops_down");
	add(r, f->lost, "packets dropped by chance", "drops_chance");
	add(r, f->trimmed, "packets trimmed", "trims");
	add(r, f->marked, "packets marked", "marks");
	add(r, f->pauses, "pause frames", "pauses");
	add(r, f->max_queue / 1024., "KiB, the longest queue of a switch", "max_queue_kib");
	add(r, sim->engine.now / 1e6, "us simulated", "time_us");
	add(r, sim->engine.taken, "events", "events");
}

/**
 * report_make - work out the figures
 * @r: written
 * @sim: a run that has ended
 */
void report_make(struct report *r, const struct sim *sim)
{
	memset(r, 0, sizeof(*r));
	for (u32 i = 0; i < sim->work.ngroups; i++) {
		const struct group *g = &sim->work.groups[i];

		throughput(r, sim, g);
		completion(r, sim, g);
		fault_figures(r, sim, g);
	}
	network(r, sim);
	notice(r, sim);
}

/**
 * report_free - give back its memory
 * @r: the report
 */
void report_free(struct report *r)
{
	free(r->figure);
}

/**
 * report_find - a figure
 * @r: the report
 * @name: its name
 *
 * Return: the figure, NULL if there is none of that name.
 */
const struct figure *report_find(const struct report *r, const char *name)
{
	for (u32 i = 0; i < r->n; i++)
		if (!strcmp(r->figure[i].name, name))
			return &r->figure[i];
	return NULL;
}

/* ------------------------------------------------------------ forms */

/**
 * report_text - for people
 * @r: the report
 * @sim: the run
 * @out: where to
 */
void report_text(const struct report *r, const struct sim *sim, FILE *out)
{
	if (*sim->c.title)
		fprintf(out, "%s\n", sim->c.title);
	for (u32 i = 0; i < r->n; i++)
		fprintf(out, "  %-28s %14.6g  %s\n", r->figure[i].name,
			r->figure[i].value, r->figure[i].meaning);
}

/**
 * report_csv - a line of names, a line of values
 * @r: the report
 * @out: where to
 */
void report_csv(const struct report *r, FILE *out)
{
	for (u32 i = 0; i < r->n; i++)
		fprintf(out, "%s%s", i ? "," : "", r->figure[i].name);
	fprintf(out, "\n");
	for (u32 i = 0; i < r->n; i++)
		fprintf(out, "%s%.10g", i ? "," : "", r->figure[i].value);
	fprintf(out, "\n");
}

/**
 * report_json - one object
 * @r: the report
 * @sim: the run
 * @scenario: its name
 * @out: where to
 */
void report_json(const struct report *r, const struct sim *sim,
		 const char *scenario, FILE *out)
{
	fprintf(out, "{\n  \"scenario\": \"");
	for (const char *p = scenario; *p; p++)
		fprintf(out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
	fprintf(out, "\",\n  \"transport\": \"%s\",\n  \"seed\": %llu",
		sim->c.transport == TRANSPORT_ROCE ? "roce" : "mrc",
		sim->c.seed);
	fprintf(out, ",\n  \"held\": %u,\n  \"missed\": %u", r->held, r->missed);
	for (u32 i = 0; i < r->n; i++)
		fprintf(out, ",\n  \"%s\": %.10g", r->figure[i].name,
			r->figure[i].value);
	fprintf(out, "\n}\n");
}

/* ------------------------------------------------------------ expectations */

/**
 * report_check - are the figures what the scenario expects?
 * @r: the report; held and missed are counted
 * @sim: the run
 * @out: a line for each expectation
 */
void report_check(struct report *r, const struct sim *sim, FILE *out)
{
	static const char * const signs[] = { ">=", "<=", "==" };

	for (u32 i = 0; i < sim->c.nexpects; i++) {
		const struct expect *e = &sim->c.expects[i];
		const struct figure *f = report_find(r, e->metric);
		bool ok = false;

		if (e->transport != sim->c.transport)
			continue;
		if (f && e->relation == REL_AT_LEAST)
			ok = f->value >= e->value;
		else if (f && e->relation == REL_AT_MOST)
			ok = f->value <= e->value;
		else if (f)
			ok = f->value == e->value;
		if (ok)
			r->held++;
		else
			r->missed++;
		if (f)
			fprintf(out, "%s - %s %s %g: %.6g\n", ok ? "ok" : "not ok",
				e->metric, signs[e->relation], e->value, f->value);
		else
			fprintf(out, "not ok - %s %s %g: there is no such figure\n",
				e->metric, signs[e->relation], e->value);
	}
}
