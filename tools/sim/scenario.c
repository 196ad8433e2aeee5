// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Reading scenarios. See scenario.h. */
#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "scenario.h"

#define ONE		0xffffffffU	/* a share of all */
#define LINE_LEN	512

/* ------------------------------------------------------------ words */

struct reader {
	const char *origin;	/* file name, or how else the text came */
	u32 line;		/* 0: not from a file */
	const char *text;
	const char *p;		/* next word */
	char *err;
	size_t size;
	bool failed;
};

static void skip_space(struct reader *r)
{
	while (*r->p == ' ' || *r->p == '\t')
		r->p++;
}

/* Where the next word is. */
static struct place here(struct reader *r)
{
	skip_space(r);
	return (struct place){
		.origin = r->origin, .line = r->line,
		.column = (u32)(r->p - r->text) + 1,
	};
}

/* "FILE:LINE:COLUMN: ", or "--set: column N: ". */
static void tell_place(const struct place *at, char *to, size_t size)
{
	if (at->line)
		snprintf(to, size, "%s:%u:%u: ", at->origin, at->line, at->column);
	else
		snprintf(to, size, "%s: column %u: ", at->origin, at->column);
}

static size_t word_len(const char *p)
{
	size_t n = 0;

	while (p[n] && !isspace((unsigned char)p[n]) && p[n] != '=' &&
	       p[n] != '#' && p[n] != '<' && p[n] != '>')
		n++;
	return n;
}

static bool at_end(struct reader *r)
{
	skip_space(r);
	return !*r->p || *r->p == '#';
}

/* Says what was expected where r->p stands; the first complaint counts. */
__attribute__((format(printf, 2, 3)))
static bool expected(struct reader *r, const char *fmt, ...)
{
	char what[160], found[64], where[256];
	struct place at;
	va_list ap;

	if (r->failed)
		return false;
	r->failed = true;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (at_end(r)) {
		strcpy(found, "the end of the line");
	} else {
		size_t n = word_len(r->p);

		snprintf(found, sizeof(found), "\"%.*s\"",
			 n ? (int)(n < 40 ? n : 40) : 1, r->p);
	}
	at = here(r);
	tell_place(&at, where, sizeof(where));
	snprintf(r->err, r->size, "%sexpected %s, found %s", where, what, found);
	return false;
}

/* Is the next word @word? Then it is taken. */
static bool accept(struct reader *r, const char *word)
{
	size_t n;

	if (r->failed)
		return false;
	skip_space(r);
	n = word_len(r->p);
	if (n != strlen(word) || strncmp(r->p, word, n))
		return false;
	r->p += n;
	return true;
}

static bool demand(struct reader *r, const char *word)
{
	return accept(r, word) || expected(r, "\"%s\"", word);
}

static bool equals_sign(struct reader *r)
{
	if (r->failed)
		return false;
	skip_space(r);
	if (*r->p != '=')
		return expected(r, "\"=\"");
	r->p++;
	return true;
}

/* ------------------------------------------------------------ values */

struct unit {
	const char *name;
	double factor;
};

