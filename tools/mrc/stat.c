// SPDX-License-Identifier: GPL-2.0
/*
 * mrc stat: the counters of devices, for people, for programs, and for
 * node_exporter's text collector. They are the RDMA core's: the same as
 * "rdma statistic" shows.
 */
#include <netlink/msg.h>
#include <rdma/rdma_netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mrc.h"

/* ------------------------------------------------------------ counters */

static void (*told)(const char *name, uint64_t value);

static void on_counters(struct nlattr **attrs)
{
	struct nlattr *entry, *field;
	int rest, rest_fields;

	if (!attrs[RDMA_NLDEV_ATTR_STAT_HWCOUNTERS])
		return;
	nla_for_each_nested(entry, attrs[RDMA_NLDEV_ATTR_STAT_HWCOUNTERS],
			    rest) {
		const char *name = NULL;
		uint64_t value = 0;

		nla_for_each_nested(field, entry, rest_fields) {
			switch (nla_type(field)) {
			case RDMA_NLDEV_ATTR_STAT_HWCOUNTER_ENTRY_NAME:
				name = nla_get_string(field);
				break;
			case RDMA_NLDEV_ATTR_STAT_HWCOUNTER_ENTRY_VALUE:
				value = nla_get_u64(field);
				break;
			}
		}
		if (name)
			told(name, value);
	}
}

int read_counters(uint32_t index, void (*tell)(const char *name, uint64_t value))
{
	struct nl_msg *msg = new_rdma_request(RDMA_NLDEV_CMD_STAT_GET);

	if (!msg)
		return EXIT_KERNEL;
	nla_put_u32(msg, RDMA_NLDEV_ATTR_DEV_INDEX, index);
	nla_put_u32(msg, RDMA_NLDEV_ATTR_PORT_INDEX, 1);
	told = tell;
	return run_rdma(msg, on_counters);
}

/* ------------------------------------------------------------ devices */

static struct {
	char name[64];
	uint32_t index, peers, qps;
} *devices;

static size_t num_devices;

static void on_device(struct nlattr **attrs)
{
	devices = must(realloc(devices, (num_devices + 1) * sizeof(*devices)));
	snprintf(devices[num_devices].name, sizeof(devices->name), "%s",
		 get_string(attrs, MRC_A_DEV_NAME));
	devices[num_devices].index = get_u32(attrs, MRC_A_DEV_INDEX);
	devices[num_devices].peers = get_u32(attrs, MRC_A_DEV_PEERS);
	devices[num_devices].qps = get_u32(attrs, MRC_A_DEV_QPS);
	num_devices++;
}

/* ------------------------------------------------------------ listing */

static const char *device;

static void json_counter(const char *name, uint64_t value)
{
	field_number(name, NULL, value);
}

static void text_counter(const char *name, uint64_t value)
{
	/* What has never happened is of no interest at first sight. */
	if (!value && !opt.details)
		return;
	object_begin();
	field_text("DEVICE", device);
	field_text("COUNTER", name);
	field_number("", "VALUE", value);
	object_end();
}

static int list_counters(void)
{
	size_t i;
	int ret = 0;

	list_begin();
	for (i = 0; i < num_devices && !ret; i++) {
		device = devices[i].name;
		if (!opt.json) {
			ret = read_counters(devices[i].index, text_counter);
			continue;
		}
		object_begin();
		field_string("dev", NULL, device);
		ret = read_counters(devices[i].index, json_counter);
		object_end();
	}
	list_end();
	return ret;
}

/* ------------------------------------------------------------ Prometheus */

/* All samples of a metric have to stand together, so each has its own text. */
struct metric {
	char name[64];
	const char *type, *help;
	FILE *to;
	char *text;
	size_t size;
};

#define MAX_METRICS	256

static struct metric metrics[MAX_METRICS];
static size_t num_metrics;

static FILE *metric(const char *name, const char *type, const char *help)
{
	struct metric *m;
	size_t i;

	for (i = 0; i < num_metrics; i++) {
		if (!strcmp(metrics[i].name, name))
			return metrics[i].to;
	}
	if (num_metrics == MAX_METRICS)
		return NULL;
	m = &metrics[num_metrics++];
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->type = type;
	m->help = help;
	m->to = must(open_memstream(&m->text, &m->size));
	return m->to;
}

static void metric_counter(const char *name, uint64_t value)
{
	char full[64];
	FILE *to;

	snprintf(full, sizeof(full), "mrc_%s_total", name);
	to = metric(full, "counter", "See counters.md of MRC.");
	if (to)
		fprintf(to, "%s{device=\"%s\"} %llu\n", full, device,
			(unsigned long long)value);
}

