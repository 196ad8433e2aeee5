// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* See dcqcn.h. */
#include "dcqcn.h"

#define G		(1 / 256.)
#define BYTE_COUNTER	10000000
#define FAST_STEPS	5
/* 40 Mb/s and 200 Mb/s on the paper's 40 Gb/s; in proportion. */
#define ADDITIVE	(1 / 1000.)
#define HYPER		(1 / 200.)
#define LEAST		(1 / 1000.)

/**
 * dcqcn_init - begin at line rate, as a NIC does
 * @d: the flow
 * @line: bits/s
 */
void dcqcn_init(struct dcqcn *d, u64 line)
{
	*d = (struct dcqcn){
		.line = line, .rate = line, .target = line, .alpha = 1,
	};
}

/**
 * dcqcn_cnp - a congestion notification has come
 * @d: the flow
 */
void dcqcn_cnp(struct dcqcn *d)
{
	d->target = d->rate;
	d->rate *= 1 - d->alpha / 2;
	if (d->rate < d->line * LEAST)
		d->rate = d->line * LEAST;
	d->alpha = (1 - G) * d->alpha + G;
	d->bytes = 0;
	d->byte_stage = 0;
	d->time_stage = 0;
}

/**
 * dcqcn_alpha - no CNP for the timer's length
 * @d: the flow
 */
void dcqcn_alpha(struct dcqcn *d)
{
	d->alpha *= 1 - G;
}

static void increase(struct dcqcn *d)
{
	u32 lo = d->time_stage, hi = d->byte_stage;

	if (lo > hi) {
		lo = d->byte_stage;
		hi = d->time_stage;
	}
	if (lo > FAST_STEPS)
		d->target += d->line * HYPER;
	else if (hi > FAST_STEPS)
		d->target += d->line * ADDITIVE;
	if (d->target > d->line)
		d->target = d->line;
	d->rate = (d->rate + d->target) / 2;
	if (d->rate > d->line * 0.9999)
		d->rate = d->line;
}

/**
 * dcqcn_timer - the rate timer has run out
 * @d: the flow
 */
void dcqcn_timer(struct dcqcn *d)
{
	d->time_stage++;
	increase(d);
}

/**
 * dcqcn_sent - bytes have been sent
 * @d: the flow
 * @bytes: on the wire
 */
void dcqcn_sent(struct dcqcn *d, u32 bytes)
{
	d->bytes += bytes;
	if (d->bytes < BYTE_COUNTER)
		return;
	d->bytes -= BYTE_COUNTER;
	d->byte_stage++;
	increase(d);
}

/**
 * dcqcn_at_line - is there nothing that timers would change?
 * @d: the flow
 *
 * Return: true if the rate is the line's.
 */
bool dcqcn_at_line(const struct dcqcn *d)
{
	return d->rate >= d->line;
}
