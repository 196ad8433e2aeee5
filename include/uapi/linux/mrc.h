/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR Linux-OpenIB) */
/*
 * Generic netlink family "mrc", version 1: devices, ports (planes), peers and
 * paths. Everything the RDMA core has a command for (rdma link, rdma dev, rdma
 * res, rdma statistic) is not here.
 *
 * Rules that hold for all commands:
 *
 * - A caller sees the devices whose address netdev lives in the caller's
 *   network namespace, and no others.
 * - Commands that change something need CAP_NET_ADMIN in the initial user
 *   namespace.
 * - Validation is strict: unknown attributes, wrong sizes and trailing bytes
 *   are refused. Every refusal carries an extack message.
 * - A refused command has changed nothing.
 * - A dump may be interrupted by changes; it then resumes behind the last
 *   object it reported: none is reported twice, none that existed all the
 *   time is left out.
 * - Addresses are 16 bytes, IPv6 or IPv4-mapped IPv6, in network byte order.
 *   Other integers are in host byte order.
 *
 * MRC_CMD_DEV_GET (dump)
 *   request:
 *	MRC_A_DEV_NAME		string		only this device
 *   reply, one message per device:
 *	MRC_A_DEV_NAME		string		RDMA device name
 *	MRC_A_DEV_INDEX		u32		RDMA device index
 *	MRC_A_DEV_IFINDEX	u32		address netdev
 *	MRC_A_DEV_IFNAME	string
 *	MRC_A_DEV_UDP_PORT	u32		destination port
 *	MRC_A_DEV_PLANES	u32		mask of planes that have a port
 *	MRC_A_DEV_PLANES_UP	u32		mask of planes whose port is up
 *	MRC_A_DEV_PEERS		u32		number of peers known
 *	MRC_A_DEV_QPS		u32		number of QPs
 *	MRC_A_DEV_ORDERED_LAST	u32		settings, see MRC_CMD_DEV_SET
 *	MRC_A_DEV_ICRC		u32
 *	MRC_A_DEV_DSCP_DATA	u32
 *	MRC_A_DEV_DSCP_CONTROL	u32
 *	MRC_A_DEV_PATHS_PER_PLANE u32
 *	MRC_A_DEV_EV_ORDER	u32
 *	MRC_A_DEV_OOW_NACK	u32
 *	MRC_A_DEV_RTO_EXP	u32
 *	MRC_A_DEV_PLAIN_MPR	u32
 *	MRC_A_DEV_PLAIN_FEATURES u32
 *	MRC_A_DEV_DSCP_TRIMMABLE u32
 *	MRC_A_DEV_DSCP_RETX	u32
 *	MRC_A_DEV_DSCP_TRIMMED	u32
 *	MRC_A_DEV_DSCP_TRIMMED_LASTHOP u32
 *	MRC_A_DEV_SPRAY_UNIT	u32
 *
 * MRC_CMD_DEV_SET
 *   request:
 *	MRC_A_DEV_NAME		string		required
 *   and at least one of:
 *	MRC_A_DEV_UDP_PORT	u32 1..65535	peers must use the same
 *	MRC_A_DEV_ORDERED_LAST	u32 0..1	place the last packet of a
 *						message after all before it
 *	MRC_A_DEV_ICRC		u32 0..1	0: offer peers to leave ICRC out
 *	MRC_A_DEV_DSCP_DATA	u32 0..63	DSCP of data packets and probes
 *	MRC_A_DEV_DSCP_CONTROL	u32 0..63	DSCP of SACK, NACK, ACK, answers
 *	MRC_A_DEV_PATHS_PER_PLANE u32 1..128	for peers met from now on
 *	MRC_A_DEV_EV_ORDER	u32 0..1	1: the UDP source port is the high half
 *						of the 32-bit entropy field
 *	MRC_A_DEV_OOW_NACK	u32 0..1	1: NACK what lies beyond the window
 *	MRC_A_DEV_RTO_EXP	u32 0..25	timeouts at doubling intervals after
 *						those of retry_cnt; 25: no end
 *	MRC_A_DEV_PLAIN_MPR	u32 8..32	window of peers without hello, units
 *						of 128 PSNs
 *	MRC_A_DEV_PLAIN_FEATURES u32 0..7	what they agreed to: 1 dynamic MPR,
 *						2 service time, 4 trim NACK
 *	MRC_A_DEV_DSCP_TRIMMABLE u32 0..64	DSCP of data that may be trimmed,
 *						64: dscp_data
 *	MRC_A_DEV_DSCP_RETX	u32 0..64	of its retransmissions, 64: the same
 *	MRC_A_DEV_DSCP_TRIMMED	u32 0..64	that switches give trimmed packets,
 *						64: they trim none
 *	MRC_A_DEV_DSCP_TRIMMED_LASTHOP u32 0..64	the same on the last hop
 *	MRC_A_DEV_SPRAY_UNIT	u32 1..16	packets that take one path together
 *
 * MRC_CMD_PORT_GET (dump)
 *   request:
 *	MRC_A_PORT_DEV		string		only ports of this device
 *   reply, one message per port:
 *	MRC_A_PORT_DEV		string
 *	MRC_A_PORT_PLANE	u32 0..31
 *	MRC_A_PORT_IFINDEX	u32
 *	MRC_A_PORT_IFNAME	string
 *	MRC_A_PORT_UP		u32 0..1	enabled, the netdev up and with carrier
 *	MRC_A_PORT_MTU		u32		of the netdev, bytes
 *	MRC_A_PORT_ENABLED	u32 0..1	see MRC_CMD_PORT_SET
 *
 * MRC_CMD_PORT_NEW
 *   request:
 *	MRC_A_PORT_DEV		string		required
 *	MRC_A_PORT_IFINDEX	u32		one of these two
 *	MRC_A_PORT_IFNAME	string
 *	MRC_A_PORT_PLANE	u32 0..31	default: the first free one
 *	MRC_A_PORT_ENABLED	u32 0..1	default: 1; see MRC_CMD_PORT_SET
 *
 * MRC_CMD_PORT_DEL
 *   request:
 *	MRC_A_PORT_DEV		string		required
 *	MRC_A_PORT_IFINDEX	u32		one of these two
 *	MRC_A_PORT_IFNAME	string
 *
 * MRC_CMD_PEER_GET (dump)
 *   request:
 *	MRC_A_PEER_DEV		string		only peers of this device
 *	MRC_A_PEER_REMOTE	address		only this peer
 *   reply, one message per peer:
 *	MRC_A_PEER_DEV		string
 *	MRC_A_PEER_REMOTE	address		GID of the peer
 *	MRC_A_PEER_LOCAL	address		our GID towards it
 *	MRC_A_PEER_STATUS	u32		enum mrc_nl_peer_status
 *	MRC_A_PEER_FEATURES	u32		as announced in its hello
 *	MRC_A_PEER_WINDOW	u32		its receive window, PSNs
 *	MRC_A_PEER_PLANES	u32		mask of planes with a route to it
 *	MRC_A_PEER_PLANES_DOWN	u32		mask of planes down at either end
 *	MRC_A_PEER_PLANES_BAD	u32		mask of planes without a good path
 *	MRC_A_PEER_CWND		u64		bytes
 *	MRC_A_PEER_INFLIGHT	u64		bytes
 *	MRC_A_PEER_BASE_RTT	u64		ns, 0: not known yet
 *	MRC_A_PEER_GOOD		u32		number of paths by state
 *	MRC_A_PEER_SKIP		u32
 *	MRC_A_PEER_ASSUMED_BAD	u32
 *	MRC_A_PEER_DENIED	u32
 *	MRC_A_PEER_PLANES_MTU	u32		mask of planes whose MTU is too small
 *
 * MRC_CMD_PLANE_GET (dump)
 *   request:
 *	MRC_A_PLANE_DEV		string		only this device
 *	MRC_A_PLANE_REMOTE	address		only this peer
 *   reply, one message per peer and plane that has paths to it:
 *	MRC_A_PLANE_DEV		string
 *	MRC_A_PLANE_REMOTE	address		GID of the peer
 *	MRC_A_PLANE_LOCAL	address		our GID towards it
 *	MRC_A_PLANE_PLANE	u32 0..31
 *	MRC_A_PLANE_SADDR	address		packets go from here
 *	MRC_A_PLANE_DADDR	address		to here
 *	MRC_A_PLANE_DOWN	u32 0..1	down at either end, or no route
 *	MRC_A_PLANE_BAD		u32 0..1	no path is believed to work
 *	MRC_A_PLANE_GOOD	u32		number of paths by state
 *	MRC_A_PLANE_SKIP	u32
 *	MRC_A_PLANE_ASSUMED_BAD	u32
 *	MRC_A_PLANE_DENIED	u32
 *	MRC_A_PLANE_TX		u64		packets, summed over the paths
 *	MRC_A_PLANE_ACKED	u64
 *	MRC_A_PLANE_LOST	u64
 *	MRC_A_PLANE_SRTT	u32		ns, mean of paths with a sample
 *
 * MRC_CMD_PATH_GET (dump)
 *   request:
 *	MRC_A_PATH_DEV		string		only paths of this device
 *	MRC_A_PATH_REMOTE	address		only paths to this peer
 *	MRC_A_PATH_PLANE	u32 0..31	only paths of this plane
 *   reply, one message per path:
 *	MRC_A_PATH_DEV		string
 *	MRC_A_PATH_REMOTE	address
 *	MRC_A_PATH_LOCAL	address
 *	MRC_A_PATH_INDEX	u32		number within the peer
 *	MRC_A_PATH_PLANE	u32
 *	MRC_A_PATH_ENTROPY	u32		EV: UDP source port
 *	MRC_A_PATH_STATE	u32		enum mrc_nl_path_state
 *	MRC_A_PATH_TX		u32		packets sent
 *	MRC_A_PATH_ACKED	u32		packets acknowledged
 *	MRC_A_PATH_LOST		u32		packets found lost
 *	MRC_A_PATH_SRTT		u32		ns, 0: no sample
 *	MRC_A_PATH_BACKUP	u32 0..1	not in use while others are
 *
 * MRC_CMD_PATH_SET
 *   request:
 *	MRC_A_PATH_DEV		string		required
 *	MRC_A_PATH_REMOTE	address		required: the peer
 *	MRC_A_PATH_LOCAL	address		needed if several GIDs of ours
 *						talk to that peer
 *	MRC_A_PATH_STATE	u32		required: MRC_NL_PATH_DENIED, or
 *						MRC_NL_PATH_GOOD to allow again
 *	MRC_A_PATH_INDEX	u32		which paths: at least one of
 *	MRC_A_PATH_PLANE	u32 0..31	these three; with several, all
 *	MRC_A_PATH_ENTROPY	u32		must match
 *
 * MRC_CMD_QP_GET (dump)
 *   request:
 *	MRC_A_QP_DEV		string		only QPs of this device
 *	MRC_A_QP_REMOTE		address		only QPs to this peer
 *	MRC_A_QP_QPN		u32		only this QP
 *   reply, one message per RC or UD QP; a UD QP, and one that is not connected,
 *   has neither peer nor paths, and what is not known is 0:
 *	MRC_A_QP_DEV		string
 *	MRC_A_QP_QPN		u32
 *	MRC_A_QP_TYPE		u32		enum mrc_nl_qp_type
 *	MRC_A_QP_STATE		u32		enum mrc_nl_qp_state
 *	MRC_A_QP_REMOTE		address		GID of the peer
 *	MRC_A_QP_LOCAL		address		our GID towards it
 *	MRC_A_QP_REMOTE_QPN	u32
 *	MRC_A_QP_MTU		u32		payload bytes per packet
 *	MRC_A_QP_WAIT		u32		enum mrc_nl_qp_wait
 *	MRC_A_QP_REASON		u32		enum mrc_nl_qp_reason, of ERR
 *	MRC_A_QP_WRS		u32		work requests taken, not completed
 *	MRC_A_QP_UNA		u32		oldest PSN not acknowledged
 *	MRC_A_QP_NEXT		u32		next new PSN
 *	MRC_A_QP_LOST		u32		packets to be sent again
 *	MRC_A_QP_WINDOW		u32		PSNs the peer accepts
 *	MRC_A_QP_RETRY		u32		timeouts since the last progress
 *	MRC_A_QP_SRTT		u32		ns, 0: no sample
 *	MRC_A_QP_RECEIVES	u32		receives bound to messages
 *	MRC_A_QP_CWND		u64		of the peer, bytes
 *	MRC_A_QP_INFLIGHT	u64		of the peer, bytes
 *	MRC_A_QP_GOOD		u32		number of the peer's paths by state
 *	MRC_A_QP_SKIP		u32
 *	MRC_A_QP_ASSUMED_BAD	u32
 *	MRC_A_QP_DENIED		u32
 *	MRC_A_QP_TX_BYTES	u64		since the QP was made; see
 *	MRC_A_QP_RX_BYTES	u64		Documentation/counters.md
 *	MRC_A_QP_TX_DATA_PACKETS	u64
 *	MRC_A_QP_RETRANSMITS	u64
 *	MRC_A_QP_LOST_SACK	u64
 *	MRC_A_QP_LOST_NACK	u64
 *	MRC_A_QP_LOST_TIMER	u64
 *	MRC_A_QP_SPURIOUS	u64
 *	MRC_A_QP_RTOS		u64
 *	MRC_A_QP_PROBES_SENT	u64
 *	MRC_A_QP_SACKS_SENT	u64
 *	MRC_A_QP_SACKS_RECEIVED	u64
 *	MRC_A_QP_NACKS_SENT	u64
 *	MRC_A_QP_NACKS_RECEIVED	u64
 *	MRC_A_QP_RNR_SENT	u64
 *	MRC_A_QP_RNR_RECEIVED	u64
 *	MRC_A_QP_DUPLICATES	u64
 *	MRC_A_QP_OUT_OF_ORDER	u64
 *
 * MRC_CMD_PROFILE_GET (dump)
 *   request:
 *	MRC_A_PROFILE_DEV	string		only profiles of this device
 *   reply, one message per profile and 512 EVs of it:
 *	MRC_A_PROFILE_DEV	string
 *	MRC_A_PROFILE_NAME	string
 *	MRC_A_PROFILE_KIND	u32		see MRC_CMD_PROFILE_NEW
 *	MRC_A_PROFILE_COUNT	u32
 *	MRC_A_PROFILE_ACTIVE	u32
 *	MRC_A_PROFILE_MIN_ACTIVE u32
 *	MRC_A_PROFILE_REVERSE	u32
 *	MRC_A_PROFILE_ANSWERS	u32
 *	MRC_A_PROFILE_EVS	binary		of a list, or as generated
 *	MRC_A_PROFILE_FIELDS	binary
 *	MRC_A_PROFILE_IN_USE	u32 0..1
 *	MRC_A_PROFILE_OFFSET	u32		number of the first EV in EVS
 *
 * MRC_CMD_PROFILE_NEW
 *   request:
 *	MRC_A_PROFILE_DEV	string		required
 *	MRC_A_PROFILE_NAME	string		required, not "auto"
 *	MRC_A_PROFILE_KIND	u32		required: enum mrc_nl_profile_kind
 *	MRC_A_PROFILE_COUNT	u32 1..4096	paths over all planes; required but
 *						for a list, whose length it is
 *	MRC_A_PROFILE_ACTIVE	u32 0..4096	of them in use, the others are
 *						backups; 0: all
 *	MRC_A_PROFILE_MIN_ACTIVE u32 0..4096	never fewer are left; 0: a quarter
 *	MRC_A_PROFILE_REVERSE	u32 0..4096	per plane for SACK, NACK, ACK; 0: all
 *	MRC_A_PROFILE_ANSWERS	u32 0..30	probes answered in a row that bring a
 *						path back; 0: 3
 *	MRC_A_PROFILE_EVS	binary		list: u32 each, the low 16 bits the
 *						UDP source port, the high ones the
 *						flow label; the nth is on plane n
 *						modulo the number of planes
 *	MRC_A_PROFILE_FIELDS	binary		fields: 1 to 8 times five u32, width
 *						in bits, init, min, max, mask; the
 *						first is lowest and changes fastest
 *
 * MRC_CMD_PROFILE_SET, the same for a profile that exists; if it is in use, all
 * peers get new paths
 *   request:
 *	MRC_A_PROFILE_DEV	string		required
 *	MRC_A_PROFILE_NAME	string		required, not "auto"
 *	MRC_A_PROFILE_KIND	u32		required: enum mrc_nl_profile_kind
 *	MRC_A_PROFILE_COUNT	u32 1..4096	paths over all planes; required but
 *						for a list, whose length it is
 *	MRC_A_PROFILE_ACTIVE	u32 0..4096	of them in use, the others are
 *						backups; 0: all
 *	MRC_A_PROFILE_MIN_ACTIVE u32 0..4096	never fewer are left; 0: a quarter
 *	MRC_A_PROFILE_REVERSE	u32 0..4096	per plane for SACK, NACK, ACK; 0: all
 *	MRC_A_PROFILE_ANSWERS	u32 0..30	probes answered in a row that bring a
 *						path back; 0: 3
 *	MRC_A_PROFILE_EVS	binary		list: u32 each, the low 16 bits the
 *						UDP source port, the high ones the
 *						flow label; the nth is on plane n
 *						modulo the number of planes
 *	MRC_A_PROFILE_FIELDS	binary		fields: 1 to 8 times five u32, width
 *						in bits, init, min, max, mask; the
 *						first is lowest and changes fastest
 *
 * MRC_CMD_PROFILE_DEL
 *   request:
 *	MRC_A_PROFILE_DEV	string		required
 *	MRC_A_PROFILE_NAME	string		required; not one in use
 *
 * MRC_CMD_PROFILE_USE
 *   request:
 *	MRC_A_PROFILE_DEV	string		required
 *	MRC_A_PROFILE_NAME	string		required; "auto": none, so
 *						paths_per_plane counts again
 *
 * MRC_CMD_CC_GET (dump)
 *   request:
 *	MRC_A_CC_DEV		string		only this device
 *   reply, one message per device:
 *	MRC_A_CC_DEV		string
 *	MRC_A_CC_ALGORITHM	u32
 *	MRC_A_CC_TRIMMING	u32
 *	MRC_A_CC_TARGET		u32
 *	MRC_A_CC_INITIAL	u32
 *	MRC_A_CC_LIMIT		u32
 *	MRC_A_CC_GAMMA		u32
 *	MRC_A_CC_MD_JUMP	u32
 *	MRC_A_CC_FI		u32
 *	MRC_A_CC_FI_SCALE	u32
 *	MRC_A_CC_ETA		u32
 *	MRC_A_CC_ALPHA		u32
 *	MRC_A_CC_QA_GATE	u32
 *	MRC_A_CC_QA_THRESHOLD	u32
 *	MRC_A_CC_ADJUST		u32
 *
 * MRC_CMD_CC_SET
 *   request:
 *	MRC_A_CC_DEV		string		required
 *   and at least one of (a and b are UEC 1.0's: BDP / 150,000 bytes, target
 *   delay / 12 us):
 *	MRC_A_CC_ALGORITHM	u32 0..1	0 NSCC, 1 null: nothing is held back
 *	MRC_A_CC_TRIMMING	u32 0..1	the fabric trims
 *	MRC_A_CC_TARGET		u32 0..1000	delay aimed at, % of the base RTT;
 *						0: 100, or 75 with trimming
 *	MRC_A_CC_INITIAL	u32 1..4096	first window, packets
 *	MRC_A_CC_LIMIT		u32 10..1000	greatest window, % of BDP
 *	MRC_A_CC_GAMMA		u32 1..100	multiplicative decrease, %
 *	MRC_A_CC_MD_JUMP	u32 1..100	decrease at once, at most, %
 *	MRC_A_CC_FI		u32 1..10000	fair increase, % of an MTU, times a
 *	MRC_A_CC_FI_SCALE	u32 1..400	fast increase, %, times a
 *	MRC_A_CC_ETA		u32 0..1000	per period, % of an MTU, times a
 *	MRC_A_CC_ALPHA		u32 1..10000	proportional increase, % of an MTU,
 *						times a b
 *	MRC_A_CC_QA_GATE	u32 0..10	quick adapt only below the greatest
 *						window shifted right so often
 *	MRC_A_CC_QA_THRESHOLD	u32 100..10000	quick adapt above this delay, % of
 *						the target
 *	MRC_A_CC_ADJUST		u32 1..256	packets acknowledged before the
 *						window is adjusted
 *
 * MRC_CMD_EVENT (sent to the multicast group MRC_GENL_GROUP_EVENTS)
 *   message, with what is known of it:
 *	MRC_A_EVENT_TYPE	u32		enum mrc_nl_event_type
 *	MRC_A_EVENT_TIME	u64		ns, CLOCK_REALTIME
 *	MRC_A_EVENT_COUNT	u32		it happened so often; with neither
 *						peer nor plane nor QP: events
 *						that came too fast to be told
 *	MRC_A_EVENT_DEV		string
 *	MRC_A_EVENT_REMOTE	address		the peer
 *	MRC_A_EVENT_LOCAL	address
 *	MRC_A_EVENT_PLANE	u32
 *	MRC_A_EVENT_IFNAME	string		its netdev
 *	MRC_A_EVENT_PATH	u32		index, if it was one path
 *	MRC_A_EVENT_ENTROPY	u32		its EV
 *	MRC_A_EVENT_QPN		u32
 *	MRC_A_EVENT_REASON	u32		enum mrc_nl_qp_reason
 *
 * MRC_CMD_PROBE
 *   One probe goes out by one path of a peer. Its answer, if one comes, is
 *   told to the socket that asked, in a message of its own; 64 may be on
 *   their way per peer. The state of the path does not change.
 *   request:
 *	MRC_A_PROBE_DEV		string		required
 *	MRC_A_PROBE_REMOTE	address		required: the peer
 *	MRC_A_PROBE_LOCAL	address		needed if several GIDs of ours
 *						talk to that peer
 *	MRC_A_PROBE_PATH	u32		required: index
 *	MRC_A_PROBE_COOKIE	u32		comes back in the answer
 *   reply, when the probe was answered:
 *	MRC_A_PROBE_COOKIE	u32
 *	MRC_A_PROBE_PATH	u32
 *	MRC_A_PROBE_RTT		u64		ns
 *
 * MRC_CMD_SRV6_GET (dump)
 *   request:
 *	MRC_A_SRV6_DEV		string		only templates of this device
 *   reply, one message per template:
 *	MRC_A_SRV6_DEV		string
 *	MRC_A_SRV6_PREFIX	address		destinations that get an outer header
 *	MRC_A_SRV6_PREFIX_LEN	u32 0..128
 *	MRC_A_SRV6_BLOCK	u32		locator block: first 32 bits of the
 *						outer destination
 *	MRC_A_SRV6_USIDS	binary		see MRC_CMD_SRV6_NEW
 *
 * MRC_CMD_SRV6_NEW; a template that the prefix has is replaced
 *   request, all required:
 *	MRC_A_SRV6_DEV		string
 *	MRC_A_SRV6_PREFIX	address		IPv6
 *	MRC_A_SRV6_PREFIX_LEN	u32 0..128
 *	MRC_A_SRV6_BLOCK	u32
 *	MRC_A_SRV6_USIDS	binary		1 to 6 times five u32: base 0..0xffff,
 *						plane_shift 0..15 (255: none),
 *						ev_shift 0..31, ev_width 0..16, pos.
 *						A uSID is base + plane <<
 *						plane_shift + (bits of the EV
 *						from ev_shift on) << pos
 *
 * MRC_CMD_SRV6_DEL
 *   request, all required:
 *	MRC_A_SRV6_DEV		string
 *	MRC_A_SRV6_PREFIX	address
 *	MRC_A_SRV6_PREFIX_LEN	u32 0..128
 *
 * MRC_CMD_PORT_SET
 *   request:
 *	MRC_A_PORT_DEV		string		required
 *	MRC_A_PORT_IFINDEX	u32		one of these two
 *	MRC_A_PORT_IFNAME	string
 *	MRC_A_PORT_ENABLED	u32 0..1	required; 0: nothing more is sent by
 *						this plane, and peers are told that
 *						it is down
 */