static void plane_sample(struct nlattr **attrs, const char *name,
			 const char *type, const char *help, const char *state,
			 uint64_t value)
{
	FILE *to = metric(name, type, help);

	if (!to)
		return;
	fprintf(to, "%s{device=\"%s\",peer=\"%s\",local=\"%s\",plane=\"%u\"",
		name, get_string(attrs, MRC_A_PLANE_DEV),
		get_address(attrs, MRC_A_PLANE_REMOTE),
		get_address(attrs, MRC_A_PLANE_LOCAL),
		get_u32(attrs, MRC_A_PLANE_PLANE));
	if (state)
		fprintf(to, ",state=\"%s\"", state);
	fprintf(to, "} %llu\n", (unsigned long long)value);
}

static void metric_plane(struct nlattr **attrs)
{
	static const struct {
		const char *state;
		int attr;
	} states[] = {
		{ "good", MRC_A_PLANE_GOOD },
		{ "skip", MRC_A_PLANE_SKIP },
		{ "assumed_bad", MRC_A_PLANE_ASSUMED_BAD },
		{ "denied", MRC_A_PLANE_DENIED },
	};
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(*states); i++)
		plane_sample(attrs, "mrc_paths", "gauge",
			     "Paths to a peer by state.", states[i].state,
			     get_u32(attrs, states[i].attr));
	plane_sample(attrs, "mrc_plane_sent_packets_total", "counter",
		     "Data packets sent to a peer by a plane.", NULL,
		     get_u64(attrs, MRC_A_PLANE_TX));
	plane_sample(attrs, "mrc_plane_lost_packets_total", "counter",
		     "Of those, found lost.", NULL,
		     get_u64(attrs, MRC_A_PLANE_LOST));
	plane_sample(attrs, "mrc_plane_rtt_nanoseconds", "gauge",
		     "Mean RTT of a plane's paths to a peer, 0 if not known.",
		     NULL, get_u32(attrs, MRC_A_PLANE_SRTT));
}

static void metric_port(struct nlattr **attrs)
{
	FILE *to = metric("mrc_port_up", "gauge",
			  "1 if the Ethernet port of a plane is up.");

	if (to)
		fprintf(to, "mrc_port_up{device=\"%s\",plane=\"%u\",netdev=\"%s\"} %u\n",
			get_string(attrs, MRC_A_PORT_DEV),
			get_u32(attrs, MRC_A_PORT_PLANE),
			get_string(attrs, MRC_A_PORT_IFNAME),
			get_u32(attrs, MRC_A_PORT_UP));
}

static void device_gauge(const char *name, const char *help, uint32_t value)
{
	FILE *to = metric(name, "gauge", help);

	if (to)
		fprintf(to, "%s{device=\"%s\"} %u\n", name, device, value);
}

static int prometheus(const struct filter *filter)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < num_devices && !ret; i++) {
		device = devices[i].name;
		ret = read_counters(devices[i].index, metric_counter);
		device_gauge("mrc_peers", "Peers known.", devices[i].peers);
		device_gauge("mrc_qps", "QPs.", devices[i].qps);
	}
	ret = ret ?: fetch(&port_list, filter, metric_port);
	ret = ret ?: fetch(&plane_list, filter, metric_plane);
	for (i = 0; i < num_metrics; i++) {
		struct metric *m = &metrics[i];

		fclose(m->to);
		/* Half of the truth is worse than none. */
		if (!ret)
			printf("# HELP %s %s\n# TYPE %s %s\n%s", m->name,
			       m->help, m->name, m->type, m->text);
		free(m->text);
	}
	return ret;
}

/* ------------------------------------------------------------ command */

static int run(struct args *args)
{
	struct filter filter = {};
	bool metrics_wanted = false;
	struct param params[] = {
		{ .name = "prometheus", .parse = parse_flag,
		  .value = &metrics_wanted },
		{ .name = NULL }
	};
	int i, ret;

	/* As an option it is known better. */
	for (i = 0; i < args->n; i++) {
		if (!strcmp(args->v[i], "--prometheus"))
			args->v[i] += 2;
	}
	ret = parse_params(args, params, &filter.dev, false);
	if (ret)
		return ret;
	num_devices = 0;
	num_metrics = 0;
	ret = fetch(&dev_list, &filter, on_device);
	if (ret)
		return ret;
	return metrics_wanted ? prometheus(&filter) : list_counters();
}

const struct object stat_object = {
	.name = "stat",
	.help = "counters; with -d also those that are 0",
	.run = run,
	.synopsis = "[DEV] [--prometheus]",
};
