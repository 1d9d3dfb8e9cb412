#!/usr/bin/env bash
# The test command: all that must pass before a change goes in. It needs a Rust toolchain, and servers that tests start for
# themselves: redis-server and memcached; and Python, for tests with the original Ring. Where one is missing, its tests are
# left out, and all else runs.
#
#   ./test.sh [--no-install]
#
# --no-install: install nothing. Otherwise, as root where there is apt-get, servers that are missing are installed, and
# Python's packages into a virtual environment below the target folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

summary=""
current=""
scratch=""
may_install=yes

# step NAME COMMAND..: runs a command, and ends all if it fails.
step() {
    current=$1
    shift
    printf '\n==> %s\n' "$current"
    local start=$SECONDS
    "$@"
    summary+="$(printf 'passed    %-48s %4d s' "$current" $((SECONDS - start)))"$'\n'
    current=""
}

# leave_out NAME REASON: says loudly that a step does not run.
leave_out() {
    printf '\n==> %s\n!!! LEFT OUT: %s\n' "$1" "$2" >&2
    summary+="$(printf 'LEFT OUT  %s: %s' "$1" "$2")"$'\n'
}

finish() {
    local status=$?
    if [ -n "$scratch" ]; then
        rm -rf "$scratch"
    fi
    if [ -n "$current" ]; then
        summary+="FAILED    $current"$'\n'
    fi
    printf '\n%s' "$summary"
    if [ "$status" -eq 0 ]; then
        printf 'All that ran passed, in %d s.\n' "$SECONDS"
    fi
}

die() {
    printf '%s\n' "$@" >&2
    exit 1
}

main() {
    case "${1:-}" in
        "") ;;
        --no-install) may_install="" ;;
        *) die "usage: ./test.sh [--no-install]" ;;
    esac
    toolchain
    trap finish EXIT
    if has rustfmt cargo fmt --version; then
        step "formatting" cargo fmt --all --check
    fi
    if has clippy cargo clippy --version; then
        step "lints, all features" lints --workspace --all-features
        step "lints, default features" lints
        step "lints, schedules" modelled clippy --all-targets -- -D warnings
    fi
    step "documentation" documentation
    compile_errors
    servers
    original_ring
    step "tests, all features" cargo test --workspace --all-features
    # Without --workspace, whose other members switch features on.
    step "tests, default features" cargo test
    step "memory against a model" model
    step "schedules" modelled test --profile schedules --test shuttle
    step "every order of one flight" every_order
    undefined_behaviour
    step "each feature alone" each_feature
    step "example: page" cargo run --quiet --example page
    step "example: user" cargo run --quiet --example user
    step "example: async_service" cargo run --quiet --example async_service
    step "example: disk" cargo run --quiet --features disk --example disk
    step "example: redis" cargo run --quiet --features json,redis,tokio --example redis
    step "example: memcached" cargo run --quiet --features memcached,json --example memcached
    step "example: tiered" cargo run --quiet --features tiered,redis --example tiered
    polyglot
    step "packages" packages
    fuzz_targets
}

# A shell that is not a login shell may not know where rustup put the toolchain.
toolchain() {
    local bin="${CARGO_HOME:-${HOME:-/root}/.cargo}/bin"
    if ! command -v cargo >/dev/null && [ -x "$bin/cargo" ]; then
        export PATH="$bin:$PATH"
    fi
    local tool
    for tool in cargo rustc; do
        command -v "$tool" >/dev/null || die "$tool is missing: get Rust from https://rustup.rs"
    done
    command -v cc >/dev/null || command -v link.exe >/dev/null ||
        die "No linker: rustc needs \`cc\`. On Debian and Ubuntu: apt-get install gcc libc6-dev. On macOS: xcode-select --install"
    local wanted have
    wanted=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*/\1/p' Cargo.toml)
    have=$(rustc --version | sed -n 's/^rustc 1\.\([0-9]*\).*/\1/p')
    [ "${have:-0}" -ge "$wanted" ] || die "$(rustc --version) is too old: Rust 1.$wanted is needed. Try: rustup update stable"
    rustc --version
}

# has COMPONENT COMMAND..: whether a component of the toolchain is there.
has() {
    local component=$1
    shift
    "$@" >/dev/null 2>&1 && return
    leave_out "$component" "it is not installed. Try: rustup component add $component"
    return 1
}

# The messages of wrong uses are compared for one release of the compiler, whose words they contain.
compile_errors() {
    local wanted
    wanted=$(sed -n 's/^const COMPILER: &str = "\(.*\)";/\1/p' tests/it/ui.rs)
    case "$(rustc --version)" in
        "rustc $wanted."*) ;;
        *) leave_out "texts of compile errors" "they are kept for Rust $wanted, and this is $(rustc --version)" ;;
    esac
}

# The servers of which tests start their own. With all of them there, a test that leaves something out fails.
servers() {
    local missing
    missing=$(missing_servers)
    if [ -n "$missing" ] && can_install; then
        # Without quotes: one word for each.
        install_packages $missing || printf '!!! apt-get failed\n' >&2
        missing=$(missing_servers)
    fi
    if [ -n "$missing" ]; then
        leave_out "tests with $missing" "not installed. On Debian and Ubuntu: apt-get install $missing"
    else
        export RING_CACHE_SERVERS=required
    fi
}

# Debian's packages have the names of the programs.
missing_servers() {
    local server missing=()
    for server in redis-server memcached; do
        command -v "$server" >/dev/null || missing+=("$server")
    done
    printf '%s' "${missing[*]}"
}

