# checks.sh - what the shell scripts share: lines of checks, and the client's options. To be sourced.
#
#   check WHAT COMMAND…   ok if COMMAND succeeds; else what it wrote is why not

set -uo pipefail
failed=0
address=(--host="${DRIVER_HOST:-}" --port="${DRIVER_PORT:-}" --protocol=tcp)
# Passwords stand in a file: the command line is everybody's to see, and the client warns.
login() { # USER PASSWORD
    printf '[client]\nuser=%s\npassword=%s\n' "$1" "$2"
}

client() { # [SCHEMA or OPTION]…
    mariadb --defaults-extra-file=<(login "${user:-$DRIVER_USER}" "${password:-$DRIVER_PASSWORD}") "${address[@]}" \
        --default-character-set=utf8mb4 --batch --skip-column-names --max-allowed-packet=64M "$@" 2>&1
}

equal() { # EXPECTED GOT
    [[ $1 == "$2" ]] || { echo "expected ${1:0:300}, got ${2:0:300}"; return 1; }
}

# What one connection writes, a replica has for another one in a moment: until all of them have it.
settled() {
    local root=(mariadb --no-defaults --user="$PM_ROOT_USER" --password="$PM_ROOT_PASSWORD" --batch --skip-column-names) position n socket
    position=$("${root[@]}" --socket="$PM_PRIMARY_SOCKET" -e 'SELECT @@GLOBAL.gtid_current_pos')
    for ((n = 1; n < PM_SERVERS; n++)); do
        socket=PM_REPLICA${n}_SOCKET
        equal 0 "$("${root[@]}" --socket="${!socket}" -e "SELECT MASTER_GTID_WAIT('$position', 30)")" || return
    done
}

check() { # WHAT COMMAND…
    local why
    if why=$("${@:2}" 2>&1); then
        echo "ok $DRIVER_NAME $1"
    else
        failed=1
        echo "not ok $DRIVER_NAME $1: $(tr -s '[:space:]' ' ' <<<"${why:-expected success, got failure}" | cut -c -600)"
    fi
}

# Some read has to get to where reads run; none has to at once.
reads_on_readers() { # COMMAND that prints a server's id
    local seen end=$((SECONDS + 10))
    while ((SECONDS < end)); do
        seen=$("$@")
        [[ " $DRIVER_READERS " == *" $seen "* ]] && return
    done
    echo "expected server ${DRIVER_READERS// / or }, got $seen"
    return 1
}