#ifndef _UAPI_LINUX_MRC_H
#define _UAPI_LINUX_MRC_H

#define MRC_GENL_NAME		"mrc"
#define MRC_GENL_VERSION	1
#define MRC_GENL_GROUP_EVENTS	"events"

enum mrc_nl_cmd {
	MRC_CMD_UNSPEC,
	MRC_CMD_DEV_GET,
	MRC_CMD_DEV_SET,
	MRC_CMD_PORT_GET,
	MRC_CMD_PORT_NEW,
	MRC_CMD_PORT_DEL,
	MRC_CMD_PEER_GET,
	MRC_CMD_PLANE_GET,
	MRC_CMD_PATH_GET,
	MRC_CMD_PATH_SET,
	MRC_CMD_QP_GET,
	MRC_CMD_PROFILE_GET,
	MRC_CMD_PROFILE_NEW,
	MRC_CMD_PROFILE_SET,
	MRC_CMD_PROFILE_DEL,
	MRC_CMD_PROFILE_USE,
	MRC_CMD_CC_GET,
	MRC_CMD_CC_SET,
	MRC_CMD_EVENT,
	MRC_CMD_PROBE,
	MRC_CMD_SRV6_GET,
	MRC_CMD_SRV6_NEW,
	MRC_CMD_SRV6_DEL,
	MRC_CMD_PORT_SET,