static const struct unit no_units[] = { { "", 1 }, {} };
static const struct unit times[] = {
	{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, {}
};

static const struct unit sizes[] = {
	{ "", 1 }, { "K", 1024 }, { "M", 1048576 }, { "G", 1073741824 }, {}
};

static const struct unit rates[] = {
	{ "M", 1e6 }, { "G", 1e9 }, { "T", 1e12 }, {}
};

static const struct unit shares[] = {
	{ "", ONE }, { "%", ONE / 100. }, { "ppm", ONE / 1e6 }, {}
};

/* A number and a unit, between the bounds, both in the units' base. */
static double quantity(struct reader *r, const struct unit *units, double min,
		       double max, const char *what)
{
	const char *start;
	char *end;
	double x;
	size_t n;

	if (r->failed)
		return 0;
	skip_space(r);
	start = r->p;
	n = word_len(start);
	if (!isdigit((unsigned char)*start) && *start != '.') {
		expected(r, "%s", what);
		return 0;
	}
	x = strtod(start, &end);
	for (; units->name; units++) {
		size_t len = strlen(units->name);

		if (end <= start + n && len == (size_t)(start + n - end) &&
		    !strncmp(end, units->name, len))
			break;
	}
	if (!units->name) {
		expected(r, "%s", what);
		return 0;
	}
	x *= units->factor;
	if (!(x >= min && x <= max)) {
		expected(r, "%s", what);
		return 0;
	}
	r->p = start + n;
	return x;
}

static u32 number(struct reader *r, u32 min, u32 max, const char *what)
{
	char text[120];
	const char *at;
	double x;

	skip_space(r);
	at = r->p;
	snprintf(text, sizeof(text), "%s (a whole number, %u to %u)", what,
		 min, max);
	x = quantity(r, no_units, min, max, text);
	if (x != (u32)x) {
		r->p = at;
		expected(r, "%s", text);
		return 0;
	}
	return x;
}

static u64 duration(struct reader *r)
{
	return quantity(r, times, 0, 1e13, "a time such as 10us (ns, us, ms or s)");
}

static u64 size_of(struct reader *r, double min, double max)
{
	return quantity(r, sizes, min, max, "a size such as 64K (bytes, K, M or G; at most 4G)");
}

static u32 share(struct reader *r)
{
	return quantity(r, shares, 0, ONE, "a share such as 0.01, 1% or 500ppm, up to 1");
}

static u64 rate(struct reader *r)
{
	return quantity(r, rates, 1e6, 1.6e12,
			"a rate such as 100G (bits/s with M, G or T; at most 1.6T)");
}

/* ------------------------------------------------------------ plain keys */

enum kind { K_NUMBER, K_TIME, K_SIZE, K_RATE, K_SHARE, K_WORD };

struct key {
	const char *name;
	u8 kind;
	size_t offset;
	u32 min, max;		/* K_NUMBER */
	const char *words;	/* K_WORD: with value 0, 1, ... */
	const char *meaning;
};

#define AT(field)	offsetof(struct scenario, field)

static const struct key keys[] = {
	{ "transport", K_WORD, AT(transport), 0, 0, "mrc|roce",
	  "what the hosts speak" },
	{ "routing", K_WORD, AT(routing), 0, 0, "hash|named",
	  "by hash of the entropy, or the entropy names the T1" },
	{ "overflow", K_WORD, AT(overflow), 0, 0, "drop|trim",
	  "what happens to a packet whose queue is full" },
	{ "hosts", K_NUMBER, AT(hosts), 2, 65536, NULL, "number of hosts" },
	{ "planes", K_NUMBER, AT(planes), 1, 32, NULL, "number of planes" },
	{ "hosts_per_t0", K_NUMBER, AT(hosts_per_t0), 1, 65536, NULL,
	  "hosts below a T0 switch" },
	{ "t1s", K_NUMBER, AT(t1s), 1, 4096, NULL, "T1 switches of a plane" },
	{ "speed", K_RATE, AT(speed), 0, 0, NULL, "of a host's port, bits/s" },
	{ "fabric_speed", K_RATE, AT(fabric_speed), 0, 0, NULL,
	  "between T0 and T1, bits/s; as speed" },
	{ "link_delay", K_TIME, AT(link_delay), 0, 0, NULL,
	  "propagation over a link" },
	{ "switch_delay", K_TIME, AT(switch_delay), 0, 0, NULL,
	  "from a switch's input to its queue" },
	{ "host_delay", K_TIME, AT(host_delay), 0, 0, NULL,
	  "what a host takes to look at a packet" },
	{ "host_jitter", K_TIME, AT(host_jitter), 0, 0, NULL,
	  "at random on top of host_delay, up to so much" },
	{ "mtu", K_NUMBER, AT(mtu), 256, 8192, NULL, "payload bytes of a packet" },
	{ "timestamps", K_WORD, AT(timestamps), 0, 0, "no|yes",
	  "the optional TSETH in data packets" },
	{ "queue", K_SIZE, AT(queue), 0, 0, NULL,
	  "of an output port; 32 us at its speed" },
	{ "ecn_min", K_SIZE, AT(ecn_min), 0, 0, NULL,
	  "queue from which packets are marked" },
	{ "ecn_max", K_SIZE, AT(ecn_max), 0, 0, NULL,
	  "queue from which all are marked" },
	{ "ecn_prob", K_SHARE, AT(ecn_prob), 0, 0, NULL,
	  "share marked just below ecn_max" },
	{ "ecn_last_hop", K_WORD, AT(ecn_last_hop), 0, 0, "no|yes|auto",
	  "mark towards hosts; auto: roce only" },
	{ "pfc", K_WORD, AT(pfc), 0, 0, "off|on|auto",
	  "lossless by pause frames; auto: roce only" },
	{ "pfc_xoff", K_SIZE, AT(pfc_xoff), 0, 0, NULL,
	  "held from one link before it is paused; 20 us" },
	{ "nic_queue", K_SIZE, AT(nic_queue), 0, 0, NULL,
	  "made ready for each port ahead of the wire" },
	{ "paths", K_NUMBER, AT(paths), 1, 128, NULL, "EVs per plane" },
	{ "rto", K_TIME, AT(rto), 0, 0, NULL, "retransmission timeout of a QP" },
	{ "jitter", K_TIME, AT(jitter), 0, 0, NULL,
	  "what MRC hosts allow for their own delays" },
	{ "retry", K_NUMBER, AT(retry), 0, 7, NULL, "timeouts before a QP fails" },
	{ "duration", K_TIME, AT(duration), 0, 0, NULL,
	  "end of the run; 0: when all traffic is done" },
	{ "warmup", K_TIME, AT(warmup), 0, 0, NULL,
	  "throughput is measured from then on" },
	{ "sample", K_TIME, AT(sample), 0, 0, NULL,
	  "interval of the time series" },
	{ "seed", K_NUMBER, AT(seed), 0, 4294967295U, NULL,
	  "of everything random" },
};

static_assert(ARRAY_SIZE(keys) <= MAX_KEYS, "a place for each key");

static void *field(struct scenario *s, const struct key *k)
{
	return (char *)s + k->offset;
}

static void read_word(struct reader *r, u32 *to, const char *words)
{
	char list[64], *save, *w;
	u32 n = 0;

	snprintf(list, sizeof(list), "%s", words);
	for (w = strtok_r(list, "|", &save); w; w = strtok_r(NULL, "|", &save)) {
		if (accept(r, w)) {
			*to = n;
			return;
		}
		n++;
	}
	expected(r, "one of %s", words);
}

static void read_key(struct scenario *s, struct reader *r, const struct key *k)
{
	s->key_at[k - keys] = here(r);
	switch (k->kind) {
	case K_NUMBER:
		if (k->offset == AT(seed))
			s->seed = number(r, k->min, k->max, "a number");
		else
			*(u32 *)field(s, k) = number(r, k->min, k->max, "a number");
		break;
	case K_TIME:
		*(u64 *)field(s, k) = duration(r);
		break;
	case K_SIZE:
		*(u64 *)field(s, k) = size_of(r, 0, 4294967296.);
		break;
	case K_RATE:
		*(u64 *)field(s, k) = rate(r);
		break;
	case K_SHARE:
		*(u32 *)field(s, k) = share(r);
		break;
	case K_WORD:
		read_word(r, field(s, k), k->words);
		break;
	}
}

/**
 * scenario_keys - list the keys
 * @out: where to
 */
void scenario_keys(FILE *out)
{
	static const char * const names[] = {
		"number", "time", "size", "rate", "share",
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		fprintf(out, "  %-13s %-12s %s\n", keys[i].name,
			keys[i].words ? keys[i].words : names[keys[i].kind],
			keys[i].meaning);
}

/* ------------------------------------------------------------ traffic */

static void read_name(struct reader *r, char *name, size_t size,
		      const char *what)
{
	size_t n, i;

	if (r->failed)
		return;
	skip_space(r);
	n = word_len(r->p);
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)r->p[i]) && !strchr("_.", r->p[i]))
			break;
	if (!n || i < n || n >= size) {
		expected(r, "%s (letters, digits, _ and ., below %zu)", what, size);
		return;
	}
	memcpy(name, r->p, n);
	name[n] = 0;
	r->p += n;
}

