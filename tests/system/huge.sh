#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 300
# level: full
#
# A WRITE of 2 GiB, the longest message there is: every byte is right. One byte
# more is refused.

. "$(dirname "$0")/lib.sh"

python3 "$(dirname "$0")/huge.py" || failures=$((failures + 1))
finish