	__MRC_CMD_MAX,
	MRC_CMD_MAX = __MRC_CMD_MAX - 1
};

enum mrc_nl_dev_attr {
	MRC_A_DEV_UNSPEC,
	MRC_A_DEV_NAME,
	MRC_A_DEV_INDEX,
	MRC_A_DEV_IFINDEX,
	MRC_A_DEV_IFNAME,
	MRC_A_DEV_UDP_PORT,
	MRC_A_DEV_PLANES,
	MRC_A_DEV_PLANES_UP,
	MRC_A_DEV_PEERS,
	MRC_A_DEV_QPS,
	MRC_A_DEV_ORDERED_LAST,
	MRC_A_DEV_ICRC,
	MRC_A_DEV_DSCP_DATA,
	MRC_A_DEV_DSCP_CONTROL,
	MRC_A_DEV_PATHS_PER_PLANE,
	MRC_A_DEV_EV_ORDER,
	MRC_A_DEV_OOW_NACK,
	MRC_A_DEV_RTO_EXP,
	MRC_A_DEV_PLAIN_MPR,
	MRC_A_DEV_PLAIN_FEATURES,
	MRC_A_DEV_DSCP_TRIMMABLE,
	MRC_A_DEV_DSCP_RETX,
	MRC_A_DEV_DSCP_TRIMMED,
	MRC_A_DEV_DSCP_TRIMMED_LASTHOP,
	MRC_A_DEV_SPRAY_UNIT,