/* "3-7" or "3": the bounds of the hosts are checked at the end. */
static void read_range(struct reader *r, u32 *first, u32 *last)
{
	const char *at;
	char *end;
	size_t n;

	if (r->failed)
		return;
	skip_space(r);
	at = r->p;
	n = word_len(at);
	if (isdigit((unsigned char)*at)) {
		*first = strtoul(at, &end, 10);
		*last = *first;
		if (*end == '-' && isdigit((unsigned char)end[1]))
			*last = strtoul(end + 1, &end, 10);
		if (end == at + n && *last >= *first && *last < 65536) {
			r->p = end;
			return;
		}
	}
	expected(r, "hosts such as 0-7");
}

static void read_traffic(struct scenario *s, struct reader *r)
{
	static const char * const patterns = "permutation|incast|flow|alltoall|allreduce";
	struct traffic t = {
		.last = ~0U, .message = 1 << 20, .outstanding = 2, .qps = 1,
		.slices = 4,
	};
	bool to = false;

	read_name(r, t.name, sizeof(t.name), "a name");
	equals_sign(r);
	t.at = here(r);
	t.hosts_at = t.at;
	read_word(r, &t.pattern, patterns);
	if (t.pattern == PATTERN_FLOW)
		t.hosts_at = here(r), read_range(r, &t.first, &t.last);
	while (!r->failed && !at_end(r)) {
		if (accept(r, "hosts"))
			t.hosts_at = here(r), read_range(r, &t.first, &t.last);
		else if (accept(r, "to"))
			t.to_at = here(r), to = true,
			t.to = number(r, 0, 65535, "a host");
		else if (accept(r, "message"))
			t.message = size_of(r, 1, 2147483648.);
		else if (accept(r, "count"))
			t.count = number(r, 1, 1U << 30, "a number of messages");
		else if (accept(r, "outstanding"))
			t.outstanding = number(r, 1, 65536, "a number of messages");
		else if (accept(r, "qps"))
			t.qps = number(r, 1, 65536, "a number of QPs");
		else if (accept(r, "parallel"))
			t.parallel = number(r, 1, 65536, "a number of QPs");
		else if (accept(r, "slices"))
			t.slices = number(r, 1, 1024, "a number of messages");
		else if (accept(r, "start"))
			t.start = duration(r);
		else
			expected(r, "hosts, to, message, count, outstanding, qps, parallel, slices or start");
	}
	if ((t.pattern == PATTERN_INCAST || t.pattern == PATTERN_FLOW) && !to)
		expected(r, "\"to\" and a host");
	if (r->failed)
		return;
	if (s->ntraffic == MAX_TRAFFIC) {
		expected(r, "at most %d traffic lines", MAX_TRAFFIC);
		return;
	}
	s->traffic[s->ntraffic++] = t;
}

