// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What the device says of itself.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <util/util.h>

#include "mrc.h"

int mrc_query_device_ex(struct ibv_context *ctx,
			const struct ibv_query_device_ex_input *input,
			struct ibv_device_attr_ex *attr, size_t attr_size)
{
	struct ib_uverbs_ex_query_device_resp resp;
	size_t resp_size = sizeof(resp);
	uint64_t ver;
	int ret;

	ret = ibv_cmd_query_device_any(ctx, input, attr, attr_size, &resp,
				       &resp_size);
	if (ret)
		return ret;

	ver = resp.base.fw_ver;
	snprintf(attr->orig_attr.fw_ver, sizeof(attr->orig_attr.fw_ver),
		 "%u.%u.%u", (unsigned int)(ver >> 32) & 0xffff,
		 (unsigned int)(ver >> 16) & 0xffff,
		 (unsigned int)ver & 0xffff);

	/* mrc-abi.h has completions stamped in nanoseconds, all 64 bits */
	if (attr_size >= offsetofend(struct ibv_device_attr_ex,
				     completion_timestamp_mask))
		attr->completion_timestamp_mask = UINT64_MAX;
	if (attr_size >= offsetofend(struct ibv_device_attr_ex,
				     hca_core_clock))
		attr->hca_core_clock = 1000000;	/* kHz */
	return 0;
}

int mrc_query_port(struct ibv_context *ctx, uint8_t port,
		   struct ibv_port_attr *attr)
{
	struct ibv_query_port cmd = {};

	return ibv_cmd_query_port(ctx, port, attr, &cmd, sizeof(cmd));
}

/* The device's clock, which completions are stamped with, is the system's. */
int mrc_query_rt_values(struct ibv_context *ctx, struct ibv_values_ex *values)
{
	uint32_t mask = 0;
	int ret = 0;

	if (values->comp_mask & IBV_VALUES_MASK_RAW_CLOCK) {
		if (clock_gettime(CLOCK_MONOTONIC, &values->raw_clock))
			ret = errno;
		else
			mask = IBV_VALUES_MASK_RAW_CLOCK;
	}

	values->comp_mask = mask;
	return ret;
}