	__MRC_A_DEV_MAX,
	MRC_A_DEV_MAX = __MRC_A_DEV_MAX - 1
};

enum mrc_nl_port_attr {
	MRC_A_PORT_UNSPEC,
	MRC_A_PORT_DEV,
	MRC_A_PORT_PLANE,
	MRC_A_PORT_IFINDEX,
	MRC_A_PORT_IFNAME,
	MRC_A_PORT_UP,
	MRC_A_PORT_MTU,
	MRC_A_PORT_ENABLED,

	__MRC_A_PORT_MAX,
	MRC_A_PORT_MAX = __MRC_A_PORT_MAX - 1
};

enum mrc_nl_peer_attr {
	MRC_A_PEER_UNSPEC,
	MRC_A_PEER_PAD,
	MRC_A_PEER_DEV,
	MRC_A_PEER_REMOTE,
	MRC_A_PEER_LOCAL,
	MRC_A_PEER_STATUS,
	MRC_A_PEER_FEATURES,
	MRC_A_PEER_WINDOW,
	MRC_A_PEER_PLANES,
	MRC_A_PEER_PLANES_DOWN,
	MRC_A_PEER_PLANES_BAD,
	MRC_A_PEER_CWND,
	MRC_A_PEER_INFLIGHT,
	MRC_A_PEER_BASE_RTT,
	MRC_A_PEER_GOOD,
	MRC_A_PEER_SKIP,
	MRC_A_PEER_ASSUMED_BAD,
	MRC_A_PEER_DENIED,
	MRC_A_PEER_PLANES_MTU,

