# shellcheck shell=bash
# Sourced after caller.sh. enter_venv LOCK... makes sure that the virtual environment holds what
# requirements/LOCK.txt says and puts it first on PATH. Everything said here goes to standard
# error; what is up to date costs a few milliseconds.
#
# VENV names another folder than .venv. In it stand:
#   tradebridge-locks/NAME.txt  a copy of each lock that is installed
#   tradebridge-unfinished      while it is being changed; found at a start, all is made again

VENV_NAME=${VENV:-.venv}
if [[ -n ${VENV:-} ]]; then VENV=$(from_caller "$VENV"); else VENV=$PWD/.venv; fi

_lock_file() { # NAME or a path that ends with .txt
    case $1 in *.txt) printf '%s' "$1" ;; *) printf '%s' "requirements/$1.txt" ;; esac
}

_is_whole() {
    [[ -x $VENV/bin/python3 && ! -e $VENV/tradebridge-unfinished ]]
}

_is_ready() { # LOCK...
    _is_whole || return 1
    local lock file
    for lock in "$@"; do
        file=$(_lock_file "$lock")
        cmp -s -- "$file" "$VENV/tradebridge-locks/${file##*/}" || return 1
    done
}

_find_python() { # sets python
    local found="" version
    for python in python3.13 python3.12 python3.11 python3; do
        # A name on PATH may be a shim with nothing behind it, so each is tried.
        version=$("$python" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
            continue
        case $version in
        3.11 | 3.12 | 3.13) ;;
        *)
            found=${found:-"$python: found Python $version"}
            continue
            ;;
        esac
        "$python" -I -c 'import ensurepip, venv' 2>/dev/null && return
        found="$python: its module ensurepip is missing (Debian, Ubuntu: apt install python3-venv)"
    done
    [[ $found == *ensurepip* ]] || found="${found:-python3: found none}, allowed 3.11 to 3.13"
    fail 78 "$found"
}

_stop_setup() { # SIGNAL
    kill -- "-$setup_pid" 2>/dev/null || true
    wait "$setup_pid" 2>/dev/null || true
    trap - "$1"
    kill -s "$1" $$
}

_run_logged() { # COMMAND...: its output goes into the log, a signal ends it with this script
    local signal
    for signal in TERM INT HUP; do
        # shellcheck disable=SC2064 # the signal's name is wanted now
        trap "_stop_setup $signal" "$signal"
    done
    # In a session of its own, all that it starts can be ended together.
    setsid "$@" >>"$VENV/tradebridge-setup.log" 2>&1 &
    setup_pid=$!
    local status=0
    wait "$setup_pid" || status=$?
    trap - TERM INT HUP
    return "$status"
}

_setup_error() { # what the log says, in one line
    local log=$VENV/tradebridge-setup.log
    if grep -qE 'NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError' "$log"; then
        echo "the package index cannot be reached; check the network and start again"
    else
        { grep -E 'ERROR|Error' "$log" || cat "$log"; } | tail -n 1 | sed 's/^ERROR: //'
    fi
}

_write_refused() { # SYSTEM'S MESSAGE
    fail 78 "$VENV_NAME: cannot be set up here: ${1##*: }; VENV=path names another folder"
}

_make_venv() {
    _find_python
    find "$VENV" -mindepth 1 ! -name "tradebridge-*" -delete 2>/dev/null || true
    echo "setting up $VENV_NAME (first start, about a minute)…" >&2
    # The interpreter's own path, so that a later default python3 does not change this environment.
    python=$("$python" -I -c 'import os, sys; print(os.path.realpath(sys.executable))')
    _run_logged "$python" -I -m venv "$VENV" || fail 1 "$VENV_NAME: $(_setup_error)"
}

_install() { # LOCK...
    local lock file options=()
    for lock in "$@"; do
        file=$(_lock_file "$lock")
        options+=(--requirement "$file")
        rm -f -- "$VENV/tradebridge-locks/${file##*/}"
    done
    _run_logged "$VENV/bin/python3" -I -m pip --disable-pip-version-check --no-input install \
        --require-hashes --no-deps --only-binary :all: "${options[@]}" || {
        rm -f -- "$VENV/tradebridge-unfinished"
        fail 1 "$VENV_NAME: $(_setup_error)"
    }
    mkdir -p "$VENV/tradebridge-locks"
    for lock in "$@"; do
        file=$(_lock_file "$lock")
        cp -- "$file" "$VENV/tradebridge-locks/"
    done
}

_set_up() { # LOCK...: alone, under a lock on the folder that the programs started here inherit
    local refused
    refused=$(LC_ALL=C mkdir -p -- "$VENV" 2>&1) || _write_refused "$refused"
    exec 9<"$VENV"
    flock --nonblock 9 || {
        echo "waiting for another start that sets up $VENV_NAME…" >&2
        flock 9
    }
    _is_ready "$@" && return
    if [[ -n $(ls -A "$VENV") && ! -e $VENV/pyvenv.cfg && ! -e $VENV/tradebridge-unfinished ]]; then
        fail 78 "$VENV_NAME: holds other files than a virtual environment"
    fi
    local was_whole=no
    ! _is_whole || was_whole=yes
    refused=$(LC_ALL=C touch -- "$VENV/tradebridge-unfinished" 2>&1) || _write_refused "$refused"
    : >"$VENV/tradebridge-setup.log"
    if [[ $was_whole == yes ]]; then
        echo "updating $VENV_NAME…" >&2
    else
        _make_venv
    fi
    _install "$@"
    rm -f -- "$VENV/tradebridge-unfinished"
}

enter_venv() { # LOCK...
    _is_ready "$@" || _set_up "$@"
    exec 9<&-
    export VENV PATH="$VENV/bin:$PATH"
    # The launch commands import from the root, which is where they are started.
    unset PYTHONSAFEPATH PYTHONHOME
}
