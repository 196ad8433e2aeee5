/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/* Plots by gnuplot, as SVG and PNG. */
#ifndef MRC_SIM_PLOT_H
#define MRC_SIM_PLOT_H

#include <linux/types.h>

struct sim;

/*
 * Into @dir, made if need be: NAME.dat and NAME.gp, and what gnuplot makes of
 * them; NAME is the scenario's file without its ending. False, with a message,
 * if something cannot be written or gnuplot fails.
 */
bool plot_all(const struct sim *sim, const char *scenario, const char *dir);

#endif
