// Lighthouse's own judgement of the guest page, on a phone and on a desk.
//
// How fast a page was, a busy machine measures wrong: that score is printed and stands in the report, and nothing fails over it. What
// makes this page fast does not depend on the machine, and is held here.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import lighthouse, { desktopConfig } from 'lighthouse';
import { launch as launchChromium } from 'chrome-launcher';

import { Stage, TARGET } from './stage.js';
import { SWITCHES, executable } from './visitor.js';

// Not SEO: that the page is not to be found by search engines is meant.
const JUDGED = ['accessibility', 'best-practices'];
const AT_LEAST = 95;
// On the way to a phone, headers too; the rehearsal's edge does not compress.
const MOST_BYTES = 50 * 1024;
const REPORTS = `${TARGET}/lighthouse`;

let stage;
let chromium;
let charter;

before(async () => {
  stage = await Stage.set();
  charter = await stage.deliver();
  chromium = await launchChromium({ chromePath: executable(), chromeFlags: ['--headless=new', ...SWITCHES], logLevel: 'error' });
  mkdirSync(REPORTS, { recursive: true });
});

after(async () => {
  chromium?.kill();
  await stage?.strike();
});

// What makes a page slow on any machine.
function found(lhr) {
  const items = (audit) => lhr.audits[audit].details.items.map(({ url }) => url);
  const layoutShift = lhr.audits['cumulative-layout-shift'].numericValue;
  return { requests: items('network-requests'), renderBlocking: items('render-blocking-resources'), layoutShift };
}

for (const [device, config] of [['phone', undefined], ['desk', desktopConfig]]) {
  test(`Lighthouse finds nothing to mend on a ${device}`, async (t) => {
    const options = { port: chromium.port, onlyCategories: ['performance', ...JUDGED], output: 'html', logLevel: 'error' };
    const { lhr, report } = await lighthouse(charter.url, options, config);
    writeFileSync(`${REPORTS}/${device}.html`, report);
    assert.equal(lhr.runtimeError, undefined);
    const score = (category) => Math.round(lhr.categories[category].score * 100);
    const scores = Object.fromEntries(Object.keys(lhr.categories).map((category) => [category, score(category)]));
    t.diagnostic(`${device}: ${JSON.stringify(scores)}`);
    const lost = Object.values(lhr.audits).filter(({ score, scoreDisplayMode }) => scoreDisplayMode === 'binary' && score === 0).map(({ id }) => id);
    assert.deepEqual(found(lhr), { requests: [charter.url], renderBlocking: [], layoutShift: 0 });
    const bytes = lhr.audits['total-byte-weight'].numericValue;
    assert.ok(bytes > 0 && bytes <= MOST_BYTES, `${bytes} bytes`);
    for (const category of JUDGED) assert.ok(scores[category] >= AT_LEAST, `${JSON.stringify(scores)}; lost: ${lost}`);
  });
}
