# What the command line tests are written with; sourced by them as ". expect.sh PROGRAM".
#
# run ARG...                 runs the program: $code, $out, $err (files' contents)
# fails CODE MESSAGE ARG...  it must end with CODE, say exactly "emend: MESSAGE", and print nothing
# prints TEXT ARG...         it must end with 0 and print a line that holds TEXT
# finish                     the summary, and the exit code of the test

program=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home" LC_ALL=C
unset XDG_CACHE_HOME EMEND_PLUGIN_PATH NO_COLOR
mkdir -p "$HOME"
checks=0 failures=0

wrong() {
    failures=$((failures + 1))
    printf 'wrong: %s\n' "$1"
    printf '  code: %s\n  out:  %s\n  err:  %s\n' "$code" "$out" "$err"
}

run() {
    checks=$((checks + 1))
    code=0
    "$program" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || code=$?
    out=$(cat "$scratch/out") err=$(cat "$scratch/err")
}

fails() {
    expected_code=$1 expected=$2
    shift 2
    run "$@"
    if [ "$code" != "$expected_code" ] || [ "$err" != "emend: $expected" ] || [ -n "$out" ]; then
        wrong "emend $*"
        printf '  expected %s: emend: %s\n' "$expected_code" "$expected"
    fi
}

prints() {
    expected=$1
    shift
    run "$@"
    case $out in *"$expected"*) [ "$code" = 0 ] && return ;; esac
    wrong "emend $*"
    printf '  expected: %s\n' "$expected"
}

finish() {
    echo "$checks checks, $failures wrong"
    [ "$failures" = 0 ] && exit 0
    exit 1
}
