#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12 6.1
# debug: long
# time: 900
# level: full
#
# rdma-core's own suite, as the distribution ships it, on the device of one
# node: no failure, no error, no crash, at least 100 tests passed, those of
# RDMA-CM among them.

. "$(dirname "$0")/lib.sh"

suite=/usr/share/doc/rdma-core/tests
dev=$(device $C)
gid=$(gid_index $C)
mkdir "$WORK/tests"
cp -L $suite/* "$WORK/tests/"
gunzip "$WORK"/tests/*.gz

# Stalls are failures too: after the time the suite is killed.
(cd "$WORK/tests" && timeout -k 10 800 on $C python3 -X faulthandler run_tests.py --dev "$dev" --gid "$gid" -v \
	> "$WORK/pyverbs.log" 2>&1)
status=$?

# "name (tests.file.Class.name)", a line of documentation perhaps, "... verdict".
results()
{
	grep -cE "(^|\.\.\. )$1( |$)" "$WORK/pyverbs.log"
}
passed=$(results ok)
failed=$(results FAIL)
errors=$(results ERROR)
skipped=$(results skipped)
figure "passed" "$passed"
figure "failed" "$failed"
figure "errors" "$errors"
figure "skipped" "$skipped"
grep -E '^(FAIL|ERROR): ' "$WORK/pyverbs.log" | sed 's/^/  | /'
sed -nE 's/.*skipped .(.*).$/\1/p' "$WORK/pyverbs.log" | sort | uniq -c | sort -rn | sed 's/^/  skipped: /'

if ! grep -qE '^Ran [0-9]+ tests' "$WORK/pyverbs.log"; then
	not_ok "the suite runs to its end (status $status)"
	tail -n 40 "$WORK/pyverbs.log" | sed 's/^/  | /'
else
	ok "the suite runs to its end"
	sed -n '/^====/,$p' "$WORK/pyverbs.log" | head -n 150 | sed 's/^/  | /'
fi
holds "$failed + $errors == 0" "no failure and no error"
holds "$passed >= 100" "at least 100 tests passed"
for name in test_rdmacm_sync_traffic test_rdmacm_async_traffic; do
	check "$name passes" bash -c "grep -A 1 '^$name ' $WORK/pyverbs.log | grep -q 'ok$'"
done
[ -d /mnt/share ] && cp "$WORK/pyverbs.log" /mnt/share/ 2> /dev/null
finish