	__MRC_A_PEER_MAX,
	MRC_A_PEER_MAX = __MRC_A_PEER_MAX - 1
};

enum mrc_nl_plane_attr {
	MRC_A_PLANE_UNSPEC,
	MRC_A_PLANE_PAD,
	MRC_A_PLANE_DEV,
	MRC_A_PLANE_REMOTE,
	MRC_A_PLANE_LOCAL,
	MRC_A_PLANE_PLANE,
	MRC_A_PLANE_SADDR,
	MRC_A_PLANE_DADDR,
	MRC_A_PLANE_DOWN,
	MRC_A_PLANE_BAD,
	MRC_A_PLANE_GOOD,
	MRC_A_PLANE_SKIP,
	MRC_A_PLANE_ASSUMED_BAD,
	MRC_A_PLANE_DENIED,
	MRC_A_PLANE_TX,
	MRC_A_PLANE_ACKED,
	MRC_A_PLANE_LOST,
	MRC_A_PLANE_SRTT,

	__MRC_A_PLANE_MAX,
	MRC_A_PLANE_MAX = __MRC_A_PLANE_MAX - 1
};

enum mrc_nl_path_attr {
	MRC_A_PATH_UNSPEC,
	MRC_A_PATH_DEV,
	MRC_A_PATH_REMOTE,
	MRC_A_PATH_LOCAL,
	MRC_A_PATH_INDEX,
	MRC_A_PATH_PLANE,
	MRC_A_PATH_ENTROPY,
	MRC_A_PATH_STATE,
	MRC_A_PATH_TX,
	MRC_A_PATH_ACKED,
	MRC_A_PATH_LOST,
	MRC_A_PATH_SRTT,
	MRC_A_PATH_BACKUP,

