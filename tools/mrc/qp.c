// SPDX-License-Identifier: GPL-2.0
/* mrc qp: queue pairs, what they have done and what they wait for. */
#include <assert.h>

#include "mrc.h"
#include "mrc/names.h"

static const char *const types[] = {
	[MRC_NL_QP_RC] = "rc",
	[MRC_NL_QP_UD] = "ud",
	[MRC_NL_QP_GSI] = "gsi",
};

static const char *const states[] = {
	[MRC_NL_QP_RESET] = "reset",
	[MRC_NL_QP_INIT] = "init",
	[MRC_NL_QP_RTR] = "rtr",
	[MRC_NL_QP_RTS] = "rts",
	[MRC_NL_QP_SQD] = "sqd",
	[MRC_NL_QP_SQE] = "sqe",
	[MRC_NL_QP_ERR] = "err",
};

static const char *const waits[] = MRC_QP_WAIT_NAMES;

static const char *const reasons[] = {
	[MRC_NL_QP_REASON_APPLICATION] = "application",
	[MRC_NL_QP_REASON_RETRY] = "retry_exceeded",
	[MRC_NL_QP_REASON_RNR_RETRY] = "rnr_retry_exceeded",
	[MRC_NL_QP_REASON_REMOTE_ACCESS] = "remote_access",
	[MRC_NL_QP_REASON_REMOTE_INVALID] = "remote_invalid_request",
	[MRC_NL_QP_REASON_REMOTE_OPERATION] = "remote_operation",
	[MRC_NL_QP_REASON_LOCAL] = "local",
	[MRC_NL_QP_REASON_REFUSED] = "refused_request",
	[MRC_NL_QP_REASON_ANSWER] = "answer",
};

const char *qp_reason(uint32_t reason)
{
	return NAME_OF(reasons, reason);
}

/* In the order of their attributes, from MRC_A_QP_TX_BYTES on. */
static const char *const counters[] = {
	"tx_bytes", "rx_bytes", "tx_data_packets", "retransmits", "lost_sack",
	"lost_nack", "lost_timer", "spurious", "rtos", "probes_sent",
	"sacks_sent", "sacks_received", "nacks_sent", "nacks_received",
	"rnr_sent", "rnr_received", "duplicates", "out_of_order",
};

static_assert(sizeof(counters) / sizeof(*counters) ==
	      MRC_A_QP_OUT_OF_ORDER - MRC_A_QP_TX_BYTES + 1, "names of all");

/* PSNs are of 24 bits and come round. */
static uint32_t in_flight(struct nlattr **attrs)
{
	return (get_u32(attrs, MRC_A_QP_NEXT) - get_u32(attrs, MRC_A_QP_UNA)) &
	       0xffffff;
}

static void show_row(struct nlattr **attrs)
{
	uint32_t type = get_u32(attrs, MRC_A_QP_TYPE);
	uint32_t srtt = get_u32(attrs, MRC_A_QP_SRTT);
	uint64_t cwnd = get_u64(attrs, MRC_A_QP_CWND);
	uint64_t inflight = get_u64(attrs, MRC_A_QP_INFLIGHT);
	bool rc = type == MRC_NL_QP_RC;
	uint32_t wait = get_u32(attrs, MRC_A_QP_WAIT);
	uint32_t reason = get_u32(attrs, MRC_A_QP_REASON);
	bool error = get_u32(attrs, MRC_A_QP_STATE) == MRC_NL_QP_ERR;
	size_t i;

	object_begin();
	field_string("dev", opt.details ? "DEVICE" : NULL,
		     get_string(attrs, MRC_A_QP_DEV));
	field_number("qpn", "QPN", get_u32(attrs, MRC_A_QP_QPN));
	field_string("type", opt.details ? "TYPE" : NULL,
		     NAME_OF(types, type));
	field_string("state", "STATE",
		     NAME_OF(states, get_u32(attrs, MRC_A_QP_STATE)));
	field_string("peer", "PEER", get_address(attrs, MRC_A_QP_REMOTE));
	field_string("local", NULL, get_address(attrs, MRC_A_QP_LOCAL));
	field_number("remote_qpn", "RQPN",
		     get_u32(attrs, MRC_A_QP_REMOTE_QPN));
	field_number("mtu", NULL, get_u32(attrs, MRC_A_QP_MTU));
	field_string("waits_for", "WAITS", rc ? NAME_OF(waits, wait) : "-");
	/* Of what it died, to say more than "state". */
	field_string("error", NULL, error ? qp_reason(reason) : "");
	field_number("wrs", "WRS", get_u32(attrs, MRC_A_QP_WRS));
	field_number("in_flight", "FLIGHT", in_flight(attrs));
	field_number("una", NULL, get_u32(attrs, MRC_A_QP_UNA));
	field_number("next", NULL, get_u32(attrs, MRC_A_QP_NEXT));
	field_number("lost", NULL, get_u32(attrs, MRC_A_QP_LOST));
	field_number("window", NULL, get_u32(attrs, MRC_A_QP_WINDOW));
	field_number("retry", NULL, get_u32(attrs, MRC_A_QP_RETRY));
	field_number_as("srtt_ns", "RTT", srtt, format_time(srtt));
	field_number("receives", NULL, get_u32(attrs, MRC_A_QP_RECEIVES));
	field_number_as("peer_cwnd", "CWND", cwnd, format_bytes(cwnd));
	field_number("peer_inflight", NULL, inflight);
	field_number("good", NULL, get_u32(attrs, MRC_A_QP_GOOD));
	field_number("skip", NULL, get_u32(attrs, MRC_A_QP_SKIP));
	field_number("assumed_bad", NULL, get_u32(attrs, MRC_A_QP_ASSUMED_BAD));
	field_number("denied", NULL, get_u32(attrs, MRC_A_QP_DENIED));
	for (i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
		int attr = MRC_A_QP_TX_BYTES + i;

		field_number(counters[i],
			     attr == MRC_A_QP_RETRANSMITS ? "RESENT" : NULL,
			     get_u64(attrs, attr));
	}
	object_end();
}

static int show(struct args *args)
{
	static const struct listing list = {
		.cmd = MRC_CMD_QP_GET,
		.max = MRC_A_QP_MAX,
		.a_dev = MRC_A_QP_DEV,
		.a_remote = MRC_A_QP_REMOTE,
		.a_qpn = MRC_A_QP_QPN,
		.row = show_row,
	};

	return show_listing(args, &list);
}

static const struct command commands[] = {
	{ "show", show, "[DEV] [peer ADDRESS] [qpn N]",
	  "List QPs: to whom, what they wait for, in flight, sent again." },
	{ .name = NULL }
};

const struct object qp_object = {
	.name = "qp",
	.help = "queue pairs, and what each of them waits for",
	.commands = commands,
};
