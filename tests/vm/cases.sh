# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Cases and their report. A suite is a bash script that calls
#     case_ok "what a user would notice" COMMAND...
# once for each case, and suite_end last. A case is a command (most often a function of
# the suite) that runs in a subshell under set -e: whatever fails in it fails
# the case. What it prints is shown only then. A case that libxl gave up for the sake of its
# own limits, since all is slow here, says nothing of balloond: the suite ends, see report.sh.

SUITE_TMP=${SUITE_TMP:-/run/suite}
mkdir -p "$SUITE_TMP"

# case_ok NAME COMMAND...
case_ok() {
	local name=$1 status limit start=$SECONDS
	shift
	echo "case $name"
	export CASE_START
	CASE_START=$(date +%s)
	set +e
	(
		set -eEu
		trap 'echo "line $LINENO: failed: $BASH_COMMAND (in ${FUNCNAME[*]}, called from lines ${BASH_LINENO[*]})"' ERR
		"$@"
	) >"$SUITE_TMP/output" 2>&1 </dev/null
	status=$?
	set -e
	case $status in
	0) echo "ok $name ($((SECONDS - start)) s)" ;;
	77) echo "ok $name # SKIP $(tail -n 1 "$SUITE_TMP/output")" ;;
	*)
		if limit=$(limit_of_libxl); then
			echo "starved $name ($((SECONDS - start)) s): $limit"
			suite_end
			exit
		fi
		echo "not ok $name ($((SECONDS - start)) s)"
		{
			tail -n 60 "$SUITE_TMP/output"
			suite_diagnose
		} 2>&1 | sed 's/^/# /'
		;;
	esac
}

# Libxl waits ten seconds for what xenconsoled and the device model do after a build.
limit_of_libxl() {
	grep -hsEm 1 'console tty: timed out|device model did not start' "$SUITE_TMP/output"
}

# suite_diagnose: what to show of the world when a case failed (overridden).
suite_diagnose() { :; }

# suite_end: without this line the runner counts the suite as unfinished.
suite_end() { echo "end"; }

skip() { echo "$*"; exit 77; }
fail() { echo "$*"; return 1; }

# is ACTUAL EXPECTED [WHAT]
is() { [ "$1" = "$2" ] || fail "${3:-value} is '$1', not '$2'"; }

# has TEXT PART [WHAT]
has() {
	case $1 in
	*"$2"*) ;;
	*) fail "${3:-text} has no '$2': $1" ;;
	esac
}

# status_is STATUS COMMAND...: the exit status, its output kept in $SUITE_TMP/out and err.
status_is() {
	local want=$1 status=0
	shift
	"$@" >"$SUITE_TMP/out" 2>"$SUITE_TMP/err" || status=$?
	[ "$status" = "$want" ] && return
	cat "$SUITE_TMP/out" "$SUITE_TMP/err"
	fail "'$*' ended with $status, not $want"
}

# wait_for SECONDS COMMAND...: until the command succeeds; a failure says what
# it printed last. Its arguments are expanded once, so pass a function for
# anything that must be read anew.
wait_for() {
	local limit=$1 end=$((SECONDS + $1)) tries=0 said
	shift
	until said=$("$@" 2>&1); do
		[ $SECONDS -lt $end ] || { fail "not within $limit s: $* ($said)"; return 1; }
		# A look costs what it looks at: dom0 is slow under emulation.
		tries=$((tries + 1))
		if [ $tries -lt 10 ]; then sleep 0.2; elif [ $tries -lt 30 ]; then sleep 1; else sleep 2; fi
	done
}
