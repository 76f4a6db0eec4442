# shellcheck shell=bash
# Sourced first by the run scripts: remembers where the caller stands, then goes to the root.
# Paths that the caller gives, as arguments or in the environment, are relative to his folder.

CALLER_FOLDER=$PWD
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." || exit 1

fail() { # EXIT_CODE TEXT
    printf 'error: %s\n' "$2" >&2
    exit "$1"
}

from_caller() { # PATH
    case $1 in "" | /*) printf '%s' "$1" ;; *) printf '%s' "$CALLER_FOLDER/$1" ;; esac
}

set_arguments() { # "WORD..." ARGUMENT...: the arguments; the path after each of those words absolute
    local words=" $1 " previous="" argument
    arguments=()
    for argument in "${@:2}"; do
        if [[ $previous == [a-z-]* && $words == *" $previous "* ]]; then
            argument=$(from_caller "$argument")
            previous=""
        else
            previous=$argument
            if [[ $argument == --*=* && $words == *" ${argument%%=*} "* ]]; then
                argument=${argument%%=*}=$(from_caller "${argument#*=}")
            fi
        fi
        arguments+=("$argument")
    done
}

for name in VAR_DIR LINK_SECRET_FILE; do
    [[ -z ${!name:-} ]] || export "$name=$(from_caller "${!name}")"
done
unset name
