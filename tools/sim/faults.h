/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/* Faults by schedule. */
#ifndef MRC_SIM_FAULTS_H
#define MRC_SIM_FAULTS_H

#include <linux/types.h>

struct sim;

void faults_init(struct sim *sim);
void faults_free(struct sim *sim);
/* Fault @fault begins, or ends. */
void fault_event(struct sim *sim, u32 fault, bool begin);
/*
 * When, after the warm-up, a fault begins or ends for the first time, and when
 * after that one first ends, ns; U64 maximum: never.
 */
u64 faults_first(const struct sim *sim);
u64 faults_mended(const struct sim *sim);

#endif
