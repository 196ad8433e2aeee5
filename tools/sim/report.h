/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/* A run's figures, and whether they are what the scenario expects. */
#ifndef MRC_SIM_REPORT_H
#define MRC_SIM_REPORT_H

#include <stdio.h>
#include <linux/types.h>

struct sim;

struct figure {
	char name[48];
	double value;
	const char *meaning;	/* with its unit */
};

struct report {
	struct figure *figure;
	u32 n, size;
	u32 held, missed;	/* expectations */
};

void report_make(struct report *r, const struct sim *sim);
void report_free(struct report *r);
const struct figure *report_find(const struct report *r, const char *name);
void report_text(const struct report *r, const struct sim *sim, FILE *out);
void report_csv(const struct report *r, FILE *out);
void report_json(const struct report *r, const struct sim *sim,
		 const char *scenario, FILE *out);
/*
 * Compare with what the scenario expects of runs with this transport; a line
 * for each to @out. An expected figure that does not exist counts as missed.
 */
void report_check(struct report *r, const struct sim *sim, FILE *out);

#endif