	__MRC_A_PATH_MAX,
	MRC_A_PATH_MAX = __MRC_A_PATH_MAX - 1
};

enum mrc_nl_qp_attr {
	MRC_A_QP_UNSPEC,
	MRC_A_QP_PAD,
	MRC_A_QP_DEV,
	MRC_A_QP_QPN,
	MRC_A_QP_TYPE,
	MRC_A_QP_STATE,
	MRC_A_QP_REMOTE,
	MRC_A_QP_LOCAL,
	MRC_A_QP_REMOTE_QPN,
	MRC_A_QP_MTU,
	MRC_A_QP_WAIT,
	MRC_A_QP_REASON,
	MRC_A_QP_WRS,
	MRC_A_QP_UNA,
	MRC_A_QP_NEXT,
	MRC_A_QP_LOST,
	MRC_A_QP_WINDOW,
	MRC_A_QP_RETRY,
	MRC_A_QP_SRTT,
	MRC_A_QP_RECEIVES,
	MRC_A_QP_CWND,
	MRC_A_QP_INFLIGHT,
	MRC_A_QP_GOOD,
	MRC_A_QP_SKIP,
	MRC_A_QP_ASSUMED_BAD,
	MRC_A_QP_DENIED,
	MRC_A_QP_TX_BYTES,
	MRC_A_QP_RX_BYTES,
	MRC_A_QP_TX_DATA_PACKETS,
	MRC_A_QP_RETRANSMITS,
	MRC_A_QP_LOST_SACK,
	MRC_A_QP_LOST_NACK,
	MRC_A_QP_LOST_TIMER,
	MRC_A_QP_SPURIOUS,
	MRC_A_QP_RTOS,
	MRC_A_QP_PROBES_SENT,
	MRC_A_QP_SACKS_SENT,
	MRC_A_QP_SACKS_RECEIVED,
	MRC_A_QP_NACKS_SENT,
	MRC_A_QP_NACKS_RECEIVED,
	MRC_A_QP_RNR_SENT,
	MRC_A_QP_RNR_RECEIVED,
	MRC_A_QP_DUPLICATES,
	MRC_A_QP_OUT_OF_ORDER,