/* ------------------------------------------------------------ faults */

static u32 numbered(struct reader *r, struct place *at, u32 max,
		    const char *what)
{
	*at = here(r);
	return number(r, 0, max, what);
}

static void read_plane(struct reader *r, struct fault *f)
{
	if (demand(r, "plane"))
		f->plane = numbered(r, &f->plane_at, 31, "a plane");
}

static void read_target(struct reader *r, struct fault *f)
{
	if (accept(r, "link")) {
		if (accept(r, "host")) {
			f->target = FAULT_HOST_LINK;
			f->host = numbered(r, &f->host_at, 65535, "a host");
		} else if (accept(r, "t0")) {
			f->target = FAULT_T0_LINK;
			f->t0 = numbered(r, &f->t0_at, 65535, "a T0 switch");
			demand(r, "t1");
			f->t1 = numbered(r, &f->t1_at, 4095, "a T1 switch");
		} else {
			expected(r, "host or t0");
		}
		read_plane(r, f);
	} else if (accept(r, "t0")) {
		f->target = FAULT_T0;
		f->t0 = numbered(r, &f->t0_at, 65535, "a T0 switch");
		read_plane(r, f);
	} else if (accept(r, "t1")) {
		f->target = FAULT_T1;
		f->t1 = numbered(r, &f->t1_at, 4095, "a T1 switch");
		read_plane(r, f);
	} else if (accept(r, "plane")) {
		f->target = FAULT_PLANE;
		f->plane = numbered(r, &f->plane_at, 31, "a plane");
	} else if (accept(r, "nics")) {
		f->target = FAULT_NICS;
	} else if (accept(r, "links")) {
		f->target = FAULT_SOME_LINKS;
		f->share = share(r);
	} else {
		expected(r, "link, t0, t1, plane, nics or links");
	}
}

