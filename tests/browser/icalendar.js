// A calendar file as Python's icalendar reads it (icalendar.py), in the same shape as what the tests read with ical.js.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

export function readWithPython(text) {
  const { status, stdout, stderr } = spawnSync(here('.venv/bin/python'), [here('icalendar_reader.py')], { input: text, encoding: 'utf8' });
  if (status !== 0) throw new Error(`icalendar does not read it: ${stderr}`);
  return JSON.parse(stdout);
}