# A Python with the original Ring, for tests and an example. Continuous integration does not do without.
original_ring() {
    local requirements=examples/polyglot/requirements.txt target="${CARGO_TARGET_DIR:-target}" environment reason
    if [ -n "${POLYGLOT_PYTHON:-}" ]; then
        return
    fi
    mkdir -p "$target"
    environment="$(cd "$target" && pwd)/polyglot"
    if ! has_packages "$environment" "$requirements"; then
        reason=$(python_packages "$environment" "$requirements")
    fi
    if has_packages "$environment" "$requirements"; then
        export POLYGLOT_PYTHON="$environment/bin/python"
        return
    fi
    [ "${CI:-}" != true ] || die "no Python with the original Ring: $reason"
    leave_out "tests with Python" "$reason"
}

# has_packages ENVIRONMENT REQUIREMENTS: whether these very packages were installed there.
has_packages() {
    cmp -s "$2" "$1/installed" && "$1/bin/python" -c "import ring, redis, pymemcache" 2>/dev/null
}

# python_packages ENVIRONMENT REQUIREMENTS: installs packages of Python, or prints why not.
python_packages() {
    if [ -z "$may_install" ]; then
        printf 'they need packages of Python, and nothing may be installed'
        return
    fi
    if ! python3 -c "import ensurepip, venv" 2>/dev/null && can_install; then
        install_packages python3-venv >&2 || printf '!!! apt-get failed\n' >&2
    fi
    if ! python3 -c "import ensurepip, venv" 2>/dev/null; then
        printf 'python3 (3.10 or newer) with venv is not installed. On Debian and Ubuntu: apt-get install python3-venv'
        return
    fi
    printf '\n==> installing the packages of %s\n' "$2" >&2
    rm -rf "$1"
    python3 -m venv "$1" >&2 &&
        "$1/bin/python" -m pip install --quiet --disable-pip-version-check --timeout 15 --requirement "$2" >&2 &&
        cp "$2" "$1/installed" || printf 'its packages could not be installed, see above'
}

# The example needs all of it.
polyglot() {
    if [ -n "${POLYGLOT_PYTHON:-}" ] && [ "${RING_CACHE_SERVERS:-}" = required ]; then
        step "example: polyglot" cargo run --quiet --all-features --example polyglot
    else
        leave_out "example: polyglot" "it needs redis-server, memcached and Python, see above"
    fi
}

can_install() {
    [ -n "$may_install" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null
}

# install_packages NAME..: installs packages of Debian, whose services are not started: the policy forbids it meanwhile.
install_packages() (
    policy=/usr/sbin/policy-rc.d
    printf '\n==> installing %s. Services that come with it are not started now, but with the system.\n' "$*"
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update && apt-get install -y --no-install-recommends "$@"
)

lints() {
    cargo clippy --all-targets "$@" -- -D warnings
}

# modelled COMMAND..: runs cargo on the core with models in the place of its locks and events. In a directory of its own,
# since with other flags all is built anew.
modelled() {
    local command=$1
    shift
    RUSTFLAGS="${RUSTFLAGS:-} --cfg shuttle" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/shuttle" \
        cargo "$command" -p ring-cache-core "$@"
}

# The steps of one flight in every order, with atomics as weak as they may be.
every_order() {
    RUSTFLAGS="${RUSTFLAGS:-} --cfg ring_loom -D warnings" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom" \
        cargo test -p ring-cache-core --profile schedules --test loom
}

# The crate forbids unsafe code: what Miri looks at is how it uses that of others. It comes with nightly toolchains,
# and needs minutes for what fills a cache.
undefined_behaviour() {
    if cargo +nightly miri --version >/dev/null 2>&1; then
        step "Miri" in_miri
    else
        leave_out "Miri" "it is not installed. Try: rustup toolchain install nightly --component miri"
    fi
}

in_miri() {
    MIRIFLAGS="-Zmiri-disable-isolation" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/miri" \
        cargo +nightly miri test -p ring-cache-core --all-features --lib -- coder:: flights:: key::
}

# Ten million steps, with checks for overflow.
model() {
    RING_CACHE_OPERATIONS=10000000 \
        cargo test -p ring-cache-core --features testing --profile schedules --test lru_model -- --nocapture
}

documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features
}

each_feature() {
    local feature
    for feature in $(sed -n '/^\[features\]/,/^\[dep/s/^\([a-z][a-z0-9_-]*\) = .*/\1/p' Cargo.toml); do
        printf '%s\n' "$feature"
        cargo check --quiet --no-default-features --features "$feature"
    done
}

# In a new directory each time: cargo keeps what it unpacked from the packages of an earlier run, and takes it for these.
packages() {
    local target="${CARGO_TARGET_DIR:-target}"
    mkdir -p "$target"
    scratch=$(mktemp -d "$(cd "$target" && pwd)/packages.XXXXXX")
    CARGO_TARGET_DIR="$scratch" cargo package --workspace --allow-dirty --quiet
}

# A workspace of its own, since it needs libFuzzer, which is C++.
fuzz_targets() {
    if [ ! -f fuzz/Cargo.toml ]; then
        leave_out "fuzz targets" "there are none"
    elif ! command -v c++ >/dev/null; then
        leave_out "fuzz targets" "libFuzzer needs a C++ compiler. On Debian and Ubuntu: apt-get install g++"
    elif cargo fuzz --version >/dev/null 2>&1; then
        step "fuzz targets, some seconds each" fuzz/run.sh 5
    else
        step "fuzz targets compile" fuzz/run.sh --check
        leave_out "fuzzing" "cargo-fuzz is not installed. Try: cargo install cargo-fuzz"
    fi
}

main "$@" </dev/null