static void read_denied(struct reader *r, struct fault *f)
{
	f->target = FAULT_DENIED;
	f->traffic_at = here(r);
	read_name(r, f->traffic, sizeof(f->traffic), "a traffic's name");
	demand(r, "t1");
	f->t1 = numbered(r, &f->t1_at, 4095, "a T1 switch");
	read_plane(r, f);
}

static void read_fault(struct scenario *s, struct reader *r)
{
	struct fault f = { .times = 1 };

	equals_sign(r);
	f.place = here(r);
	if (accept(r, "deny")) {
		read_denied(r, &f);
	} else {
		if (accept(r, "loss"))
			f.loss = share(r);
		else if (accept(r, "narrow"))
			f.rate = rate(r);
		else if (!accept(r, "down"))
			expected(r, "down, loss, narrow or deny");
		read_target(r, &f);
	}
	while (!r->failed && !at_end(r)) {
		if (accept(r, "at"))
			f.at = duration(r);
		else if (accept(r, "for"))
			f.lasts = duration(r);
		else if (accept(r, "every"))
			f.every = duration(r);
		else if (accept(r, "times"))
			f.times = number(r, 1, 1000000, "how often");
		else if (accept(r, "silent"))
			f.silent = true;
		else
			expected(r, "at, for, every, times or silent");
	}
	if (f.times > 1 && (!f.lasts || f.every <= f.lasts))
		expected(r, "\"for\", and \"every\" with a longer time, where there is \"times\"");
	if (r->failed)
		return;
	if (s->nfaults == MAX_FAULTS) {
		expected(r, "at most %d faults", MAX_FAULTS);
		return;
	}
	s->faults[s->nfaults++] = f;
}

/* ------------------------------------------------------------ expectations */

static void read_expect(struct scenario *s, struct reader *r)
{
	struct expect e = { .transport = TRANSPORT_MRC };

	if (accept(r, "roce"))
		e.transport = TRANSPORT_ROCE;
	else
		accept(r, "mrc");
	equals_sign(r);
	read_name(r, e.metric, sizeof(e.metric), "a figure's name");
	skip_space(r);
	if (!r->failed && !strncmp(r->p, ">=", 2))
		e.relation = REL_AT_LEAST;
	else if (!r->failed && !strncmp(r->p, "<=", 2))
		e.relation = REL_AT_MOST;
	else if (!r->failed && !strncmp(r->p, "==", 2))
		e.relation = REL_EQUAL;
	else
		expected(r, ">=, <= or ==");
	if (!r->failed)
		r->p += 2;
	e.value = quantity(r, no_units, 0, 1e18, "a number");
	if (r->failed)
		return;
	if (s->nexpects == MAX_EXPECTS) {
		expected(r, "at most %d expectations", MAX_EXPECTS);
		return;
	}
	s->expects[s->nexpects++] = e;
}

/* ------------------------------------------------------------ files */

static void read_title(struct scenario *s, struct reader *r)
{
	size_t n;

	equals_sign(r);
	if (at_end(r)) {
		expected(r, "a line of text");
		return;
	}
	n = strcspn(r->p, "\n");
	if (n >= sizeof(s->title)) {
		expected(r, "a line of text below %zu characters", sizeof(s->title));
		return;
	}
	memcpy(s->title, r->p, n);
	s->title[n] = 0;
	r->p += n;
}

