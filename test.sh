#!/usr/bin/env bash
# The test command: what must pass before a push, and everything that continuous integration runs.
#
#   ./test.sh                   the steps before a push
#   ./test.sh all               every step
#   ./test.sh NAME..            these steps
#   ./test.sh --list            the steps, one line each
#
# It needs a Rust toolchain. Tests start servers of their own, which need redis-server and memcached; tests in a browser need
# chromium, and tests with the original Ring need Python. As root where there is apt-get, missing servers are installed, and Python's packages into a
# virtual environment below the target folder. `--no-install` before all else installs nothing. Where something is missing,
# the script says so, leaves out what needs it, and runs the rest.
#
# docs/testing.md describes what each step looks for. Amounts such as RING_CACHE_SCHEDULES come from the environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# NAME, when it runs (push: without a name; all: with `all`; both; name: by its name only), and what it does.
steps() {
    cat <<'END'
format    both  formatting
lint      name  clippy, nothing else: all targets, all features
build     both  tests and examples compiled, with the lints of clippy, all features
structure all   names in ARCHITECTURE.md, lengths of walks, circles; one of the tests, which shows here what it counts
test      push  tests, all features, each storage on its real server
doctest   both  examples in the documentation, all features
example   both  the first example of README.md
full      all   all tests, slow ones and more cases of repeated ones, all features
docs      all   documentation without warnings
default   all   clippy: all targets, default features
features  all   each feature alone
model     all   ten million steps of the memory cache against a model
schedules all   threads and tasks in many orders (shuttle), with lints
loom      all   one flight and the readers' lock in every order
miri      all   undefined behaviour in unit tests of the core
examples  all   all other examples
msrv      all   the minimum Rust version compiles everything
minimal   all   the lowest versions of dependencies compile
beside    all   programs that use a Disk beside sqlx or another rusqlite
packages  all   packages as they would be published
fuzz      all   fuzz targets, some seconds each
api       all   the public items against docs/public-api.txt
deny      all   licences and sources of dependencies
END
}

step_format() {
    has rustfmt cargo fmt --version || return 0
    cargo fmt --all --check
}

step_lint() {
    has clippy cargo clippy --version || return 0
    cargo clippy --workspace --all-features --all-targets -- -D warnings
}

# What other steps need. Clippy is the compiler with more lints, so each crate is compiled once. Before a push, tests run as
# soon as they are compiled, and `example` compiles the example that it runs.
step_build() {
    has clippy cargo clippy --version || true
    if [ -n "$tests" ]; then
        # A process of its own: what this one prints if it fails is not for the pipe.
        (compile_tests >"$programs")
    else
        workspace test --no-run --lib --tests
        workspace build --lib --examples
    fi
}

# workspace COMMAND..: runs cargo on all packages with all features. With clippy as the compiler where it is there: other
# steps find what `build` compiled.
workspace() {
    local command=$1 clippy
    shift
    clippy="$(rustc --print sysroot)/bin/clippy-driver"
    if [ -x "$clippy" ]; then
        # As `cargo clippy -- -D warnings` hands them over. They end with the step.
        export RUSTC_WORKSPACE_WRAPPER="$clippy" CLIPPY_ARGS="-Dwarnings__CLIPPY_HACKERY__"
    fi
    cargo "$command" --workspace --all-features "$@"
}

step_structure() {
    workspace test --test structure -- --nocapture
}

# Before a push the tests run already.
step_test() {
    if [ -n "$tests" ]; then
        end_tests
    else
        what_tests_need
        run_tests
    fi
}

# Tests named child_… are processes that other tests start.
step_full() {
    what_tests_need
    RING_CACHE_KILLS="${RING_CACHE_KILLS:-60}" RING_CACHE_DAMAGES="${RING_CACHE_DAMAGES:-600}" \
        RING_CACHE_CALLS="${RING_CACHE_CALLS:-60}" RING_CACHE_KEYS="${RING_CACHE_KEYS:-250}" \
        run_tests --include-ignored --skip child_ --skip the_cost_of_a_hit
}

what_tests_need() {
    compile_errors
    servers
    browser
    original_ring
}

