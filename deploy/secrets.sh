#!/bin/sh
# Writes the secrets that docker-compose.yml mounts. What exists is kept: run it as often as
# you like. Write the address alerts are posted to into webhook-url yourself; while that
# file is empty, notify writes to the log only.
#
#   sh deploy/secrets.sh [FOLDER]       FOLDER: deploy/secrets beside this script
set -eu
umask 022
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
# Closed to other users of this machine. The files themselves are readable: they are mounted
# one by one into containers that run under ids of their own.
chmod 700 "$folder"
cd "$folder"

# Nothing of this belongs in a repository.
[ -e .gitignore ] || echo '*' > .gitignore

random() {
    LC_ALL=C tr -dc A-Za-z0-9 < /dev/urandom | head -c 40
}

# keep NAME VALUE: write VALUE without a line end, unless NAME exists
keep() {
    [ -e "$1" ] && return
    printf %s "$2" > "$1.new"
    chmod 444 "$1.new"
    mv "$1.new" "$1"
    echo "wrote $folder/$1"
}

keep postgres-password "$(random)"
keep database-url "postgresql+psycopg://bellwether:$(cat postgres-password)@postgres:5432/bellwether"
keep redis-config "requirepass $(random)"
keep redis-url "redis://:$(cut -d' ' -f2 redis-config)@redis:6379/0"
keep webhook-url ""
keep webhook-secret "$(random)"
chmod 644 webhook-url