static bool read_statement(struct scenario *s, struct reader *r)
{
	if (at_end(r))
		return true;
	if (accept(r, "title")) {
		read_title(s, r);
	} else if (accept(r, "traffic")) {
		read_traffic(s, r);
	} else if (accept(r, "fault")) {
		read_fault(s, r);
	} else if (accept(r, "expect")) {
		read_expect(s, r);
	} else {
		const struct key *k = keys;
		const struct key *end = keys + ARRAY_SIZE(keys);

		while (k < end && !accept(r, k->name))
			k++;
		if (k == end)
			return expected(r, "a key (mrc-sim --keys lists them)");
		if (equals_sign(r))
			read_key(s, r, k);
	}
	if (!r->failed && !at_end(r))
		expected(r, "the end of the line");
	return !r->failed;
}

/**
 * scenario_init - the defaults
 * @s: the scenario
 */
void scenario_init(struct scenario *s)
{
	memset(s, 0, sizeof(*s));
	s->hosts = 8;
	s->planes = 1;
	s->hosts_per_t0 = 4;
	s->t1s = 4;
	s->speed = 100000000000ULL;
	s->link_delay = 300;
	s->switch_delay = 400;
	s->host_delay = 500;
	s->mtu = 4096;
	s->timestamps = 1;
	s->ecn_prob = ONE / 100;
	s->ecn_last_hop = 2;
	s->pfc = 2;
	s->nic_queue = 16384;
	s->paths = 32;
	s->rto = 16777216;	/* IBTA timeout 12 */
	s->jitter = 2000;
	s->retry = 7;
	s->sample = 10000;
	s->seed = 1;
}

/**
 * scenario_set - one statement
 * @s: the scenario
 * @origin: where it came from
 * @text: the statement
 * @err: set to what is wrong
 * @size: of @err
 *
 * Return: false if it is wrong.
 */
bool scenario_set(struct scenario *s, const char *origin, const char *text,
		  char *err, size_t size)
{
	struct reader r = {
		.origin = origin, .text = text, .p = text,
		.err = err, .size = size,
	};

	return read_statement(s, &r);
}

/**
 * scenario_read - a file
 * @s: the scenario
 * @file: its name
 * @in: what is read
 * @err: set to what is wrong, with file, line and column
 * @size: of @err
 *
 * Return: false if something is wrong.
 */
