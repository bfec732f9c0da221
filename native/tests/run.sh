#!/bin/sh
# Runs test programs, one line each: exit code 0 passes, 77 is a skip, anything else fails.
# usage: run.sh OUT TEST...
out=$1
shift
passed=0 failed=0 skipped=0
for test in "$@"; do
  name=$(basename "$test")
  log=$test.log
  LAMPYRIS_NATIVE_OUT=$out "$test" >"$log" 2>&1
  rc=$?
  case $rc in
    0) passed=$((passed + 1)); echo "PASS $name" ;;
    77) skipped=$((skipped + 1)); echo "SKIP $name: $(tail -n 1 "$log")" ;;
    *) failed=$((failed + 1)); echo "FAIL $name (exit $rc), from $log:"; cat "$log" ;;
  esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