	__MRC_A_QP_MAX,
	MRC_A_QP_MAX = __MRC_A_QP_MAX - 1
};

enum mrc_nl_event_attr {
	MRC_A_EVENT_UNSPEC,
	MRC_A_EVENT_PAD,
	MRC_A_EVENT_TYPE,
	MRC_A_EVENT_TIME,
	MRC_A_EVENT_COUNT,
	MRC_A_EVENT_DEV,
	MRC_A_EVENT_REMOTE,
	MRC_A_EVENT_LOCAL,
	MRC_A_EVENT_PLANE,
	MRC_A_EVENT_IFNAME,
	MRC_A_EVENT_PATH,
	MRC_A_EVENT_ENTROPY,
	MRC_A_EVENT_QPN,
	MRC_A_EVENT_REASON,

	__MRC_A_EVENT_MAX,
	MRC_A_EVENT_MAX = __MRC_A_EVENT_MAX - 1
};

enum mrc_nl_probe_attr {
	MRC_A_PROBE_UNSPEC,
	MRC_A_PROBE_PAD,
	MRC_A_PROBE_DEV,
	MRC_A_PROBE_REMOTE,
	MRC_A_PROBE_LOCAL,
	MRC_A_PROBE_PATH,
	MRC_A_PROBE_COOKIE,
	MRC_A_PROBE_RTT,

	__MRC_A_PROBE_MAX,
	MRC_A_PROBE_MAX = __MRC_A_PROBE_MAX - 1
};

enum mrc_nl_event_type {
	MRC_NL_EVENT_PATH_BAD,		/* paths lost packets: out of use */
	MRC_NL_EVENT_PATH_GOOD,		/* probes were answered: in use again */
	MRC_NL_EVENT_PLANE_DOWN,	/* a port of ours */
	MRC_NL_EVENT_PLANE_UP,
	MRC_NL_EVENT_PLANE_LOST,	/* no way to one peer by this plane */
	MRC_NL_EVENT_PLANE_BACK,
	MRC_NL_EVENT_PEER_RESTART,	/* the peer is not who it was */
	MRC_NL_EVENT_QP_ERROR,

	__MRC_NL_EVENT_MAX,
	MRC_NL_EVENT_MAX = __MRC_NL_EVENT_MAX - 1
};

