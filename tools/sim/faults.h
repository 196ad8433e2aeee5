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
/* When the first fault begins, ns; U64 maximum: there is none. */
u64 faults_first(const struct sim *sim);

#endif