bool scenario_read(struct scenario *s, const char *file, FILE *in, char *err,
		   size_t size)
{
	char line[LINE_LEN];
	u32 n = 0;

	s->file = file;
	while (fgets(line, sizeof(line), in)) {
		struct reader r = {
			.origin = file, .line = ++n, .text = line, .p = line,
			.err = err, .size = size,
		};
		size_t len = strlen(line);

		if (len == sizeof(line) - 1 && line[len - 1] != '\n') {
			snprintf(err, size, "%s:%u:%zu: expected lines below %d characters, found a longer one",
				 file, n, len, LINE_LEN - 1);
			return false;
		}
		while (len && isspace((unsigned char)line[len - 1]))
			line[--len] = 0;
		if (!read_statement(s, &r))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------ sense */

/* @at: where, or NULL. */
__attribute__((format(printf, 5, 6)))
static bool complain(const struct scenario *s, const struct place *at,
		     char *err, size_t size, const char *fmt, ...)
{
	char what[160], where[256] = "";
	va_list ap;

	if (at && at->origin)
		tell_place(at, where, sizeof(where));
	else if (s->file)
		snprintf(where, sizeof(where), "%s: ", s->file);
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(err, size, "%s%s", where, what);
	return false;
}

/* Where the value of a plain key stands. */
static const struct place *key_at(const struct scenario *s, const char *name)
{
	u32 i = 0;

	while (strcmp(keys[i].name, name))
		i++;
	return &s->key_at[i];
}

static bool check_traffic(struct scenario *s, struct traffic *t, char *err,
			  size_t size)
{
	if (t->last == ~0U)
		t->last = s->hosts - 1;
	if (t->last >= s->hosts || t->to >= s->hosts)
		return complain(s, t->to >= s->hosts ? &t->to_at : &t->hosts_at,
				err, size, "traffic %s: expected hosts below %u",
				t->name, s->hosts);
	if (t->pattern == PATTERN_FLOW && t->first == t->to)
		return complain(s, &t->to_at, err, size, "traffic %s: expected two different hosts",
				t->name);
	if (t->pattern != PATTERN_FLOW && t->first == t->last)
		return complain(s, &t->hosts_at, err, size, "traffic %s: expected at least two hosts",
				t->name);
	if (!s->duration && !t->count && t->pattern != PATTERN_ALLTOALL &&
	    t->pattern != PATTERN_ALLREDUCE)
		return complain(s, &t->at, err, size, "traffic %s: expected a count, or a duration of the run",
				t->name);
	return true;
}

static bool check_fault(const struct scenario *s, const struct fault *f,
			char *err, size_t size)
{
	u32 t0s = (s->hosts + s->hosts_per_t0 - 1) / s->hosts_per_t0;

	if (f->host >= s->hosts)
		return complain(s, &f->host_at, err, size, "fault: expected a host below %u", s->hosts);
	if (f->plane >= s->planes)
		return complain(s, &f->plane_at, err, size, "fault: expected a plane below %u", s->planes);
	if (f->t0 >= t0s)
		return complain(s, &f->t0_at, err, size, "fault: expected a T0 below %u", t0s);
	if (f->t1 >= s->t1s)
		return complain(s, &f->t1_at, err, size, "fault: expected a T1 below %u", s->t1s);
	if (f->target != FAULT_DENIED)
		return true;
	if (s->routing != ROUTING_NAMED)
		return complain(s, &f->place, err, size, "fault: expected routing = named");
	for (u32 i = 0; i < s->ntraffic; i++)
		if (!strcmp(s->traffic[i].name, f->traffic))
			return true;
	return complain(s, &f->traffic_at, err, size, "fault: expected the name of a traffic");
}

/**
 * scenario_finish - check what belongs together, fill in what follows
 * @s: the scenario
 * @err: set to what is wrong
 * @size: of @err
 *
 * Return: false if something is wrong.
 */
bool scenario_finish(struct scenario *s, char *err, size_t size)
{
	bool roce = s->transport == TRANSPORT_ROCE;
	const struct place *share_at = NULL;
	u32 some = 0;
	u64 us;

	if (!s->speed)
		return complain(s, key_at(s, "speed"), err, size, "expected a speed above 0");
	if (!s->fabric_speed)
		s->fabric_speed = s->speed;
	us = s->speed / 8000000;	/* bytes */
	if (!s->queue)
		s->queue = 32 * us;
	/*
	 * MRC: one threshold. RoCE: RED with the 5 KB, 200 KB and 1 % at
	 * 40 Gb/s of the DCQCN paper (SIGCOMM 2015), in proportion.
	 */
	if (!s->ecn_min)
		s->ecn_min = roce ? us : 5 * us;
	if (!s->ecn_max)
		s->ecn_max = roce ? 40 * us : s->ecn_min;
	if (s->ecn_max < s->ecn_min)
		return complain(s, key_at(s, "ecn_max"), err, size, "expected ecn_max of at least ecn_min");
	if (s->ecn_last_hop == 2)
		s->ecn_last_hop = roce;
	if (s->pfc == 2)
		s->pfc = roce;
	if (!s->pfc_xoff)
		s->pfc_xoff = 20 * us;
	if (!s->sample)
		return complain(s, key_at(s, "sample"), err, size, "expected a sample above 0");
	if (s->nic_queue < s->mtu)
		return complain(s, key_at(s, "nic_queue"), err, size, "expected a nic_queue of at least the mtu");
	if (s->duration && s->warmup >= s->duration)
		return complain(s, key_at(s, "warmup"), err, size, "expected a warmup below the duration");
	if (!s->ntraffic)
		return complain(s, NULL, err, size, "expected at least one traffic line");
	for (u32 i = 0; i < s->ntraffic; i++)
		if (!check_traffic(s, &s->traffic[i], err, size))
			return false;
	for (u32 i = 0; i < s->nfaults; i++) {
		if (!check_fault(s, &s->faults[i], err, size))
			return false;
		if (s->faults[i].target != FAULT_SOME_LINKS)
			continue;
		share_at = &s->faults[i].place;
		some++;
	}
	if (some > 1)
		return complain(s, share_at, err, size, "expected at most one fault of a share of the links");
	return true;
}
