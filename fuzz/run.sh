#!/usr/bin/env bash
# Runs fuzz targets for so many seconds each; they begin with the seeds, and go on from what fuzz/corpus has of earlier runs.
#
#   fuzz/run.sh SECONDS [TARGET..]   all targets if none is named; 0 seconds: without end
#   fuzz/run.sh --check              only compiles them
#
# It needs cargo-fuzz and a C++ compiler, and no nightly toolchain. It installs nothing: where something is missing it says
# so, and what it says begins with "LEFT OUT".
#
#   FUZZ_SEED=6                      where chance begins; another each time if nothing is said
#   FUZZ_OPTIONS="-runs=100000000"   more options of libFuzzer
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

targets="key_round_trip key_injective lru_ops coder_decode coder_encode coder_packed coder_sealed server_replies disk_file"
scratch=""

leave_out() {
    printf '!!! LEFT OUT: fuzzing: %s\n' "$1" >&2
    exit 0
}

die() {
    printf '%s\n' "$@" >&2
    exit 1
}

main() {
    local seconds=${1:-} target
    export PATH="${CARGO_HOME:-${HOME:-/root}/.cargo}/bin:$PATH"
    command -v c++ >/dev/null || leave_out "libFuzzer needs a C++ compiler. On Debian and Ubuntu: apt-get install g++"
    if [ "$seconds" = --check ]; then
        # The doors to what reads replies are there for fuzzers only.
        RUSTFLAGS="${RUSTFLAGS:-} --cfg fuzzing" cargo check --quiet --all-targets
        return
    fi
    [[ "$seconds" =~ ^[0-9]+$ ]] || die "usage: fuzz/run.sh SECONDS [TARGET..]" "targets: $targets"
    shift
    cargo fuzz --version >/dev/null 2>&1 || leave_out "cargo-fuzz is not installed. Try: cargo install cargo-fuzz"
    # What cargo-fuzz asks of the compiler is there in stable ones, and hidden.
    rustc --version | grep -q nightly || export RUSTC_BOOTSTRAP=1
    trap 'rm -rf "$scratch"' EXIT
    scratch=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")/ring-cache-fuzz.XXXXXX")
    # Without quotes: one word for each.
    for target in ${@:-$targets}; do
        run "$target" "$seconds"
    done
}

# run TARGET SECONDS
run() {
    local target=$1 dictionary options
    case "$target" in
        key_*) options="-max_len=80" dictionary=keys ;;
        lru_ops) options="-max_len=98" dictionary="" ;;
        coder_decode) options="-max_len=600 -rss_limit_mb=1024" dictionary=coder_decode ;;
        coder_encode) options="-max_len=300" dictionary="" ;;
        coder_packed) options="-max_len=2000 -rss_limit_mb=1024" dictionary="" ;;
        coder_sealed) options="-max_len=200" dictionary="" ;;
        server_replies) options="-max_len=600 -rss_limit_mb=1024" dictionary=server_replies ;;
        disk_file) options="-max_len=64" dictionary="" ;;
        *) die "no target is named $target" ;;
    esac
    [ -z "$dictionary" ] || options+=" -dict=dictionaries/$dictionary.dict"
    mkdir -p "corpus/$target" "artifacts/$target"
    # Sanitizers look for what safe Rust has not. Without traces of comparisons it is twice as fast.
    set -- $options -timeout=10 -seed="${FUZZ_SEED:-$((RANDOM + 1))}" -max_total_time="$2" ${FUZZ_OPTIONS:-}
    printf '\n==> %s %s\n' "$target" "$*"
    TMPDIR="$scratch" cargo fuzz run --fuzz-dir . --sanitizer none --no-trace-compares "$target" \
        "corpus/$target" "seeds/$target" -- -print_final_stats=1 -verbosity=0 "$@" >"$scratch/output" 2>&1 || {
            cat "$scratch/output"
            die "$target failed, see above. Its input lies in fuzz/artifacts/$target"
        }
    grep -E '^stat::(number|average)' "$scratch/output"
}

main "$@" </dev/null