/* Why a QP is in the state ERR. */
enum mrc_nl_qp_reason {
	MRC_NL_QP_REASON_APPLICATION,	/* it wanted that */
	MRC_NL_QP_REASON_RETRY,		/* no answer: retries exceeded */
	MRC_NL_QP_REASON_RNR_RETRY,	/* the peer had no receive for too long */
	MRC_NL_QP_REASON_REMOTE_ACCESS,	/* the peer refused the R_Key or range */
	MRC_NL_QP_REASON_REMOTE_INVALID, /* the peer refused the request */
	MRC_NL_QP_REASON_REMOTE_OPERATION, /* the peer could not carry it out */
	MRC_NL_QP_REASON_LOCAL,		/* a wrong work request of ours */
	MRC_NL_QP_REASON_REFUSED,	/* we refused a request of the peer's */
	MRC_NL_QP_REASON_ANSWER,	/* what the peer read could not be sent */
};

/* The services an MRC device has. */
enum mrc_nl_qp_type {
	MRC_NL_QP_RC,
	MRC_NL_QP_UD,
	MRC_NL_QP_GSI,
};

/* In the order of enum ibv_qp_state. */
enum mrc_nl_qp_state {
	MRC_NL_QP_RESET,
	MRC_NL_QP_INIT,
	MRC_NL_QP_RTR,
	MRC_NL_QP_RTS,
	MRC_NL_QP_SQD,
	MRC_NL_QP_SQE,
	MRC_NL_QP_ERR,
};

/* What a QP needs before it sends the next packet. */
enum mrc_nl_qp_wait {
	MRC_NL_QP_WAIT_WORK,		/* nothing to send: the application */
	MRC_NL_QP_WAIT_STATE,		/* not in a state that sends */
	MRC_NL_QP_WAIT_HELLO,		/* the peer has not said who it is */
	MRC_NL_QP_WAIT_RNR,		/* the peer had no receive: pausing */
	MRC_NL_QP_WAIT_CWND,		/* congestion window, or no plane up */
	MRC_NL_QP_WAIT_WINDOW,		/* the peer's receive window */
	MRC_NL_QP_WAIT_ANSWER,		/* all sent: acknowledgment, answer */
	MRC_NL_QP_WAIT_NOTHING,		/* it is sending */
};

enum mrc_nl_profile_attr {
	MRC_A_PROFILE_UNSPEC,
	MRC_A_PROFILE_DEV,
	MRC_A_PROFILE_NAME,
	MRC_A_PROFILE_KIND,
	MRC_A_PROFILE_COUNT,
	MRC_A_PROFILE_ACTIVE,
	MRC_A_PROFILE_MIN_ACTIVE,
	MRC_A_PROFILE_REVERSE,
	MRC_A_PROFILE_ANSWERS,
	MRC_A_PROFILE_EVS,
	MRC_A_PROFILE_FIELDS,
	MRC_A_PROFILE_IN_USE,
	MRC_A_PROFILE_OFFSET,

	__MRC_A_PROFILE_MAX,
	MRC_A_PROFILE_MAX = __MRC_A_PROFILE_MAX - 1
};

enum mrc_nl_cc_attr {
	MRC_A_CC_UNSPEC,
	MRC_A_CC_DEV,
	MRC_A_CC_ALGORITHM,
	MRC_A_CC_TRIMMING,
	MRC_A_CC_TARGET,
	MRC_A_CC_INITIAL,
	MRC_A_CC_LIMIT,
	MRC_A_CC_GAMMA,
	MRC_A_CC_MD_JUMP,
	MRC_A_CC_FI,
	MRC_A_CC_FI_SCALE,
	MRC_A_CC_ETA,
	MRC_A_CC_ALPHA,
	MRC_A_CC_QA_GATE,
	MRC_A_CC_QA_THRESHOLD,
	MRC_A_CC_ADJUST,

	__MRC_A_CC_MAX,
	MRC_A_CC_MAX = __MRC_A_CC_MAX - 1
};

enum mrc_nl_srv6_attr {
	MRC_A_SRV6_UNSPEC,
	MRC_A_SRV6_DEV,
	MRC_A_SRV6_PREFIX,
	MRC_A_SRV6_PREFIX_LEN,
	MRC_A_SRV6_BLOCK,
	MRC_A_SRV6_USIDS,

	__MRC_A_SRV6_MAX,
	MRC_A_SRV6_MAX = __MRC_A_SRV6_MAX - 1
};

/* Where the EVs of a profile come from. */
enum mrc_nl_profile_kind {
	MRC_NL_PROFILE_AUTO,		/* drawn for each peer */
	MRC_NL_PROFILE_LIST,		/* as given */
	MRC_NL_PROFILE_FIELDS,		/* generated */
};

/* What is known of a peer's abilities. */
enum mrc_nl_peer_status {
	MRC_NL_PEER_HELLO,		/* hello not answered yet */
	MRC_NL_PEER_PLAIN,		/* never answered: MRC 1.0 only */
	MRC_NL_PEER_EXT,		/* answered: all operations */
};

/* The official names of the states of an EV. */
enum mrc_nl_path_state {
	MRC_NL_PATH_GOOD,
	MRC_NL_PATH_SKIP,		/* left out once: congested */
	MRC_NL_PATH_ASSUMED_BAD,	/* lost packets; being probed */
	MRC_NL_PATH_DENIED,		/* taken out by the operator */
};

#endif /* _UAPI_LINUX_MRC_H */
