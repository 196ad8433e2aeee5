// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* See plot.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plot.h"
#include "sim.h"

#define PATH_LEN	1024

static void base_name(const char *scenario, const char *transport, char *name,
		      size_t size)
{
	const char *p = strrchr(scenario, '/');
	size_t n;

	p = p ? p + 1 : scenario;
	n = strcspn(p, ".");
	snprintf(name, size, "%.*s-%s", (int)(n < 64 ? n : 64), p, transport);
	/* It goes into gnuplot's quotes. */
	for (char *q = name; *q; q++)
		if (*q == '\'' || *q == '"' || *q == '\\')
			*q = '_';
}

static FILE *open_in(const char *dir, const char *name, const char *ending)
{
	char path[PATH_LEN];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, ending);
	out = fopen(path, "w");
	if (!out)
		fprintf(stderr, "mrc-sim: %s: %s\n", path, strerror(errno));
	return out;
}

static void write_data(const struct sim *sim, FILE *out)
{
	const struct workload *w = &sim->work;

	fprintf(out, "# us, then Gb/s of payload:");
	for (u32 g = 0; g < w->ngroups; g++)
		fprintf(out, " %s", w->groups[g].t->name);
	fprintf(out, "\n");
	for (u32 i = 0; i < w->nsamples; i++) {
		fprintf(out, "%.3f", (i + 1) * sim->c.sample / 1e3);
		for (u32 g = 0; g < w->ngroups; g++)
			fprintf(out, " %.3f", w->groups[g].series[i] * 8. /
				sim->c.sample);
		fprintf(out, "\n");
	}
}

static void write_script(const struct sim *sim, const char *name, FILE *out)
{
	const struct workload *w = &sim->work;

	fprintf(out, "set xlabel 'time, us'\nset ylabel 'payload, Gb/s'\n");
	fprintf(out, "set yrange [0:*]\nset grid\nset key outside below\n");
	fprintf(out, "set title \"");
	for (const char *p = *sim->c.title ? sim->c.title : name; *p; p++)
		if (*p != '"' && *p != '\\')
			fputc(*p, out);
	fprintf(out, "\" noenhanced\n");
	for (u32 i = 0; i < sim->c.nfaults; i++)
		fprintf(out, "set arrow from %.3f, graph 0 to %.3f, graph 1 nohead dashtype 2\n",
			sim->c.faults[i].at / 1e3, sim->c.faults[i].at / 1e3);
	for (int png = 0; png < 2; png++) {
		fprintf(out, "set terminal %s size 900,500\nset output '%s.%s'\n",
			png ? "pngcairo" : "svg", name, png ? "png" : "svg");
		for (u32 g = 0; g < w->ngroups; g++)
			fprintf(out, "%s'%s.dat' using 1:%u with lines title '%s' noenhanced",
				g ? ", " : "plot ", name, g + 2, w->groups[g].t->name);
		fprintf(out, "\n");
	}
}

static bool run_gnuplot(const char *dir, const char *name)
{
	char script[PATH_LEN];
	int status;
	pid_t pid;

	snprintf(script, sizeof(script), "%s.gp", name);
	pid = fork();
	if (!pid) {
		if (!chdir(dir))
			execlp("gnuplot", "gnuplot", script, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "mrc-sim: gnuplot %s/%s failed%s\n", dir, script,
			pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127 ?
			": is gnuplot installed?" : "");
		return false;
	}
	return true;
}

/**
 * plot_all - throughput of each group over time
 * @sim: a run that has ended
 * @scenario: its file
 * @dir: where to
 *
 * Return: false, with a message, if it could not be done.
 */
bool plot_all(const struct sim *sim, const char *scenario, const char *dir)
{
	char name[80];
	FILE *out;

	if (mkdir(dir, 0777) && errno != EEXIST) {
		fprintf(stderr, "mrc-sim: %s: %s\n", dir, strerror(errno));
		return false;
	}
	base_name(scenario, sim->c.transport == TRANSPORT_ROCE ? "roce" : "mrc",
		  name, sizeof(name));
	out = open_in(dir, name, ".dat");
	if (!out)
		return false;
	write_data(sim, out);
	fclose(out);
	out = open_in(dir, name, ".gp");
	if (!out)
		return false;
	write_script(sim, name, out);
	fclose(out);
	return run_gnuplot(dir, name);
}
