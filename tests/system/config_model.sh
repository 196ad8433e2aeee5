#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: long
# time: 200
# level: full
#
# A thousand random sequences of commands, right ones and wrong ones, against a
# model of the configuration: after each the kernel has what the model has.
# MRC_SEED=N runs those of that seed again.

. "$(dirname "$0")/lib.sh"

seed=${MRC_SEED:-$RANDOM}
# The debug kernel is ten times slower.
count=1000
[ "${MRC_DEBUG:-0}" = 1 ] && count=200
check "$count sequences leave kernel and model equal, seed $seed" \
	timeout 400 on $C python3 "$(dirname "$0")/config_model.py" \
	"$(device $C)" $count "$seed"
cat "$WORK/check.log"
finish
