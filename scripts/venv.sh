#!/bin/sh
# Installs one requirements file into the virtual environment that the stamp lies in: venv.sh <requirements file> <stamp file>
set -eu

venv=$(dirname "$2")
python=$("$(dirname "$0")/prerequisites.sh" --python)
[ -x "$venv/bin/pip" ] || "$python" -m venv "$venv"
echo "Installing $1 into $venv"
"$venv/bin/pip" install --disable-pip-version-check --quiet --requirement "$1"
touch "$2"
