#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 120
# level: full
#
# timeout, retry_cnt, rnr_retry and min_rnr_timer of a QP mean what they say: how
# long a requester tries where nothing comes back, and where no receive is
# posted.

. "$(dirname "$0")/lib.sh"

python3 "$(dirname "$0")/retry.py" || failures=$((failures + 1))
fault all clear
finish
