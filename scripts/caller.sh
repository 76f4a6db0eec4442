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

set_arguments() { # PATH_OPTION ARGUMENT...: the arguments, with that option's value made absolute
    local option=$1 previous="" argument
    arguments=()
    for argument in "${@:2}"; do
        if [[ $previous == "$option" ]]; then
            argument=$(from_caller "$argument")
        elif [[ $argument == "$option="* ]]; then
            argument=$option=$(from_caller "${argument#*=}")
        fi
        arguments+=("$argument")
        previous=$argument
    done
}

for name in VAR_DIR LINK_SECRET_FILE; do
    [[ -z ${!name:-} ]] || export "$name=$(from_caller "${!name}")"
done
unset name
