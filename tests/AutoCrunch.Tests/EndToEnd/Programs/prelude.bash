# Before every script of the end-to-end tests. Given: S (source), D (destination, watched), B (both are in it),
# O (a directory on another file system), TOOL, RSH (a stand-in for ssh).
set -euo pipefail
export LC_ALL=C
umask 022
cd -- "$B"

# new FILE [SIZE] [DATE]: random content, and a modification time long ago, so that a kept one is seen
new() {
    mkdir -p -- "$(dirname -- "$1")"
    head -c "${2:-1000}" /dev/urandom >"$1"
    touch -d "${3:-2020-01-01}" -- "$1"
}

# midway GLOB: waits until a file of such a name has received something since the transfer was started
midway() {
    local deadline=$((SECONDS + 30)) file
    while [ $SECONDS -lt $deadline ]; do
        for file in $1; do
            if [ -s "$file" ] && { [ ! -e "$B/started" ] || [ "$file" -nt "$B/started" ]; }; then return 0; fi
        done
        sleep 0.02
    done
    echo "nothing has arrived as $1" >&2
    return 1
}

# slow ARGUMENT...: a push through the stand-in for ssh that takes two seconds for 4 MiB, in the background as $slow
slow() {
    touch "$B/started"
    sleep 0.02
    rsync --bwlimit=2m --rsh="$RSH" "$@" &
    slow=$!
}

# interrupt WHO SIGNAL GLOB OPTION...: ends a transfer of $S/ to $D/ midway, and waits until all of it is gone
interrupt() {
    local who=$1 signal=$2 glob=$3
    shift 3
    slow "$@" "$S/" "h:$D/"
    midway "$glob"
    "$TOOL" end-rsync "$who" "$(kill -l "$signal")" "$slow"
    wait "$slow" || true
}

# resume OPTION...: sends it again
resume() { rsync --rsh="$RSH" "$@" "$S/" "h:$D/"; }

# fails COMMAND...: the command is expected to fail
fails() { if "$@"; then echo "unexpected success: $*" >&2; return 1; fi; }
