# Keeps one server: starts it, sends it signals, and ends it together with the process that gave the orders, however that
# process ends: its end closes the pipe from which the orders come. The folder goes with the server.
#
#   sh -c .. keeper FOLDER PROGRAM ARGUMENT..
#
# One order a line: `start`, or the name of a signal. Each is answered by the server's process id, or by an empty line if
# there is no server. Nobody but this shell waits for the server, so that its id is never that of another process.
trap '' HUP INT QUIT TERM PIPE
folder=$1
shift
process=

end() {
    if [ -n "$process" ]; then
        kill -s KILL "$process"
        wait "$process"
        process=
    fi
}

while read -r order; do
    case $order in
        start)
            end
            "$@" </dev/null >"$folder/log" 2>&1 &
            process=$!
            ;;
        KILL) end ;;
        *) [ -z "$process" ] || kill -s "$order" "$process" ;;
    esac
    echo "$process"
done
end
rm -rf -- "$folder"
