#!/bin/sh
# Installs one requirements file into the virtual environment that the stamp lies in: venv.sh <requirements file> <stamp file>
#
# The file names every package with its hash, so pip resolves nothing, and builds nothing: a build would fetch tools that have no
# hash.
set -eu

venv=$(dirname "$2")
python=$("$(dirname "$0")/prerequisites.sh" --python)
[ -x "$venv/bin/pip" ] || "$python" -m venv "$venv"
echo "Installing $1 into $venv"
"$venv/bin/pip" install --disable-pip-version-check --quiet --require-hashes --no-deps --no-compile --only-binary :all: --requirement "$1"
touch "$2"
