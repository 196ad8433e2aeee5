#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 240
# level: full
# with: ucx-utils,libfabric-bin
#
# The libraries that MPI, NCCL's plugins and the like stand on, as Debian ships
# them: UCX (tag matching, one-sided operations, atomics over rc_verbs) and
# libfabric (message and reliable datagram endpoints of the verbs provider).

. "$(dirname "$0")/lib.sh"

dev_s=$(device $S)
dev_c=$(device $C)
port=13500

# Debian's ucx_perftest wants MPI to tell it of its peer unless it has a terminal.
# $1: test, $2: bytes, $3: iterations
ucx()
{
	local what="ucx_perftest -t $1 -s $2 -n $3 -w 10 -p $((++port))"
	local common="UCX_TLS=rc_v,ud_v UCX_WARN_UNUSED_ENV_VARS=n"

	pair "ucx_perftest $1, $2 bytes" 60 "tcp $port" \
		"exec script -qec '$common UCX_NET_DEVICES=$dev_s:1 $what' /dev/null" \
		"exec script -qec '$common UCX_NET_DEVICES=$dev_c:1 $what $S_IP' /dev/null"
}

# $1: endpoint type, $2: provider, $3: bytes
fabric()
{
	local what="exec fi_pingpong -p $2 -e $1 -c -I 30 -S $3 -B $((++port))"

	pair "fi_pingpong $2 $1, $3 bytes, data checked" 60 "tcp $port" \
		"$what -d $dev_s" "$what -d $dev_c -P $port $S_IP"
}

before=$(plane_packets $C tx)
ucx tag_lat 8 300
ucx tag_bw 65536 100
ucx tag_bw 4194304 4
ucx ucp_put_bw 65536 100
ucx ucp_get 65536 100
ucx ucp_fadd 8 200
ucx ucp_cswap 8 200
ucx stream_bw 16384 200
fabric msg verbs 4096
fabric msg verbs 1048576
fabric rdm "'verbs;ofi_rxm'" 4096
fabric rdm "'verbs;ofi_rxm'" 1048576
figure "packets per plane" "$(plane_diff "$before" "$(plane_packets $C tx)")"
finish