# run_tests ARGUMENT..: runs all programs of tests with these arguments, the largest first: it waits longest.
run_tests() {
    new_scratch
    compile_tests | while IFS= read -r program; do
        printf '%d\t%s\n' "$(wc -c <"${program##*$'\t'}")" "$program"
    done | sort -rn | cut -f 2- >"$scratch/programs"
    run_programs "$@" <"$scratch/programs"
}

# Compiles the tests. Prints each program when it is compiled: the folder of its package, a tab, and its path.
compile_tests() {
    local message folder program
    workspace test --no-run --lib --tests --message-format=json-render-diagnostics |
        while IFS= read -r message; do
            case "$message" in
                *'"executable":"'*)
                    folder="${message#*'"manifest_path":"'}" program="${message##*'"executable":"'}"
                    printf '%s\t%s\n' "${folder%%'/Cargo.toml"'*}" "${program%%'"'*}"
                    ;;
            esac
        done
}

# run_programs ARGUMENT..: runs the programs of tests that it reads, with these arguments. Several at a time, since many
# tests wait: for servers, and for entries that expire.
run_programs() {
    # Where Cargo lets programs find the libraries of the compiler: tests of a crate of macros need them.
    libraries="$(rustc --print target-libdir)"
    export scratch libraries
    # `printf` passes each line on at once.
    if ! while IFS= read -r program; do printf '%s\0' "$program"; done |
        xargs -0 -n 1 -P "$(processors)" bash -c 'run_program "$@"' run_program "$*"; then
        die "" "Tests failed in:" "$(cat "$scratch/failed" 2>/dev/null)"
    fi
    ls "$scratch"/*.log >/dev/null 2>&1 || die "Cargo named no program of tests"
}

# run_program ARGUMENTS LINE: runs a program of tests in the folder of its package, as Cargo does. At its end it prints all
# that the program wrote, so that programs do not mix.
run_program() {
    # GNU's xargs runs it once if it reads nothing.
    [ -n "${2:-}" ] || return 0
    local folder="${2%%$'\t'*}" program="${2##*$'\t'}" start=$SECONDS status=0 name
    name="${program##*/} of ${folder##*/}"
    # Without quotes: one word for each argument.
    (
        export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" DYLD_FALLBACK_LIBRARY_PATH="$libraries"
        cd "$folder" && CARGO_MANIFEST_DIR="$folder" "$program" $1
    ) >"$scratch/${program##*/}.log" 2>&1 || status=$?
    printf '\n     Ran %s in %d s\n%s\n' "$name" $((SECONDS - start)) "$(cat "$scratch/${program##*/}.log")"
    if [ "$status" -ne 0 ]; then
        printf '%s: status %d\n' "$name" "$status" >>"$scratch/failed"
        return 1
    fi
}
export -f run_program

step_doctest() {
    servers
    workspace test --doc
}

step_example() {
    workspace build --example page
    "$(target)/debug/examples/page"
}

# With a nightly toolchain as docs.rs builds it: items name the features that they need.
step_docs() {
    if cargo +nightly --version >/dev/null 2>&1; then
        RUSTDOCFLAGS="--cfg docsrs -D warnings" CARGO_TARGET_DIR="$(target)/docsrs" \
            cargo +nightly doc --workspace --no-deps --all-features
    else
        leave_out "documentation as docs.rs builds it" "no nightly toolchain. Try: rustup toolchain install nightly --profile minimal"
        RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features
    fi
}


# Without --workspace, whose other members switch features on. The tests run with all features.
step_default() {
    has clippy cargo clippy --version || return 0
    cargo clippy --all-targets -- -D warnings
}

# Of one package: others of the workspace switch features on.
step_features() {
    local feature example
    for feature in $(sed -n '/^\[features\]/,/^\[dep/s/^\([a-z][a-z0-9_-]*\) = .*/\1/p' Cargo.toml); do
        printf '%s\n' "$feature"
        cargo check --quiet -p ring-cache --no-default-features --features "$feature"
    done
    while read -r example feature; do
        printf 'example %s: %s\n' "$example" "$feature"
        cargo check --quiet -p ring-cache --example "$example" --features "$feature"
    done < <(examples_with_features)
}

# A line for each example that needs features: its name, and they.
examples_with_features() {
    sed -n '/^\[\[example\]\]/,/^$/{s/^name = "\(.*\)"/\1/p;s/^required-features = \[\(.*\)\]/\1/p}' Cargo.toml |
        sed 's/", "/,/g; s/"//g' | paste - -
}

# With checks for overflow.
step_model() {
    RING_CACHE_OPERATIONS="${RING_CACHE_OPERATIONS:-10000000}" \
        cargo test -p ring-cache-core --features testing --profile schedules --test lru_model -- --nocapture
}




step_schedules() {
    if has clippy cargo clippy --version; then
        modelled shuttle clippy --lib --test shuttle -- -D warnings
    fi
    RING_CACHE_SCHEDULES="${RING_CACHE_SCHEDULES:-2000}" modelled shuttle test --profile schedules --test shuttle
}

# The steps of one flight and of the readers' lock in every order, with atomics as weak as they may be.
step_loom() {
    modelled ring_loom test --profile schedules --test loom
}

# modelled CFG COMMAND..: runs cargo on the core with models in the place of its locks and events. In a target folder of its
# own: with other flags every crate is built again.
modelled() {
    local cfg=$1 command=$2
    shift 2
    RUSTFLAGS="${RUSTFLAGS:-} --cfg $cfg -D warnings" CARGO_TARGET_DIR="$(target)/$cfg" \
        cargo "$command" -p ring-cache-core "$@"
}

# The lock of memory caches, and the use of the unsafe code of others.
step_miri() {
    if ! cargo +nightly miri --version >/dev/null 2>&1; then
        leave_out "Miri" "it is not installed. Try: rustup toolchain install nightly --component miri,rust-src"
        return
    fi
    MIRIFLAGS="-Zmiri-disable-isolation" CARGO_TARGET_DIR="$(target)/miri" \
        cargo +nightly miri test -p ring-cache-core --all-features --lib -- coder:: flights:: key:: readers_lock::
}

# Compiled once, with all features. `features` compiles each with its own.
step_examples() {
    servers
    original_ring
    workspace build --examples
    local example
    for example in user async_service stale disk metrics redis memcached tiered pages inspector; do
        "$(target)/debug/examples/$example"
    done
    if [ -n "${POLYGLOT_PYTHON:-}" ] && [ "${RING_CACHE_SERVERS:-}" = required ]; then
        "$(target)/debug/examples/polyglot"
    else
        leave_out "example: polyglot" "it needs redis-server, memcached and Python, see above"
    fi
}

# With Cargo.lock, which Cargo keeps within the minimum version.
step_msrv() {
    local version
    version="$(minimum_version).0"
    if ! cargo "+$version" --version >/dev/null 2>&1; then
        leave_out "minimum Rust version" "it is not installed. Try: rustup toolchain install $version --profile minimal"
        return
    fi
    CARGO_TARGET_DIR="$(target)/msrv" cargo "+$version" check --locked --workspace --all-features --all-targets
}

# Resolving needs a nightly Cargo, compiling does not. A copy, whose Cargo.lock may change.
step_minimal() {
    if ! cargo +nightly --version >/dev/null 2>&1; then
        leave_out "lowest versions of dependencies" "no nightly toolchain. Try: rustup toolchain install nightly --profile minimal"
        return
    fi
    copy_of_the_repository
    cargo +nightly update --quiet --manifest-path "$scratch/Cargo.toml" -Z direct-minimal-versions
    CARGO_TARGET_DIR="$(target)/minimal" cargo check --manifest-path "$scratch/Cargo.toml" --all-features
}

# Programs of their own: each has one version of SQLite, which Cargo chooses for ring-cache and the other user of it.
step_beside() {
    local program
    for program in tests/beside/*/; do
        CARGO_TARGET_DIR="$(target)/beside" cargo run --quiet --manifest-path "$program/Cargo.toml"
    done
}

# In a new target folder each time: cargo keeps unpacked packages of an earlier run, and takes them for these.
step_packages() {
    new_scratch
    CARGO_TARGET_DIR="$scratch" cargo package --workspace --allow-dirty --quiet
}

# A workspace of its own, since it needs libFuzzer, which is C++.
step_fuzz() {
    if ! command -v c++ >/dev/null; then
        leave_out "fuzz targets" "libFuzzer needs a C++ compiler. On Debian and Ubuntu: apt-get install g++"
    elif cargo fuzz --version >/dev/null 2>&1; then
        fuzz/run.sh 5
    else
        fuzz/run.sh --check
        leave_out "fuzzing" "the targets compile, and cargo-fuzz is not installed. Try: cargo install cargo-fuzz"
    fi
}

# RING_CACHE_API=overwrite accepts what changed. Of one release of the compiler, whose JSON of rustdoc the tool reads: it is
# unstable, so a release gives it only if RUSTC_BOOTSTRAP asks for it.
step_api() {
    local package list=docs/public-api.txt tool=0.52.0
    if [ "$(cargo public-api --version 2>/dev/null)" != "cargo-public-api $tool" ]; then
        leave_out "public items" "they need cargo-public-api. Try: cargo install cargo-public-api --version $tool --locked"
        return
    fi
    if ! is_kept_release; then
        leave_out "public items" "they are kept for Rust $(kept_release), and this is $(rustc --version)"
        return
    fi
    new_scratch
    for package in ring-cache ring-cache-core ring-cache-derive ring-cache-backends ring-cache-pages ring-cache-inspector; do
        CARGO_TARGET_DIR="$(target)/api" RUSTC_BOOTSTRAP=1 cargo rustdoc --quiet -p "$package" --all-features --lib -- \
            -Z unstable-options --output-format json
        printf '# %s\n' "$package"
        cargo public-api -sss --rustdoc-json "$(target)/api/doc/${package//-/_}.json"
    done >"$scratch/list"
    if [ "${RING_CACHE_API:-}" = overwrite ]; then
        cp "$scratch/list" "$list"
    fi
    diff -u "$list" "$scratch/list" ||
        die "The public items changed. If that is meant: RING_CACHE_API=overwrite ./test.sh api, and an entry in CHANGELOG.md"
}

step_deny() {
    if ! cargo deny --version >/dev/null 2>&1; then
        leave_out "licences and sources" "cargo-deny is not installed. Try: cargo install cargo-deny"
        return
    fi
    cargo deny check bans licenses sources
}

summary=""
current=""
scratch=""
libraries=""
lane=""
# The process that runs tests while others are compiled, and the pipe by which it gets their programs.
tests=""
programs=""
set_of_steps=""
may_install=yes

main() {
    if [ "${1:-}" = --no-install ]; then
        may_install=""
        shift
    fi
    local names name
    set_of_steps="${1:-push}"
    case "$set_of_steps" in
        --list) steps && return ;;
        push | all) names=$(steps | awk -v set="$set_of_steps" '$2 == set || $2 == "both" { print $1 }') ;;
        *) names="$*" ;;
    esac
    for name in $names; do
        steps | grep -q "^$name " || die "no step is named $name. The steps: ./test.sh --list"
    done
    toolchain
    # What serves building again costs a good part of building once.
    export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}"
    # More than there are processors: many tests wait for servers or for expiries. With four for each, a test of several
    # processes failed on a busy machine.
    export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$((2 * $(processors)))}"
    trap finish EXIT
    for name in $names; do
        if [ "$set_of_steps:$name" = push:build ]; then
            begin_tests
        fi
        if ! is_apart "$name"; then
            step "$name"
        fi
        case "$set_of_steps:$name" in
            push:build | all:full) begin_lane "$names" ;;
        esac
    done
    if [ -n "$lane" ]; then
        end_lane
    fi
}

processors() {
    getconf _NPROCESSORS_ONLN
}

# Steps that run beside others. Before a push those that need what `build` compiled, while tests wait. With `all` those with
# target folders of their own, once the long tests have ended, whose servers need the machine for themselves.
is_apart() {
    case "$set_of_steps:$1" in
        push:doctest | push:example) return 0 ;;
        all:schedules | all:loom | all:beside | all:packages | all:fuzz) return 0 ;;
        *) return 1 ;;
    esac
}

# Runs tests as they are compiled, in a group of processes of its own, which ends with this one.
begin_tests() {
    what_tests_need
    programs="$(target)/programs"
    rm -f "$programs"
    mkfifo "$programs"
    set -m
    (
        trap 'rm -rf "$scratch"' EXIT
        new_scratch
        run_programs
    ) <"$programs" >"$(target)/tests.log" 2>&1 &
    set +m
    tests=$!
}

end_tests() {
    local status=0
    wait "$tests" || status=$?
    tests=""
    rm -f "$programs"
    cat "$(target)/tests.log"
    [ "$status" -eq 0 ] || exit "$status"
}

begin_lane() {
    local name
    (
        trap - EXIT
        summary=""
        for name in $1; do
            if is_apart "$name"; then
                step "$name"
            fi
        done
        printf '%s' "$summary" >"$(target)/lane.summary"
    ) >"$(target)/lane.log" 2>&1 &
    lane=$!
}

end_lane() {
    local status=0
    wait "$lane" || status=$?
    lane=""
    cat "$(target)/lane.log"
    if [ "$status" -ne 0 ]; then
        current="$(grep '^==> ' "$(target)/lane.log" | tail -n 1 | cut -c 5-)"
        exit "$status"
    fi
    summary+="$(cat "$(target)/lane.summary")"$'\n'
}

# step NAME: runs a step, and ends all if it fails.
step() {
    current=$1
    printf '\n==> %s\n' "$current"
    local start=$SECONDS
    "step_$current"
    rm -rf "$scratch"
    unset RUSTC_WORKSPACE_WRAPPER CLIPPY_ARGS
    summary+="$(printf 'passed    %-10s %4d s' "$current" $((SECONDS - start)))"$'\n'
    current=""
}

# leave_out WHAT REASON: says loudly that something does not run.
leave_out() {
    printf '\n!!! LEFT OUT: %s: %s\n' "$1" "$2" >&2
    summary+="LEFT OUT  $1: $2"$'\n'
}

finish() {
    local status=$?
    rm -rf "$scratch"
    if [ -n "$lane" ]; then
        kill "$lane" 2>/dev/null || true
    fi
    if [ -n "$tests" ]; then
        kill -- "-$tests" 2>/dev/null || true
        rm -f "$programs"
        summary+="The output of the tests that ran: $(target)/tests.log"$'\n'
    fi
    if [ -n "$current" ]; then
        summary+="FAILED    $current"$'\n'
    fi
    printf '\n%s' "$summary"
    # A signal may end the script with status 0 in the middle of a step.
    if [ "$status" -eq 0 ] && [ -z "$current" ]; then
        printf 'All that ran passed, in %d s.\n' "$SECONDS"
    fi
}

die() {
    printf '%s\n' "$@" >&2
    exit 1
}

# The target folder, as an absolute path.
target() {
    mkdir -p "${CARGO_TARGET_DIR:-target}"
    (cd "${CARGO_TARGET_DIR:-target}" && pwd)
}

# A folder that is removed after the step.
new_scratch() {
    scratch=$(mktemp -d "$(target)/scratch.XXXXXX")
}

copy_of_the_repository() {
    new_scratch
    git ls-files -z | xargs -0 cp --parents --no-dereference --target-directory "$scratch"
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
    is_kept_release ||
        leave_out "texts of compile errors" "they are kept for Rust $(kept_release), and this is $(rustc --version)"
}

# The release of the compiler for which texts are kept.
kept_release() {
    sed -n 's/^const COMPILER: &str = "\(.*\)";/\1/p' tests/it/ui.rs
}

is_kept_release() {
    case "$(rustc --version)" in
        "rustc $(kept_release)."*) return 0 ;;
        *) return 1 ;;
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

# The browser in which tests open pages. Where it is there, a test of the inspector that leaves it out fails.
browser() {
    if ! command -v chromium >/dev/null && can_install; then
        install_packages chromium || printf '!!! apt-get failed\n' >&2
    fi
    if command -v chromium >/dev/null; then
        export RING_CACHE_BROWSER=required
    else
        leave_out "tests in a browser" "chromium is not installed. On Debian: apt-get install chromium"
    fi
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

# The oldest release of Rust that builds this.
minimum_version() {
    sed -n 's/^rust-version = "\(1\.[0-9]*\).*/\1/p' Cargo.toml
}

main "$@" </dev/null
