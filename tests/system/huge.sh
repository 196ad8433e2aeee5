#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 500
# level: full
#
# A WRITE and a READ of 2 GiB, the longest messages there are: every byte is
# right. One byte more is refused.

. "$(dirname "$0")/lib.sh"

python3 "$(dirname "$0")/huge.py" || failures=$((failures + 1))
finish
